"""Purposes: named, versioned uses of people's data (GDPR 5(1)(b)), kept as one document in the ledger.

They form a tree by their dotted names. What law makes of a purpose follows from its *traits*. The document is TOML,
stored by its hash and named by a `policy` entry; the newest such entry holds. Its format:

    format = "imp-purposes/2"

    [[purpose]]
    name = "marketing.email"
    description = "We send you offers and news by e-mail."
    version = 1
    traits = ["direct-marketing", "electronic-mail"]      # left out, as all below, where there is nothing to say
    data = ["identifier", "touchpoint"]
    necessity = "…"            opt_out_option = "…"            review = "…"
    recipient = { name = "…", contact = "…", method = "…", rights = "…" }

"imp-purposes/1", which knew the first three fields only, is still read.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.declared import NO_TRAIT, TRAITS, DeclaredPurpose, Recipient, check_purpose, declared
from imp_core.errors import BadInput, LedgerBroken
from imp_core.gate import Purpose
from imp_core.ports import Json

__all__ = [
    "DEFAULT_PURPOSES",
    "NO_TRAIT",
    "TRAITS",
    "DeclaredPurpose",
    "Recipient",
    "check_purpose",
    "documents_over_time",
    "format_purposes",
    "parse_purposes",
    "purpose_from",
    "purposes_over_time",
    "read_purposes",
    "register_purposes",
    "traits_of",
]

_FIRST_FORMAT: Final = "imp-purposes/1"
_FORMAT: Final = "imp-purposes/2"
_FIELD: Final = "purposes"
_LISTS: Final = ("traits", "data")
_TEXTS: Final = ("necessity", "opt_out_option", "review")

DEFAULT_PURPOSES: Final = (
    DeclaredPurpose(
        name="essential",
        description="We do what you ask of us, such as delivering an order or answering you.",
        traits=("essential",),
    ),
    DeclaredPurpose(
        name="experimentation",
        description="We try different versions of what we show and send, and compare how people respond to them.",
        traits=(NO_TRAIT,),
    ),
    DeclaredPurpose(
        name="analytics",
        description="We count visits, clicks and purchases to see how our offers are used.",
        traits=(NO_TRAIT,),
    ),
    DeclaredPurpose(
        name="marketing.email",
        description="We send you offers and news by e-mail.",
        traits=("direct-marketing", "electronic-mail"),
    ),
)

# What the purposes of every workspace are, where a ledger has them from before purposes had traits.
_SHIPPED: Final = {(purpose.name, purpose.description): purpose.traits for purpose in DEFAULT_PURPOSES}


def traits_of(purpose: DeclaredPurpose) -> tuple[str, ...]:
    """The traits of a purpose as far as anybody knows: those it declares, or of a shipped one those it has now."""
    return purpose.traits or _SHIPPED.get((purpose.name, purpose.description), ())


def format_purposes(purposes: Iterable[Purpose]) -> bytes:
    """Purposes as a document; equal sets give equal bytes.

    Raises:
        BadInput: a purpose is malformed or named twice.
    """
    ordered = sorted((check_purpose(declared(purpose)) for purpose in purposes), key=lambda purpose: purpose.name)
    if len({purpose.name for purpose in ordered}) != len(ordered):
        raise BadInput("a purpose is named twice", where="purposes", mend="name each once")
    return f'format = "{_FORMAT}"\n{"".join(map(_lines, ordered))}'.encode()


def parse_purposes(data: bytes) -> tuple[DeclaredPurpose, ...]:
    """Read `format_purposes`; names sorted.

    Raises:
        LedgerBroken: it is not such a document.
    """
    try:
        document = tomllib.loads(data.decode())
        format_ = document["format"]
        if format_ not in (_FIRST_FORMAT, _FORMAT):
            raise LedgerBroken("purposes in a format this imp does not know", mend="use the version that wrote them")
        purposes = tuple(purpose_from(item) for item in document.get("purpose", ()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError, BadInput):
        raise LedgerBroken("not a document of purposes", where="policy", mend="run: imp audit verify") from None
    written = format_purposes(purposes)
    # the first format differs in nothing but its name, where no purpose says more than it could
    if written.replace(_FORMAT.encode(), format_.encode(), 1) != data or (format_ == _FIRST_FORMAT and _more(purposes)):
        raise LedgerBroken("a document of purposes that is not in canonical form", where="policy")
    return purposes


def purpose_from(item: Mapping[str, Any]) -> DeclaredPurpose:
    """One table of a document of purposes.

    Raises:
        BadInput: it is not one.
        KeyError, TypeError: a field is missing or has another type.
    """
    known = {"name", "description", "version", "recipient", *_LISTS, *_TEXTS}
    if item.keys() - known:
        raise BadInput("a purpose with an unknown field", mend=f"known are: {', '.join(sorted(known))}")
    recipient = item.get("recipient")
    return check_purpose(
        DeclaredPurpose(
            name=item["name"],
            description=item["description"],
            version=item.get("version", 1),
            recipient=None if recipient is None else Recipient(**recipient),
            traits=tuple(item.get("traits", ())),
            data=tuple(item.get("data", ())),
            necessity=item.get("necessity"),
            opt_out_option=item.get("opt_out_option"),
            review=item.get("review"),
        )
    )


def register_purposes(transaction: Transaction, purposes: Iterable[Purpose], *, material: Iterable[str] = ()) -> int:
    """Make these the purposes from now on: a `policy` entry names the document; returns its seq.

    `material` are purposes that changed so that consent given before no longer covers them.

    Raises:
        BadInput: a purpose is malformed or named twice.
    """
    document = format_purposes(purposes)
    fields: dict[str, Json] = {_FIELD: hashlib.sha256(document).hexdigest()}
    if changed := sorted(material):
        fields["material"] = changed
    return transaction.append_system("policy", fields, documents=(document,))


def read_purposes(reader: Reader) -> dict[str, DeclaredPurpose]:
    """The purposes that hold now, by name; none where none were registered.

    Raises:
        LedgerBroken: the document is missing, changed or malformed.
    """
    newest = None
    for entry in reader.system_entries("policy"):
        newest = entry.fields.get(_FIELD, newest)
    return _named(reader, newest) if isinstance(newest, str) else {}


def purposes_over_time(reader: Reader) -> list[tuple[int, dict[str, DeclaredPurpose]]]:
    """The purposes by name as each `policy` entry set them, with its seq, oldest first.

    Raises:
        LedgerBroken: a document is missing, changed or malformed.
    """
    return [(seq, _named(reader, sha256)) for seq, sha256 in documents_over_time(reader)]


def documents_over_time(reader: Reader) -> list[tuple[int, str]]:
    """The SHA-256 of each document of purposes and the seq of the `policy` entry that set it, oldest first."""
    set_ = ((entry.seq, entry.fields.get(_FIELD)) for entry in reader.system_entries("policy"))
    return [(seq, sha256) for seq, sha256 in set_ if isinstance(sha256, str)]


def _named(reader: Reader, sha256: str) -> dict[str, DeclaredPurpose]:
    return {purpose.name: purpose for purpose in parse_purposes(reader.document(sha256))}


def _lines(purpose: DeclaredPurpose) -> str:
    # JSON's strings and lists of them are TOML's, as nothing unprintable is in them
    values: dict[str, object] = {"name": purpose.name, "description": purpose.description}
    more = {key: list(getattr(purpose, key)) for key in _LISTS} | {key: getattr(purpose, key) for key in _TEXTS}
    lines = [f"{key} = {_text(value)}\n" for key, value in values.items()]
    lines.append(f"version = {purpose.version}\n")
    lines += [f"{key} = {_text(value)}\n" for key, value in more.items() if value]
    if purpose.recipient is not None:
        said = purpose.recipient.plain()
        lines.append(f"recipient = {{ {', '.join(f'{key} = {_text(value)}' for key, value in said.items())} }}\n")
    return f"\n[[purpose]]\n{''.join(lines)}"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _more(purposes: Iterable[DeclaredPurpose]) -> bool:
    return any(purpose.terms for purpose in purposes)
