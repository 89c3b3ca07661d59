"""Hand-overs between signing keys: read by whoever trusts one of them, refused unless both have signed."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.checkpoint import Checkpoint, sign_checkpoint
from imp_consent.ledger.handover import format_handover, handovers, parse_handover, trusted_keys
from imp_consent.ledger.note import SigningKey, sign_note
from imp_core.errors import BadInput, ImpError, LedgerBroken
from imp_core.ports import SystemEntry

NAME = "imp.local/log-1"
FIRST, SECOND, THIRD, STRANGER = (SigningKey.from_seed(NAME, bytes([n]) * 32) for n in range(1, 5))


def entry(note: object, seq: int, type_: str = "key") -> SystemEntry:
    return SystemEntry(seq=seq, type=type_, at_us=0, actor="tester", fields={"handover": note})  # type: ignore[dict-item]


LOG = [
    entry(format_handover(FIRST, SECOND, seq=7), 7),
    SystemEntry(seq=8, type="key", at_us=0, actor="tester", fields={"purpose": "kek"}),
    entry(format_handover(SECOND, THIRD, seq=20), 20),
]


def note(size: int, *keys: SigningKey) -> str:
    return sign_checkpoint(Checkpoint(NAME, size, bytes(32)), *keys)


def test_a_hand_over_is_a_note_that_names_its_place_and_both_keys() -> None:
    text = format_handover(FIRST, SECOND, seq=7)
    lines = text.split("\n")
    assert lines[:3] == ["imp signing-key hand-over", NAME, "7"]
    assert lines[3:5] == [FIRST.verifier.format(), SECOND.verifier.format()]
    assert len([line for line in lines if line.startswith("\u2014 ")]) == 2
    found = parse_handover(text)
    assert (found.seq, found.old, found.new) == (7, FIRST.verifier, SECOND.verifier)


@pytest.mark.parametrize("trusted", [FIRST, SECOND, THIRD])
def test_whoever_trusts_one_key_of_the_chain_finds_all_newest_first(trusted: SigningKey) -> None:
    assert trusted_keys([trusted.verifier], LOG).keys == (THIRD.verifier, SECOND.verifier, FIRST.verifier)


def test_a_stranger_is_led_nowhere_and_without_hand_overs_trust_stays_where_it_was() -> None:
    assert trusted_keys([STRANGER.verifier], LOG).keys == (STRANGER.verifier,)
    assert trusted_keys([FIRST.verifier], []).keys == (FIRST.verifier,)


def test_an_old_key_signs_nothing_larger_than_where_it_handed_over() -> None:
    trusted = trusted_keys([FIRST.verifier], LOG)
    assert trusted.open_checkpoint(note(7, FIRST)).size == 7
    assert trusted.open_checkpoint(note(8, FIRST, SECOND)).size == 8
    assert trusted.open_checkpoint(note(20, SECOND)).size == 20
    assert trusted.open_checkpoint(note(21, THIRD)).size == 21
    for size, key in ((8, FIRST), (21, SECOND)):
        with pytest.raises(LedgerBroken, match="handed over before"):
            trusted.open_checkpoint(note(size, key))
    with pytest.raises(LedgerBroken, match="not signed by any known key"):
        trusted.open_checkpoint(note(3, STRANGER))


def text_of(old: SigningKey, new: SigningKey, seq: object = 7) -> str:
    return f"imp signing-key hand-over\n{NAME}\n{seq}\n{old.verifier.format()}\n{new.verifier.format()}\n"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "nothing\n\n",
        sign_note(text_of(FIRST, SECOND), FIRST),
        sign_note(text_of(FIRST, SECOND), SECOND),
        sign_note(text_of(FIRST, SECOND), FIRST, STRANGER),
        sign_note(text_of(FIRST, SECOND, "07"), FIRST, SECOND),
        sign_note(text_of(FIRST, SECOND, "-7"), FIRST, SECOND),
        sign_note(text_of(FIRST, SECOND, "9" * 5000), FIRST, SECOND),
        sign_note(text_of(FIRST, FIRST), FIRST),
        sign_note(text_of(FIRST, SECOND) + "more\n", FIRST, SECOND),
        sign_note(text_of(FIRST, SECOND).replace(NAME, "imp.local/other", 1), FIRST, SECOND),
        format_handover(FIRST, SECOND, seq=7).replace("\n7\n", "\n8\n"),
    ],
)
def test_what_not_both_keys_have_signed_word_for_word_is_refused(bad: str) -> None:
    with pytest.raises(LedgerBroken):
        parse_handover(bad)


@pytest.mark.parametrize(
    "log",
    [
        [entry(format_handover(FIRST, SECOND, seq=7), 9)],
        [LOG[0], entry(format_handover(FIRST, THIRD, seq=20), 20)],
        [entry(None, 6), entry(17, 7)],
        [LOG[0], LOG[0]],
    ],
)
def test_a_hand_over_out_of_its_place_is_refused(log: list[SystemEntry]) -> None:
    with pytest.raises(LedgerBroken):
        trusted_keys([FIRST.verifier], log)


def test_entries_of_other_types_hand_nothing_over() -> None:
    assert list(handovers([entry(format_handover(FIRST, SECOND, seq=7), 7, "policy")])) == []


def test_a_key_hands_over_to_another_one_of_the_same_log() -> None:
    elsewhere = SigningKey("imp.local/other", SECOND.private)
    for new in (FIRST, elsewhere):
        with pytest.raises(BadInput):
            format_handover(FIRST, new, seq=1)


@given(st.data())
def test_a_changed_hand_over_never_says_something_else(data: st.DataObject) -> None:
    sound = format_handover(FIRST, SECOND, seq=7).encode()
    at = data.draw(st.integers(0, len(sound) - 1))
    changed = sound[:at] + data.draw(st.binary(max_size=3)) + sound[at + data.draw(st.integers(0, 3)) :]
    try:
        found = parse_handover(changed)
    except ImpError:
        return
    assert (found.seq, found.old, found.new) == (7, FIRST.verifier, SECOND.verifier)


@given(st.text() | st.binary().map(lambda data: base64.b64encode(data).decode()))
def test_no_text_escapes_as_a_foreign_error(text: str) -> None:
    with pytest.raises(ImpError):
        parse_handover(text)
