"""From one row a unit to `Moments`: one grouped query, a second with a shift where plain sums would lose digits."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw

from imp_experiments.measure.moments import Cell, Moments
from imp_experiments.measure.units import IN, TWO_VARIANTS

__all__ = ["Column", "Row", "Wanted", "aggregate", "moments_of", "pairs_of"]

# A spread of a tenth of the mean still leaves 14 of 16 digits: below that, sum again around the mean.
_WELL_CONDITIONED: Final = 1e-2

Frame = nw.LazyFrame[Any]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A prepared column to sum, under the name it has in `Moments`.

    `binary`: 0 and 1 alone, whose squares are themselves. `filled`: it has NaN where it is missing, which counts as the
    shift, so as nothing (a covariate, beside which stands its indicator). `farthest`: its largest square is wanted.
    """

    source: str
    name: str
    binary: bool = False
    filled: bool = False
    farthest: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns to sum, and the pairs of them (by place, the smaller first) whose products are summed."""

    columns: tuple[Column, ...]
    pairs: tuple[tuple[int, int], ...] = ()


def aggregate(
    frame: Frame, keys: Sequence[str], wanted: Wanted, others: Mapping[str, nw.Expr] | None = None
) -> tuple[list[Row], tuple[float, ...]]:
    """Rows of keys, n, s_<i>, q_<i>, p_<i>_<j>, f_<i> of the wanted columns, and `others`; and the shifts.

    They are sums of value - shift, of its squares and products, and the largest square. The shift is 0 unless
    a first pass shows a mean far above the spread; it is the same in every row. Where `status` is among the keys, only
    rows of units that are in have values. c_<i> counts the values of a
    filled column that are there.
    """
    shifts = (0.0,) * len(wanted.columns)
    rows = _collect(frame, keys, wanted, shifts, others or {})
    admitted = [row for row in rows if row.get("status", IN) == IN]
    better = tuple(0.0 if column.binary else _shift(admitted, place) for place, column in enumerate(wanted.columns))
    if any(better):
        rows, shifts = _collect(frame, keys, wanted, better, others or {}), better
    return rows, shifts


def moments_of(rows: Sequence[Row], wanted: Wanted, shifts: tuple[float, ...]) -> Moments:
    """`Moments` from rows of `aggregate` with the keys variant, day and stratum."""
    places = range(len(wanted.columns))
    cells = [
        Cell(
            variant=row["variant"],
            day=None if row.get("day") is None else int(row["day"]),
            stratum=row.get("stratum") or "",
            n=int(row["n"]),
            sums=tuple(_number(row[f"s_{place}"]) for place in places),
            squares=tuple(_number(row[_square(wanted, place)]) for place in places),
            products=tuple(_number(row[f"p_{i}_{j}"]) for i, j in wanted.pairs),
            farthest=tuple(_number(row.get(f"f_{place}")) for place in places),
        )
        for row in rows
    ]
    empty = Moments(tuple(column.name for column in wanted.columns), shifts, (), wanted.pairs)
    return empty.merge(Moments(empty.columns, shifts, tuple(cells), wanted.pairs))


def pairs_of(rows: Sequence[Row], known: Collection[str] | None = None) -> dict[str, int]:
    """Units in two variants as "a+b" → how many; a unit in more counts under the first and last of them by name.

    With `known` any other variant is called "?".
    """
    pairs: dict[str, int] = {}
    for row in rows:
        if row.get("status") == TWO_VARIANTS:
            names = (row["variant"], row["last_variant"])
            pair = "+".join(name if known is None or name in known else "?" for name in names)
            pairs[pair] = pairs.get(pair, 0) + int(row["n"])
    return dict(sorted(pairs.items()))


def _collect(
    frame: Frame, keys: Sequence[str], wanted: Wanted, shifts: Sequence[float], others: Mapping[str, nw.Expr]
) -> list[Row]:
    # columns first, plain sums after: pandas groups nothing else efficiently
    parts: dict[str, nw.Expr] = {}
    values = [_value(column, shift) for column, shift in zip(wanted.columns, shifts, strict=True)]
    for place, value in enumerate(values):
        parts[f"s_{place}"] = value
        if not wanted.columns[place].binary:
            parts[f"q_{place}"] = value * value
    parts |= {f"p_{i}_{j}": values[i] * values[j] for i, j in wanted.pairs}
    sums = {name: nw.col(name).sum() for name in parts}
    for place, column in enumerate(wanted.columns):
        if column.farthest:
            sums[f"f_{place}"] = nw.col(f"q_{place}").max()
        if column.filled:
            parts[f"c_{place}"] = nw.when(nw.col(column.source).is_nan()).then(nw.lit(0)).otherwise(nw.lit(1))
            sums[f"c_{place}"] = nw.col(f"c_{place}").sum()
    grouped = frame.with_columns(**parts).group_by(*keys).agg(n=nw.len(), **sums, **others)
    return list(grouped.collect().rows(named=True))


def _value(column: Column, shift: float) -> nw.Expr:
    value = nw.col(column.source)
    value = value - shift if shift else value
    return nw.when(~nw.col(column.source).is_nan()).then(value).otherwise(nw.lit(0.0)) if column.filled else value


def _square(wanted: Wanted, place: int) -> str:
    return f"{'s' if wanted.columns[place].binary else 'q'}_{place}"


def _shift(rows: Sequence[Row], place: int) -> float:
    """The mean of a column where its spread is small beside it, else 0."""
    n = sum(int(row.get(f"c_{place}", row["n"])) for row in rows)
    total = sum(_number(row[f"s_{place}"]) for row in rows)
    squares = sum(_number(row[f"q_{place}"]) for row in rows)
    if n == 0 or not (math.isfinite(total) and math.isfinite(squares)) or squares == 0:
        return 0.0
    about_mean = squares - total * (total / n)
    return total / n if about_mean < _WELL_CONDITIONED * squares else 0.0


def _number(value: Any) -> float:  # noqa: ANN401 (a driver's float, Decimal or None)
    """A driver's number as a float; an empty sum is 0."""
    return 0.0 if value is None else float(value)
