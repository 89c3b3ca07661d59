"""A no and a yes beside each other: which no is about which yes, which yes outweighs it, and when either is over."""

from __future__ import annotations

from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL, Statement

__all__ = [
    "GUARDED", "GUARDIAN", "NECESSARY", "NOBODY", "OWN", "guarded", "is_over", "meet", "outlasts", "reaches", "reopens",
    "weaker",
]  # fmt: skip

NECESSARY: Final = frozenset({"contract", "legal-obligation", "vital-interest", "public-task"})
GUARDIAN: Final = "guardian"  # of an age: they agree; of a yes: it holds for as long as they are needed
GUARDED: Final = frozenset({GUARDIAN, "both"})
OWN: Final = "own"  # of an age: only a yes of the person's own counts
NOBODY: Final = "nobody"  # of an age: no yes counts, whoever says it
_STRONG: Final = frozenset({"explicit", "separate"})
_KINDS: Final = (None, "explicit", "separate")  # of consent, the stronger the later


def is_over(said: Statement, at_us: int) -> bool:
    """Whether what was said has run out at an event time."""
    return said.until_us is not None and at_us >= said.until_us


def outlasts(before: Statement, said: Statement) -> bool:
    """Whether of two noes of one kind the earlier heard counts: it is an age, and lasts longer."""
    if said.type != "minor" or said.until_us is None:
        return False
    return before.until_us is None or before.until_us > said.until_us


def guarded(said: Statement, meant: Statement) -> bool:
    """Whether this is an age at which a guardian agrees to such uses, alone or with her, that holds at a yes's time."""
    about = not said.traits or meet(said, meant)
    return said.type == "minor" and said.needs in GUARDED and about and not is_over(said, meant.at_us)


def meet(said: Statement, meant: Statement) -> bool:
    """Whether a yes has one of the traits that a no names."""
    return any(trait in meant.traits for trait in said.traits)


def reaches(said: Statement, meant: Statement) -> bool:
    """Whether a no is about what such a yes rests on, whichever came first."""
    if said.traits and said.type in {"object", "signal"}:
        return True  # whatever the legal basis
    if said.type == "object":
        return meant.type == "basis" and (meant.basis == "public-task" or meant.basis not in NECESSARY)
    return meant.basis not in NECESSARY


def reopens(said: Statement, meant: Statement) -> bool:
    """Whether a yes came after a no and is of the kind that outweighs it."""
    if meant.at_us <= said.at_us or (said.channel != EVERY_CHANNEL and meant.channel == EVERY_CHANNEL):
        return False
    if meant.type != "grant":
        return False
    if said.type in {"refuse", "withdraw"}:
        return True
    if said.type == "signal":
        return meant.informed
    return meant.consent in _STRONG and (said.type != "object" or meant.by is None)


def weaker(meant: Statement, said: Statement) -> bool:
    """Whether a yes is of a lesser kind of consent than an age asks for."""
    return _KINDS.index(meant.consent) < _KINDS.index(said.consent)
