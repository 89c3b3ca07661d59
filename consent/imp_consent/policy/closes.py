"""What a no closes, in words: an objection to direct marketing is about every purpose, and is none to everything."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from imp_consent.ledger.entry import EVERY_PURPOSE, Statement

__all__ = ["closed_by", "said_about", "trait_words"]

# Whose traits are the kinds of use that it closes; those of a yes are its purpose's own.
_BY_TRAITS: Final = frozenset({"object", "signal", "limit-sensitive"})
_WORDS: Final = MappingProxyType(
    {
        "invalid": "nothing, as it could not be read",
        "essential": "what the person asked for",
        "direct-marketing": "direct marketing",
        "profiling": "profiling",
        "sale": "the sale of data",
        "sharing": "the sharing of data for advertising",
        "targeted-advertising": "targeted advertising",
        "special-category": "special categories of data, such as health",
        "sensitive": "sensitive data",
        "terminal": "what is stored on or read from a device",
        "electronic-mail": "messages by e-mail, text, fax or automated call",
        "tracking-individual": "tracking whether this person opened or clicked",
        "transfer-handler": "handing data to another company",
        "transfer-abroad": "sending data abroad",
        "automated-decision": "decisions made by a machine alone",
        "public-data": "data taken from public sources",
        "financial-incentive": "rewards for data",
    }
)


def closed_by(said: Statement) -> tuple[str, ...] | None:
    """The kinds of use that a no closes, as traits; None: every one in its purpose, or it is no such no."""
    return said.traits if said.type in _BY_TRAITS and said.traits else None


def trait_words(traits: Sequence[str]) -> str:
    """Traits as a lay person would call them: "the sale of data and targeted advertising"."""
    *others, last = [_WORDS.get(trait, trait) for trait in traits]
    return f"{', '.join(others)} and {last}" if others else last


def said_about(said: Statement, *, everything: str = "everything") -> str:
    """What an entry is about: its purpose, or `everything`; of a no that closes kinds of use, those.

    An objection that names none of them is about what rests on interests there (GDPR 21(1)), not on consent.
    """
    named = everything if said.purpose == EVERY_PURPOSE else said.purpose
    closed = closed_by(said)
    if closed is not None:
        within = "" if said.purpose == EVERY_PURPOSE else f", within {said.purpose}"
        return trait_words(closed) + within
    return f"{named}, as far as it rests on interests rather than on consent" if said.type == "object" else named
