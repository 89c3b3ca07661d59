"""The public keys an auditor brings along, and what was signed with them or with those they were handed over to.

    imp.local/3f0a…+01f9c2de+AQk3…
    imp.local/3f0a…+aa6dd6f1+AVhV… 1042

A line each, as C2SP signed-note writes verifier keys. A key that handed over has the largest size it signs behind it;
such lines are in `log.vkey.retired`, which is no file of C2SP's, and never in `log.vkey`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from imp_consent.ledger.checkpoint import Checkpoint
from imp_consent.ledger.handover import TrustedKey, TrustedKeys
from imp_consent.ledger.note import VerifierKey, open_note
from imp_consent.ledger.proof import is_proof, parse_proof
from imp_core.errors import BadInput, LedgerBroken

__all__ = ["Signed", "format_vkeys", "open_signed", "parse_vkeys", "signed_note", "stated_in"]

_KEY_FILE: Final = "name a file like log.vkey: a verifier key a line, as imp audit export writes it"
_MAX_KEYS: Final = 1_000
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """An opened checkpoint and the ids of the trusted keys that signed it, as hex."""

    checkpoint: Checkpoint
    signed_by: tuple[str, ...]


def format_vkeys(spans: Iterable[TrustedKey]) -> str:
    """The lines of `log.vkey` or `log.vkey.retired`."""
    return "".join(
        f"{span.key.format()}\n" if span.until_size is None else f"{span.key.format()} {span.until_size}\n"
        for span in spans
    )


def parse_vkeys(text: str | bytes) -> list[TrustedKey]:
    """The verifier keys of a file, one a line, each with the largest size it signs if a number stands behind it.

    Raises:
        BadInput: it holds none, or a line is not one.
    """
    try:
        lines = (text.decode() if isinstance(text, bytes) else text).split("\n")
    except UnicodeDecodeError:
        raise BadInput("not verifier keys: not text in UTF-8", where="verifier key", mend=_KEY_FILE) from None
    keys: list[TrustedKey] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            keys.append(_parse_line(line.strip()))
        except BadInput as error:
            raise BadInput(error.what, where=f"line {number}", mend=error.mend or _KEY_FILE) from None
    if not 0 < len(keys) <= _MAX_KEYS:
        what = "no verifier key" if not keys else f"more than {_MAX_KEYS} verifier keys"
        raise BadInput(what, where="verifier key", mend=_KEY_FILE)
    return keys


def signed_note(data: bytes) -> bytes:
    """The signed note in what somebody kept: a checkpoint, or the one inside a `.tlog-proof`.

    Raises:
        LedgerBroken: it begins as a proof and is none.
    """
    return parse_proof(data).checkpoint.encode() if is_proof(data) else data


def stated_in(note: bytes) -> Checkpoint:
    """What the checkpoint in a note says, before anybody knows whether its signature holds.

    Raises:
        LedgerBroken: it is not a note, or no checkpoint is in it.
    """
    try:
        text, blank, _ = note.decode().rpartition("\n\n")
    except UnicodeDecodeError:
        raise LedgerBroken("not text in UTF-8") from None
    return Checkpoint.parse(text + "\n" if blank else "")


def open_signed(note: str | bytes, trusted: TrustedKeys) -> Signed:
    """The checkpoint in a note that a trusted key has signed while it was in use, of the log whose name it bears.

    Raises:
        LedgerBroken: not a note, not a checkpoint, not signed by any of the keys, or of another log.
    """
    checkpoint = trusted.open_checkpoint(note)
    signers = {signature.key_id.hex() for signature in open_note(note, trusted.keys).verified}
    return Signed(checkpoint=checkpoint, signed_by=tuple(sorted(signers)))


def _parse_line(line: str) -> TrustedKey:
    key, space, until = line.partition(" ")
    if space and not _SIZE.fullmatch(until):
        raise BadInput(
            "behind a verifier key stands at most one number: the largest size it signs",
            where="verifier key",
            mend="write it as imp audit export wrote it",
        )
    return TrustedKey(key=VerifierKey.parse(key), until_size=int(until) if space else None)
