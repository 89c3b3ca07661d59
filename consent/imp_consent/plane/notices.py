"""Recipients that have to be told of an erasure, a correction, a restriction or an opt-out, and the result.

The first three by GDPR 17(2) and 19, the last by GDPR 7(3) and 11 CCR §7026(f), purpose by purpose.

Who is told by a person lies in the outbox beside what channels are told by `imp consent tell`: the recipient's name,
its own pseudonym of the person, what it has to be told and by when. Once it was told the rows go, and an `answer` entry
says whom, of what, of how many people and with what result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from imp_consent.identity.pseudonym import channel_pseudonym
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_core.clock import DAY_US
from imp_core.errors import BadInput, CheckFailed
from imp_core.ports import Json

__all__ = [
    "NOTIFIED_OF",
    "OPT_OUT",
    "RESULTS",
    "DueNotice",
    "Word",
    "due_notices",
    "leave_notice",
    "note_answer",
    "notice_recipients",
    "settle_notices",
    "words_left",
]

OPT_OUT: Final = "opt-out"
NOTIFIED_OF: Final = ("erase", "rectify", "restrict", OPT_OUT)
# What may come of telling somebody; "impossible" is what GDPR 19 excuses, disproportionate effort included.
RESULTS: Final = ("told", "refused", "impossible")
_TABLE: Final = "outbox"
_WITHIN_US: Final = 30 * DAY_US  # one month (GDPR 12(3)), in days so that the date is certain
_MOST: Final = 300
_SEE: Final = "see: imp consent recipients list"

Word = tuple[str, str, bytes]  # of what, to whom, and its pseudonym of whom


@dataclass(frozen=True, slots=True, kw_only=True)
class DueNotice:
    """A recipient that has to be told: of what, of how many people, the first by when (UTC µs), how many are late.

    `purpose` is the one that people opted out of, None of what concerns all their data.
    """

    recipient: str
    what: str
    purpose: str | None
    people: int
    due_us: int
    overdue: int


def notice_recipients(transaction: Transaction, subject: int, names: Iterable[str], what: str) -> int:
    """Leave word for each recipient unless it is there already; returns for how many."""
    return leave_notice(transaction, subject, names, what)


def words_left(transaction: Transaction) -> set[Word]:
    """All that is due of opt-outs and withdrawals, for `leave_notice` of many people in one transaction."""
    found = transaction.sql.execute("SELECT what, channel, pseudonym FROM outbox WHERE what LIKE '% %'")
    return {(str(what), str(name), bytes(pseudonym)) for what, name, pseudonym in found}


def leave_notice(
    transaction: Transaction,
    subject: int,
    names: Iterable[str],
    what: str,
    *,
    due_us: int | None = None,
    left: set[Word] | None = None,
) -> int:
    """The same, of what may be a word with a purpose after it, and due by then (None: in a month).

    `left` is what is there already, and is added to; None: it is looked up.
    """
    wanted = list(dict.fromkeys(name[:_MOST] for name in names))
    if not wanted:
        return 0
    key = transaction.keyring.active("channel").secret
    (last,) = transaction.sql.execute("SELECT coalesce(max(id), 0) FROM outbox").fetchone()
    by_us = transaction.now_us + _WITHIN_US if due_us is None else due_us
    rows: list[tuple[int | str | bytes, ...]] = []
    for name in wanted:
        pseudonym = channel_pseudonym(key, name, subject)
        if not _is_left(transaction, (what, name, pseudonym), left):
            rows.append((int(last) + 1 + len(rows), name, pseudonym, what, by_us, "due"))
    transaction.sealed.insert(_TABLE, rows)
    return len(rows)


def _is_left(transaction: Transaction, word: Word, left: set[Word] | None) -> bool:
    if left is None:
        where = "what = ? AND channel = ? AND pseudonym = ?"
        return any(True for _ in transaction.sealed.select(_TABLE, where, word))
    there = word in left
    left.add(word)
    return there


def due_notices(reader: Reader, *, now_us: int) -> list[DueNotice]:
    """Who still has to be told of what, by name; what channels are told by `imp consent tell` is not among it.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    found: dict[tuple[str, str], list[int]] = {}
    marks = ", ".join("?" * len(NOTIFIED_OF))
    where = f"(what IN ({marks}) OR what LIKE ?) AND state = 'due' ORDER BY channel, what"
    for row in reader.sealed.select(_TABLE, where, (*NOTIFIED_OF, f"{OPT_OUT} %")):
        found.setdefault((str(row[1]), str(row[3])), []).append(int(str(row[4])))
    return [
        DueNotice(
            recipient=name,
            what=what.partition(" ")[0],
            purpose=what.partition(" ")[2] or None,
            people=len(times),
            due_us=min(times),
            overdue=sum(t < now_us for t in times),
        )
        for (name, what), times in found.items()
    ]


def settle_notices(
    transaction: Transaction, recipient: str, what: str, result: str, *, purpose: str | None = None
) -> int:
    """Note that a recipient was told; returns the seq of the entry that says so. An opt-out is of one purpose.

    Raises:
        BadInput: nothing that anybody is told of, no such result, an opt-out without its purpose, or the reverse.
        CheckFailed: it does not have to be told of that.
    """
    if what not in NOTIFIED_OF or result not in RESULTS:
        raise BadInput(
            "not a notice or result", mend=f"of {', '.join(NOTIFIED_OF)}; result {', '.join(RESULTS)}", where="--what"
        )
    if (what == OPT_OUT) != (purpose is not None):
        raise BadInput("an opt-out is of a purpose, and nothing else is", where="--purpose", mend=_SEE)
    stored = what if purpose is None else f"{what} {purpose}"
    n = transaction.sealed.delete(_TABLE, "what = ? AND channel = ? AND state = 'due'", (stored, recipient))
    if not n:
        raise CheckFailed("this recipient does not have to be told of that", where="recipient", mend=_SEE)
    return note_answer(transaction, recipient, what, {result: n}, purpose=purpose)


def note_answer(
    transaction: Transaction, recipient: str, what: str, counts: dict[str, int], *, purpose: str | None = None
) -> int:
    """Append what came of telling a recipient, in counts: it names nobody."""
    said: dict[str, Json] = {"recipient": recipient, "what": what, "counts": dict(sorted(counts.items()))}
    return transaction.append_system("answer", said if purpose is None else {**said, "purpose": purpose})
