"""Times as a file writes them: by a pattern of its own, and in a zone that is named where they do not say it.

A local time that the zone's clocks skipped, or showed twice, is no one moment: it is the row's fault, whichever of the
two would be taken, since a yes an hour too early or a no an hour too late opens what may not be. Of a day alone a yes
counts from its first moment, and a no from its last, so that no yes of that day outlives it. Who looks back on that
very day finds it permitted then: which of its hours were not, the file does not tell.
"""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from functools import cache
from typing import Final

from imp_core.clock import parse_time
from imp_core.errors import BadInput

__all__ = ["NO_ONE_MOMENT", "LocalTimes", "check_pattern", "check_zone"]

_TRIED: Final = datetime(2026, 11, 28, 21, 34, 56, tzinfo=UTC)  # no two of its numbers are alike
_ISO: Final = "2026-10-25T02:30:00+01:00"
_SKIPPED: Final = "a local time that the clocks there skipped"
_TWICE: Final = "a local time that the clocks there showed twice"
NO_ONE_MOMENT: Final = frozenset({_SKIPPED, _TWICE})
_DIRECTIVE: Final = re.compile("%(.)", re.DOTALL)
_OF_DAY: Final = frozenset("HIMSfpcX")
# What datetime.fromisoformat reads is more: any character before the hour, and a week as its Monday.
_WRITTEN: Final = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{4}-W[0-9]{2}-[0-9]|[0-9]{4}W[0-9]{3})"
    r"(?:(?P<time>[Tt ][0-9]{2}:?[0-9]{2}.*)|(?P<offset>Z|[+-][0-9]{2}(?::?[0-9]{2})?))?"
)
_NO_ISO: Final = "not a time in ISO 8601"
_WRITE: Final = "write it like 2026-03-01T09:30:00Z"
_NO_PLACES: Final = frozenset({"localtime", "posixrules", "Factory"})  # the machine's own zone, or none


@dataclass(frozen=True, slots=True)
class LocalTimes:
    """How times are written: by `pattern` (as of strptime; None: ISO 8601), and in `zone` where they name none."""

    pattern: str | None
    zone: str | None

    def parse(self, text: str, *, last: bool, now_us: int, constant: bool = False) -> int:
        """A time as UTC microseconds; ISO 8601 with an offset is read beside any pattern.

        `last`: a day alone is its last microsecond, as far as it has passed by `now_us`, rather than its first.
        `constant`: it is the mapping's own, which TOML writes in ISO 8601, and not the file's.

        Raises:
            BadInput: it is not written so, has no zone, or is no one moment there. The text itself is not repeated.
        """
        moment, is_day = self._read(text.strip(), constant=constant)
        if moment.tzinfo is None and self.zone is None:
            return parse_time(moment.isoformat())  # and say what it lacks
        if not is_day:
            return self.place(moment)
        return self.place_day(moment, last=last, now_us=now_us)

    def place_day(self, day: date, *, last: bool, now_us: int) -> int:
        """A day's first moment as UTC microseconds, or with `last` its last, as far as it has passed by `now_us`.

        Raises:
            BadInput: it is a day of no zone, or outside the calendar.
        """
        if self.zone is None and (not isinstance(day, datetime) or day.tzinfo is None):
            return parse_time(day.isoformat())  # and say what it lacks
        first = self._edge(day, last=False)
        return max(first, min(self._edge(day, last=True), now_us)) if last else first

    def place(self, moment: datetime) -> int:
        """A moment as UTC microseconds; one without a zone is in `zone`, which has to be named then.

        Raises:
            BadInput: it is no one moment there.
        """
        if moment.tzinfo is None:
            moment = _placed(moment, _zone(self.zone or ""))
        return parse_time(moment.isoformat())

    def _edge(self, day: date, *, last: bool) -> int:
        """A day's first moment there, or its last, also where the clocks change at midnight."""
        offset = day.tzinfo if isinstance(day, datetime) else None
        moment = datetime.combine(day, time_of_day.max if last else time_of_day.min, offset)
        if moment.tzinfo is None:
            both = [moment.replace(tzinfo=_zone(self.zone or ""), fold=fold) for fold in (0, 1)]
            moment = min(both, key=_ahead) if last else both[0]  # the less a clock is ahead the later it is
        return parse_time(moment.isoformat())

    def _read(self, text: str, *, constant: bool) -> tuple[datetime, bool]:
        """The time as it is written, and whether it is a day alone."""
        if self.pattern is None:
            return _iso(text)
        try:
            return datetime.strptime(text, self.pattern), not _directives(self.pattern) & _OF_DAY  # noqa: DTZ007 (its zone is looked at next)
        except ValueError:
            pass  # it may be written so that it needs no pattern
        try:
            found = _iso(text)
        except BadInput:
            found = None
        if found is None or (found[0].tzinfo is None and not constant):
            shown = _TRIED.strftime(self.pattern)
            raise BadInput(f"not a time as the mapping says, such as {shown}", mend=f"{self.pattern}, or {_ISO}")
        return found


def check_pattern(pattern: str, *, zoned: bool) -> None:
    """Expect that a pattern gives a whole day, reads what it writes, and has an offset where no zone is named.

    Raises:
        BadInput: it does not.
    """
    mend = 'write it like: dates = "%d.%m.%Y %H:%M"; day, month and year have to be in it'
    try:
        read = datetime.strptime(_TRIED.strftime(pattern), pattern)  # noqa: DTZ007 (what of it is lost is looked at)
    except (ValueError, UnicodeError, re.error):  # the last, where a part stands in it twice
        raise BadInput("file.dates in the mapping is not a pattern of times", mend=mend) from None
    if read.date() != _TRIED.date():
        raise BadInput("file.dates in the mapping does not tell a day", mend=mend)
    _check_time_of_day(read, _directives(pattern))
    if read.tzinfo is None and not zoned:
        mend = 'name it: timezone = "Europe/Berlin"; or read an offset: %z'
        raise BadInput("file.dates in the mapping without file.timezone: of which zone are these times?", mend=mend)


def _check_time_of_day(read: datetime, directives: frozenset[str]) -> None:
    """Expect that hour and minute come back as they were written, or are not in the pattern."""
    if "Z" in directives:  # strptime takes the name of a zone and forgets it
        mend = 'read an offset: %z; a zone that is the same in all rows: dates = "%d.%m.%Y %H:%M UTC", timezone = "UTC"'
        raise BadInput("file.dates in the mapping has a zone's name, %Z, which tells no offset", mend=mend)
    if ("I" in directives) != ("p" in directives) or {"H", "I"} <= directives:
        mend = 'write "%I:%M %p" of 09:30 PM, and "%H:%M" of 21:30'
        raise BadInput("file.dates in the mapping does not tell morning from evening", mend=mend)
    if directives & _OF_DAY and (read.hour, read.minute) != (_TRIED.hour, _TRIED.minute):
        mend = 'write both, like: dates = "%d.%m.%Y %H:%M"; or neither, of a day alone: dates = "%d.%m.%Y"'
        raise BadInput("file.dates in the mapping does not tell hour and minute", mend=mend)


def check_zone(name: str) -> None:
    """Expect a zone of the IANA database.

    Raises:
        BadInput: it is none, or one that differs from machine to machine.
    """
    if name in _NO_PLACES or name not in zoneinfo.available_timezones():
        raise BadInput(
            "file.timezone in the mapping is not a zone of the IANA database",
            mend='write it like: timezone = "Europe/Berlin"',
        )


@cache
def _zone(name: str) -> tzinfo:
    return zoneinfo.ZoneInfo(name)


@cache
def _directives(pattern: str) -> frozenset[str]:
    return frozenset(_DIRECTIVE.findall(pattern))


def _iso(text: str) -> tuple[datetime, bool]:
    """A time, or a day, of which an offset may be known as well; no week, and no hour without its minutes."""
    found = _WRITTEN.fullmatch(text)
    try:
        if found is None:
            raise BadInput(_NO_ISO, mend=_WRITE)
        if found["time"] is not None:
            return datetime.fromisoformat(text), False
        midnight = f"{date.fromisoformat(found['day']).isoformat()}T00:00"
        return datetime.fromisoformat(midnight + (found["offset"] or "")), True
    except ValueError:
        raise BadInput(_NO_ISO, mend=_WRITE) from None


def _ahead(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta(0)


def _placed(moment: datetime, zone: tzinfo) -> datetime:
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    skipped = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment
    raise BadInput(_SKIPPED if skipped else _TWICE, mend=f"write which one is meant, with its offset, like {_ISO}")
