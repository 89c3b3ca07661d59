"""Hand-overs between signing keys: read by whoever trusts one of them, refused unless both have signed."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.checkpoint import Checkpoint, sign_checkpoint
from imp_consent.ledger.handover import (
    TrustedKey,
    TrustedKeys,
    format_handover,
    given_keys,
    handovers,
    parse_handover,
    trusted_keys,
)
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


def brought(*keys: SigningKey | tuple[SigningKey, int]) -> list[TrustedKey]:
    pairs = [key if isinstance(key, tuple) else (key, None) for key in keys]
    return [TrustedKey(key=key.verifier, until_size=until) for key, until in pairs]


def trust(*keys: SigningKey | tuple[SigningKey, int], log: list[SystemEntry] = LOG) -> TrustedKeys:
    return trusted_keys(brought(*keys), log, origin=NAME)


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
    assert trust(trusted).keys == (THIRD.verifier, SECOND.verifier, FIRST.verifier)


def test_without_hand_overs_the_one_key_that_is_given_is_trusted_as_far_as_it_is_given() -> None:
    assert trust(FIRST, log=[]).spans == tuple(brought(FIRST))
    assert trust((FIRST, 7), log=[]).spans == tuple(brought((FIRST, 7)))
    assert trust(FIRST, (FIRST, 9), (FIRST, 7), FIRST, log=[]).spans == tuple(brought((FIRST, 7))), "the narrowest"


@pytest.mark.parametrize(
    ("keys", "log"),
    [
        ([STRANGER], LOG),
        ([STRANGER, FIRST], LOG),
        ([THIRD, FIRST], LOG[:2]),
        ([SECOND, FIRST], []),
        ([SECOND, (FIRST, 7)], []),
        ([SECOND, FIRST], [entry(format_handover(FIRST, STRANGER, seq=3), 3)]),
    ],
)
def test_a_log_that_leaves_out_one_of_the_given_keys_is_refused(keys: list[Any], log: list[SystemEntry]) -> None:
    left_out = (STRANGER if STRANGER in keys else THIRD if THIRD in keys else SECOND).verifier.key_id.hex()
    with pytest.raises(LedgerBroken, match=f"a key that was given: .*{left_out}"):
        trust(*keys, log=log)


def test_a_limit_that_was_given_is_the_one_at_which_the_log_hands_over() -> None:
    trusted = trust(THIRD, (SECOND, 20), (FIRST, 7))
    assert [(span.first_size, span.until_size) for span in trusted.spans] == [(21, None), (8, 20), (0, 7)]
    with pytest.raises(LedgerBroken, match="at another size than 6"):
        trust(THIRD, (FIRST, 6))
    assert trust((THIRD, 40), FIRST).spans[0].until_size == 40, "it handed over after the end of this log"


def test_keys_of_other_logs_are_neither_linked_nor_let_sign_for_this_one() -> None:
    others = [SigningKey.from_seed("imp.local/other", bytes([n]) * 32) for n in (1, 2)]
    trusted = trust(THIRD, *others)
    assert len(trusted.keys) == 5
    both = sign_checkpoint(Checkpoint(NAME, 30, bytes(32)), FIRST).removesuffix("\n")
    witnessed = sign_note(Checkpoint(NAME, 30, bytes(32)).format(), others[0]).rpartition("\n\n")[2]
    with pytest.raises(LedgerBroken, match="handed over before"):
        trusted.open_checkpoint(f"{both}\n{witnessed}")
    with pytest.raises(LedgerBroken, match="of another log"):
        trusted_keys(brought(*others), LOG, origin="imp.local/other")
    assert trusted_keys(brought(*others[:1]), [], origin=NAME).keys == (others[0].verifier,)
    assert trust(*others).keys == tuple(key.verifier for key in others), "no key of this log, none that it leads to"


def test_without_a_log_only_one_key_may_be_without_a_limit() -> None:
    trusted = given_keys(brought(SECOND, (FIRST, 7)))
    assert trusted.open_checkpoint(note(99, SECOND)).size == 99
    assert trusted.open_checkpoint(note(7, FIRST)).size == 7
    with pytest.raises(LedgerBroken, match="handed over before"):
        trusted.open_checkpoint(note(8, FIRST))
    with pytest.raises(BadInput, match="2 verifier keys of one log"):
        given_keys(brought(SECOND, FIRST))
    other = SigningKey.from_seed("imp.local/other", bytes([1]) * 32)
    assert len(given_keys(brought(SECOND, other)).spans) == 2


def test_what_a_log_tells_of_its_keys_when_it_was_smaller() -> None:
    def told(size: int) -> list[tuple[object, object]]:
        return [(span.key, span.until_size) for span in trust(THIRD).as_of(size).spans]

    assert told(7) == [(FIRST.verifier, None)]
    assert told(8) == told(20) == [(SECOND.verifier, None), (FIRST.verifier, 7)]
    assert told(21) == [(THIRD.verifier, None), (SECOND.verifier, 20), (FIRST.verifier, 7)]


def test_a_key_signs_nothing_from_before_or_after_it_was_in_use() -> None:
    trusted = trust(FIRST)
    assert trusted.open_checkpoint(note(7, FIRST)).size == 7
    assert trusted.open_checkpoint(note(8, FIRST, SECOND)).size == 8
    assert trusted.open_checkpoint(note(20, SECOND)).size == 20
    assert trusted.open_checkpoint(note(21, THIRD)).size == 21
    for size, key in ((8, FIRST), (21, SECOND), (7, SECOND), (20, THIRD)):
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
        [LOG[0], entry(format_handover(SECOND, FIRST, seq=20), 20)],
    ],
)
def test_a_hand_over_out_of_its_place_is_refused(log: list[SystemEntry]) -> None:
    with pytest.raises(LedgerBroken):
        trust(FIRST, log=log)


def test_two_keys_of_one_id_hand_nothing_over() -> None:
    # the id has four bytes: such a pair is found in seconds
    old, new = (SigningKey.from_seed(NAME, n.to_bytes(32, "big")) for n in (52798, 76487))
    assert old.verifier.key_id == new.verifier.key_id
    with pytest.raises(LedgerBroken, match="not a hand-over"):
        parse_handover(text_of(old, new) + "\n\u2014 x AAAAAAAA\n")


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
