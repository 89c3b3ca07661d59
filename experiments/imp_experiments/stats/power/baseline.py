"""What the units of control look like, and what their spread becomes where the mean moves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from imp_core.errors import BadInput

__all__ = ["FOLLOWS", "LARGEST", "Baseline", "of_mean", "of_proportion"]

LARGEST: Final = 1e75  # means and standard deviations stay in what can be squared and divided again

# follows → how a variant's variance depends on its mean
FOLLOWS: Final = {
    "binomial": "p (1 - p) at the variant's own proportion",
    "cv": "the coefficient of variation stays: the standard deviation grows with the mean, as revenue's does",
    "same": "the standard deviation stays",
}
_WHERE: Final = "baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Mean and per-unit variance of control, in the metric's units; `follows` is a word of `FOLLOWS`.

    Of a ratio or a quantile, `mean` is its value and `variance` the n-fold of its sampling variance (`of_ratio`,
    `of_quantile`). `skewness` is that of the units (third central moment over sd³), the same at every mean but for a
    proportion, which has its own; None: unknown, and power is planned without it.

    Raises:
        BadInput: a figure is not finite, the variance is not above 0, or the mean does not go with `follows`.
    """

    mean: float
    variance: float
    follows: str
    skewness: float | None = None

    def __post_init__(self) -> None:
        if self.follows not in FOLLOWS:
            raise BadInput("unknown variance rule", where=_WHERE, mend=f"use one of: {', '.join(FOLLOWS)}")
        if not abs(self.mean) <= LARGEST or not self.variance <= LARGEST**2:
            raise BadInput("a figure is not finite or too large", where=_WHERE, mend="give ordinary numbers")
        if self.variance < LARGEST**-2:
            raise BadInput("units without spread leave nothing to plan", where=_WHERE, mend="give a spread above 0")
        if self.skewness is not None and not abs(self.skewness) <= LARGEST:
            raise BadInput("not a skewness", where="skewness", mend="give an ordinary number; 0 is symmetry")
        if self.follows == "binomial" and not 0 < self.mean < 1:
            raise BadInput("not a proportion", where=_WHERE, mend="give a number between 0 and 1, like 0.05")
        if self.follows == "cv" and self.mean == 0:
            raise BadInput("a mean of 0 has no coefficient of variation", where=_WHERE, mend='use follows = "same"')

    def variance_at(self, mean: float) -> float:
        """The per-unit variance of a variant whose mean this is."""
        if self.follows == "binomial":
            return mean * (1 - mean)
        if self.follows == "cv":
            return self.variance * (mean / self.mean) ** 2
        return self.variance

    def third_at(self, mean: float) -> float:
        """The third central moment of the units of a variant whose mean this is; 0 where no skewness is known."""
        if self.skewness is None:
            return 0.0
        if self.follows == "binomial":
            return mean * (1 - mean) * (1 - 2 * mean)
        sign = math.copysign(1.0, mean / self.mean) if self.follows == "cv" else 1.0
        sd = math.sqrt(self.variance_at(mean))
        return sign * self.skewness * sd * sd * sd

    def possible(self, mean: float) -> bool:
        """Whether a variant can have this mean: a proportion lies in 0 to 1, a mean with a cv keeps its sign."""
        if self.follows == "binomial":
            return 0 <= mean <= 1
        if self.follows == "cv":
            return mean * self.mean >= 0 and abs(mean) <= LARGEST
        return abs(mean) <= LARGEST


def of_proportion(share: float, *, skewed: bool = False) -> Baseline:
    """Units of 0 and 1, of which this share is 1 in control; `skewed` plans with their skewness, as textbooks do not.

    Raises:
        BadInput: it is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise BadInput("not a proportion", where=_WHERE, mend="give a number between 0 and 1, like 0.05")
    variance = share * (1 - share)
    skewness = (1 - 2 * share) / math.sqrt(variance) if skewed else None
    return Baseline(mean=share, variance=variance, follows="binomial", skewness=skewness)


def of_mean(mean: float, sd: float, *, follows: str = "cv", skewness: float | None = None) -> Baseline:
    """Units with a mean and a standard deviation in control, and their skewness where it is known.

    Raises:
        BadInput: a figure is not finite, `sd` is not above 0, or the mean does not go with `follows`.
    """
    if not sd > 0:
        raise BadInput("units without spread leave nothing to plan", where=_WHERE, mend="give a spread above 0")
    return Baseline(mean=mean, variance=sd * sd, follows=follows, skewness=skewness)
