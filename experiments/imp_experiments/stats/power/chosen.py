"""Power, units and detectable effect of the test that a readout will choose: the score test where events are few.

Welch's else. It is chosen by what is expected: fewer than ten events or non-events in a variant, of a proportion that
is not adjusted and whose units were randomised themselves. Welch's on the log scale has nearly the power of the score
test where the event is rare, and the term for its skewness is no good with fewer than 25 events: there, too, the score
test's formula is taken. `tests/experiments/stats/test_power_chosen.py` holds both to all outcomes there are.
"""

from __future__ import annotations

import math
from typing import Final

from imp_experiments.stats.power.baseline import Baseline
from imp_experiments.stats.power.chance import distance_for
from imp_experiments.stats.power.mde import limit_of, smallest
from imp_experiments.stats.power.mde import mde as mde_of
from imp_experiments.stats.power.power import fewest_units
from imp_experiments.stats.power.power import power as power_of
from imp_experiments.stats.power.score import score_power, score_units
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.signal import signal
from imp_experiments.stats.power.units import Units, rounded
from imp_experiments.stats.power.units import units as units_of
from imp_experiments.stats.score import few_events

__all__ = ["chosen_mde", "chosen_power", "chosen_units", "few_expected"]


_RARE: Final = 0.1
_FEW: Final = 25


def few_expected(baseline: Baseline, setting: Setting, *, effect: float, units: float) -> bool:
    """Whether so many units are expected to have so few events that the score test is the method."""
    expected = _expected(baseline, setting, effect, units)
    return expected is not None and few_events([round(one) for one in expected[0]], [round(one) for one in expected[1]])


def _expected(
    baseline: Baseline, setting: Setting, effect: float, units: float
) -> tuple[list[float], list[float]] | None:
    """Events and units of treatment and control; None where scores are no method."""
    if baseline.follows != "binomial" or setting.correlation or setting.cluster_size > 1:
        return None
    treatment = baseline.mean * (1 + effect) if setting.scale == "relative" else baseline.mean + effect
    n = [share * units for share in (setting.treatment, setting.control)]
    return [count * share for count, share in zip(n, (treatment, baseline.mean), strict=True)], n


def _by_score(baseline: Baseline, setting: Setting, effect: float, units: float) -> bool:
    """Whether the score test's formula is taken: it is the method, or nearer to Welch's power than Welch's own."""
    if few_expected(baseline, setting, effect=effect, units=units):
        return True
    expected = _expected(baseline, setting, effect, units)
    if expected is None or setting.scale != "relative":
        return False
    events, n = expected
    return min(events) < _FEW and sum(events) <= _RARE * sum(n)


def chosen_power(baseline: Baseline, setting: Setting, *, effect: float, units: float) -> float | None:
    """As `power`, by the score test's formula where few events are expected."""
    found = power_of(baseline, setting, effect=effect, units=units)
    if found is None or not _by_score(baseline, setting, effect, units):
        return found
    return score_power(baseline.mean, setting, effect=effect, units=units)


def chosen_units(baseline: Baseline, setting: Setting, *, effect: float, power: float = 0.8) -> Units | None:
    """As `units`, by the score test's formula where Welch's answer expects few events."""
    found = units_of(baseline, setting, effect=effect, power=power)
    if found is None or not _by_score(baseline, setting, effect, found.exact):
        return found
    exact = score_units(baseline.mean, setting, effect=effect, power=power)
    return None if exact is None else rounded(max(exact, fewest_units(setting)), setting)


def chosen_mde(baseline: Baseline, setting: Setting, *, units: float, power: float = 0.8) -> float | None:
    """As `mde`, by the score test's formula where few events are expected."""
    found = mde_of(baseline, setting, units=units, power=power)
    sign = 1.0 if setting.direction == "up" else -1.0
    if not _by_score(baseline, setting, 0.0 if found is None else found, units):
        return found
    if units < fewest_units(setting):
        return None

    def enough(size: float) -> bool:
        return score_power(baseline.mean, setting, effect=sign * size, units=units) >= power

    normal = distance_for(power, tail=setting.tail) * math.sqrt(signal(baseline, setting, 0.0).spread / units)
    size = smallest(enough, normal, limit_of(baseline, setting))
    return None if size is None else sign * size
