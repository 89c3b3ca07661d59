"""What is planned, and by which test: a treatment against control, or an effect of factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imp_experiments.stats.power.baseline import Baseline
from imp_experiments.stats.power.cells import Cells, cells_mde, cells_power, cells_units
from imp_experiments.stats.power.chosen import chosen_mde, chosen_power, chosen_units, few_expected
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.units import Units, rounded_up

__all__ = ["Planner"]

_METHODS: Final = {
    "mean": "Welch's t test",
    "proportion": "Welch's t test",
    "ratio": "Welch's t test of a ratio by the delta method",
    "quantile": "quantiles with standard errors from order statistics",
}
_SCORE: Final = "score test (Miettinen and Nurminen), as few events are expected"
_FACTORS: Final = "effects of factors over {count} cells, uncorrected for how many they are"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """A metric's baseline and how it will be tested; with `cells` an effect of factors, and no margin.

    `kind` is the metric's: mean, proportion, ratio or quantile.
    """

    kind: str
    baseline: Baseline
    setting: Setting
    cells: Cells | None = None

    def units(self, effect: float, power: float) -> Units | None:
        """The fewest units that show the effect with this power; of cells two are told."""
        if self.cells is None:
            return chosen_units(self.baseline, self.setting, effect=effect, power=power)
        exact = cells_units(self.baseline, self.setting, self.cells, effect=effect, power=power)
        if exact is None:
            return None
        each = [rounded_up(share * exact) for share in self.cells.shares]
        return Units(control=each[0], treatment=each[1], total=sum(each), exact=exact)

    def power(self, effect: float, units: float) -> float | None:
        """The chance to show the effect with so many units in all."""
        if self.cells is None:
            return chosen_power(self.baseline, self.setting, effect=effect, units=units)
        return cells_power(self.baseline, self.setting, self.cells, effect=effect, units=units)

    def mde(self, units: float, power: float) -> float | None:
        """The smallest effect that so many units show with this power, signed."""
        if self.cells is None:
            return chosen_mde(self.baseline, self.setting, units=units, power=power)
        return cells_mde(self.baseline, self.setting, self.cells, units=units, power=power)

    def method(self, effect: float | None, units: float | None) -> str:
        """The test in words, where the effect and the units are these."""
        if self.cells is not None:
            return _FACTORS.format(count=len(self.cells.shares))
        if units is not None and few_expected(self.baseline, self.setting, effect=effect or 0.0, units=units):
            return _SCORE
        return _METHODS[self.kind]
