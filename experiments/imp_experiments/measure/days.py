"""Cohort days in the workspace's time zone: by integer arithmetic and a table of offsets, no zoned casts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from imp_core.clock import DAY_US, SECOND_US
from imp_core.errors import BadInput

__all__ = ["Offsets", "day_end_us", "offsets_between", "open_zone"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Offsets:
    """A zone's offset from UTC over a stretch of time: `base_us` at its beginning, then (from when, by how much)."""

    base_us: int
    changes: tuple[tuple[int, int], ...]


def open_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name.

    Raises:
        BadInput: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise BadInput(
            f"no time zone is called {name!r}", where="imp.toml: workspace.timezone", mend='use one like "Europe/Paris"'
        ) from None


def offsets_between(zone: ZoneInfo, first_us: int, last_us: int) -> Offsets:
    """Every change of a zone's offset from `first_us` to `last_us`."""
    base = before = _offset_us(zone, first_us)
    changes: list[tuple[int, int]] = []
    low = first_us
    while low < last_us:
        high = min(low + DAY_US, last_us)
        after = _offset_us(zone, high)
        if after != before:
            changes.append((_change_us(zone, low, high), after - before))
        low, before = high, after
    return Offsets(base, tuple(changes))


def day_end_us(zone: ZoneInfo, day: int) -> int:
    """When a local day (days since 1970-01-01) ends: the next local midnight, in UTC microseconds."""
    midnight = datetime(1970, 1, 1, tzinfo=zone) + timedelta(days=day + 1)
    return (midnight - _EPOCH) // timedelta(microseconds=1)


def _change_us(zone: ZoneInfo, low: int, high: int) -> int:
    """The first whole second after `low` whose offset is that of `high`."""
    target = _offset_us(zone, high)
    while high - low > SECOND_US:
        middle = (low + high) // 2
        if _offset_us(zone, middle) == target:
            high = middle
        else:
            low = middle
    return high // SECOND_US * SECOND_US


def _offset_us(zone: ZoneInfo, time_us: int) -> int:
    offset = (_EPOCH + timedelta(microseconds=time_us)).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // timedelta(microseconds=1)
