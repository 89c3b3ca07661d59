"""When an experiment began: what its horizon runs from. Pure."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from zoneinfo import ZoneInfo

from imp_experiments.design.registration import Registration
from imp_experiments.measure.archive import Measurement
from imp_experiments.measure.days import day_end_us

__all__ = ["began_us"]


def began_us(measurement: Measurement, registration: Registration, *, zone: ZoneInfo, k: int) -> int:
    """The start, or where imported exposures precede it the end of the day by which k units had come.

    Not the first exposure: its moment is one person's, who might leave and take the horizon along.
    """
    days: Counter[int] = Counter()
    for cell in measurement.moments.cells:
        if cell.day is not None:
            days[cell.day] += cell.n
    ordered = sorted(days)
    so_far = accumulate(days[day] for day in ordered)
    first = next((day for day, n in zip(ordered, so_far, strict=True) if n >= max(k, 1)), None)
    if first is None:
        return registration.started_us
    return min(registration.started_us, day_end_us(zone, first))
