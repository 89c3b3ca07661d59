"""How the values of two variants lie among one another: sums over distinct values, from which all rank tests follow.

Lazy Narwhals frames: values are grouped first, and cumulative sums over their order say how many units are below each
(`rank().over(order_by)` fails on SQL). One query for all variants; what is held is a row a distinct value, and on
PySpark the window has no partition, so that one worker sorts those. 10M rows in two variants, on DuckDB with two
threads: rounded to cents 9 s and 210 MiB, all values different 46 s and 1 GiB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from imp_core.errors import BadInput

__all__ = ["RankSums", "rank_rows"]

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankSums:
    """A variant's `n` units among the `control_n` of control.

    The place of a unit is how many units of the other variant are below it, ties counting half. `places` sums them
    over the variant (Mann-Whitney's U), `place_squares` their squares, `control_place_squares` those of control's units
    among the variant's. `ties` is the sum of t³ - t, where t units of both have one value. `not_finite` counts values
    that are infinite or no number; where there are any, the rest means nothing.
    """

    n: int
    control_n: int
    places: float
    place_squares: float
    control_place_squares: float
    ties: float
    not_finite: int = 0


def rank_rows(
    frame: Frame, variants: Sequence[str], control: str, *, by: str = "variant", value: str = "value_0"
) -> dict[str, RankSums]:
    """For each of `variants` its sums against `control`; missing values do not count (in pandas NaN is missing).

    Raises:
        BadInput: control is among the variants, or one is named twice.
    """
    names = [control, *variants]
    if len(set(names)) < len(names):
        raise BadInput("control and each variant are named once", where="variants")
    counts = {f"c_{index}": name for index, name in enumerate(names)}
    # adding nothing makes of -0.0 the 0.0 that it ties with
    value_of = nw.col(value).cast(nw.Float64) + 0.0
    there = frame.filter(~nw.col(value).is_null() & nw.col(by).is_in(names)).select(by=nw.col(by), value=value_of)
    wrong = there.filter(~nw.col("value").is_finite()).group_by("by").agg(n=nw.len()).collect().rows(named=True)
    not_finite = {row["by"]: int(row["n"]) for row in wrong}
    sums = _sums(_per_value(there.filter(nw.col("value").is_finite()), counts), counts)
    return {
        name: RankSums(
            n=round(sums[f"n_{index}"]),
            control_n=round(sums["n_0"]),
            places=sums[f"u_{index}"],
            place_squares=sums[f"q_{index}"],
            control_place_squares=sums[f"r_{index}"],
            ties=sums[f"t_{index}"],
            not_finite=not_finite.get(name, 0) + not_finite.get(control, 0),
        )
        for index, name in enumerate(names)
        if index
    }


def _per_value(there: Frame, counts: dict[str, str]) -> Frame:
    """One row a distinct value: c_<i> units of each variant have it, b_<i> are below it or half of those."""
    ones = {
        column: nw.when(nw.col("by") == name).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
        for column, name in counts.items()
    }
    grouped = there.with_columns(**ones).group_by("value").agg(**{column: nw.col(column).sum() for column in counts})
    # floats throughout: sums of integers are decimals on some engines, and cubes overflow
    up_to = {f"u{column}": nw.col(column).cum_sum().over(order_by="value") for column in counts}
    below = {f"b{column[1:]}": nw.col(f"u{column}") - 0.5 * nw.col(column) for column in counts}
    return grouped.with_columns(**up_to).with_columns(**below)


def _sums(per_value: Frame, counts: dict[str, str]) -> dict[str, float]:
    """All sums in one row: n_<i>, and of each variant with control u, q, r and t (`RankSums`)."""
    control, control_below = nw.col("c_0"), nw.col("b_0")
    parts = {"n_0": control}
    for index in range(1, len(counts)):
        mine, below = nw.col(f"c_{index}"), nw.col(f"b_{index}")
        together = mine + control
        parts |= {
            f"n_{index}": mine,
            f"u_{index}": mine * control_below,
            f"q_{index}": mine * control_below * control_below,
            f"r_{index}": control * below * below,
            f"t_{index}": together * together * together - together,
        }
    found = per_value.select(**parts).select(**{name: nw.col(name).sum() for name in parts}).collect().row(0)
    return {name: 0.0 if total is None else float(total) for name, total in zip(parts, found, strict=True)}
