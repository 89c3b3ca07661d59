"""The gate's vocabulary: a `Use` is asked for, a `Decision` comes back. The gate is an object, never a hook."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from imp_core.event import RawId

__all__ = ["LEDGER_UNAVAILABLE", "NO_RECORD", "Action", "Decision", "DenyAll", "Gate", "Purpose", "Use"]

NO_RECORD = "no_record"
LEDGER_UNAVAILABLE = "ledger_unavailable"


class Action(StrEnum):
    """What is done with a person's data."""

    COLLECT = "collect"
    ACTIVATE = "activate"
    ANALYSE = "analyse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """A named, versioned use of people's data (GDPR 5(1)(b)); `name` is dotted, such as `marketing.email`."""

    name: str
    description: str
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What somebody wants to do: for whom (None: for a whole set), for which purpose, on which channel.

    Times are arguments of the decision, not part of the use. No channel means a use that no channel carries,
    such as an analysis.
    """

    purpose: str
    action: Action
    subject: int | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Permit or deny: the reason's code, the legal source it rests on and the ledger entries that decided."""

    permitted: bool
    reason: str
    source: str
    entries: tuple[int, ...] = ()


class Gate(Protocol):
    """The decision point. Whatever goes wrong inside, the answer is a denial with a reason."""

    def decide(self, use: Use, *, at_us: int, known_at: int | None = None) -> Decision:
        """Decide one use of one subject at event time `at_us`, as known at ledger size `known_at` (None: now)."""
        ...

    def resolve(self, raw_id: RawId) -> int | None:
        """The subject behind an identifier, or None; looks up and never creates.

        Raises:
            BadInput: the identifier's kind is unknown or its value is malformed.
        """
        ...

    def knows(self, purpose: str) -> bool:
        """Whether anybody could give consent for this purpose: it is one of the workspace's."""
        ...


class DenyAll:
    """The gate where there is none: everything is denied, and the reason says so."""

    def decide(self, use: Use, *, at_us: int, known_at: int | None = None) -> Decision:  # noqa: ARG002 (the answer is the same for every use)
        """Deny."""
        return Decision(permitted=False, reason=LEDGER_UNAVAILABLE, source="GDPR 25(1)")

    def resolve(self, raw_id: RawId) -> int | None:  # noqa: ARG002 (nobody is known here)
        """Know nobody."""
        return None

    def knows(self, purpose: str) -> bool:  # noqa: ARG002 (there is no purpose)
        """Know no purpose."""
        return False
