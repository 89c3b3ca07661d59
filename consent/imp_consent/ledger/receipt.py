r"""What a proof carries beside the tree's hashes: the leaf, and for a person's entry what it commits to.

    {"blind":"9f…","leaf":"{\"commit\":\"3a…\",\"day\":20513,\"link\":\"c4…\",\"v\":1}","statement":{…}}

Canonical JSON in the `extra` of a `.tlog-proof`. With it the holder checks, needing nobody's keys or database, that the
leaf is in the tree and that `commit` = SHA-256(blind ‖ statement): both still hold after the person was erased.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from imp_consent.ledger.encoding import MAX_BYTES, decode, encode
from imp_core.errors import BadInput, LedgerBroken
from imp_core.ports import Json

__all__ = ["Receipt", "commits", "format_receipt", "parse_receipt"]

_LIMIT: Final = 4 * MAX_BYTES  # a leaf quoted inside JSON, and a statement
_BLIND: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FIELDS: Final = ({"leaf"}, {"leaf", "blind", "statement"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """An entry's leaf; for a person's entry that is disclosed also its blind and its statement, else None both."""

    leaf: bytes
    blind: bytes | None = None
    statement: Mapping[str, Json] | None = None


def format_receipt(receipt: Receipt) -> bytes:
    """The receipt's bytes.

    Raises:
        BadInput: a leaf that is not text, a blind without a statement, or a statement longer than an entry may be.
    """
    try:
        document: dict[str, Json] = {"leaf": receipt.leaf.decode()}
    except UnicodeDecodeError:
        raise BadInput("a leaf that is not text cannot be put into a receipt") from None
    if (receipt.blind is None) != (receipt.statement is None):
        raise BadInput("a receipt has both blind and statement, or neither")
    if receipt.blind is not None:
        encode(receipt.statement)
        document |= {"blind": receipt.blind.hex(), "statement": receipt.statement}
    return encode(document, limit=_LIMIT)


def parse_receipt(data: bytes) -> Receipt:
    """A receipt from its bytes, which are exactly what `format_receipt` writes.

    Raises:
        LedgerBroken: they are not one.
    """
    document = decode(data, limit=_LIMIT)
    if not isinstance(document, dict) or set(document) not in _FIELDS or not isinstance(document["leaf"], str):
        raise LedgerBroken("not a receipt: it has not the fields of one")
    leaf = document["leaf"].encode()
    if "blind" not in document:
        return Receipt(leaf=leaf)
    blind, statement = document["blind"], document["statement"]
    if not (isinstance(blind, str) and _BLIND.fullmatch(blind) and isinstance(statement, dict)):
        raise LedgerBroken("not a receipt: its blind is not 32 bytes in hex, or its statement is no object")
    try:
        encode(statement)
    except BadInput:
        raise LedgerBroken("not a receipt: its statement is longer than an entry may be") from None
    return Receipt(leaf=leaf, blind=bytes.fromhex(blind), statement=statement)


def commits(receipt: Receipt) -> bool:
    """Whether the leaf commits to the statement: its `commit` is SHA-256(blind ‖ canonical JSON of the statement).

    Raises:
        LedgerBroken: the leaf is not canonical JSON.
    """
    leaf = decode(receipt.leaf)
    if receipt.blind is None or not isinstance(leaf, dict) or not isinstance(leaf.get("commit"), str):
        return False
    commit = hashlib.sha256(receipt.blind + encode(receipt.statement)).hexdigest()
    return hmac.compare_digest(commit.encode(), str(leaf["commit"]).encode())
