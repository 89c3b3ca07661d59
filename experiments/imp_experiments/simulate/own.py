"""One's own units, dealt anew in every run to variants and days, so that there is no effect but the one asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from imp_core.errors import BadInput
from imp_experiments.design.experiment import Ends, Metric
from imp_experiments.measure.files import open_file
from imp_experiments.measure.layout import Layout, MetricAsked, Value
from imp_experiments.measure.relation import NO_VALUE, NO_VARIANT
from imp_experiments.measure.table import units_frame
from imp_experiments.readout.own import refuse_archive
from imp_experiments.simulate.populations import Draw

__all__ = ["Own", "own_units"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Own:
    """`values` (columns × units) less `shifts`: the measured columns, then covariates and who lacks one.

    `q` is set where a quantile of the first column is asked for; `ends` are where its values end. Of `flags` nothing
    can be multiplied. Where clusters are dealt, values are their sums, beside that of a mean their units; `first` are
    then the units' values of the first column and where each cluster's begin.
    """

    values: Floats
    shifts: tuple[float, ...]
    measured: int
    q: float | None = None
    ends: Ends | None = None
    flags: bool = False
    first: tuple[Floats, npt.NDArray[np.int64]] | None = None

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """The mean of all units, of a ratio the ratio of means, or the quantile; before values end."""
        if self.q is not None:
            units = self.values[0] + self.shifts[0] if self.first is None else self.first[0]
            return float(np.quantile(units, self.q))
        means = [float(row.mean()) + shift for row, shift in zip(self.values, self.shifts, strict=True)]
        return means[0] if self.measured == 1 else means[0] / means[1] if means[1] else math.nan

    def opened(self, rng: np.random.Generator, runs: int) -> Draw:
        """Deals each run's units without putting one back."""
        order = rng.permuted(np.tile(np.arange(self.values.shape[1]), (runs, 1)), axis=1)
        dealt = 0

        def draw(n: int, lift: float) -> tuple[Floats, ...]:
            nonlocal dealt
            chosen = order[:, dealt : dealt + n]
            dealt += n
            return (self.lifted(lift)[chosen], *(row[chosen] for row in self.values[1:]))

        return draw

    def lifted(self, lift: float) -> Floats:
        """The first column, less its shift, as a variant with this lift has it."""
        if lift == 1 and self.ends is None:
            return np.asarray(self.values[0])
        moved = (self.values[0] + self.shifts[0] if self.first is None else self.first[0]) * lift
        if self.ends is not None:
            moved = np.clip(moved, self.ends.low, self.ends.high)
        if self.first is not None:
            moved = np.add.reduceat(moved, self.first[1])
        return np.asarray(moved - self.shifts[0])


def own_units(
    path: Path,
    metrics: Sequence[Metric],
    columns: Mapping[str, str],
    *,
    unit: str | None = None,
    covariate: str | None = None,
    cluster: str | None = None,
) -> dict[str, Own]:
    """The units of a file, for every metric; a file has one row a unit, or a column of `unit`.

    `columns` says where a metric's values are, a ratio's as "NUM/DEN"; without it the column has the metric's name.
    `covariate` is a column from before the exposure, and adjusts the metrics that have a `pre`. `cluster` is the column
    of what was randomised, where units come in clusters.

    Raises:
        BadInput: the file, a column or a value cannot be taken. Also a file of a workspace's archive.
    """
    for name in columns:
        if name not in (metric.name for metric in metrics):
            raise BadInput(f"{name!r} is no metric of this experiment", where="column", mend="name one of its metrics")
    asked = [_asked(metric, columns.get(metric.name, metric.name)) for metric in metrics]
    covariates = () if covariate is None else (covariate,)
    # who was in which variant does not matter: any column will do
    layout = Layout(variant=(asked[0].column,), unit=unit, metrics=tuple(asked), covariates=covariates, cluster=cluster)
    values, clusters = _read(path, layout)
    out = {}
    for metric, one in zip(metrics, asked, strict=True):
        rows = [values[value] for value in one.values]
        if metric.pre_us is not None:
            rows += [row for value in layout.values if value.optional for row in _with_lacking(values[value])]
        out[metric.name] = _own(metric, rows, measured=len(one.values), clusters=clusters)
    return out


def _read(path: Path, layout: Layout) -> tuple[dict[Value, Floats], npt.NDArray[np.int64] | None]:
    """The values of every unit, NaN where one lacks a covariate, and its cluster's number from 0 on."""
    refuse_archive(path)
    nested = [] if layout.cluster is None else ["cluster"]
    with open_file(path, layout) as prepared:
        names = [f"value_{place}" for place in range(len(layout.values))]
        frame = units_frame(prepared.frame, layout)
        found = frame.select(*names, *nested, *(["changes"] if layout.unit else [])).collect()
        arrays = [found[name].to_numpy().astype(float) for name in names]
        values = dict(zip(layout.values, arrays, strict=True))
        if not all(_taken(value, one) for value, one in values.items()):
            raise _fault(prepared.first_fault(), path)
        if nested and found["cluster"].null_count():
            raise _fault(prepared.first_fault(), path)
    if len(found) == 0:
        raise BadInput("there are no rows", where=str(path), mend="give it a row for each unit")
    if layout.unit and found["changes"].sum():
        what = "values of a covariate" if layout.cluster is None else "clusters or values of a covariate"
        raise BadInput(f"a unit has several {what}", where=str(path), mend="write the same in its rows")
    if not nested:
        return values, None
    numbers: dict[Any, int] = {}
    return values, np.array([numbers.setdefault(one, len(numbers)) for one in found["cluster"].to_list()])


def _fault(found: BadInput | None, path: Path) -> BadInput:
    """What is wrong with a row; the layout's variant is a column of values here, which nobody calls a variant."""
    if found is None:
        return BadInput("values are too large", where=str(path), mend="rescale them")
    if found.what == NO_VARIANT:
        mend = "write 0 where nothing happened; rows count from 1 without the header"
        return BadInput(NO_VALUE, where=found.where, mend=mend)
    return found


def _taken(value: Value, found: Floats) -> bool:
    """Whether every value is a finite number, or a covariate's is missing."""
    return bool(np.isfinite(found[~np.isnan(found)] if value.optional else found).all())


def _asked(metric: Metric, column: str) -> MetricAsked:
    above, slash, below = column.partition("/")
    if bool(slash) != (metric.kind == "ratio") or (slash and not (above and below)):
        problem = "a ratio has two columns" if metric.kind == "ratio" else f"a {metric.kind} has one column"
        mend = f"say --column {metric.name}=NUM/DEN" if metric.kind == "ratio" else f"say --column {metric.name}=COL"
        raise BadInput(problem, where="column", mend=mend)
    return MetricAsked(name=metric.name, kind=metric.kind, column=above, denominator=below or None, q=metric.q)


def _with_lacking(values: Floats) -> Iterator[Floats]:
    """A covariate filled with its mean, and, where some lack it, who does."""
    lacking = np.isnan(values)
    center = 0.0 if lacking.all() else float(values[~lacking].mean())
    yield np.where(lacking, center, values)
    if lacking.any():
        yield lacking.astype(float)


def _own(metric: Metric, rows: list[Floats], *, measured: int, clusters: npt.NDArray[np.int64] | None = None) -> Own:
    first = None
    if clusters is not None:
        order = np.argsort(clusters, kind="stable")
        starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
        first = rows[0][order], starts
        sizes = [np.ones_like(rows[0])] if measured == 1 else []
        rows = [np.add.reduceat(row[order], starts) for row in (rows[0], *sizes, *rows[1:])]
        measured = 2
    # flags stay as they are, so that events can be counted
    shifts = tuple(
        0.0 if set(np.unique(row[:1000])) <= {0.0, 1.0} or (not place and metric.kind == "proportion") else row.mean()
        for place, row in enumerate(rows)
    )
    return Own(
        values=np.stack([row - shift for row, shift in zip(rows, shifts, strict=True)]),
        shifts=tuple(map(float, shifts)),
        measured=measured,
        first=first,
        q=metric.q,
        # quantiles are those of a look
        ends=None if metric.clip is None or metric.clip.quantiles else metric.clip,
        flags=metric.kind == "proportion",
    )
