"""Periods: months, days and business days, counted by the calendar in UTC.

A month later is the same day of the next month, or its last day where it has no such day (31 January → 28 February):
so the periods of Regulation (EEC, Euratom) 1182/71 art. 3 are counted. Business days are Monday to Friday; holidays
are not known, so that a deadline in business days comes early rather than late.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from imp_core.clock import DAY_US
from imp_core.errors import BadInput

__all__ = ["LATEST_ZONE_US", "Period", "earliest", "years_after"]

LATEST_ZONE_US: Final = DAY_US // 2  # by so much a day begins later in the westernmost zone, UTC-12, than in UTC

_WORDS: Final = re.compile(r"([1-9][0-9]{0,4}) (business day|day|month)s?")
_EPOCH: Final = date(1970, 1, 1)
_MOST: Final = {"business day": 36_525, "day": 36_525, "month": 1_200}
_FRIDAY: Final = 4
_LAST_YEAR: Final = 9_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A time span of one unit; `others` are further spans, and whichever ends first counts."""

    months: int = 0
    days: int = 0
    business_days: int = 0
    others: tuple[Period, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read "6 months", "45 days" or "15 business days".

        Raises:
            BadInput: it is not that, or longer than a hundred years.
        """
        found = _WORDS.fullmatch(text)
        if found is None or int(found[1]) > _MOST[found[2]]:
            raise BadInput("not a period", mend='write it like "6 months", "45 days" or "15 business days"')
        count, unit = int(found[1]), found[2]
        if unit == "month":
            return cls(months=count)
        return cls(business_days=count) if unit == "business day" else cls(days=count)

    def after(self, at_us: int) -> int:
        """The end of the period that begins at a time in UTC microseconds."""
        days, rest = divmod(at_us, DAY_US)
        own = _day(_EPOCH + timedelta(days=days), self) * DAY_US + rest
        return min([own, *(other.after(at_us) for other in self.others)])

    def or_earlier(self, other: Period | None) -> Period:
        """Both at once: it ends when the first of them does."""
        if other is None or other in (self, *self.others):
            return self
        return replace(self, others=(*self.others, other))

    def __str__(self) -> str:
        """The words that `parse` reads, joined by "or" where several count."""
        count, unit = (
            (self.months, "month")
            if self.months
            else (self.business_days, "business day")
            if self.business_days
            else (self.days, "day")
        )
        own = f"{count} {unit}{'s' if count != 1 else ''}"
        return " or ".join([own, *map(str, self.others)])


def earliest(one: Period | None, other: Period | None) -> Period | None:
    """The stricter of two periods, either of which may be missing."""
    return other if one is None else one.or_earlier(other)


def years_after(born: date, years: int) -> int:
    """The UTC microseconds at which somebody born on a day is so many years old everywhere; of 29 February, on 1 March.

    At noon: then the day has begun in the westernmost zone too, UTC-12. Nobody is harmed by some hours of protection.
    """
    try:
        day = born.replace(year=born.year + years)
    except ValueError:
        day = date(born.year + years, 3, 1)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000 + LATEST_ZONE_US


def _day(begin: date, period: Period) -> int:
    """The last day of a period, in days since 1970."""
    if period.months:
        year, month = divmod(begin.year * 12 + begin.month - 1 + period.months, 12)
        if year > _LAST_YEAR:
            raise BadInput("a period that ends after the year 9999", where="period", mend="name a shorter one")
        end = date(year, month + 1, min(begin.day, calendar.monthrange(year, month + 1)[1]))
    elif period.business_days:
        end = begin
        for _ in range(period.business_days):
            end += timedelta(days=1)
            while end.weekday() > _FRIDAY:
                end += timedelta(days=1)
    else:
        end = begin + timedelta(days=period.days)
    return (end - _EPOCH).days
