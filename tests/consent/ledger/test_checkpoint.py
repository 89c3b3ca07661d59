from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.checkpoint import Checkpoint, open_checkpoint, origin_of, sign_checkpoint
from imp_consent.ledger.merkle import EMPTY_ROOT
from imp_consent.ledger.note import SigningKey, VerifierKey, sign_note
from imp_core.errors import BadInput, LedgerBroken

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "checkpoint.json").read_text(encoding="utf-8")
)
KEY = SigningKey.from_seed("imp.local/abc", bytes(range(32)))
ROOT = bytes(range(32))
GOLDEN = "imp.local/abc\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


def test_a_public_logs_checkpoint_is_opened_with_its_key_whatever_its_witnesses_signed() -> None:
    public = base64.b64decode(VECTOR["public_key_spki_base64"])[-32:]
    checkpoint = open_checkpoint(VECTOR["note"], VerifierKey(VECTOR["origin"], public))
    assert checkpoint == Checkpoint(VECTOR["origin"], VECTOR["size"], base64.b64decode(VECTOR["root_base64"]))
    with pytest.raises(LedgerBroken):
        open_checkpoint(VECTOR["note"].replace("139911860", "139911861"), VerifierKey(VECTOR["origin"], public))


def test_the_standards_example_goes_through_parse_and_format() -> None:
    checkpoint = Checkpoint.parse(VECTOR["example"])
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.format() == VECTOR["example"]


def test_a_golden_literal() -> None:
    assert Checkpoint("imp.local/abc", 7, ROOT).format() == GOLDEN
    assert Checkpoint.parse(GOLDEN) == Checkpoint("imp.local/abc", 7, ROOT)
    assert origin_of("abc") == "imp.local/abc"
    assert Checkpoint.parse(Checkpoint("a", 0, EMPTY_ROOT).format()).size == 0


def test_what_a_log_signs_is_opened_with_its_key() -> None:
    note = sign_checkpoint(Checkpoint(KEY.name, 7, ROOT), KEY)
    assert note.startswith(f"{GOLDEN}\n— imp.local/abc ")
    assert open_checkpoint(note.encode(), KEY.verifier) == Checkpoint(KEY.name, 7, ROOT)


def test_a_checkpoint_of_another_log_is_neither_signed_nor_opened() -> None:
    with pytest.raises(BadInput, match="its own name"):
        sign_checkpoint(Checkpoint("imp.local/abd", 7, ROOT), KEY)
    with pytest.raises(LedgerBroken, match=r"of the log imp\.local/abd"):
        open_checkpoint(sign_note(GOLDEN.replace("abc", "abd"), KEY), KEY.verifier)


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(LedgerBroken, match="not a checkpoint"):
        open_checkpoint(sign_note("hello\n", KEY), KEY.verifier)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb", "a\u00a0b", "\x01"])
def test_an_origin_with_spaces_or_plus_is_refused(origin: str) -> None:
    with pytest.raises(BadInput):
        Checkpoint(origin, 0, EMPTY_ROOT)


@pytest.mark.parametrize(("size", "root"), [(-1, ROOT), (2**63, ROOT), (0, b""), (0, ROOT[1:]), (0, ROOT + b"0")])
def test_a_size_or_root_out_of_range_is_refused(size: int, root: bytes) -> None:
    with pytest.raises(BadInput):
        Checkpoint("a", size, root)


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOLDEN[:-1],
        GOLDEN + "\n",
        GOLDEN + "extension\n",
        GOLDEN.replace("\n", "\r\n"),
        GOLDEN.replace("\n7\n", "\n07\n"),
        GOLDEN.replace("\n7\n", "\n+7\n"),
        GOLDEN.replace("\n7\n", "\n-7\n"),
        GOLDEN.replace("\n7\n", "\n 7\n"),
        GOLDEN.replace("\n7\n", "\n7_0\n"),
        GOLDEN.replace("\n7\n", "\n\u0667\n"),
        GOLDEN.replace("\n7\n", "\n\n"),
        GOLDEN.replace("\n7\n", "\n9223372036854775808\n"),
        GOLDEN.replace("\n7\n", "\n" + "9" * 5000 + "\n"),
        GOLDEN.replace("h8=", "h8"),
        GOLDEN.replace("h8=", "h9="),
        GOLDEN.replace("AAEC", ""),
        GOLDEN.replace("imp.local/abc", ""),
        GOLDEN.replace("imp.local", "imp local"),
        "go.sum database tree\n1\n" + GOLDEN.split("\n")[2] + "\n",
    ],
    ids=range(20),
)
def test_what_is_not_exactly_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(LedgerBroken, match="not a checkpoint"):
        Checkpoint.parse(text)


@given(st.text(max_size=120) | st.from_regex(r"[a-z./ +]{0,9}\n[0-9+-]{0,22}\n[A-Za-z0-9+/=]{0,48}\n?", fullmatch=True))
def test_whatever_text_comes_it_is_a_checkpoints_one_form_or_refused(text: str) -> None:
    try:
        checkpoint = Checkpoint.parse(text)
    except LedgerBroken:
        return
    assert checkpoint.format() == text


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_every_checkpoint_goes_through_its_text(size: int, root: bytes) -> None:
    assert Checkpoint.parse(Checkpoint("imp.local/x", size, root).format()) == Checkpoint("imp.local/x", size, root)
