"""Proofs as files: `.tlog-proof` as of C2SP tlog-proof, and consistency as C2SP tlog-witness takes it.

    c2sp.org/tlog-proof@v1                        old 70
    extra eyJsZWFmIjoi…                           B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
    index 12                                      EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
                                                  imp.local/3f0a…
    imp.local/3f0a…                               109482
    109482                                        …
    …

The checkpoint, a signed note, is the rest of the file, verbatim. Nothing is checked here but the form: whoever holds
the verifier key opens the note and calls `check_inclusion` or `check_consistency`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from imp_consent.ledger.merkle import HASH_SIZE
from imp_consent.ledger.note import unbase64
from imp_core.errors import BadInput, LedgerBroken

__all__ = [
    "MAX_PROOF",
    "ConsistencyProof",
    "InclusionProof",
    "format_consistency",
    "format_proof",
    "is_proof",
    "parse_consistency",
    "parse_proof",
]

MAX_PROOF: Final = 2_000_000
_HEADER: Final = "c2sp.org/tlog-proof@v1"
_EXTRA, _INDEX, _OLD = "extra ", "index ", "old "
_LIMIT: Final = 2**63
_MAX_HASHES: Final = 63  # one a level (C2SP tlog-witness takes no more either)
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """That entry `index` is in the tree of `checkpoint` (a signed note): `hashes` from the leaf's sibling up.

    `extra` is the application's own and proves nothing by itself; None where there is none.

    Raises:
        BadInput: an index, hash, note or extra that cannot be written as one.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def __post_init__(self) -> None:
        _check(self.index, self.hashes, self.checkpoint)
        if self.extra is not None and not self.extra:
            raise BadInput("a proof's extra is left out where it is empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyProof:
    """That the tree of `checkpoint` (a signed note) begins with the tree of `old` leaves (RFC 9162 §2.1.4).

    Raises:
        BadInput: a size, hash or note that cannot be written as one.
    """

    old: int
    hashes: tuple[bytes, ...]
    checkpoint: str

    def __post_init__(self) -> None:
        _check(self.old, self.hashes, self.checkpoint)


def is_proof(data: bytes) -> bool:
    """Whether a file begins as a `.tlog-proof` does."""
    return data.startswith(f"{_HEADER}\n".encode())


def format_proof(proof: InclusionProof) -> str:
    """The proof's file."""
    extra = [] if proof.extra is None else [f"{_EXTRA}{_base64(proof.extra)}"]
    return _join([_HEADER, *extra, f"{_INDEX}{proof.index}"], proof.hashes, proof.checkpoint)


def parse_proof(data: str | bytes) -> InclusionProof:
    """A proof from its file, which is exactly what `format_proof` writes.

    Raises:
        LedgerBroken: it is not one.
    """
    head, checkpoint = _split(data)
    if head.pop(0) != _HEADER:
        raise _malformed(f"its first line is not {_HEADER}")
    extra = None
    if head and head[0].startswith(_EXTRA):
        extra = unbase64(head.pop(0).removeprefix(_EXTRA))
        if not extra:
            raise _malformed("its extra is empty or not base64")
    index = _number(head, _INDEX)
    try:
        return InclusionProof(index=index, hashes=_hashes(head), checkpoint=checkpoint, extra=extra)
    except BadInput as error:
        raise _malformed(error.what) from None


def format_consistency(proof: ConsistencyProof) -> str:
    """The proof's file, which is also the body of a witness's `add-checkpoint` request (C2SP tlog-witness)."""
    return _join([f"{_OLD}{proof.old}"], proof.hashes, proof.checkpoint)


def parse_consistency(data: str | bytes) -> ConsistencyProof:
    """A consistency proof from its file, which is exactly what `format_consistency` writes.

    Raises:
        LedgerBroken: it is not one.
    """
    head, checkpoint = _split(data)
    old = _number(head, _OLD)
    try:
        return ConsistencyProof(old=old, hashes=_hashes(head), checkpoint=checkpoint)
    except BadInput as error:
        raise _malformed(error.what) from None


def _check(number: int, hashes: Sequence[bytes], checkpoint: str) -> None:
    if not 0 <= number < _LIMIT:
        raise BadInput("a number below 0, or of 2**63 or more")
    if len(hashes) > _MAX_HASHES or any(len(hash_) != HASH_SIZE for hash_ in hashes):
        raise BadInput(f"a proof has at most {_MAX_HASHES} hashes of {HASH_SIZE} bytes")
    if not checkpoint.endswith("\n") or any("\ud800" <= char <= "\udfff" for char in checkpoint):
        raise BadInput("a proof ends with a signed note")


def _join(head: Sequence[str], hashes: Sequence[bytes], checkpoint: str) -> str:
    return "\n".join([*head, *map(_base64, hashes), "", checkpoint])


def _split(data: str | bytes) -> tuple[list[str], str]:
    if len(data) > MAX_PROOF:
        raise _malformed(f"it has more than {MAX_PROOF} bytes")
    try:
        text = data.decode() if isinstance(data, bytes) else data
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8") from None
    head, blank, checkpoint = text.partition("\n\n")
    if not blank:
        raise _malformed("no checkpoint after a blank line")
    return head.split("\n"), checkpoint


def _number(head: list[str], word: str) -> int:
    line = head.pop(0) if head else ""
    digits = line.removeprefix(word)
    if not line.startswith(word) or not _NUMBER.fullmatch(digits):
        raise _malformed(f"where a line {word.strip()!r} and a number should stand, there is none")
    return int(digits)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > _MAX_HASHES:
        raise _malformed(f"it has more than {_MAX_HASHES} hashes")
    hashes = [unbase64(line) for line in lines]
    found = tuple(hash_ for hash_ in hashes if hash_ is not None and len(hash_) == HASH_SIZE)
    if len(found) != len(hashes):
        raise _malformed("a line is not the base64 of a hash")
    return found


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _malformed(why: str) -> LedgerBroken:
    return LedgerBroken(f"not a proof: {why}")
