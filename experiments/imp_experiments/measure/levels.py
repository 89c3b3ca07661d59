"""The units of a measurement by the levels of a dimension: their moments, and how the levels of several cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import narwhals as nw

from imp_core.errors import BadInput
from imp_experiments.measure.aggregate import Row, aggregate, moments_of
from imp_experiments.measure.archive import Measurement
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.units import IN, by_name

__all__ = ["DIMENSIONS", "Crossed", "crossing", "level_moments"]

# Columns of an exposure by which a readout may be broken down.
DIMENSIONS: Final = ("stratum", "channel", "campaign", "content", "placement", "partner", "place")
_MOST_LEVELS: Final = 1_000
_KEYS: Final = ("status", "variant", "day", "stratum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """n units of one variant and cohort day, first known between two ledger sizes, with one level of each dimension.

    `since` counts the given sizes at which their first exposure, or what they had met of another experiment before it,
    was not known yet; `moved` is whether at some of these an exposure was, which may have had other levels.
    """

    variant: str
    day: int
    since: int
    levels: tuple[str, ...]
    n: int
    moved: bool = False


def level_moments(measurement: Measurement, dimension: str) -> dict[str, Moments]:
    """Level → the moments of its units that are in, by variant, day and stratum; one scan.

    Raises:
        BadInput: the dimension has over a thousand levels.
    """
    if measurement.units is None or measurement.wanted is None:
        return {}
    name = by_name(dimension)
    rows, shifts = aggregate(measurement.units, (*_KEYS, name), measurement.wanted)
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        if row["status"] == IN:
            grouped.setdefault(row[name], []).append(row)
    if len(grouped) > _MOST_LEVELS:
        raise BadInput(
            f"over {_MOST_LEVELS:,} different values: not a dimension to break down by",
            where=dimension,
            mend="name another column",
        )
    return {level: moments_of(mine, measurement.wanted, shifts) for level, mine in sorted(grouped.items())}


def crossing(measurement: Measurement, dimensions: Sequence[str], sizes: Sequence[int]) -> list[Crossed]:
    """How many units that are in have which levels together, by variant, day, and the ledger sizes that knew them."""
    if measurement.units is None:
        return []
    names = [by_name(dimension) for dimension in dimensions]
    since = _not_yet("settled_seq", sizes)
    rows = (
        measurement.units.filter(nw.col("status") == IN)
        .with_columns(since=since, moved=_not_yet("known_seq", sizes) < since)
        .group_by("variant", "day", "since", "moved", *names)
        .agg(n=nw.len())
        .collect()
        .rows(named=True)
    )
    return [
        Crossed(
            variant=row["variant"],
            day=int(row["day"]),
            since=int(row["since"]),
            levels=tuple(row[name] for name in names),
            n=int(row["n"]),
            moved=bool(row["moved"]),
        )
        for row in rows
    ]


def _not_yet(column: str, sizes: Sequence[int]) -> nw.Expr:
    """At how many of these ledger sizes the entry of a column was not there yet."""
    found = nw.lit(0)
    for size in sizes:
        found = found + (nw.col(column) >= size).cast(nw.Int64)
    return found
