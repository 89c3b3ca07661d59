"""Purposes: named, versioned uses of people's data (GDPR 5(1)(b)), kept as one document in the ledger.

The document is TOML, stored by its hash and named by a `policy` entry; the newest such entry holds. Its format:

    format = "imp-purposes/1"

    [[purpose]]
    name = "marketing.email"
    description = "We send you offers and news by e-mail."
    version = 1
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable
from typing import Final

from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_core.errors import BadInput, LedgerBroken
from imp_core.gate import Purpose

__all__ = [
    "DEFAULT_PURPOSES",
    "check_purpose",
    "format_purposes",
    "parse_purposes",
    "read_purposes",
    "register_purposes",
]

_FORMAT: Final = "imp-purposes/1"
_FIELD: Final = "purposes"
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*")
_MAX_NAME: Final = 64
_MAX_DESCRIPTION: Final = 500

DEFAULT_PURPOSES: Final = (
    Purpose(name="essential", description="We do what you ask of us, such as delivering an order or answering you."),
    Purpose(
        name="experimentation",
        description="We try different versions of what we show and send, and compare how people respond to them.",
    ),
    Purpose(name="analytics", description="We count visits, clicks and purchases to see how our offers are used."),
    Purpose(name="marketing.email", description="We send you offers and news by e-mail."),
)


def check_purpose(purpose: Purpose) -> Purpose:
    """The purpose itself, if its name is dotted words and it says in one line what is done.

    Raises:
        BadInput: it is not so.
    """
    if not _NAME.fullmatch(purpose.name) or len(purpose.name) > _MAX_NAME:
        raise BadInput(
            "not a name of a purpose",
            where="name",
            mend="lower-case words joined by dots, like marketing.email; at most 64 characters",
        )
    text = purpose.description
    if not text.strip() or len(text) > _MAX_DESCRIPTION or not text.isprintable():
        raise BadInput(
            "a purpose needs a description that people understand",
            where=f"purpose {purpose.name}",
            mend="one line of at most 500 characters that says what is done",
        )
    return purpose


def format_purposes(purposes: Iterable[Purpose]) -> bytes:
    """Purposes as a document; equal sets give equal bytes.

    Raises:
        BadInput: a purpose is malformed or named twice.
    """
    ordered = sorted((check_purpose(purpose) for purpose in purposes), key=lambda purpose: purpose.name)
    if len({purpose.name for purpose in ordered}) != len(ordered):
        raise BadInput("a purpose is named twice")
    parts = [f'format = "{_FORMAT}"\n']
    for purpose in ordered:
        # JSON's strings are TOML's basic strings, as nothing unprintable is in them
        name, description = (json.dumps(text, ensure_ascii=False) for text in (purpose.name, purpose.description))
        parts.append(f"\n[[purpose]]\nname = {name}\ndescription = {description}\nversion = {purpose.version}\n")
    return "".join(parts).encode()


def parse_purposes(data: bytes) -> tuple[Purpose, ...]:
    """Read `format_purposes`; names sorted.

    Raises:
        LedgerBroken: it is not such a document.
    """
    try:
        document = tomllib.loads(data.decode())
        if document["format"] != _FORMAT:
            raise LedgerBroken("purposes in a format this imp does not know", mend="use the version that wrote them")
        purposes = tuple(
            check_purpose(Purpose(name=item["name"], description=item["description"], version=item["version"]))
            for item in document.get("purpose", ())
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError, BadInput):
        raise LedgerBroken("not a document of purposes", where="policy", mend="run: imp audit verify") from None
    if format_purposes(purposes) != data:
        raise LedgerBroken("a document of purposes that is not in canonical form", where="policy")
    return purposes


def register_purposes(transaction: Transaction, purposes: Iterable[Purpose]) -> int:
    """Make these the purposes from now on: a `policy` entry names the document; returns its seq.

    Raises:
        BadInput: a purpose is malformed or named twice.
    """
    document = format_purposes(purposes)
    return transaction.append_system("policy", {_FIELD: hashlib.sha256(document).hexdigest()}, documents=(document,))


def read_purposes(reader: Reader) -> dict[str, Purpose]:
    """The purposes that hold now, by name; none where none were registered.

    Raises:
        LedgerBroken: the document is missing, changed or malformed.
    """
    newest = None
    for entry in reader.system_entries("policy"):
        newest = entry.fields.get(_FIELD, newest)
    if not isinstance(newest, str):
        return {}
    return {purpose.name: purpose for purpose in parse_purposes(reader.document(newest))}
