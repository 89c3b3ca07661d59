"""Every rotation leaves every answer as it was, in the process that did it, in others and in new ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imp_consent.identity.keys import FIXED, Keyring, KeyState
from imp_consent.ledger.handover import TrustedKey, trusted_keys
from imp_consent.ledger.layout import SEALED
from imp_consent.ledger.log import signing_key, verifier_keys
from imp_consent.ledger.note import open_note
from imp_consent.ledger.rotate import retire, rotate, rows_of_epoch
from imp_consent.ledger.suppression import is_suppressed, loose_tokens, suppress
from imp_consent.ledger.wrap import wrap
from imp_core.errors import BadInput, CheckFailed, KeysUnusable, LedgerBroken
from imp_core.event import RawId

CHANGES = [
    ("rotate", "pepper"),
    ("rotate", "kek"),
    ("rotate", "row"),
    ("rotate", "sign"),
    ("wrap", "pepper"),
    ("wrap", "supp"),
]


def change(log: Any, what: tuple[str, str]) -> None:
    (rotate if what[0] == "rotate" else wrap)(log, what[1])


def epochs(log: Any) -> list[int]:
    with log.read() as reader:
        return sorted(int(str(row[1])) for row in reader.sealed.select("identifier"))


@pytest.mark.parametrize("what", CHANGES)
def test_r56_a_change_of_keys_changes_no_answer(ledger: Any, what: tuple[str, str]) -> None:
    other, log = ledger.open(), ledger.open()
    before, ids = ledger.answers(other), log.keyring.in_use()
    change(log, what)
    assert {purpose for purpose, id_ in log.keyring.in_use().items() if ids[purpose] != id_} == {what[1]}
    assert log.keyring.settled
    assert before == ledger.answers(log) == ledger.answers(other) == ledger.answers(ledger.open())
    for one in (other, ledger.open(), log):
        ledger.say(one, "ann", "withdraw")
        ledger.say(one, "ann")
    assert ledger.answers(log) == before
    assert other.checkpoint().size == log.size


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.just("change"), st.sampled_from(CHANGES))
        | st.tuples(st.sampled_from(["grant", "withdraw", "refuse"]), st.sampled_from(["ann", "dan", "eve", "李娜"])),
        max_size=8,
    )
)
def test_r56_any_changes_of_keys_among_anybodys_words_leave_every_answer(make_ledger: Any, steps: list[Any]) -> None:
    changed, plain = make_ledger(), make_ledger()
    logs = [changed.open(), changed.open()]
    still = plain.open()
    for number, (what, which) in enumerate(steps):
        if what == "change":
            change(logs[number % 2], which)
        else:
            changed.say(logs[number % 2], which, what)
            plain.say(still, which, what)
    for log in (*logs, changed.open()):
        assert [permitted for _, permitted in changed.answers(log)] == [
            permitted for _, permitted in plain.answers(still)
        ]


def test_a_rotated_pepper_finds_everybody_and_moves_them_as_they_are_met(ledger: Any) -> None:
    log = ledger.open()
    old = log.keyring.active("pepper")
    rotate(log, "pepper")
    assert epochs(log) == [1, 1, 1, 1]
    ledger.say(log, "ann")
    ledger.say(log, "new")
    assert epochs(log) == [1, 1, 1, 2, 2]
    with pytest.raises(CheckFailed, match="3 identifiers"):
        retire(log, old.id)
    with log.write() as transaction:
        assert all(transaction.find_subject(RawId("member", name)) for name in ("ben", "cid", "王伟"))
    assert epochs(log) == [2] * 5
    retire(log, old.id)
    assert not ledger.open().keyring.has("pepper", old.id)
    assert old.secret not in b"".join(path.read_bytes() for path in ledger.keys.iterdir())


def test_a_wrapped_pepper_moves_everybody_at_once_and_both_keys_are_needed(ledger: Any) -> None:
    log = ledger.open()
    rotate(log, "pepper")
    ledger.say(log, "ann")
    answers = ledger.answers(log)
    first, second = sorted(log.keyring.peppers(), key=lambda key: key.epoch)
    wrap(log, "pepper")
    assert epochs(log) == [3] * 4
    assert log.keyring.active("pepper").wraps == (second.id, first.id)
    assert ledger.answers(log) == answers
    for key in (first, second):
        with pytest.raises(CheckFailed, match="wraps this one"):
            retire(log, key.id)
    ledger.say(log, "late")
    rotate(log, "pepper")
    for name in ("ann", "ben", "cid", "王伟", "late"):
        ledger.say(log, name)
    third = log.keyring.peppers()[1]
    for key in (third, second, first):
        retire(log, key.id)
    assert [key.epoch for key in ledger.open().keyring.peppers()] == [4]
    assert ledger.answers(log)[0][0] == answers[0][0]


def test_a_wrapped_suppression_key_still_knows_who_was_erased(ledger: Any) -> None:
    log = ledger.open()
    erased, other = RawId("email", "Ann@example.com"), RawId("email", "ben@example.com")
    with log.write() as transaction:
        suppress(transaction.sealed, loose_tokens(transaction.keyring, erased))
    with log.read() as reader:
        tokens = {row[0] for row in reader.sealed.select("suppression")}
    wrap(log, "supp")
    wrap(log, "supp")
    with log.read() as reader:
        assert is_suppressed(reader.sealed, reader.keyring, erased)
        assert not is_suppressed(reader.sealed, reader.keyring, other)
        assert not tokens & {row[0] for row in reader.sealed.select("suppression")}
        assert {row[7] for row in reader.sealed.select("identifier")} == {reader.keyring.active("supp").id}
    assert len(log.keyring.every("supp")) == 3


def test_a_new_row_key_seals_every_row_and_the_old_one_none(ledger: Any) -> None:
    log = ledger.open()
    old = log.keyring.active("row")
    rotate(log, "row")
    with log.read() as reader:
        assert sum(1 for table in SEALED for _ in reader.sealed.select(table)) >= 8
    assert not log.keyring.has("row", old.id)


def test_a_row_key_is_not_changed_over_a_row_that_other_hands_changed(ledger: Any) -> None:
    log = ledger.open()
    with log.read() as reader:
        sql = reader.sql
    sql.execute("UPDATE consent_state SET permit = 1 WHERE permit = 0")
    before = log.keyring.in_use()
    with pytest.raises(LedgerBroken, match="changed by other hands"):
        rotate(log, "row")
    assert ledger.open().keyring.in_use() == before
    assert len(list(ledger.keys.glob("row-*.key"))) == 1


def test_a_new_signing_key_is_handed_over_to_and_the_first_checkpoint_bears_both(ledger: Any) -> None:
    log = ledger.open()
    stale = ledger.open()
    first = signing_key(log.keyring, "keyed").verifier
    old_note = log.checkpoint().note
    seq = rotate(log, "sign").seq
    second = signing_key(log.keyring, "keyed").verifier
    assert first != second
    note = (ledger.keys / "checkpoint").read_text()
    assert {signature.key_id for signature in open_note(note, [first, second]).verified} == {
        first.key_id,
        second.key_id,
    }
    ledger.say(log, "ann")
    later = log.checkpoint().note
    assert [signature.key_id for signature in open_note(later, [first, second]).verified] == [second.key_id]
    assert stale.size == log.size
    assert verifier_keys(log.keyring, "keyed") == (second, first)
    with log.read() as reader:
        entries = list(reader.system_entries("key"))
    trusted = trusted_keys([TrustedKey(key=first)], entries, origin=first.name)
    assert trusted.keys == (second, first)
    assert [trusted.open_checkpoint(text).size for text in (old_note, note, later)] == [seq, seq + 1, seq + 2]


def test_a_retired_signing_key_has_lost_its_secret_and_kept_its_public_half(ledger: Any) -> None:
    log = ledger.open()
    old = log.keyring.active("sign")
    public = signing_key(log.keyring, "keyed").verifier.public
    rotate(log, "sign")
    kept = ledger.open().keyring.by_id("sign", old.id)
    assert (kept.state, kept.secret, kept.public) == (KeyState.RETIRED, b"", public)
    assert old.secret not in b"".join(path.read_bytes() for path in ledger.keys.iterdir())


@pytest.mark.parametrize("purpose", [*FIXED, "supp"])
def test_keys_that_stay_say_why(ledger: Any, purpose: str) -> None:
    with pytest.raises(CheckFailed, match="key is n"):
        rotate(ledger.open(), purpose)


def test_keys_of_no_such_purpose_are_refused(ledger: Any) -> None:
    log = ledger.open()
    for action in (rotate, wrap):
        with pytest.raises(BadInput):
            action(log, "nonsense")
    with pytest.raises(BadInput):
        wrap(log, "kek")
    for bad in ("nonsense", ""):
        with pytest.raises(BadInput, match="no key of this id"):
            retire(log, bad)


def test_keys_in_use_and_keys_of_other_purposes_are_not_retired(ledger: Any) -> None:
    log = ledger.open()
    old = log.keyring.active("sign").id
    rotate(log, "sign")
    with pytest.raises(CheckFailed, match="in use"):
        retire(log, log.keyring.active("pepper").id)
    with pytest.raises(CheckFailed, match="not retired by hand"):
        retire(log, old)


def test_a_ring_older_than_the_ledger_is_refused_by_name(ledger: Any) -> None:
    kept = {path.name: path.read_bytes() for path in ledger.keys.glob("kek-*.key")}
    log = ledger.open()
    newer = rotate(log, "kek").id
    for path in ledger.keys.glob("kek-*.key"):
        path.unlink()
    for name, data in kept.items():
        (ledger.keys / name).write_bytes(data)
        (ledger.keys / name).chmod(0o600)
    before = sorted(ledger.keys.iterdir())
    late = ledger.open()
    with pytest.raises(KeysUnusable, match=f"kek key {newer}"):
        ledger.answers(late)
    assert sorted(ledger.keys.iterdir()) == before


def test_no_key_entry_holds_a_secret(ledger: Any) -> None:
    log = ledger.open()
    secrets = {key.secret for key in log.keyring.keys}
    for what in CHANGES:
        change(log, what)
        secrets |= {key.secret for key in log.keyring.keys if key.secret}
    with log.read() as reader:
        said = b"".join(leaf for (leaf,) in reader.sql.execute("SELECT leaf FROM entry"))
        assert len(list(reader.system_entries("key"))) == len(CHANGES)
        assert rows_of_epoch(reader, log.keyring.active("pepper").epoch) == 4
    assert not any(secret in said or secret.hex().encode() in said for secret in secrets)


def test_two_changes_one_after_the_other_number_their_keys(ledger: Any) -> None:
    log = ledger.open()
    for _ in range(3):
        rotate(log, "kek")
    assert log.keyring.active("kek").epoch == 4
    assert [key.epoch for key in Keyring.open(ledger.keys, "keyed").every("kek")] == [4]
