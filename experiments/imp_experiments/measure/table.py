"""A table of units that the analyst holds: from prepared columns to `Moments`, by the same kernel as the archive."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, Final

import narwhals as nw

from imp_core.errors import BadInput
from imp_experiments.measure.aggregate import Row, Wanted, aggregate, moments_of, pairs_of
from imp_experiments.measure.clip import Bounds, clip_bounds, clipped
from imp_experiments.measure.layout import UNITS, Layout
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.units import IN, TWO_VARIANTS

__all__ = ["Prepared", "Tabulated", "clusters_cross", "tabulate", "units_frame"]

# More values than anyone tests at once: then the column holds something else, perhaps identifiers.
_MOST_VARIANTS: Final = 100
# Of several factors the variants are cells.
_MOST_CELLS: Final = 1_000
_MOST_STRATA: Final = 1_000

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A table's columns by what they are: variant, unit, stratum, cluster (if any), value_0 and so on.

    A value that cannot be taken is NaN: then `first_fault` looks for it (None: there is none, the values overflowed).
    `source` is how errors name the table.
    """

    frame: Frame
    first_fault: Callable[[], BadInput | None]
    source: str | None


@dataclass(frozen=True, slots=True)
class Tabulated:
    """Moments of the units in one variant (of clusters, where the layout has these), and units in two by these.

    `adjusts` are the columns of the moments to adjust for, `bounds` where clipped columns (value_0 and so on) end.
    """

    moments: Moments
    pairs: Mapping[str, int]
    adjusts: tuple[str, ...]
    bounds: Mapping[str, Bounds] = field(default_factory=dict)


def tabulate(prepared: Prepared, layout: Layout) -> Tabulated:
    """Aggregate a prepared table.

    A unit with several rows counts once: a proportion is any of them, a mean or a part of a ratio their sum.

    Raises:
        BadInput: there are no rows, a value cannot be taken, a unit's stratum, cluster or covariate changes within it,
            or too many values to be variants or strata.
    """
    bounds = _bounds(prepared, layout)
    # sums over a cluster do not tell who lacks a covariate
    missing = list(layout.covariates) if layout.cluster is not None else []
    rows, shifts, wanted = _aggregated(prepared, layout, missing, bounds)
    lacking = _lacking(rows, wanted, layout)
    if lacking and not missing:
        missing = lacking
        rows, shifts, wanted = _aggregated(prepared, layout, missing, bounds)
    _check(rows, prepared, layout, wanted)
    admitted = [row for row in rows if row.get("status", IN) == IN]
    return Tabulated(
        moments=moments_of(admitted, wanted, shifts),
        pairs=pairs_of(rows) if layout.unit is not None else {},
        adjusts=layout.adjusts(missing),
        bounds=bounds,
    )


def _bounds(prepared: Prepared, layout: Layout) -> dict[str, Bounds]:
    """Prepared column → where its values end, over the units that are in."""
    clips = {
        f"value_{place}": layout.clips[value.column]
        for place, value in enumerate(layout.values)
        if value.kind == "number" and not value.optional and value.column in layout.clips
    }
    if not clips:
        return {}
    frame = units_frame(prepared.frame, layout)
    return clip_bounds(frame if layout.unit is None else frame.filter(nw.col("status") == IN), clips)


def _aggregated(
    prepared: Prepared, layout: Layout, missing: Collection[str], bounds: Mapping[str, Bounds]
) -> tuple[list[Row], tuple[float, ...], Wanted]:
    wanted = layout.wanted(missing)
    frame = _with_indicators(units_frame(prepared.frame, layout), layout, missing)
    if bounds:
        frame = frame.with_columns(**{name: clipped(nw.col(name), bound) for name, bound in bounds.items()})
    if layout.cluster is not None:
        frame = _per_cluster(frame, wanted, layout)
    keys = ("variant", *(["status", "last_variant"] if layout.unit else []), *(["stratum"] if layout.stratum else []))
    others = {"holes": nw.col("hole").sum()} if layout.unit or layout.cluster else {}
    if layout.unit:
        others["changing"] = nw.col("changes").sum()
    return *aggregate(frame, keys, wanted, others), wanted


def _lacking(rows: Sequence[Row], wanted: Wanted, layout: Layout) -> list[str]:
    """The covariates whose sums are not numbers: some units lack them, or a value cannot be taken."""
    places = {column.name: place for place, column in enumerate(wanted.columns)}
    return [
        name for name in layout.covariates if not all(_finite(row[f"s_{places[f'number {name}']}"]) for row in rows)
    ]


def _finite(total: float | None) -> bool:
    return total is None or math.isfinite(total)


def units_frame(frame: Frame, layout: Layout) -> Frame:
    """One row a unit: variant, stratum, cluster, value_0 and so on.

    Where units have several rows, `status` says which are in, and `last_variant` which other variant one was in.
    """
    if layout.unit is None and layout.cluster is None:
        return frame
    frame = frame.with_columns(hole=nw.when(_holes(layout)).then(nw.lit(1)).otherwise(nw.lit(0)))
    if layout.unit is None:
        return frame
    parts: dict[str, nw.Expr] = {
        "last_variant": nw.col("variant").max(),
        "variant": nw.col("variant").min(),
        "hole": nw.col("hole").sum(),
    }
    steady = [*layout.marks]
    for index, value in enumerate(layout.values):
        if value.optional:
            steady.append(f"value_{index}")
        else:
            parts[f"value_{index}"] = nw.col(f"value_{index}").sum()
    for name in steady:
        parts |= {name: nw.col(name).min(), f"last_{name}": nw.col(name).max()}
    per_unit = frame.group_by("unit").agg(**parts)
    seen_twice = nw.col("variant") != nw.col("last_variant")
    flags = {
        f"value_{index}": _any(nw.col(f"value_{index}"))
        for index, value in enumerate(layout.values)
        if value.kind == "flag"
    }
    changed = [nw.col(name) != nw.col(f"last_{name}") for name in steady]
    return per_unit.with_columns(
        **flags,
        status=nw.when(seen_twice).then(nw.lit(TWO_VARIANTS)).otherwise(nw.lit(IN)),
        changes=nw.when(reduce(or_, changed)).then(nw.lit(1)).otherwise(nw.lit(0)) if changed else nw.lit(0),
    )


def clusters_cross(units: Frame, layout: Layout) -> bool:
    """Whether a cluster has units in several strata, so that these are not independent; `units` are those that are in.

    One query, where the layout has both; the table was tabulated before, so that none lacks either.
    """
    if layout.cluster is None or layout.stratum is None:
        return False
    ends = units.group_by("cluster").agg(first=nw.col("stratum").min(), last=nw.col("stratum").max())
    crossing = ends.filter(nw.col("first") != nw.col("last")).select(n=nw.len()).collect()
    return int(crossing.row(0)[0]) > 0


def _holes(layout: Layout) -> nw.Expr:
    texts = [nw.col(name) for name in ("variant", *layout.marks)]
    blank = [text.is_null() | (text.fill_null("").str.strip_chars() == "") for text in texts]
    return reduce(or_, blank, *([nw.col("unit").is_null()] if layout.unit else []))


def _any(total: nw.Expr) -> nw.Expr:
    """1 where a unit has any, 0 where none, and NaN stays NaN."""
    finite = total.is_finite()
    return (
        nw.when(finite & (total > 0))
        .then(nw.lit(1.0))
        .otherwise(nw.when(finite).then(nw.lit(0.0)).otherwise(nw.lit(math.nan)))
    )


def _with_indicators(frame: Frame, layout: Layout, missing: Collection[str]) -> Frame:
    places = [index for index, value in enumerate(layout.values) if value.optional and value.column in missing]
    added = {}
    for index in places:
        value, unknown = nw.col(f"value_{index}"), nw.col(f"value_{index}").is_nan()
        added[f"missing_{index}"] = nw.when(unknown).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
        if layout.cluster is not None:
            # a sum over a cluster cannot be filled afterwards
            added[f"value_{index}"] = nw.when(~unknown).then(value).otherwise(nw.lit(0.0))
    return frame.with_columns(**added) if added else frame


def _per_cluster(frame: Frame, wanted: Wanted, layout: Layout) -> Frame:
    """One row a cluster of each variant (and stratum): sums over its units, and how many these are."""
    keys = ["variant", "cluster", *(["stratum"] if layout.stratum else [])]
    sources = [column.source for column in wanted.columns if column.source != UNITS]
    sources.append("hole")
    if layout.unit is not None:
        keys += ["status", "last_variant"]
        sources.append("changes")
    return frame.group_by(*keys).agg(**{name: nw.col(name).sum() for name in sources}, **{UNITS: nw.len()})


def _check(rows: Sequence[Row], prepared: Prepared, layout: Layout, wanted: Wanted) -> None:
    if not rows:
        raise BadInput("there are no rows", where=prepared.source, mend="give it a row for each unit")
    if _faulty(rows, layout, wanted):
        fault = prepared.first_fault()
        if fault is not None:
            raise fault
    if any(row.get("changing") for row in rows):
        raise BadInput(
            "a unit has several strata, clusters or values of a covariate",
            where=prepared.source,
            mend="these are of the unit at its first exposure: write the same in all its rows",
        )
    most = _MOST_VARIANTS if len(layout.variant) == 1 else _MOST_CELLS
    _check_few(_different(rows, "variant", "last_variant"), most, "variants", _where(prepared, layout.variant))
    if layout.stratum is not None:
        _check_few(_different(rows, "stratum"), _MOST_STRATA, "strata", _where(prepared, (layout.stratum,)))


def _faulty(rows: Sequence[Row], layout: Layout, wanted: Wanted) -> bool:
    """Whether a mark may be missing or a value NaN: sums tell, and are infinite where values overflow."""
    marks = [row[name] for row in rows for name in ("variant", *(["stratum"] if layout.stratum else []))]
    if any(row.get("holes") for row in rows) or any(_blank(mark) for mark in marks):
        return True
    sums = (row[f"s_{place}"] for row in rows for place in range(len(wanted.columns)))
    return not all(_finite(total) for total in sums)


def _blank(mark: object) -> bool:
    return not isinstance(mark, str) or not mark.strip() or any(not part.strip() for part in mark.split("\x1f"))


def _different(rows: Sequence[Row], *keys: str) -> int:
    return len({row[key] for row in rows for key in keys if key in row})


def _where(prepared: Prepared, columns: Iterable[str]) -> str:
    column = f"column {', '.join(columns)}"
    return column if prepared.source is None else f"{prepared.source}, {column}"


def _check_few(different: int, most: int, what: str, where: str) -> None:
    if different > most:
        raise BadInput(
            f"over {most:,} different values: not a column of {what}",
            where=where,
            mend="name the column that says which variant a unit was in"
            if what == "variants"
            else "name another column",
        )
