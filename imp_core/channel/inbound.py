"""What comes in through a channel besides events: where from, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from imp_core.event import RowFault

__all__ = ["Source", "SpendPage", "SpendRow", "Window"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where inbound data comes from: a file the operator named, and the mapping that reads it (if any)."""

    path: Path
    mapping: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The days asked for, ISO 8601, both included (None: open); `source` where the operator named a file."""

    first_day: str | None = None
    last_day: str | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRow:
    """A day of spend as the platform reports it; `cost` is exact, `currency` is ISO 4217, `day` ISO 8601 in `tz`."""

    day: str
    campaign: str
    cost: Decimal
    currency: str
    impressions: int | None = None
    clicks: int | None = None
    content: str | None = None
    tz: str = "UTC"
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendPage:
    """Spend rows and the rows that cannot be read; `cursor` asks for the next page, None is the last."""

    rows: Sequence[SpendRow]
    faults: Sequence[RowFault] = ()
    cursor: str | None = None
