"""What looking early costs and saves: the larger sample, the power and the expected end of a plan.

Under a drift θ, the mean of the z statistic at information fraction t is θ√t (Jennison and Turnbull 2000, ch. 2 and
19). The sample grows by (θ / (z(1-α/sides) + z(power)))², their factor R, against the test that looks once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy.special import ndtri

from imp_core.errors import BadInput
from imp_experiments.stats.sequential import density
from imp_experiments.stats.sequential.boundary import Boundary, plan_boundaries
from imp_experiments.stats.sequential.spending import Spending

__all__ = ["Inflation", "Passage", "inflation", "passage"]

_TOLERANCE: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What a plan does under a drift.

    `up` and `down` are the chances to end above z or below -z at some look (down is 0 where the test is
    one-sided); for a positive drift `up` is the power. `expected_fraction` is the mean information fraction at
    which the test ends, the last planned one where no look rejects.
    """

    up: float
    down: float
    expected_fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Inflation:
    """What a plan needs for its power.

    `factor` multiplies the fixed test's sample (1 or more); `drift` is the mean of the z statistic at fraction 1
    that gives the power; `expected_fraction` is the mean share of the inflated sample used under that drift.
    """

    factor: float
    drift: float
    expected_fraction: float


def passage(fractions: Sequence[float], boundaries: Sequence[Boundary], drift: float, *, sides: int = 2) -> Passage:
    """Chances to end and the expected end of looks at `fractions` with these boundaries, under a drift.

    Raises:
        BadInput: the drift is not finite, or there is not one boundary a look.
    """
    if not math.isfinite(drift) or not fractions or len(fractions) != len(boundaries):
        raise BadInput(
            "a drift is a finite number, and each look has its boundary",
            where="drift",
            mend="pass the fractions and boundaries of one plan",
        )
    used = [(time, bound.z) for time, bound in zip(fractions, boundaries, strict=True) if bound.z is not None]
    survivors, rho, up, down, expected = None, 0.0, 0.0, 0.0, 0.0
    for index, (time, z) in enumerate(used):
        mean = drift * math.sqrt(time)
        above, below, _ = density.crossing(survivors, rho, z, sides=sides, mean=mean)
        up, down, expected = up + above, down + below, expected + time * (above + below)
        if index + 1 == len(used):
            break
        following = math.sqrt(time / used[index + 1][0])
        low, width = -z if sides > 1 else -math.inf, density.spread(following)
        if survivors is None:
            survivors = density.first(low, z, following=width, mean=mean)
        else:
            survivors = density.onwards(survivors, rho, low, z, following=width, mean=mean)
        rho = following
    return Passage(up=up, down=down, expected_fraction=expected + fractions[-1] * (1 - up - down))


def inflation(
    fractions: Sequence[float], *, alpha: float, power: float, spending: Spending, sides: int = 2
) -> Inflation:
    """How much larger a sample the plan needs than the test that looks once, for the same alpha and power.

    Power is the chance to end on the side of the effect; the other side counts in neither test.

    Raises:
        BadInput: alpha, power or sides is impossible, or the fractions do not ascend to exactly 1.
    """
    boundaries = plan_boundaries(fractions, alpha, spending, sides)
    if fractions[-1] != 1:
        raise BadInput("the plan does not end at fraction 1", where="fractions", mend="say 1 for the last look")
    fixed = float(ndtri(1 - alpha / sides) + ndtri(power)) if alpha / sides < power < 1 else math.nan
    if not fixed > 0:
        raise BadInput(
            f"the power is {power}, not above the chance of an error and below 1", where="power", mend="say 0.8"
        )
    from scipy.optimize import brentq  # noqa: PLC0415 - slow to import, and only planning needs it

    def missing(drift: float) -> float:
        return passage(fractions, boundaries, drift, sides=sides).up - power

    high = fixed
    while missing(high) < 0:
        high *= 1.25
    drift = high if high == fixed else float(brentq(missing, fixed, high, xtol=_TOLERANCE, rtol=_TOLERANCE))
    ends = passage(fractions, boundaries, drift, sides=sides).expected_fraction
    return Inflation(factor=(drift / fixed) ** 2, drift=drift, expected_fraction=ends)
