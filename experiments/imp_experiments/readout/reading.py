"""As of when a phase of an experiment is read, and how few people hide a figure."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

__all__ = ["Reading"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`as_of_us` (UTC, in microseconds) with the zone that days have, whether the horizon is over by then, and k."""

    as_of_us: int
    zone: ZoneInfo
    final: bool
    k: int
