"""What a plan rests on, from a file of one's own units: means, spreads, skewness, density, covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from imp_core.clock import DAY_US
from imp_core.errors import BadInput
from imp_experiments.commands.plan_basis import Basis, mean_basis
from imp_experiments.design.experiment import Metric
from imp_experiments.measure.quantiles import QuantileRow
from imp_experiments.simulate.own import Own, own_units
from imp_experiments.stats.effect import CONDITIONS
from imp_experiments.stats.power.baseline import Baseline, of_proportion
from imp_experiments.stats.power.ratio import of_ratio
from imp_experiments.stats.quantile import quantile_points, quantile_side

__all__ = ["bases_of_file", "metric_of_column"]

Floats = npt.NDArray[np.float64]

_COLUMN: Final = "metric"
# a covariate that explains all would leave nothing to plan
_MOST_EXPLAINED: Final = 0.999_999
_ENOUGH: Final = 3


def bases_of_file(
    path: Path, metrics: Sequence[Metric], columns: Mapping[str, str], *, unit: str | None, covariate: str | None
) -> dict[str, Basis]:
    """The basis of every metric, as its readout would measure these units; arguments as for `own_units`.

    Raises:
        BadInput: the file cannot be taken, or its units leave nothing to plan.
    """
    own = own_units(path, metrics, columns, unit=unit, covariate=covariate)
    return {metric.name: _basis(metric, own[metric.name]) for metric in metrics}


def metric_of_column(column: str, q: float | None, *, adjusted: bool) -> tuple[Metric, dict[str, str]]:
    """A metric on no definition, and where its values are: a ratio where the column is NUM/DEN."""
    kind = "ratio" if "/" in column else "mean" if q is None else "quantile"
    metric = Metric(
        name=_COLUMN,
        role="primary",
        kind=kind,
        event="",
        value="count",
        window_us=DAY_US,
        q=q,
        pre_us=DAY_US if adjusted else None,
    )
    return metric, {_COLUMN: column}


def _basis(metric: Metric, own: Own) -> Basis:
    rows = [row + shift for row, shift in zip(own.values, own.shifts, strict=True)]
    if len(rows[0]) < _ENOUGH:
        raise BadInput("there are too few units to plan with", where="data", mend=f"give {_ENOUGH} or more")
    rows[0] = own.lifted(1.0) + own.shifts[0]
    if metric.clip is not None and metric.clip.quantiles:
        ends = [None if end is None else np.quantile(rows[0], end) for end in (metric.clip.low, metric.clip.high)]
        rows[0] = np.clip(rows[0], ends[0], ends[1])
    if metric.q is not None:
        return Basis(kind="quantile", baseline=_quantile(rows[0], metric.q))
    values, covariates = rows[: own.measured], rows[own.measured :]
    if own.measured > 1:
        ratio = float(values[0].mean() / values[1].mean()) if values[1].mean() > 0 else 0.0
        correlation = _correlation(values[0] - ratio * values[1], covariates)
        return Basis(kind="ratio", baseline=_ratio(values), correlation=correlation)
    correlation = _correlation(values[0], covariates)
    if metric.kind == "proportion" or set(np.unique(values[0])) == {0.0, 1.0}:
        return Basis(
            kind="proportion", baseline=of_proportion(float(values[0].mean()), skewed=True), correlation=correlation
        )
    found = mean_basis("mean", float(values[0].mean()), float(values[0].std(ddof=1)), _skewness(values[0]))
    return Basis(kind=found.kind, baseline=found.baseline, correlation=correlation)


def _skewness(values: Floats) -> float | None:
    about = values - values.mean()
    spread = float(values.std())
    return float((about**3).mean()) / spread**3 if spread > 0 else None


def _ratio(values: Sequence[Floats]) -> Baseline:
    spreads = [float(one.std(ddof=1)) for one in values]
    means = [float(one.mean()) for one in values]
    together = 0.0 if min(spreads) == 0 else float(np.corrcoef(values[0], values[1])[0, 1])
    return of_ratio((means[0], spreads[0]), (means[1], spreads[1]), correlation=min(max(together, -1.0), 1.0))


def _quantile(values: Floats, q: float) -> Baseline:
    """With the standard error that a readout would state, by the order statistics around it."""
    n = len(values)
    fractions = [one for one in dict.fromkeys((q, *quantile_points(q)(n, None))) if 0 <= one <= 1]
    points = dict(zip(fractions, np.quantile(values, fractions).tolist(), strict=True))
    side = quantile_side(QuantileRow(q=q, n=n, value=points[q], points=points))
    if side.se is None or side.estimate is None:
        reason = CONDITIONS[side.problem or "few_values"]
        raise BadInput(f"the quantile has no standard error: {reason}", where="data", mend="give more units, or a mean")
    follows = "cv" if side.estimate > 0 else "same"
    return Baseline(mean=side.estimate, variance=n * side.se**2, follows=follows)


def _correlation(values: Floats, covariates: Sequence[Floats]) -> float:
    """The multiple correlation with the covariates."""
    total = float(((values - values.mean()) ** 2).sum())
    if not covariates or total == 0:
        return 0.0
    about = np.stack([one - one.mean() for one in covariates], axis=1)
    left = values - values.mean()
    slopes, *_ = np.linalg.lstsq(about, left, rcond=None)
    explained = 1 - float(((left - about @ slopes) ** 2).sum()) / total
    return float(np.sqrt(min(max(explained, 0.0), _MOST_EXPLAINED)))
