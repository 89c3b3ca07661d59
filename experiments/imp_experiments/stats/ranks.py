"""Ranks: the chance that a unit of a variant is above one of control, by Brunner and Munzel (2000), on request.

Estimate, interval and p are those of one statistic, Welch's t on the units' places among the other variant, with
Satterthwaite's degrees of freedom (Neubert and Brunner 2007, which mends a slip of the first paper). The test of Mann
and Whitney has no interval to go with it: its variance holds only where both distributions are the same, and where the
spreads differ it rejects too often or too seldom. Its U and p stand beside as the classic figures; no verdict reads
them. `tests/vectors/stats/ranks.json` compares both with scipy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from scipy.special import ndtr, stdtr, stdtrit

from imp_core.errors import BadInput
from imp_experiments.measure.ranks import RankSums
from imp_experiments.stats.arguments import check_scale, check_tail
from imp_experiments.stats.effect import Condition, Effect

__all__ = ["METHOD", "RankContrast", "rank_contrast"]

METHOD: Final = "Brunner-Munzel t: the probability that a unit of the variant is above one of control, less one half"
_HALF: Final = 0.5
_ENOUGH_TO_VARY: Final = 2
_RELATIVE: Final = Condition("no_relative_scale", "relative")


@dataclass(frozen=True, slots=True, kw_only=True)
class RankContrast:
    """A variant's units against those of control; made by `rank_contrast`.

    `probability` is P(variant above control) + P(tie)/2, between 0 and 1, `se` its standard error with `df` degrees of
    freedom. `u` is Mann and Whitney's for the variant and `mann_whitney_p` its two-sided p, normal, with the variance
    corrected for ties and without a correction for continuity. None: there is none, and a condition says why.
    """

    probability: float | None
    se: float | None
    df: float | None
    u: float | None
    mann_whitney_p: float | None
    conditions: tuple[Condition, ...]
    method: str = METHOD

    def effect(self, scale: str, *, tail: float) -> Effect | None:
        """Absolute: `probability` - 1/2, its interval kept within ±1/2. There is no relative effect.

        Raises:
            BadInput: the scale is not absolute or relative, or tail is not between 0 and 0.5.
        """
        check_scale(scale)
        check_tail(tail)
        if scale == "relative" or self.probability is None or self.se is None or self.df is None:
            return None
        estimate = self.probability - _HALF
        half = -float(stdtrit(self.df, tail)) * self.se
        return Effect(
            estimate=estimate,
            low=max(estimate - half, -_HALF),
            high=min(estimate + half, _HALF),
            se=self.se,
            p_value=float(2 * stdtr(self.df, -abs(estimate / self.se))),
            df=self.df,
        )

    def p_beyond(self, scale: str, null: float) -> float | None:
        """One-sided p of the hypothesis that the effect is `null` or less; None where there is no effect.

        Raises:
            BadInput: the scale is not absolute or relative, or an absolute null is not between -1/2 and 1/2.
        """
        check_scale(scale)
        if scale == "relative":
            return None
        if not -_HALF < null < _HALF:
            raise BadInput(f"no probability is {null!r} from one half", where="null", mend="pass e.g. -0.02")
        if self.probability is None or self.se is None or self.df is None:
            return None
        return float(stdtr(self.df, (null - (self.probability - _HALF)) / self.se))


def rank_contrast(sums: RankSums) -> RankContrast:
    """Compare the ranks of a variant and of control.

    Conditions: `no_relative_scale` always; `no_units`, `one_unit`, `not_finite` (no figures at all); `all_tied` and
    `separated` (the places do not vary: no standard error, no p; U stands, and where there are ranks its p).
    """
    problem = _problem(sums)
    if problem is not None:
        return _without(None, None, None, problem)
    n, m = sums.n, sums.control_n
    probability = sums.places / n / m
    classic = _mann_whitney_p(sums)
    errors = (
        _variance(n, probability, sums.place_squares / m / m) / n,
        _variance(m, 1 - probability, sums.control_place_squares / n / n) / m,
    )
    if classic is None:
        return _without(probability, sums.places, None, "all_tied")
    # places at exactly one end do not vary; what rounding leaves there is not variance
    if sums.places in (0.0, float(n * m)) or sum(errors) <= 0:
        return _without(probability, sums.places, classic, "separated")
    share = errors[0] / sum(errors)
    return RankContrast(
        probability=probability,
        se=math.sqrt(sum(errors)),
        df=1 / (share**2 / (n - 1) + (1 - share) ** 2 / (m - 1)),
        u=sums.places,
        mann_whitney_p=classic,
        conditions=(_RELATIVE,),
    )


def _problem(sums: RankSums) -> str | None:
    if sums.not_finite:
        return "not_finite"
    fewest = min(sums.n, sums.control_n)
    return "no_units" if fewest == 0 else "one_unit" if fewest < _ENOUGH_TO_VARY else None


def _without(probability: float | None, u: float | None, classic: float | None, code: str) -> RankContrast:
    conditions = (Condition(code, "both"), _RELATIVE)
    return RankContrast(probability=probability, se=None, df=None, u=u, mann_whitney_p=classic, conditions=conditions)


def _variance(n: int, mean: float, squares: float) -> float:
    """Of n places, as shares of the other variant: from their mean and their sum of squares."""
    return max(squares - n * mean * mean, 0.0) / (n - 1)


def _mann_whitney_p(sums: RankSums) -> float | None:
    """Two-sided, normal; None where every unit has the same value."""
    n, m = sums.n, sums.control_n
    total = n + m
    variance = n * m / 12 * (total + 1 - sums.ties / total / (total - 1))
    # all tied: ties are total³ - total, but for rounding
    if variance <= n * m * total * 1e-12:
        return None
    return float(2 * ndtr(-abs(sums.places - n * m / 2) / math.sqrt(variance)))
