"""How long it takes until enough units have matured.

A cohort, the units of one day, counts once that day's end and the window are over (`measure/days.py`): with a window
of 14 days nothing counts before day 15.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from imp_core.errors import BadInput

__all__ = ["Arrivals", "days_until", "matured"]

_LONGEST: Final = 36_525  # days: a century of waiting is no plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """New units a day: `daily` × `traffic` (the share that takes part) × `consent` (the share that permits it).

    `profile` scales day 1, day 2, … of the run; its last value holds on (empty: every day is 1). New units get
    fewer where the same people come back.

    Raises:
        BadInput: a number is not above 0 and finite, or a share above 1.
    """

    daily: float
    traffic: float = 1.0
    consent: float = 1.0
    profile: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.daily < math.inf:
            raise BadInput("must be above 0", where="daily", mend="give the new units a day")
        for name, share in (("traffic", self.traffic), ("consent", self.consent)):
            if not 0 < share <= 1:
                raise BadInput("not a share", where=name, mend="give a number above 0 and up to 1, like 0.5")
        if not all(0 <= item < math.inf for item in self.profile):
            raise BadInput("must be 0 or more", where="profile", mend="give one number a day; 1 is an ordinary one")

    def entered(self, days: int) -> float:
        """The units that have entered after so many days."""
        if days <= 0:
            return 0.0
        last = self.profile[-1] if self.profile else 1.0
        whole = math.fsum(self.profile[:days]) + max(0, days - len(self.profile)) * last
        return self.daily * self.traffic * self.consent * whole


def matured(arrivals: Arrivals, days: float, *, window: float) -> float:
    """The units that count when so many days of the run are over; `window` in days.

    Raises:
        BadInput: days or window are negative or not finite.
    """
    for name, number in (("days", days), ("window", window)):
        if not 0 <= number < math.inf:
            raise BadInput("not a number of days", where=name, mend="give 0 or more")
    return arrivals.entered(math.floor(days - window))


def days_until(arrivals: Arrivals, units: float, *, window: float) -> int | None:
    """Whole days of the run until so many units have matured; None where a century is too short.

    Raises:
        BadInput: units or window are negative or not finite.
    """
    for name, number in (("units", units), ("window", window)):
        if not 0 <= number < math.inf:
            raise BadInput("must be 0 or more", where=name, mend="give an ordinary number")
    low, high = 0, _LONGEST
    if arrivals.entered(high) < units or window > _LONGEST:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if arrivals.entered(middle) >= units else (middle + 1, high)
    return low + math.ceil(window) if low else 0
