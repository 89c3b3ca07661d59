"""Which keys an auditor trusts: those given, and those the log's own signed hand-overs lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imp_consent.ledger.checkpoint import Checkpoint
from imp_consent.ledger.note import VerifierKey, open_note
from imp_consent.ledger.proof import is_proof, parse_proof
from imp_core.errors import BadInput, LedgerBroken

__all__ = ["Signed", "open_signed", "parse_vkeys", "signed_note"]

_MAX_KEYS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """An opened checkpoint and the ids of the trusted keys that signed it, as hex."""

    checkpoint: Checkpoint
    signed_by: tuple[str, ...]


def parse_vkeys(text: str | bytes) -> list[VerifierKey]:
    """The verifier keys of a file, one a line.

    Raises:
        BadInput: it holds none, or a line is not one.
    """
    try:
        lines = (text.decode() if isinstance(text, bytes) else text).split("\n")
    except UnicodeDecodeError:
        raise BadInput("not verifier keys: not text in UTF-8") from None
    keys: list[VerifierKey] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            keys.append(VerifierKey.parse(line.strip()))
        except BadInput as error:
            raise BadInput(error.what, where=f"line {number}", mend=error.mend) from None
    if not 0 < len(keys) <= _MAX_KEYS:
        raise BadInput("no verifier key" if not keys else f"more than {_MAX_KEYS} verifier keys")
    return keys


def signed_note(data: bytes) -> bytes:
    """The signed note in what somebody kept: a checkpoint, or the one inside a `.tlog-proof`.

    Raises:
        LedgerBroken: it begins as a proof and is none.
    """
    return parse_proof(data).checkpoint.encode() if is_proof(data) else data


def open_signed(note: str | bytes, keys: Sequence[VerifierKey]) -> Signed:
    """The checkpoint in a note that one of the keys has signed, of the log whose name the key bears.

    Raises:
        LedgerBroken: not a note, not a checkpoint, not signed by any of the keys, or of another log.
    """
    opened = open_note(note, keys)
    checkpoint = Checkpoint.parse(opened.text)
    ours = tuple(sorted(s.key_id.hex() for s in opened.verified if s.name == checkpoint.origin))
    if not ours:
        raise LedgerBroken(f"a checkpoint of the log {checkpoint.origin}, signed under another name")
    return Signed(checkpoint=checkpoint, signed_by=ours)
