"""Checkpoints as of C2SP tlog-checkpoint: what a log commits to at one size.

    imp.local/3f0a…
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

Origin, number of leaves, base64 of the RFC 6962 root. Extension lines, which the standard advises against, are
neither written nor taken. `tests/consent/ledger/test_checkpoint.py` holds a checkpoint of a public log.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from imp_consent.ledger.merkle import HASH_SIZE
from imp_consent.ledger.note import SigningKey, VerifierKey, open_note, sign_note, unbase64
from imp_core.errors import BadInput, LedgerBroken

__all__ = ["Checkpoint", "open_checkpoint", "origin_of", "sign_checkpoint"]

_LINES: Final = 3
_MAX_SIZE: Final = 2**63


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's origin, number of leaves and Merkle root (32 bytes).

    Raises:
        BadInput: an origin that is empty or holds a space, a plus or a control character, a negative size or one
            of 2**63 or more, a root that has not 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or "+" in self.origin or any(char.isspace() or char < " " for char in self.origin):
            raise BadInput("a log's origin is not empty and has no space, plus or control character")
        if not 0 <= self.size < _MAX_SIZE or len(self.root) != HASH_SIZE:
            raise BadInput("a checkpoint has a size from 0 and below 2**63, and a root of 32 bytes")

    def format(self) -> str:
        """The checkpoint's text, three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """A checkpoint from its text, which is exactly what `format` writes.

        Raises:
            LedgerBroken: it is not; extension lines and leading zeroes are not taken.
        """
        lines = text.split("\n")
        if len(lines) != _LINES + 1 or lines.pop() != "":
            raise LedgerBroken("not a checkpoint: it has not exactly three lines")
        origin, size, root = lines
        if not (size.isascii() and size.isdigit()) or len(size) > len(str(_MAX_SIZE)):
            raise LedgerBroken("not a checkpoint: its second line is not a size")
        try:
            checkpoint = cls(origin, int(size), unbase64(root) or b"")
        except BadInput as error:
            raise LedgerBroken(f"not a checkpoint: {error.what}") from None
        if checkpoint.format() != text:
            raise LedgerBroken("not a checkpoint: its size has leading zeroes")
        return checkpoint


def origin_of(log_id: str) -> str:
    """The origin of a workspace's log, which is also the name of its signing key."""
    return f"imp.local/{log_id}"


def sign_checkpoint(checkpoint: Checkpoint, *keys: SigningKey) -> str:
    """The signed note of a checkpoint; the first one after a hand-over is signed by both keys.

    Raises:
        BadInput: no key, or one whose name is not the checkpoint's origin.
    """
    if any(key.name != checkpoint.origin for key in keys):
        raise BadInput("a log signs its checkpoints with the key of its own name", where=checkpoint.origin)
    return sign_note(checkpoint.format(), *keys)


def open_checkpoint(note: str | bytes, *keys: VerifierKey) -> Checkpoint:
    """The checkpoint in a note that one of the keys has signed and whose origin is that key's name.

    Raises:
        LedgerBroken: not a note, not a checkpoint, not signed by any of the keys, or of another log.
    """
    opened = open_note(note, keys)
    checkpoint = Checkpoint.parse(opened.text)
    signers = {signature.name for signature in opened.verified}
    if checkpoint.origin not in signers:
        raise LedgerBroken(f"a checkpoint of the log {checkpoint.origin}", where=min(signers))
    return checkpoint
