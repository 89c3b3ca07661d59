"""From one row a unit to `Moments`: one grouped query, a second with a shift where plain sums would lose digits."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import narwhals as nw

from imp_experiments.measure.moments import Cell, Moments
from imp_experiments.measure.units import IN, TWO_VARIANTS

__all__ = ["Row", "aggregate", "moments_of", "pairs_of"]

# A spread of a tenth of the mean still leaves 14 of 16 digits: below that, sum again around the mean.
_WELL_CONDITIONED: Final = 1e-2

Frame = nw.LazyFrame[Any]
Row = Mapping[str, Any]


def aggregate(
    frame: Frame, keys: Sequence[str], columns: Sequence[str], others: Mapping[str, nw.Expr] | None = None
) -> tuple[list[Row], tuple[float, ...]]:
    """Rows of keys, n, s_<column>, q_<column> (sums and squares of value - shift) and `others`; and the shifts.

    The shift is 0 unless a first pass shows a mean far above the spread; it is the same in every row. Among the
    keys is `status`: only rows of units that are in have values.
    """
    shifts = (0.0,) * len(columns)
    rows = _collect(frame, keys, columns, shifts, others or {})
    admitted = [row for row in rows if row["status"] == IN]
    better = tuple(_shift(admitted, column) for column in columns)
    if any(better):
        rows, shifts = _collect(frame, keys, columns, better, others or {}), better
    return rows, shifts


def moments_of(rows: Sequence[Row], names: Sequence[str], columns: Sequence[str], shifts: tuple[float, ...]) -> Moments:
    """`Moments` under the metrics' own names, from rows of `aggregate` with the keys variant, day and stratum."""
    cells = [
        Cell(
            variant=row["variant"],
            day=None if row.get("day") is None else int(row["day"]),
            stratum=row.get("stratum") or "",
            n=int(row["n"]),
            sums=tuple(_number(row[f"s_{column}"]) for column in columns),
            squares=tuple(_number(row[f"q_{column}"]) for column in columns),
        )
        for row in rows
    ]
    empty = Moments(tuple(names), shifts, ())
    return empty.merge(Moments(tuple(names), shifts, tuple(cells)))


def pairs_of(rows: Sequence[Row], known: Collection[str] | None = None) -> dict[str, int]:
    """Units in two variants as "a+b" → how many; a unit in more counts under the first and last of them by name.

    With `known` any other variant is called "?".
    """
    pairs: dict[str, int] = {}
    for row in rows:
        if row["status"] == TWO_VARIANTS:
            names = (row["variant"], row["last_variant"])
            pair = "+".join(name if known is None or name in known else "?" for name in names)
            pairs[pair] = pairs.get(pair, 0) + int(row["n"])
    return dict(sorted(pairs.items()))


def _collect(
    frame: Frame, keys: Sequence[str], columns: Sequence[str], shifts: Sequence[float], others: Mapping[str, nw.Expr]
) -> list[Row]:
    # columns first, plain sums after: pandas groups nothing else efficiently
    parts: dict[str, nw.Expr] = {}
    for column, shift in zip(columns, shifts, strict=True):
        value = nw.col(column) - shift if shift else nw.col(column)
        parts |= {f"s_{column}": value, f"q_{column}": value * value}
    sums = {name: nw.col(name).sum() for name in parts}
    grouped = frame.with_columns(**parts).group_by(*keys).agg(n=nw.len(), **sums, **others)
    return list(grouped.collect().rows(named=True))


def _shift(rows: Sequence[Row], column: str) -> float:
    """The mean of a column where its spread is small beside it, else 0."""
    n = sum(int(row["n"]) for row in rows)
    total = sum(_number(row[f"s_{column}"]) for row in rows)
    squares = sum(_number(row[f"q_{column}"]) for row in rows)
    if n == 0 or not (math.isfinite(total) and math.isfinite(squares)) or squares == 0:
        return 0.0
    about_mean = squares - total * total / n
    return total / n if about_mean < _WELL_CONDITIONED * squares else 0.0


def _number(value: Any) -> float:  # noqa: ANN401 (a driver's float, Decimal or None)
    """A driver's number as a float; an empty sum is 0."""
    return 0.0 if value is None else float(value)
