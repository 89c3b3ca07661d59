"""Do two experiments that run at once interfere? Interactions of their variants, and independence of their assignments.

Units in both experiments fall into cells variant × variant. Where each experiment's effect is the same whatever the
other one shows, every difference in differences is nil: Wald's test of all of them at once warns when they are not.
It is the saturated two-factor model of `factorial`; on logarithms it asks whether *relative* effects stay the same.
The assignments are held against each other by Pearson's χ² of independence: two salts that are not independent mix
one experiment's effect into the other's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final

import numpy as np
from scipy.special import chdtrc

from imp_core.errors import BadInput
from imp_experiments.design.factorial import Factor, factorial
from imp_experiments.stats.effect import Condition, Effect
from imp_experiments.stats.factor_effect import CellSummary, FactorialResult, check_alpha
from imp_experiments.stats.factorial import analyze_factorial
from imp_experiments.stats.wald import Wald

__all__ = ["ALPHA", "Independence", "Interaction", "Interference", "PairCell", "independence", "interference"]

# As for the sample ratio: a check of the machinery, looked at often.
ALPHA: Final = 0.001
_SMALLEST_EXPECTED: Final = 5.0
_ENOUGH_TO_COMPARE: Final = 2
_NAMES: Final = ("one", "two")
_MOST_UNITS: Final = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCell:
    """The units that are in variant `one` of the first experiment and `two` of the second: n, mean, variance (n - 1).

    Mean is None without units, variance below two units.
    """

    one: str
    two: str
    n: int
    mean: float | None
    variance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """How the effect `one` - `one_base` of the first experiment changes from `two_base` to `two` of the second.

    `absolute` is the difference in differences in the metric's units, `relative` the ratio of ratios less 1; None
    where a condition says why. Intervals and p are of each alone, uncorrected: the test of all is `Interference`'s.
    """

    one: str
    one_base: str
    two: str
    two_base: str
    absolute: Effect | None
    relative: Effect | None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interference:
    """All pairwise interactions, and whether any is not nil: `absolute` and `relative` are tests of all at once.

    A test is None where a condition says why. `warns` is true where the test on the scale asked for has p < alpha,
    None where there is no test.
    """

    absolute: Wald | None
    relative: Wald | None
    interactions: tuple[Interaction, ...]
    warns: bool | None
    scale: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Independence:
    """verdict: ok, dependent (p < 0.001) or not tested, with the reason; the figures are None where it was not.

    `expected` holds the counts under independence, per pair of variants (None where not tested).
    """

    verdict: str
    p_value: float | None
    statistic: float | None
    df: int | None
    expected: Mapping[tuple[str, str], float] | None
    reason: str | None = None


def interference(
    cells: Sequence[PairCell],
    *,
    one: Sequence[str],
    two: Sequence[str],
    alpha: float = 0.05,
    scale: str = "absolute",
) -> Interference:
    """Estimate every pairwise interaction of the variants `one` and `two`, their controls first, and test them at once.

    Pairs with the controls come first. Cells that are absent or empty make interactions that rest on them, and the
    test of all, conditions.

    Raises:
        BadInput: fewer than two variants on a side, a cell of none of them or twice, or an alpha or scale that cannot
            be.
    """
    check_alpha(alpha)
    if scale not in {"absolute", "relative"}:
        raise BadInput(f"{scale!r} is no scale", where="scale", mend='use "absolute" or "relative"')
    _check(one, two, [(cell.one, cell.two) for cell in cells])
    by_pair = {(cell.one, cell.two): cell for cell in cells}
    # controls come first in their lists, so that pairs with both of them do too
    pairs = sorted(
        product(combinations(range(len(one)), 2), combinations(range(len(two)), 2)),
        key=lambda pair: (pair[0][0] + pair[1][0] > 0, pair),
    )
    whole = _saturated(one, two, by_pair, alpha).tests[-1]
    test = whole.absolute if scale == "absolute" else whole.relative
    return Interference(
        absolute=whole.absolute,
        relative=whole.relative,
        interactions=tuple(
            _interaction([one[at] for at in a], [two[at] for at in b], by_pair, alpha) for a, b in pairs
        ),
        warns=None if test is None else test.p_value < alpha,
        scale=scale,
        conditions=whole.conditions,
    )


def independence(counts: Mapping[tuple[str, str], int]) -> Independence:
    """Pearson's χ² of independence on units per pair (variant of the first, variant of the second experiment).

    Variants without units leave the degrees of freedom. Not tested: fewer than two variants on a side, fewer than
    five units expected in a pair, or a count below zero.
    """
    if any(not 0 <= n <= _MOST_UNITS for n in counts.values()):
        return _untested("a count is below zero or too large")
    one = [
        name for name in dict.fromkeys(pair[0] for pair in counts) if any(counts.get((name, b), 0) for _, b in counts)
    ]
    two = [
        name for name in dict.fromkeys(pair[1] for pair in counts) if any(counts.get((a, name), 0) for a, _ in counts)
    ]
    if min(len(one), len(two)) < _ENOUGH_TO_COMPARE:
        return _untested("fewer than two variants of an experiment have units")
    table = np.array([[counts.get((a, b), 0) for b in two] for a in one], dtype=float)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0) / table.sum())
    if expected.min() < _SMALLEST_EXPECTED:
        return _untested("fewer than five units are expected in a pair of variants")
    statistic = float(((table - expected) ** 2 / expected).sum())
    df = (len(one) - 1) * (len(two) - 1)
    p_value = float(chdtrc(df, statistic))
    return Independence(
        verdict="dependent" if p_value < ALPHA else "ok",
        p_value=p_value,
        statistic=statistic,
        df=df,
        expected={(a, b): float(expected[i, j]) for i, a in enumerate(one) for j, b in enumerate(two)},
    )


def _untested(reason: str) -> Independence:
    return Independence(verdict="not tested", p_value=None, statistic=None, df=None, expected=None, reason=reason)


def _check(one: Sequence[str], two: Sequence[str], pairs: Sequence[tuple[str, str]]) -> None:
    for names in (one, two):
        if len(set(names)) < len(names) or len(names) < _ENOUGH_TO_COMPARE:
            raise BadInput("not two variants or more", where="variants", mend="name each variant once, control first")
    for pair in pairs:
        if pair[0] not in one or pair[1] not in two or pairs.count(pair) > 1:
            raise BadInput(f"{' and '.join(pair)!r} is no pair, or comes twice", where="cells", mend="merge its units")


def _interaction(
    one: Sequence[str], two: Sequence[str], cells: Mapping[tuple[str, str], PairCell], alpha: float
) -> Interaction:
    """The difference in differences of four cells, each with its own variance: no other cell takes part."""
    found = _saturated(one, two, cells, alpha).effects[-1]
    return Interaction(
        one=one[1],
        one_base=one[0],
        two=two[1],
        two_base=two[0],
        absolute=found.absolute,
        relative=found.relative,
        conditions=found.conditions,
    )


def _saturated(
    one: Sequence[str], two: Sequence[str], cells: Mapping[tuple[str, str], PairCell], alpha: float
) -> FactorialResult:
    """Variants become numbered levels: their names may hold what a level's may not."""
    numbered = [tuple(str(at) for at in range(len(names))) for names in (one, two)]
    design = factorial([Factor(name=name, levels=levels) for name, levels in zip(_NAMES, numbered, strict=True)])
    summaries = [
        CellSummary(levels=dict(zip(_NAMES, (i, j), strict=True)), n=cell.n, mean=cell.mean, variance=cell.variance)
        for i, a in zip(numbered[0], one, strict=True)
        for j, b in zip(numbered[1], two, strict=True)
        if (cell := cells.get((a, b))) is not None
    ]
    return analyze_factorial(design, summaries, order=2, alpha=alpha)
