"""The power of a comparison with so many units."""

from __future__ import annotations

from imp_core.errors import BadInput
from imp_experiments.stats.power.baseline import Baseline
from imp_experiments.stats.power.chance import chance
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.signal import FEWEST, signal
from imp_experiments.stats.power.skew import skew_gain

__all__ = ["fewest_units", "power"]


def power(baseline: Baseline, setting: Setting, *, effect: float, units: float) -> float | None:
    """The chance that the test shows a true `effect` with `units` in all variants together.

    The effect is on the setting's scale and signed; it is shown where the test rejects on its side. With a margin:
    the chance to show non-inferiority. Where the baseline has a skewness, its term is added (`skew.py`). None where a
    variant would have fewer than two units (or clusters).

    Raises:
        BadInput: the effect cannot be, or the units are not a positive number.
    """
    if not 0 < units < float("inf"):
        raise BadInput("not a number of units", where="units", mend="give a number above 0")
    found = signal(baseline, setting, effect)
    if units < fewest_units(setting):
        return None
    distance = found.errors(units)
    plain = chance(distance, tail=setting.tail, df=found.df(setting, units))
    gain = skew_gain(baseline, setting, effect=effect, units=units, distance=distance)
    return plain if gain == 0 else min(max(plain + gain, 0.0), 1.0)


def fewest_units(setting: Setting) -> float:
    """The units in all with which each of the two variants has two units (or clusters): the least a test takes."""
    return FEWEST * setting.cluster_size / min(setting.control, setting.treatment)
