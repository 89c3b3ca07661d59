"""What a channel declares of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from imp_core.gate import Action

__all__ = [
    "SPEC_VERSION",
    "BatchLimit",
    "Capability",
    "ChannelInfo",
    "ContentFormat",
    "IdentifierSpec",
    "RateLimit",
    "Support",
]

SPEC_VERSION = 1


class Support(StrEnum):
    """How far a channel serves a capability."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
    UNKNOWN = "unknown"


class Capability(StrEnum):
    """What a channel may serve beyond `check` and `forget`, which every channel has; see `METHODS`."""

    DELIVER = "deliver"
    SYNC_AUDIENCE = "sync_audience"
    SEND_CONVERSIONS = "send_conversions"
    POLL = "poll"
    INGEST = "ingest"
    REPORT = "report"
    WITHDRAWN = "withdrawn"
    EXPOSED = "exposed"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierSpec:
    """An identifier the channel needs, with the partner's normalisation and hash ("none" for the plain value)."""

    kind: str
    normalisation: str = "default"
    hash: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentFormat:
    """A part of a message the channel takes, by its name in campaign files, such as `subject` or `html`.

    `max_chars` counts characters of the part as written, before a person's fields are put in; None is no limit.
    """

    name: str
    required: bool = False
    max_chars: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """Token bucket that core keeps: `per_second` rows on average (None: no limit), `burst` at once."""

    per_second: float | None = None
    burst: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimit:
    """The most a call takes: rows (core never hands over more than 500), and connections it opens at once.

    After a kill, as many people may be in doubt as there are connections, and no more.
    """

    rows: int = 500
    connections: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelInfo:
    """What a channel declares; it must say what its manifest `imp-plugin.toml` says.

    `purposes` per action may end in `.*` for a family (`marketing.*`) or be `*`. `stages` are the stages of the journey
    it serves. `hosts` are the only ones it may connect to: a name, or `{setting}` for the one that the channel's
    setting of that name holds. `supports` names a capability for each method it has.
    """

    name: str
    version: str
    spec_version: int = SPEC_VERSION
    purposes: Mapping[Action, Sequence[str]] = field(default_factory=dict)
    identifiers: Sequence[IdentifierSpec] = ()
    content_formats: Sequence[ContentFormat] = ()
    stages: Sequence[str] = ()
    rate: RateLimit = field(default_factory=RateLimit)
    batch: BatchLimit = field(default_factory=BatchLimit)
    hosts: Sequence[str] = ()
    supports: Mapping[Capability, Support] = field(default_factory=dict)

    def serves(self, capability: Capability) -> bool:
        """Whether it says that it serves a capability, fully or in part."""
        return self.supports.get(capability, Support.UNKNOWN) in (Support.FULL, Support.PARTIAL)
