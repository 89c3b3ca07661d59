"""The contract of channel plugins: what a channel declares (`ChannelInfo`), does (`Channel`) and answers.

Every type is a frozen, slotted, keyword-only dataclass. A channel implements the methods of what it `supports`;
core calls them directly on that one plugin, never by broadcast.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from imp_core.event import RawEvent, RowFault, Signal
from imp_core.gate import Action

__all__ = [
    "SPEC_VERSION",
    "Channel",
    "ChannelContext",
    "ChannelInfo",
    "CheckResult",
    "DeliveryReport",
    "DeliveryStatus",
    "IdentifierSpec",
    "RateLimit",
    "RowStatus",
    "Source",
    "SpendRow",
    "Support",
]

SPEC_VERSION = 1


class Support(StrEnum):
    """How far a channel serves a capability."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierSpec:
    """An identifier the channel needs, with the partner's normalisation and hash ("none" for the plain value)."""

    kind: str
    normalisation: str = "default"
    hash: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """Token bucket: `per_second` calls on average, `burst` at once; `batch` rows a call at most."""

    per_second: float | None = None
    burst: int | None = None
    batch: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelInfo:
    """What a channel declares; it must say what its manifest `imp-plugin.toml` says."""

    name: str
    version: str
    spec_version: int = SPEC_VERSION
    purposes: Mapping[Action, Sequence[str]] = field(default_factory=dict)
    identifiers: Sequence[IdentifierSpec] = ()
    content_formats: Sequence[str] = ()
    stages: Sequence[str] = ()
    rate: RateLimit = field(default_factory=RateLimit)
    hosts: Sequence[str] = ()
    supports: Mapping[str, Support] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelContext:
    """What core hands a channel at each call: its settings from `imp.toml`, and the present."""

    settings: Mapping[str, str | int | bool]
    now_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where inbound data comes from: a file the operator named, and the mapping that reads it (if any)."""

    path: Path
    mapping: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Whether the channel could work now: credentials and reachability."""

    ok: bool
    detail: str


class DeliveryStatus(StrEnum):
    """What became of one recipient."""

    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStatus:
    """One recipient's status, by the handle of the batch."""

    handle: str
    status: DeliveryStatus
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """One status per row of the batch."""

    rows: Sequence[RowStatus]
    job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRow:
    """A day of spend; `cost` is exact, `currency` is ISO 4217."""

    day: str
    campaign: str
    cost: Decimal
    currency: str
    impressions: int | None = None
    clicks: int | None = None
    content: str | None = None


@runtime_checkable
class Channel(Protocol):
    """A medium. This part of the contract covers what comes in; `info` is read before anything is called."""

    info: ChannelInfo

    def check(self, ctx: ChannelContext) -> CheckResult:
        """Say whether credentials and peers are in order, without sending anything."""
        ...

    def ingest(self, ctx: ChannelContext, source: Source) -> Iterable[RawEvent | Signal | RowFault]:
        """Read what happened: events, signals that reduce permission, and the rows that cannot be read.

        Raises:
            BadInput: the source as a whole cannot be read (no such file, wrong header, wrong encoding).
        """
        ...
