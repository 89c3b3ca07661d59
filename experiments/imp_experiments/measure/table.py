"""A table of units that the analyst holds: from prepared columns to `Moments`, by the same kernel as the archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw

from imp_core.errors import BadInput
from imp_experiments.measure.aggregate import aggregate, moments_of, pairs_of
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.units import IN, TWO_VARIANTS

__all__ = ["Layout", "Tabulated", "tabulate"]

# More values than anyone tests at once: then the column holds something else, perhaps identifiers.
_MOST_VARIANTS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which columns of a table are what. Without a unit column every row is a unit."""

    variant: str
    unit: str | None
    proportions: tuple[str, ...]
    means: tuple[str, ...]

    @property
    def metrics(self) -> tuple[tuple[str, str], ...]:
        """(column, kind), proportions first; their prepared columns are value_0, value_1 and so on."""
        return tuple((name, "proportion") for name in self.proportions) + tuple((name, "mean") for name in self.means)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the table must have, each once."""
        named = (self.variant, *([self.unit] if self.unit else []), *self.proportions, *self.means)
        return tuple(dict.fromkeys(named))


@dataclass(frozen=True, slots=True)
class Tabulated:
    """Moments of the units in one variant, units in two by these, rows that cannot be taken (then: look for one)."""

    moments: Moments
    pairs: Mapping[str, int]
    faults: int


def tabulate(frame: nw.LazyFrame[Any], layout: Layout, *, where: str | None = None) -> Tabulated:
    """Aggregate prepared columns: variant, unit (if any), value_0 …, fault (0 or 1 a row).

    A unit with several rows counts once: a proportion is any of them, a mean is their sum.

    Raises:
        BadInput: there are no rows, or too many values to be variants.
    """
    columns = [f"value_{index}" for index in range(len(layout.metrics))]
    units = frame.with_columns(status=nw.lit(IN)) if layout.unit is None else _per_unit(frame, layout, columns)
    keys = ("status", "variant") if layout.unit is None else ("status", "variant", "last_variant")
    rows, shifts = aggregate(units, keys, columns, {"faults": nw.col("fault").sum()})
    if not rows:
        raise BadInput("there are no rows", where=where, mend="give it a row for each unit")
    faults = sum(int(row["faults"]) for row in rows)
    if len({row[key] for row in rows for key in keys[1:]}) > _MOST_VARIANTS and not faults:
        raise BadInput(
            f"over {_MOST_VARIANTS} different values: not a column of variants",
            where=f"column {layout.variant}",
            mend="name the column that says which variant a unit was in",
        )
    # a missing variant is None, or NaN in pandas; its rows are faults
    admitted = [row for row in rows if row["status"] == IN and isinstance(row["variant"], str)]
    return Tabulated(
        moments=moments_of(admitted, _names(layout), columns, shifts),
        # where rows cannot be taken, a variant may be missing
        pairs=pairs_of(rows) if layout.unit is not None and not faults else {},
        faults=faults,
    )


def _names(layout: Layout) -> Sequence[str]:
    # a column may be asked for as proportion and as mean: kind and name together are the metric
    return [f"{kind} {name}" for name, kind in layout.metrics]


def _per_unit(frame: nw.LazyFrame[Any], layout: Layout, columns: Sequence[str]) -> nw.LazyFrame[Any]:
    values = {
        column: nw.col(column).max() if kind == "proportion" else nw.col(column).sum()
        for column, (_, kind) in zip(columns, layout.metrics, strict=True)
    }
    per_unit = frame.group_by("unit").agg(
        variant=nw.col("variant").min(), last_variant=nw.col("variant").max(), fault=nw.col("fault").sum(), **values
    )
    seen_twice = nw.col("variant") != nw.col("last_variant")
    return per_unit.with_columns(
        status=nw.when(seen_twice).then(nw.lit(TWO_VARIANTS)).otherwise(nw.lit(IN)),
    )
