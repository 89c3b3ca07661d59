"""How two variants will be compared: level, shares, scale, margin, and what widens or narrows the spread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NoReturn

from imp_core.errors import BadInput
from imp_experiments.stats.power.clusters import design_effect

__all__ = ["Setting"]

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One treatment against control, as it will be tested.

    alpha: the error of all hypotheses together; each is tested at `alpha / hypotheses` (Bonferroni). sides: 1 or 2.
    scale: "relative" (an effect of 0.1 is +10 %; the statistic is the log of the ratio) or "absolute" (the metric's
    units). direction: "up" or "down", where better lies. control, treatment: their shares of *all* units of the
    experiment; where there are more variants they add up to less than 1. margin: None tests for a difference; else how
    much worse is still acceptable, above 0 in units of the scale (non-inferiority, one-sided).
    correlation: of the metric with the covariate it is adjusted for, the same in both variants (R² is its square).
    cluster_size, cluster_cv, icc: units per randomised cluster, the coefficient of variation of that number, and the
    intra-cluster correlation. inflation: most units of a sequential design over those of the fixed one, 1 or more.

    Raises:
        BadInput: a field cannot be.
    """

    alpha: float = 0.05
    sides: int = 2
    hypotheses: int = 1
    scale: str = "relative"
    direction: str = "up"
    control: float = 0.5
    treatment: float = 0.5
    margin: float | None = None
    correlation: float = 0.0
    cluster_size: float = 1.0
    cluster_cv: float = 0.0
    icc: float = 0.0
    inflation: float = 1.0

    def __post_init__(self) -> None:
        _words(self)
        if not 0 < self.alpha < 1:
            _refuse("alpha", "must be between 0 and 1", "the usual one is 0.05")
        if self.hypotheses < 1:
            _refuse("hypotheses", "must be 1 or more", "1 is a single test")
        shares = (self.control, self.treatment)
        if not all(share > 0 for share in shares) or sum(shares) > 1 + _ROUNDING:
            _refuse("control", "the shares must be above 0 and add up to 1 at most", "0.5 and 0.5 are halves")
        if not -1 < self.correlation < 1:
            _refuse("correlation", "must be between -1 and 1", "R² is its square")
        if not 1 <= self.inflation < math.inf:
            _refuse("inflation", "must be 1 or more", "1 is a test with a single look")
        _margin(self)
        design_effect(self.cluster_size, self.icc, cv=self.cluster_cv)

    @property
    def tail(self) -> float:
        """The error that one hypothesis may spend on the side where an effect is shown."""
        return self.alpha / self.hypotheses / self.sides

    @property
    def widening(self) -> float:
        """How many times the units of a simple, fixed design it takes: design effect × sequential inflation."""
        return design_effect(self.cluster_size, self.icc, cv=self.cluster_cv) * self.inflation


def _words(setting: Setting) -> None:
    if setting.sides not in (1, 2):
        _refuse("sides", "must be 1 or 2", "the usual test has 2")
    if setting.scale not in ("absolute", "relative"):
        _refuse("scale", "must be absolute or relative", "relative effects are shares of control: 0.1 is +10 %")
    if setting.direction not in ("up", "down"):
        _refuse("direction", "must be up or down", "say where better lies")


def _margin(setting: Setting) -> None:
    margin = setting.margin
    if margin is None:
        return
    if not 0 < margin < math.inf:
        _refuse("margin", "must be above 0", "0.02 on the relative scale means 2 percent")
    if setting.scale == "relative" and margin >= 1:
        _refuse("margin", "a relative margin must be below 1", "0.02 means 2 percent")
    if setting.sides != 1:
        _refuse("sides", "non-inferiority is shown on one side", "use sides = 1")


def _refuse(field: str, problem: str, mend: str) -> NoReturn:
    raise BadInput(problem, where=field, mend=mend)
