"""Made-up people, and whether a text shows one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote
from uuid import UUID

from imp_core.channel import Recipient
from imp_core.event import RawId

__all__ = ["Person", "made_up", "raw_forms", "shows", "shows_any"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A row of a batch, and the address behind its handle."""

    row: Recipient
    address: RawId


def made_up(kind: str, n: int) -> str:
    """The n-th made-up identifier of a kind: domains and numbers that are nobody's."""
    match kind:
        case "email":
            return f"kit.person{n:04}@mail.example"
        case "phone":  # Ofcom keeps +44 7700 900000 to 900999 for fiction
            return f"+447700900{n % 1000:03}" if n < 1000 else f"+1555010{n:04}"  # noqa: PLR2004 (as many as there are)
        case "device" | "idfa":
            return str(UUID(int=(0x5EED << 112) + (0x4 << 76) + (0x8 << 60) + n)).upper()
        case "imei":
            return f"35{n:012}0"
        case _:
            return f"kit-{kind}-{n:04}"


@lru_cache(maxsize=10_000)
def raw_forms(value: str) -> frozenset[str]:
    """How an identifier may be written, in small letters: plain, in a URL, and a number without its plus sign."""
    plain = value.strip().lower()
    forms = {plain, quote(plain, safe="").lower()}
    if plain.startswith("+"):
        forms.add(plain[1:])
    return frozenset(forms)


def shows(text: str, value: str) -> bool:
    """Whether a peer could know the identifier from this text: plain, in a URL, or as a partner's hash."""
    lower = text.lower()
    return any(form in lower for form in _known_forms(value))


def shows_any(text: str, values: Iterable[str]) -> bool:
    """Whether a text repeats one of these values, in any of its raw forms."""
    lower = text.lower()
    return any(form in lower for value in values for form in raw_forms(value))


@lru_cache(maxsize=10_000)
def _known_forms(value: str) -> frozenset[str]:
    plain = raw_forms(value)
    data = [form.encode() for form in plain]
    return plain.union(
        (hashlib.sha256(form).hexdigest() for form in data),
        (hashlib.md5(form, usedforsecurity=False).hexdigest() for form in data),
    )
