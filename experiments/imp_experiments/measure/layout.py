"""What an analyst asks of a table: which columns are what, which metrics they make, and which sums these need."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from imp_experiments.measure.aggregate import Column, Wanted
from imp_experiments.measure.clip import Clip

__all__ = ["UNITS", "Layout", "MetricAsked", "Value", "missing_of"]

# The column of `Moments` that counts a cluster's units.
UNITS: Final = "units"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """How a column is read: a "flag" (0, 1, true, false) or a "number"; an `optional` one may be missing."""

    column: str
    kind: str
    optional: bool = False

    @property
    def name(self) -> str:
        """Its name in `Moments`."""
        return f"{self.kind} {self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricAsked:
    """One metric of a table: proportion, mean, ratio (with a `denominator`), quantile (of which: `q`) or ranks."""

    name: str
    kind: str
    column: str
    denominator: str | None = None
    q: float | None = None

    @property
    def values(self) -> tuple[Value, ...]:
        """The columns it reads."""
        kind = "flag" if self.kind == "proportion" else "number"
        below = () if self.denominator is None else (Value(column=self.denominator, kind="number"),)
        return (Value(column=self.column, kind=kind), *below)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which columns of a table are what. Without a unit column every row is a unit.

    Several `variant` columns are factors: their levels together are the variant. `covariates` were measured before the
    exposure and may be missing; a unit's stratum, cluster and covariates are the same in all its rows. `clips` end the
    values of a column, a unit's sum, at bounds over all variants; quantiles and ranks are not clipped.
    """

    variant: tuple[str, ...]
    unit: str | None = None
    stratum: str | None = None
    cluster: str | None = None
    metrics: tuple[MetricAsked, ...]
    covariates: tuple[str, ...] = ()
    clips: Mapping[str, Clip] = field(default_factory=dict)

    @property
    def values(self) -> tuple[Value, ...]:
        """The value columns, each once: of the metrics, then the covariates; prepared they are value_0 and so on."""
        measured = (value for metric in self.metrics for value in metric.values)
        before = (Value(column=name, kind="number", optional=True) for name in self.covariates)
        return tuple(dict.fromkeys((*measured, *before)))

    @property
    def marks(self) -> dict[str, str]:
        """The prepared text columns and what they are made of, but for the variant."""
        found = {"stratum": self.stratum, "cluster": self.cluster}
        return {name: column for name, column in found.items() if column is not None}

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the table must have, each once."""
        named = (
            *self.variant,
            *([self.unit] if self.unit else []),
            *self.marks.values(),
            *(value.column for value in self.values),
        )
        return tuple(dict.fromkeys(named))

    def adjusts(self, missing: Collection[str]) -> tuple[str, ...]:
        """The columns of `Moments` to adjust for: covariates, and an indicator for each that somebody lacks."""
        return (*(f"number {one}" for one in self.covariates), *(missing_of(one) for one in missing))

    def wanted(self, missing: Collection[str] = ()) -> Wanted:
        """The sums that the metrics and covariates need, per unit or per cluster.

        `missing` are the covariates that some units lack: each brings its indicator.
        """
        clustered = self.cluster is not None
        extreme = {metric.values[0].name for metric in self.metrics if metric.kind == "mean" and not clustered}
        columns = []
        for place, value in enumerate(self.values):
            columns.append(
                Column(
                    source=f"value_{place}",
                    name=value.name,
                    binary=value.kind == "flag" and not clustered,
                    filled=value.column in missing and value.optional and not clustered,
                    farthest=value.name in extreme,
                )
            )
            if value.optional and value.column in missing:
                name = missing_of(value.column)
                columns.append(Column(source=f"missing_{place}", name=name, binary=not clustered))
        if clustered:
            columns.append(Column(source=UNITS, name=UNITS))
        names = [column.name for column in columns]
        return Wanted(tuple(columns), tuple(sorted(self._pairs(names, missing))))

    def _pairs(self, names: list[str], missing: Collection[str]) -> set[tuple[int, int]]:
        together = [
            tuple(value.name for value in metric.values)
            for metric in self.metrics
            if metric.kind not in ("quantile", "ranks")
        ]
        if self.cluster is not None:
            together = [(*group, UNITS) for group in together]
        pairs: set[tuple[int, int]] = set()
        for group in (*together, ()):
            places = sorted({names.index(name) for name in (*group, *self.adjusts(missing))})
            pairs |= {(i, j) for i in places for j in places if i < j}
        return pairs


def missing_of(covariate: str) -> str:
    """The name in `Moments` of the indicator of a covariate's missing values."""
    return f"missing {covariate}"
