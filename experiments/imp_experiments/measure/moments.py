"""`Moments`: all that statistics may know of the units. Cells merge by addition; nothing here touches a table.

A cell is one variant × cohort day × stratum: n, and per column the sum and the sum of squares of (value - shift), and
the largest of these squares; per pair of columns the sum of their products. One fixed shift per column, the same in
every cell, keeps the variance right where the mean is large: at mean 1e8 and standard deviation 1, plain sums give a
variance of 513.8.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from imp_core.errors import ImpError

__all__ = ["Cell", "Joint", "Moments", "Summary"]

Floats = npt.NDArray[np.float64]

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


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """n, means (p) and sample covariance (p × p, n - 1) of p columns.

    Means are NaN without units, the covariance below two. A column that does not vary to working precision has
    covariance 0.0 with all; values that are not finite make NaN of all they touch.
    """

    n: int
    means: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True)
class Cell:
    """The units of one variant, cohort day (days since 1970 in the workspace's zone; None: no days) and stratum.

    `sums`, `squares` and `farthest` follow the columns, `products` the pairs of `Moments`; all are of value - shift.
    `farthest` is the largest square: how far the most extreme unit lies (0 where nobody asked).
    """

    variant: str
    day: int | None
    stratum: str
    n: int
    sums: tuple[float, ...]
    squares: tuple[float, ...]
    products: tuple[float, ...] = ()
    farthest: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Moments:
    """Cells over the same columns with the same shifts; `pairs` are columns (by place) whose products are summed."""

    columns: tuple[str, ...]
    shifts: tuple[float, ...]
    cells: tuple[Cell, ...]
    pairs: tuple[tuple[int, int], ...] = ()

    def merge(self, other: Moments) -> Moments:
        """Both together: cells of the same variant, day and stratum are added; the order does not matter.

        Raises:
            ImpError: the columns, shifts or pairs differ, so that the sums do not add.
        """
        if (self.columns, self.shifts, self.pairs) != (other.columns, other.shifts, other.pairs):
            raise ImpError("moments of other columns or shifts do not add", mend="aggregate both with the same shifts")
        merged: dict[tuple[str, int | None, str], Cell] = {}
        for cell in (*self.cells, *other.cells):
            key = (cell.variant, cell.day, cell.stratum)
            merged[key] = _added(merged[key], cell) if key in merged else cell
        return self._of(sorted(merged.values(), key=_order))

    def select(self, keep: Callable[[Cell], bool]) -> Moments:
        """Only the cells that `keep` accepts."""
        return self._of(cell for cell in self.cells if keep(cell))

    def rename(self, change: Callable[[Cell], Cell]) -> Moments:
        """With each cell's variant, day or stratum changed by `change`; cells that then agree are added."""
        return self._of(()).merge(self._of(change(cell) for cell in self.cells))

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants that have cells, by name."""
        return tuple(sorted({cell.variant for cell in self.cells}))

    @property
    def strata(self) -> tuple[str, ...]:
        """The strata that have cells, by name."""
        return tuple(sorted({cell.stratum for cell in self.cells}))

    def count(self, variant: str | None = None) -> int:
        """How many units there are, in one variant or in all."""
        return sum(cell.n for cell in self.cells if variant in (None, cell.variant))

    def summary(self, column: str, variant: str | None = None, *, missing: str | None = None) -> Summary:
        """n, mean and variance of a column over all cells of a variant, or of all variants.

        `missing` is the indicator of the units that lack a filled column: then it is of the units that have it.
        """
        index = self.columns.index(column)
        cells = self._cells(variant)
        n = sum(cell.n for cell in cells)
        if missing is not None:
            # those that lack it were filled with the shift: they are in no sum
            n -= round(_total(cell.sums[self.columns.index(missing)] for cell in cells))
        total = _total(cell.sums[index] for cell in cells)
        squares = _total(cell.squares[index] for cell in cells)
        if n == 0:
            return Summary(0, None, None)
        shift = self.shifts[index]
        mean = shift + total / n
        return Summary(n, mean, _variance(n, mean, total, squares) if n > 1 else None)

    def spread_lost(self, column: str, variant: str) -> bool:
        """Whether a column's units may differ in a variant, but by so little that its variance counts as 0."""
        index, cells = self.columns.index(column), self._cells(variant)
        n = sum(cell.n for cell in cells)
        total = _total(cell.sums[index] for cell in cells)
        squares = _total(cell.squares[index] for cell in cells)
        if n < 2 or not (math.isfinite(total) and math.isfinite(squares)):  # noqa: PLR2004 (one does not differ)
            return False
        about_mean = squares - total * (total / n)
        differ = about_mean > _RESOLUTION * squares or (squares == 0 and total != 0)
        return differ and _variance(n, self.shifts[index] + total / n, total, squares) == 0

    def joint(self, columns: Sequence[str], variant: str | None = None) -> Joint:
        """n, means and covariance of several columns over all cells of a variant, or of all variants.

        Raises:
            ImpError: the products of two of the columns were not summed.
        """
        summaries = [self.summary(column, variant) for column in columns]
        means = np.array([math.nan if one.mean is None else one.mean for one in summaries])
        variances = [math.nan if one.variance is None else one.variance for one in summaries]
        covariance = np.diag(variances)
        for i, one in enumerate(columns):
            for j in range(i):
                between = 0.0 if 0.0 in (variances[i], variances[j]) else self._between(columns[j], one, variant)
                covariance[i, j] = covariance[j, i] = between
        return Joint(sum(cell.n for cell in self._cells(variant)), means, covariance)

    def farthest(self, column: str, variant: str | None = None) -> float:
        """How far from the shift the most extreme unit of a column lies; 0.0 where nobody asked."""
        index = self.columns.index(column)
        return math.sqrt(max((cell.farthest[index] for cell in self._cells(variant) if cell.farthest), default=0.0))

    def _between(self, one: str, two: str, variant: str | None) -> float:
        """The covariance of two columns."""
        i, j = sorted((self.columns.index(one), self.columns.index(two)))
        if i == j:
            variance = self.summary(one, variant).variance
            return math.nan if variance is None else variance
        if (i, j) not in self.pairs:
            raise ImpError(f"products of {one!r} and {two!r} were not summed", mend="aggregate them as a pair")
        place = self.pairs.index((i, j))
        cells = self._cells(variant)
        n = sum(cell.n for cell in cells)
        if n <= 1:
            return math.nan
        products, first, second = (
            _total(values)
            for values in (
                (cell.products[place] for cell in cells),
                (cell.sums[i] for cell in cells),
                (cell.sums[j] for cell in cells),
            )
        )
        return (products - first * (second / n)) / (n - 1)

    def _cells(self, variant: str | None) -> list[Cell]:
        return [cell for cell in self.cells if variant in (None, cell.variant)]

    def _of(self, cells: Iterable[Cell]) -> Moments:
        return Moments(self.columns, self.shifts, tuple(cells), self.pairs)


def _variance(n: int, mean: float, total: float, squares: float) -> float:
    if not (math.isfinite(total) and math.isfinite(squares)):
        return math.nan
    about_mean = squares - total * (total / n)
    if about_mean <= _RESOLUTION * squares:
        return 0.0
    variance = about_mean / (n - 1)
    return 0.0 if math.sqrt(variance) <= _NOISE * abs(mean) else variance


def _total(values: Iterable[float]) -> float:
    """The exact sum, rounded once; NaN where a value is not finite or the sum is beyond floating point."""
    try:
        found = math.fsum(values)
    except (OverflowError, ValueError):
        # an intermediate sum too large, or ∞ - ∞
        return math.nan
    return found if math.isfinite(found) else math.nan


def _added(one: Cell, two: Cell) -> Cell:
    return Cell(
        one.variant,
        one.day,
        one.stratum,
        one.n + two.n,
        tuple(a + b for a, b in zip(one.sums, two.sums, strict=True)),
        tuple(a + b for a, b in zip(one.squares, two.squares, strict=True)),
        tuple(a + b for a, b in zip(one.products, two.products, strict=True)),
        tuple(max(a, b) for a, b in zip(one.farthest, two.farthest, strict=True)),
    )


def _order(cell: Cell) -> tuple[str, int, str]:
    return cell.variant, -1 if cell.day is None else cell.day, cell.stratum
