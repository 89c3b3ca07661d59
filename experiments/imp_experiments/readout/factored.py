"""The section of a readout for multivariate experiments: effects of factors, the cells, and the best of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imp_experiments.design.factors import Design, Factor
from imp_experiments.stats.best_cell import BestCell
from imp_experiments.stats.factor_effect import FactorialResult

__all__ = ["CellShown", "Factored", "FactoredMetric"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellShown:
    """One cell that has units: its variant, its levels, how many units it has (None: 1 to k - 1), value and error.

    `value` is the mean per unit (or share, or ratio), adjusted where the method says so, `se` its standard error. None:
    there is no such figure, or it may not be shown.
    """

    variant: str
    levels: Mapping[str, str]
    n: int | None
    value: float | None
    se: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactoredMetric:
    """One metric: all effects up to the order asked for (`result`), its cells and the best of them.

    `scale` is the registered one, `direction` says which end is good. `best` is None where `result` is; that is None
    where `barred`, a condition's code, forbids all figures.
    """

    metric: str
    kind: str
    scale: str
    direction: str
    cells: tuple[CellShown, ...]
    result: FactorialResult | None
    best: BestCell | None
    barred: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Factored:
    """The design and what was found, metric by metric.

    `control` is the cell of first levels, or of a fraction its first run. `resolution` and `defining_relation` are
    None in a full factorial. `order` is up to how many factors an interaction may have.
    """

    factors: tuple[Factor, ...]
    design: Design
    control: str
    runs: int
    order: int
    resolution: int | None
    defining_relation: str | None
    metrics: tuple[FactoredMetric, ...]
