"""`Moments`: all that statistics may know of the units. Cells merge by addition; nothing here touches a table.

A cell is one variant × cohort day × stratum: n, and per column the sum and the sum of squares of (value - shift).
One fixed shift per column, the same in every cell, keeps the variance right where the mean is large: at mean 1e8
and standard deviation 1, plain sums give a variance of 513.8.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from imp_core.errors import ImpError

__all__ = ["Cell", "Moments", "Summary"]

# Below this share of the sum of squares, what is left after subtracting the mean is rounding, not variance.
_RESOLUTION: Final = 1e-9
# A spread this small beside the mean is what adding floating-point numbers leaves behind.
_NOISE: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Summary:
    """n, mean and sample variance (n - 1) of one column. Mean is None without units, variance below two units.

    The variance is exactly 0.0 where every value is the same to working precision. Values that are not finite
    make the mean NaN or infinite, and the variance NaN.
    """

    n: int
    mean: float | None
    variance: float | None


@dataclass(frozen=True, slots=True)
class Cell:
    """The units of one variant, cohort day (days since 1970 in the workspace's zone; None: no days) and stratum."""

    variant: str
    day: int | None
    stratum: str
    n: int
    sums: tuple[float, ...]
    squares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Moments:
    """Cells over the same columns with the same shifts."""

    columns: tuple[str, ...]
    shifts: tuple[float, ...]
    cells: tuple[Cell, ...]

    def merge(self, other: Moments) -> Moments:
        """Both together: cells of the same variant, day and stratum are added; the order does not matter.

        Raises:
            ImpError: the columns or shifts differ, so that the sums do not add.
        """
        if (self.columns, self.shifts) != (other.columns, other.shifts):
            raise ImpError("moments of other columns or shifts do not add", mend="aggregate both with the same shifts")
        merged: dict[tuple[str, int | None, str], Cell] = {}
        for cell in (*self.cells, *other.cells):
            key = (cell.variant, cell.day, cell.stratum)
            merged[key] = _added(merged[key], cell) if key in merged else cell
        return Moments(self.columns, self.shifts, tuple(sorted(merged.values(), key=_order)))

    def select(self, keep: Callable[[Cell], bool]) -> Moments:
        """Only the cells that `keep` accepts."""
        return Moments(self.columns, self.shifts, tuple(cell for cell in self.cells if keep(cell)))

    def count(self, variant: str | None = None) -> int:
        """How many units there are, in one variant or in all."""
        return sum(cell.n for cell in self.cells if variant in (None, cell.variant))

    def summary(self, column: str, variant: str | None = None) -> Summary:
        """n, mean and variance of a column over all cells of a variant, or of all variants."""
        index = self.columns.index(column)
        cells = [cell for cell in self.cells if variant in (None, cell.variant)]
        n = sum(cell.n for cell in cells)
        total = math.fsum(_finite(cell.sums[index] for cell in cells))
        squares = math.fsum(_finite(cell.squares[index] for cell in cells))
        if n == 0:
            return Summary(0, None, None)
        shift = self.shifts[index]
        mean = shift + total / n
        return Summary(n, mean, _variance(n, mean, total, squares) if n > 1 else None)


def _variance(n: int, mean: float, total: float, squares: float) -> float:
    if not (math.isfinite(total) and math.isfinite(squares)):
        return math.nan
    about_mean = squares - total * total / n
    if about_mean <= _RESOLUTION * squares:
        return 0.0
    variance = about_mean / (n - 1)
    return 0.0 if math.sqrt(variance) <= _NOISE * abs(mean) else variance


def _finite(values: Iterable[float]) -> list[float]:
    """The values; a single NaN where one is not finite (`math.fsum` refuses ∞ - ∞ and overflows loudly)."""
    listed = list(values)
    return listed if all(math.isfinite(value) for value in listed) else [math.nan]


def _added(one: Cell, two: Cell) -> Cell:
    return Cell(
        one.variant,
        one.day,
        one.stratum,
        one.n + two.n,
        tuple(a + b for a, b in zip(one.sums, two.sums, strict=True)),
        tuple(a + b for a, b in zip(one.squares, two.squares, strict=True)),
    )


def _order(cell: Cell) -> tuple[str, int, str]:
    return cell.variant, -1 if cell.day is None else cell.day, cell.stratum
