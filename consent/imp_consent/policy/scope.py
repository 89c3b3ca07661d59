"""Scopes: which purposes and channels an entry speaks of.

Purposes are a tree by their dotted names. What *denies* covers its purpose, everything below it, or with "*" all there
is; what *permits* covers its purpose and those that the notice lists (`Statement.covers`), and nothing else: a yes for
"*" would bundle every purpose (GDPR 7(2)) and opens none, nor does one that was bundled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from imp_consent.ledger.entry import EVERY_CHANNEL, EVERY_PURPOSE, Statement
from imp_core.clock import SECOND_US

__all__ = [
    "DENYING",
    "PERMITTING_TYPES",
    "Fact",
    "Scope",
    "concerns",
    "corrected",
    "is_withdrawn",
    "lineage",
    "scopes",
    "touched",
]

PERMITTING_TYPES: Final = frozenset({"grant", "basis"})
DENYING: Final = frozenset(
    {"refuse", "withdraw", "object", "restrict", "limit-sensitive", "signal", "minor", "lost", "erase-requested"}
)
_OPENING: Final = frozenset({"lift", "guardian"})  # they take away a denial, and permit nothing by themselves
_REPEATED_US: Final = 10 * SECOND_US  # an impatient person's second click, or a mail program's
_LASTING: Final = frozenset({"lost", "erase-requested"})  # no correction takes these back


class Fact(Protocol):
    """What the fold needs of a person's entry: its place in the log and its statement."""

    @property
    def seq(self) -> int:
        """Position in the log."""
        ...

    @property
    def statement(self) -> Statement:
        """What the entry says."""
        ...


class Scope(NamedTuple):
    """A purpose on a channel; channel "" is every channel that has no scope of its own."""

    purpose: str
    channel: str


@lru_cache(maxsize=4096)
def lineage(purpose: str) -> tuple[str, ...]:
    """A purpose, those above it, the nearest first, and "*": where words that deny it may have been said."""
    if purpose == EVERY_PURPOSE:
        return (EVERY_PURPOSE,)
    words = purpose.split(".")
    return (*(".".join(words[:n]) for n in range(len(words), 0, -1)), EVERY_PURPOSE)


def concerns(said: Statement, purpose: str) -> bool:
    """Whether a statement says something of a purpose."""
    if said.type in PERMITTING_TYPES:
        named = purpose == said.purpose or purpose in said.covers
        return named and not said.bundled and purpose != EVERY_PURPOSE
    return (said.type in DENYING or said.type in _OPENING) and said.purpose in lineage(purpose)


def corrected(facts: Iterable[Fact]) -> frozenset[int]:
    """The seqs of entries that a correction recorded later says were wrong (GDPR 16): nothing reads them any more."""
    wrong = {
        fact.statement.corrects
        for fact in facts
        if fact.statement.type == "correction" and (fact.statement.corrects or 0) < fact.seq
    }
    return frozenset(fact.seq for fact in facts if fact.seq in wrong and fact.statement.type not in _LASTING)


def scopes(facts: Iterable[Fact]) -> set[Scope]:
    """Every scope these entries make: each purpose named alone, and with each channel that an entry about it names.

    "*" is a purpose of its own where somebody said no to everything: it answers for purposes that nobody named.
    """
    statements = [fact.statement for fact in facts]
    purposes = {purpose for said in statements for purpose in _named(said)}
    return {
        Scope(purpose, channel)
        for purpose in purposes
        for channel in {EVERY_CHANNEL, *(said.channel for said in statements if concerns(said, purpose))}
    }


def touched(facts: Sequence[Fact]) -> set[Scope]:
    """The scopes whose timeline the newest of these entries may change."""
    newest = max(facts, key=lambda fact: fact.seq).statement
    if newest.type == "correction":
        newest = next((fact.statement for fact in facts if fact.seq == newest.corrects), newest)
    return {scope for scope in scopes(facts) if concerns(newest, scope.purpose)}


def is_withdrawn(heard: Iterable[Statement], new: Statement) -> bool:
    """Whether one more withdrawal would take nothing back that those heard so far left: then it need not be written.

    One of this purpose, or of one above it, on this very channel was heard just before, and no yes since that the new
    one would close. A withdrawal on every channel does not hold for a channel: a yes on every channel reopens the
    former only. After an older one it is written: a yes from between the two may come to be known only later, and
    would reopen what was withdrawn last.
    """
    by_then = [said for said in heard if said.at_us <= new.at_us]
    withdrawn_us = max((said.at_us for said in by_then if _takes_back(said, new)), default=None)
    if withdrawn_us is None or new.at_us - withdrawn_us > _REPEATED_US:
        return False
    return not any(said.at_us > withdrawn_us and _is_met(said, new) for said in by_then)


def _takes_back(said: Statement, new: Statement) -> bool:
    named = said.purpose in lineage(new.purpose) and said.channel == new.channel
    return named and said.type == "withdraw" and not said.traits


def _is_met(said: Statement, new: Statement) -> bool:
    """Whether a withdrawal meets what somebody said yes to, or what a guardian authorised."""
    if said.type not in PERMITTING_TYPES and said.type != "guardian":
        return False
    if new.channel != EVERY_CHANNEL and said.channel not in (new.channel, EVERY_CHANNEL):
        return False
    if said.type == "guardian" and said.purpose in lineage(new.purpose):
        return True
    return any(new.purpose in lineage(named) for named in (said.purpose, *said.covers))


def _named(said: Statement) -> Iterable[str]:
    if said.type in DENYING:
        return (said.purpose,)
    if said.type in PERMITTING_TYPES and not said.bundled:
        return {said.purpose, *said.covers} - {EVERY_PURPOSE}
    return ()
