"""Group-sequential boundaries for looks as they come: each is solved when it is due, the past stays as it was used.

The boundary z of a look is such that under the null the chance of crossing there for the first time is the alpha
that the spending function frees since the look before (Lan and DeMets 1983). The correlation of successive looks is
that of their common units, n_jk / √(n_j n_k): people withdraw, so that a look need not hold all units of the last
one, and information can fall. Looks further apart are chained as a Markov sequence: exact where looks are nested, and
where units leave in the same proportion from all looks before. Elsewhere, against the full correlation matrix, 0.05
becomes 0.049 where only the newest leave, and at most 0.0509 where the oldest do, all but 2 % of them
(`tests/experiments/stats/test_boundary.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from scipy.special import ndtr

from imp_core.errors import BadInput
from imp_experiments.stats.sequential import density
from imp_experiments.stats.sequential.spending import Spending, check_alpha, check_sides, spent_by

__all__ = [
    "LEAST",
    "MOST_LOOKS",
    "Boundary",
    "Look",
    "boundary_at",
    "last_boundary",
    "next_boundary",
    "plan_boundaries",
]

# A look that would be given less than this is not used: its boundary would lie beyond 9 standard errors.
LEAST: Final = 1e-20
MOST_LOOKS: Final = 400
_MOST_UNITS: Final = 2**63
# Alpha that differs by rounding alone is the same alpha.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look sees: `fraction` of the planned units that has matured, `n` units that are in now.

    `kept` counts the units of the last *used* look (whose boundary has a z) that are still in; None where no look
    was used before.
    """

    fraction: float
    n: int
    kept: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """Where a look rejects: |z statistic| ≥ `z` (one-sided: z statistic ≥ `z`).

    `tail` is the one-sided nominal tail probability at z, at which a t statistic can be judged alike: an interval
    is estimate ± quantile(1 - tail) × standard error. Both are None at a look that may not reject. `spent` is the
    alpha of this look, `cumulative` that of all looks so far; alpha is of the whole test, two tails together
    where it is two-sided.
    """

    z: float | None
    tail: float | None
    spent: float
    cumulative: float


def boundary_at(z: float | None, *, spent: float, cumulative: float) -> Boundary:
    """The boundary at z: its tail follows, with all digits however far out it lies."""
    return Boundary(z=z, tail=None if z is None else float(ndtr(-z)), spent=spent, cumulative=cumulative)


def next_boundary(
    past: Sequence[tuple[Look, Boundary]],
    now: Look,
    *,
    alpha: float,
    spending: Spending,
    sides: int = 2,
    last: bool = False,
) -> Boundary:
    """The boundary of the look that is due, after the looks so far with the boundaries that were used.

    Time is the largest fraction so far. A look at which it has not grown spends nothing and has no z. The `last`
    look, and the first at fraction 1 or more, spends all that remains, so that withdrawals cannot keep a test from
    ending; after it nothing is left and no look has a z.

    Raises:
        BadInput: alpha, sides, a fraction, a count or a recorded boundary is impossible.
    """
    check_alpha(alpha)
    check_sides(sides)
    used = [(look, boundary.z) for look, boundary in past if boundary.z is not None]
    _check_history(past, now, alpha=alpha, first=not used)
    cumulative = past[-1][1].cumulative if past else 0.0
    reached = max((look.fraction for look, _ in past), default=0.0)
    total = _total(reached, now.fraction, cumulative, alpha=alpha, spending=spending, sides=sides, last=last)
    if total is None:
        return Boundary(z=None, tail=None, spent=0.0, cumulative=cumulative)
    links = [_correlation(one, two) for (one, _), (two, _) in pairwise(used)]
    if used:
        links.append(_correlation(used[-1][0], now))
    survivors = None
    for index, (_, z) in enumerate(used):
        survivors = _continue(survivors, links[index - 1] if index else 0.0, z, links[index], sides)
    return _boundary(survivors, links[-1] if links else 0.0, total - cumulative, total, sides)


def plan_boundaries(
    fractions: Sequence[float], alpha: float, spending: Spending, sides: int = 2
) -> tuple[Boundary, ...]:
    """The boundaries of looks at ascending information fractions, each look holding all units of the one before.

    As `next_boundary`, for a plan: from fraction 1 on the test ends. A plan that stops below 1 does not spend all
    of alpha.

    Raises:
        BadInput: alpha or sides is impossible; no looks, too many, or fractions that are not positive and ascending.
    """
    check_alpha(alpha)
    check_sides(sides)
    _check_plan(fractions)
    totals, cumulative = [], 0.0
    for before, fraction in zip((0.0, *fractions), fractions, strict=False):
        total = _total(before, fraction, cumulative, alpha=alpha, spending=spending, sides=sides, last=False)
        totals.append(total)
        cumulative = cumulative if total is None else total
    times = [fraction for fraction, total in zip(fractions, totals, strict=True) if total is not None]
    links = [math.sqrt(one / two) for one, two in pairwise(times)]
    boundaries: list[Boundary] = []
    survivors, cumulative, look, link = None, 0.0, 0, 0.0
    for total in totals:
        if total is None:
            boundaries.append(Boundary(z=None, tail=None, spent=0.0, cumulative=cumulative))
            continue
        boundary = _boundary(survivors, link, total - cumulative, total, sides)
        boundaries.append(boundary)
        if look < len(links) and boundary.z is not None:
            survivors = _continue(survivors, link, boundary.z, links[look], sides)
            link = links[look]
        cumulative, look = total, look + 1
    return tuple(boundaries)


def last_boundary(
    looks: Sequence[Look], *, alpha: float, spending: Spending, sides: int = 2, last: bool = False
) -> Boundary:
    """The boundary of the last of `looks` in a test at `alpha`, all before it having had the boundaries of that test.

    As `next_boundary` look by look, in one pass; `last` is about the last look. `kept` counts units of the look just
    before, used or not: which looks are used depends on alpha. Over one that was not, correlations multiply.

    Raises:
        BadInput: there is no look, or as for `next_boundary`.
    """
    check_alpha(alpha)
    check_sides(sides)
    boundary = Boundary(z=None, tail=None, spent=0.0, cumulative=0.0)
    survivors, link, reached, following = None, 0.0, 0.0, 1.0
    used: float | None = None  # the z of the last used look
    for place, look in enumerate(looks):
        before = looks[place - 1] if place else None
        _check_look(look, before)
        following *= 1.0 if before is None else _correlation(before, look)
        final = last and place == len(looks) - 1
        spent = boundary.cumulative
        total = _total(reached, look.fraction, spent, alpha=alpha, spending=spending, sides=sides, last=final)
        reached = max(reached, look.fraction)
        if total is None:
            boundary = Boundary(z=None, tail=None, spent=0.0, cumulative=spent)
            continue
        if used is not None:
            survivors, link = _continue(survivors, link, used, following, sides), following
        boundary = _boundary(survivors, link, total - spent, total, sides)
        used, following = boundary.z, 1.0
    return boundary


def _total(
    reached: float, fraction: float, cumulative: float, *, alpha: float, spending: Spending, sides: int, last: bool
) -> float | None:
    """Alpha spent by the end of this look; None where it has none to spend."""
    if alpha - cumulative <= _ROUNDING * alpha:
        return None
    if last or fraction >= 1:
        return alpha
    if fraction <= reached:
        return None
    total = spent_by(fraction, alpha=alpha, spending=spending, sides=sides)
    return total if total - cumulative >= LEAST else None


def _continue(
    survivors: density.Survivors | None, link: float, z: float, following: float, sides: int
) -> density.Survivors:
    low = -z if sides == 2 else -math.inf  # noqa: PLR2004
    width = density.spread(following)
    if survivors is None:
        return density.first(low, z, following=width)
    return density.onwards(survivors, link, low, z, following=width)


def _boundary(survivors: density.Survivors | None, link: float, spend: float, total: float, sides: int) -> Boundary:
    z = density.solve(survivors, link, spend, sides=sides)
    if z is None:
        raise BadInput(
            "the boundaries recorded for earlier looks leave too little to spend at this one",
            where="past",
            mend="pass the boundaries that these looks were given",
        )
    return boundary_at(z, spent=spend, cumulative=total)


def _correlation(before: Look, now: Look) -> float:
    """n_jk / √(n_j n_k); 0 where a look holds no unit, or none was kept."""
    return (now.kept or 0) / math.sqrt(before.n * now.n) if before.n and now.n else 0.0


def _check_plan(fractions: Sequence[float]) -> None:
    if not 1 <= len(fractions) <= MOST_LOOKS:
        raise BadInput(
            f"a plan has 1 to {MOST_LOOKS} looks, not {len(fractions)}", where="looks", mend="plan fewer looks"
        )
    ascending = all(one < two for one, two in zip((0.0, *fractions), fractions, strict=False))
    if not ascending or not all(map(math.isfinite, fractions)):
        raise BadInput(
            "the information fractions of a plan are not above 0 and ascending",
            where="fractions",
            mend="say each look's share of the planned units, the last as 1",
        )


def _check_history(past: Sequence[tuple[Look, Boundary]], now: Look, *, alpha: float, first: bool) -> None:
    if len(past) >= MOST_LOOKS:
        raise BadInput(f"there are more than {MOST_LOOKS} looks", where="past", mend="look less often")
    before: Look | None = None
    spent = 0.0
    for look, boundary in past:
        _check_look(look, before)
        if not _possible(boundary) or boundary.cumulative < spent or boundary.cumulative > alpha * (1 + _ROUNDING):
            raise BadInput(
                "a recorded boundary is not one of this test", where="past", mend="pass the boundaries as recorded"
            )
        spent = boundary.cumulative
        before = before if boundary.z is None else look
    _check_look(now, None if first else before)


def _possible(boundary: Boundary) -> bool:
    z = 0.0 if boundary.z is None else boundary.z
    return math.isfinite(z) and math.isfinite(boundary.cumulative)


def _check_look(look: Look, before: Look | None) -> None:
    """Raises BadInput unless the look's numbers fit it and the last used look."""
    if not (0 <= look.fraction < math.inf and 0 <= look.n < _MOST_UNITS):
        raise BadInput(
            f"a look has a fraction of {look.fraction} and {look.n} units",
            where="look",
            mend="say numbers from 0 on",
        )
    if before is None:
        return
    if look.kept is None or not 0 <= look.kept <= min(before.n, look.n):
        raise BadInput(
            f"a look keeps {look.kept} units of the {before.n} of the look before, and has {look.n}",
            where="kept",
            mend="count the units of the last used look that are still in",
        )
