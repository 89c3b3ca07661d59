"""A person's rows of state follow each entry as it is written; `test_forms_agree.py` asks of every history."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.ledger.log import Log, create_log
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.project import TABLE, format_row, project, refold
from imp_consent.policy.state import replay
from imp_core.clock import SimulatedClock
from imp_core.event import RawId
from imp_core.randomness import SeededRandomness

# Each is of another kind: a plain yes, one that ends, a no to everything, one of a channel, a yes that opens again.
SAID = (
    Statement(type="grant", purpose="ads", channel="", at_us=10, until_us=500),
    Statement(type="restrict", purpose="*", channel="", at_us=20),
    Statement(type="grant", purpose="ads.mail", channel="email", at_us=30),
    Statement(type="refuse", purpose="ads", channel="email", at_us=15),
    Statement(type="lift", purpose="*", channel="", at_us=60, lifts="restrict"),
    Statement(type="withdraw", purpose="ads", channel="", at_us=70),
    Statement(type="erase-requested", purpose="*", channel="", at_us=80),
)


def ledger(folder: Path, seen: list[Sequence[PersonEntry]]) -> Log:
    """A new ledger, whose projection hands on what the real one hands back."""

    def projection(transaction: Transaction, subject: int) -> None:
        seen.append(project(transaction, subject))

    keyring = Keyring.create(folder / "keys", "log-1")
    create_log(folder / "ledger.db", keyring, "log-1")
    clock, randomness = SimulatedClock(1000), SeededRandomness(1)
    path = folder / "ledger.db"
    return Log(path, keyring, log_id="log-1", clock=clock, randomness=randomness, actor="x", projection=projection)


def rows(transaction: Transaction, subject: int) -> list[tuple[int | str, ...]]:
    return sorted(transaction.sealed.select(TABLE, "subject = ?", (subject,)))


def test_after_each_entry_the_rows_are_those_that_all_entries_make(tmp_path: Path) -> None:
    seen: list[Sequence[PersonEntry]] = []
    log = ledger(tmp_path, seen)
    with log.write() as transaction:
        for order in (SAID, SAID[::-1], SAID[1:]):
            subject = transaction.subject_for(RawId("member", str(SAID.index(order[0])) + order[-1].type))
            for number, statement in enumerate(order, 1):
                transaction.append_person(subject, statement, {})
                history = transaction.history(subject)
                made = [format_row(subject, scope, one) for scope, all_ in replay(history).items() for one in all_]
                assert rows(transaction, subject) == sorted(made)
                assert list(seen[-1]) == list(history), "what is known of the person by now is handed back"
                assert [entry.statement for entry in seen[-1]] == list(order[:number])
    log.close()


def test_one_persons_entry_leaves_everybody_elses_rows_and_refolding_changes_none(tmp_path: Path) -> None:
    log = ledger(tmp_path, [])
    with log.write() as transaction:
        ann, bob = (transaction.subject_for(RawId("member", name)) for name in ("ann", "bob"))
        for subject in (ann, bob):
            transaction.append_person(subject, SAID[0], {})
        before = rows(transaction, ann)
        transaction.append_person(bob, SAID[5], {})
        assert rows(transaction, ann) == before
        assert len(rows(transaction, bob)) > len(before)
        transaction.subjects.flush()
        assert refold(transaction) == 0
    log.close()
