"""What a channel answers: a status per row, a plan, a check, a job. No answer holds a person's data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from imp_core.channel.errors import check_code

__all__ = [
    "CheckResult",
    "DeliveryReport",
    "DeliveryStatus",
    "JobRef",
    "JobState",
    "JobStatus",
    "Plan",
    "Preview",
    "RowStatus",
]


_MOST_JOB = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Whether the channel could work now: credentials and reachability."""

    ok: bool
    detail: str


class DeliveryStatus(StrEnum):
    """What became of one row.

    accepted: the peer took responsibility. delivered: the peer confirmed the end. refused: the peer never will.
    failed: it cannot be sent from here. deferred: nothing was taken, later it may be. in_doubt: it may have been taken.
    """

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"
    DEFERRED = "deferred"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStatus:
    """One row's status, by its `key`; `code` is the peer's, such as `5.1.1` (never its words: they name people)."""

    key: str
    status: DeliveryStatus
    code: str | None = None

    def __post_init__(self) -> None:
        if self.code is not None:
            check_code(self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRef:
    """The peer's name of work that goes on after the call; `poll` asks for it: at most 200 characters of ASCII."""

    id: str

    def __post_init__(self) -> None:
        if not (self.id.isascii() and self.id.isprintable() and 0 < len(self.id) <= _MOST_JOB):
            raise ValueError("a job's name is 1 to 200 printable characters of ASCII")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """One status per row of the batch; rows already told through `ctx.settle` may be left out."""

    rows: Sequence[RowStatus]
    job: JobRef | None = None


class JobState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """A job's state and the rows settled since the last poll."""

    job: JobRef
    state: JobState
    rows: Sequence[RowStatus] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """How one content would look, part by part, with made-up fields."""

    content: str
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What delivering a batch would take. `messages` counts billed units (an SMS in two parts is two).

    `cost` is exact and None where unknown; `currency` is ISO 4217. `warnings` are about content and settings.
    """

    messages: int
    cost: Decimal | None = None
    currency: str | None = None
    previews: Sequence[Preview] = ()
    warnings: Sequence[str] = ()
