"""Times as a file writes them: by a pattern of its own, and in a zone that is named where they do not say it.

A local time that the zone's clocks skipped, or showed twice, is no one moment: it is the row's fault, whichever of the
two would be taken, since a yes an hour too early or a no an hour too late opens what may not be.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache

from imp_core.clock import parse_time
from imp_core.errors import BadInput

__all__ = ["LocalTimes", "check_pattern", "check_zone"]

_TRIED = datetime(2026, 11, 28, 21, 34, 56, tzinfo=UTC)  # no two of its numbers are alike
_ISO = "2026-03-01T09:30:00Z"


@dataclass(frozen=True, slots=True)
class LocalTimes:
    """How times are written: by `pattern` (as of strptime; None: ISO 8601), and in `zone` where they name none."""

    pattern: str | None
    zone: str | None

    def parse(self, text: str) -> int:
        """A time as UTC microseconds.

        Raises:
            BadInput: it is not written so, has no zone, or is no one moment there. The text itself is not repeated.
        """
        moment = self._read(text.strip())
        if moment.tzinfo is None:
            if self.zone is None:
                return parse_time(text)  # and say what it lacks
            moment = _placed(moment, _zone(self.zone))
        return parse_time(moment.isoformat())

    def _read(self, text: str) -> datetime:
        try:
            return datetime.fromisoformat(text) if self.pattern is None else datetime.strptime(text, self.pattern)  # noqa: DTZ007 (its zone is looked at next)
        except ValueError:
            if self.pattern is None:
                parse_time(text)
            shown = _TRIED.strftime(self.pattern or "")
            raise BadInput(f"not a time as the mapping says, such as {shown}", mend=f"{self.pattern}") from None


def check_pattern(pattern: str, *, zoned: bool) -> None:
    """Expect that a pattern gives a whole day, reads what it writes, and has an offset where no zone is named.

    Raises:
        BadInput: it does not.
    """
    mend = 'write it like: dates = "%d.%m.%Y %H:%M"; day, month and year have to be in it'
    try:
        read = datetime.strptime(_TRIED.strftime(pattern), pattern)  # noqa: DTZ007 (only its day is looked at)
    except (ValueError, UnicodeError):
        raise BadInput("file.dates in the mapping is not a pattern of times", mend=mend) from None
    if read.date() != _TRIED.date():
        raise BadInput("file.dates in the mapping does not tell a day", mend=mend)
    if read.tzinfo is None and not zoned:
        mend = 'name it: timezone = "Europe/Berlin"; or read an offset: %z'
        raise BadInput("file.dates in the mapping without file.timezone: of which zone are these times?", mend=mend)


def check_zone(name: str) -> None:
    """Expect a zone of the IANA database.

    Raises:
        BadInput: it is none.
    """
    try:
        _zone(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # a region alone is a folder
        raise BadInput(
            "file.timezone in the mapping is not a zone of the IANA database",
            mend='write it like: timezone = "Europe/Berlin"',
        ) from None


@cache
def _zone(name: str) -> tzinfo:
    return zoneinfo.ZoneInfo(name)


def _placed(moment: datetime, zone: tzinfo) -> datetime:
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    skipped = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment
    what = "skipped" if skipped else "showed twice"
    raise BadInput(
        f"a local time that the clocks there {what}", mend=f"write which one is meant, with its offset, like {_ISO}"
    )
