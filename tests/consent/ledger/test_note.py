from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.note import SigningKey, VerifierKey, open_note, sign_note, unbase64
from imp_core.errors import BadInput, LedgerBroken

GO: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "note_go.json").read_text(encoding="utf-8"))
SIGNER = SigningKey.from_seed("PeterNeumann", base64.b64decode(GO["seed_base64"]))
PETER, ENOCH = VerifierKey.parse(GO["peter"]), VerifierKey.parse(GO["enoch"])
TEXT, PETER_LINE, ENOCH_LINE = GO["text"], GO["peter_line"], GO["enoch_line"]
NOTE = f"{TEXT}\n{PETER_LINE}"


def test_gos_note_is_signed_byte_for_byte_and_opened() -> None:
    assert sign_note(TEXT, SIGNER) == NOTE
    note = open_note(NOTE, [PETER])
    assert note.text == TEXT
    assert [(s.name, s.key_id.hex(), len(s.signature)) for s in note.verified] == [("PeterNeumann", "c74f20a3", 64)]
    assert note.unverified == ()
    assert open_note(NOTE.encode(), [PETER]) == note


def test_gos_keys_are_parsed_and_written_byte_for_byte() -> None:
    assert PETER.format() == GO["peter"]
    assert ENOCH.format() == GO["enoch"]
    assert SIGNER.verifier == PETER
    assert PETER.key_id.hex() == "c74f20a3"


def test_signatures_of_unknown_keys_are_kept_apart_and_repeated_ones_counted_once() -> None:
    both = open_note(NOTE + ENOCH_LINE, [PETER])
    assert [s.name for s in both.verified] == ["PeterNeumann"]
    assert [s.name for s in both.unverified] == ["EnochRoot"]
    assert [s.name for s in open_note(NOTE + ENOCH_LINE, [ENOCH, PETER]).verified] == ["PeterNeumann", "EnochRoot"]
    twice = open_note(NOTE + PETER_LINE + ENOCH_LINE * 2, [PETER, PETER])
    assert (len(twice.verified), len(twice.unverified)) == (1, 1)


def test_two_keys_sign_one_note() -> None:
    other = SigningKey.from_seed("imp.local/1", bytes(32))
    note = open_note(sign_note("a\n\nb\n", SIGNER, other), [other.verifier, PETER])
    assert note.text == "a\n\nb\n"
    assert len(note.verified) == 2


@pytest.mark.parametrize(
    "keys", [[], [ENOCH], [VerifierKey("Peter", PETER.public)], [VerifierKey("PeterNeumann", ENOCH.public)]]
)
def test_a_note_without_a_signature_of_a_known_key_is_refused(keys: list[VerifierKey]) -> None:
    with pytest.raises(LedgerBroken, match="not signed by any known key"):
        open_note(NOTE, keys)


def test_a_known_keys_bad_signature_spoils_the_note_even_beside_a_good_one() -> None:
    changed = ENOCH_LINE.replace("rwz+eBzm", "rwz+eBzn")
    for note in (
        NOTE.replace("problem is", "problem was"),
        NOTE[:160] + ("A" if NOTE[160] != "A" else "B") + NOTE[161:],
    ):
        with pytest.raises(LedgerBroken, match="not valid"):
            open_note(note, [PETER])
    with pytest.raises(LedgerBroken, match="not valid"):
        open_note(NOTE + changed, [PETER, ENOCH])
    short = "— PeterNeumann " + base64.b64encode(PETER.key_id + b"short").decode() + "\n"
    with pytest.raises(LedgerBroken, match="not valid"):
        open_note(NOTE + short, [PETER])


def test_two_different_keys_of_one_name_and_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VerifierKey, "key_id", property(lambda _: b"\xc7\x4f\x20\xa3"))
    with pytest.raises(BadInput, match="share one name"):
        open_note(NOTE, [PETER, VerifierKey("PeterNeumann", ENOCH.public)])


@pytest.mark.parametrize(
    "note",
    [
        b"",
        TEXT.encode(),
        f"{TEXT}\n".encode(),
        NOTE[:-1].encode(),
        f"{TEXT}{PETER_LINE}".encode(),
        b"\x01" + NOTE.encode(),
        b"\xff" + NOTE.encode(),
        NOTE.replace("\n", "\r\n").encode(),
        f"{TEXT}\n— Bad Name x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pA==\n".encode(),
        f"{TEXT}\n— Bad+Name x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pA==\n".encode(),
        f"{TEXT}\n—  x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pA==\n".encode(),
        f"{TEXT}\n- PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pA==\n".encode(),
        f"{TEXT}\n— PeterNeumann x08gow==\n".encode(),
        f"{TEXT}\n— PeterNeumann x08go!!!\n".encode(),
        f"{NOTE}Unexpected line.\n".encode(),
        f"{NOTE}\n".encode(),
        f"{TEXT}\n{PETER_LINE * 101}".encode(),
        ("x" * 1_000_000 + "\n\n" + PETER_LINE).encode(),
    ],
    ids=range(18),
)
def test_what_is_not_a_note_is_refused(note: bytes) -> None:
    with pytest.raises(LedgerBroken, match="not a signed note"):
        open_note(note, [PETER])


def test_sixteen_signatures_are_taken() -> None:
    signers = [SigningKey.from_seed(f"witness/{i}", bytes([i]) * 32) for i in range(16)]
    assert len(open_note(sign_note("x\n", *signers), [s.verifier for s in signers]).verified) == 16


@pytest.mark.parametrize("text", ["", "abc", "a\n\tb\n", "a\r\n", "\x00\n", "\ud800\n"])
def test_a_text_that_cannot_be_signed_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        sign_note(text, SIGNER)
    with pytest.raises(BadInput):
        sign_note("x\n")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "a\tb", "a\u00a0b", "a\u2028b", "a\x01b", "\ud800"])
def test_a_name_that_no_key_can_have_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        VerifierKey(name, PETER.public)
    with pytest.raises(BadInput):
        SigningKey.from_seed(name, bytes(32))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_the_wrong_length_is_refused(size: int) -> None:
    with pytest.raises(BadInput):
        VerifierKey("a", bytes(size))
    with pytest.raises(BadInput):
        SigningKey.from_seed("a", bytes(size))


def test_no_part_and_no_mangling_of_a_verifier_key_is_taken() -> None:
    key = GO["peter"]
    parts = {key[i:j] for i in range(len(key)) for j in range(i + 1, len(key) + 1)} - {key}
    mangled = {key[:i] + chr(ord(key[i]) + 1) + key[i + 1 :] for i in range(len(key))}
    others = {
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        f"{key}\n",
        "",
    }
    for text in parts | mangled | others:
        with pytest.raises(BadInput):
            VerifierKey.parse(text)


def test_a_signing_key_does_not_show_itself() -> None:
    assert repr(SIGNER) == "SigningKey(name='PeterNeumann')"


@pytest.mark.parametrize("text", ["AB==", "A", "AA", "AA=", "AAAA\n", " AAAA", "AA-_", "é"])
def test_base64_has_one_canonical_form(text: str) -> None:
    assert unbase64(text) is None


@given(st.binary(max_size=300) | st.text(max_size=200) | st.text(alphabet="ab+ \n—AQ=/", max_size=200))
def test_nothing_but_our_errors_escapes_from_opening_a_note(note: bytes | str) -> None:
    with pytest.raises(LedgerBroken):
        open_note(note, [PETER])


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_any_changed_byte_of_a_note_is_noticed(at: int, change: int) -> None:
    data = bytearray(NOTE.encode())
    data[at] ^= change
    with pytest.raises(LedgerBroken):
        open_note(bytes(data), [PETER])


@given(st.text(max_size=100) | st.from_regex(r"[^+ ]{1,5}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{0,60}", fullmatch=True))
def test_nothing_but_our_errors_escapes_from_parsing_a_key(text: str) -> None:
    with pytest.raises(BadInput):
        VerifierKey.parse(text)


names = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=20).filter(
    lambda name: "+" not in name and not any(char.isspace() for char in name)
)


@given(names, st.binary(min_size=32, max_size=32), st.text(st.characters(codec="utf-8", min_codepoint=32), max_size=80))
def test_what_is_signed_is_opened_and_a_key_goes_through_its_text(name: str, seed: bytes, line: str) -> None:
    key = SigningKey.from_seed(name, seed)
    assert VerifierKey.parse(key.verifier.format()) == key.verifier
    assert open_note(sign_note(f"{line}\n", key).encode(), [key.verifier]).text == f"{line}\n"
