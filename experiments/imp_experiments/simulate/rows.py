"""A variant's quantile in many runs, found as `measure/quantiles.py` finds it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from imp_experiments.measure.quantiles import Clusters, QuantileRow
from imp_experiments.simulate.nesting import Sums
from imp_experiments.stats.quantile import quantile_points

__all__ = ["nested_rows", "plain_rows"]

Floats = npt.NDArray[np.float64]


def plain_rows(values: Floats, q: float) -> list[QuantileRow]:
    """Of units (runs × units)."""
    runs, n = values.shape
    if not n:
        return [QuantileRow(q=q, n=0, value=None, points={})] * runs
    fractions = [one for one in dict.fromkeys((q, *quantile_points(q)(n, None))) if 0 <= one <= 1]
    found = np.quantile(values, fractions, axis=1).T.tolist()
    return [QuantileRow(q=q, n=n, value=one[0], points=dict(zip(fractions, one, strict=True))) for one in found]


def nested_rows(values: Floats, q: float, sums: Sums) -> list[QuantileRow]:
    """Of units that nest in clusters, whose interval needs points of each run's own."""
    n, sizes = values.shape[1], sums.sizes.astype(float)
    if not n:
        return plain_rows(values, q)
    found = np.quantile(values, q, axis=1)
    below = sums.of((values <= found[:, None]).astype(float))
    rows = []
    for run, mine in enumerate(below):
        clusters = Clusters(
            count=len(sizes),
            below=float(mine.sum()),
            below_squares=float(mine @ mine),
            size_squares=float(sizes @ sizes),
            products=float(mine @ sizes),
        )
        fractions = [one for one in dict.fromkeys((q, *quantile_points(q)(n, clusters))) if 0 <= one <= 1]
        points = dict(zip(fractions, np.quantile(values[run], fractions).tolist(), strict=True))
        rows.append(QuantileRow(q=q, n=n, value=float(found[run]), points=points, clusters=clusters))
    return rows
