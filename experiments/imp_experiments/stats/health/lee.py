"""Lee's (2009) bounds: the effect on units that stay in every variant, where variants lose different shares of them.

If a variant only ever keeps units (monotonicity: it drives none away that the other would have kept), the surplus of
the variant that keeps more is a known share of its units, in the worst case its highest or its lowest. Trimmed by
them, it is compared with the other. Bounds: his Proposition 1a; standard errors: Proposition 3; interval: Imbens &
Manski (2004). The trimmed moments come from a second scan, `measure.trim`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.measure.moments import Summary
from imp_experiments.measure.trim import Tail, Tails
from imp_experiments.stats.health.arguments import checked_count, checked_level
from imp_experiments.stats.health.identified import IdentifiedSet, identified_set, reading

__all__ = ["LeeBounds", "Retained", "Trimming", "lee_bounds", "trimming"]

_NONE_STAYED: Final = "a variant has no units that stayed"
_NOT_FINITE: Final = "a figure is not finite, or rests on one unit alone, or no unit differs from another"
_SAME_SHARE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """A variant's name, how many units were assigned to it, and the summary of those that stayed."""

    name: str
    assigned: int
    summary: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimming:
    """What is to be trimmed: the name of the variant that keeps more of its units (None: both keep the same share).

    `kept` is the share of that variant's staying units to keep, which `measure.trim` takes, `trimmed` the rest (Lee's
    p₀); both are of its staying units, not of its assigned ones.
    """

    variant: str | None
    kept: float
    trimmed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeeBounds:
    """verdict: excludes zero, includes zero (by the interval), or not tested, and `reason` says why.

    `bounds` (variant - control, in the metric's units; None where not tested) hold under `assumption` alone, and for
    the units of `estimand` alone. `trimmed` names the variant that keeps more, None where the shares are equal and
    the bounds one point; `share` is what was trimmed of it. Rates are staying over assigned units, None where none
    was assigned. The four counts are units (None: fewer than may be shown; then rates and share tell too much as well).
    """

    verdict: str
    bounds: IdentifiedSet | None
    assumption: str
    estimand: str
    trimmed: str | None
    share: float | None
    rate_variant: float | None
    rate_control: float | None
    assigned_variant: int | None
    assigned_control: int | None
    n_variant: int | None
    n_control: int | None
    reason: str | None = None


def trimming(variant: Retained, control: Retained) -> Trimming | None:
    """Which variant to trim and by how much, exact from the counts; None where a variant has no unit that stayed.

    Raises:
        BadInput: a count is none, or more units stayed than were assigned.
    """
    for side in (variant, control):
        checked_count(side.assigned, f"{side.name}, assigned")
        if checked_count(side.summary.n, f"{side.name}, stayed") > side.assigned:
            raise BadInput("more units stayed than were assigned", where=side.name, mend="count them anew")
    if not (variant.summary.n and control.summary.n):
        return None
    # staying × the other's assigned: whole numbers, so that equal shares are equal
    mine, other = variant.summary.n * control.assigned, control.summary.n * variant.assigned
    if mine == other:
        return Trimming(variant=None, kept=1.0, trimmed=0.0)
    name = variant.name if mine > other else control.name
    kept = min(mine, other) / max(mine, other)
    return Trimming(variant=name, kept=kept, trimmed=abs(mine - other) / max(mine, other))


def lee_bounds(variant: Retained, control: Retained, tails: Tails | None, *, alpha: float = 0.05) -> LeeBounds:
    """Bound variant - control; `tails` are those of the variant `trimming` names, None where it names none.

    Raises:
        BadInput: as `trimming`, alpha is no level, or the tails are not those of that variant and share.
    """
    checked_level(alpha)
    cut = trimming(variant, control)
    if cut is None:
        return _result(variant, control, cut, None, _NONE_STAYED)
    if cut.variant is None:
        bounds = _untrimmed(variant.summary, control.summary, alpha)
    else:
        upper = cut.variant == variant.name
        more, fewer = (variant, control) if upper else (control, variant)
        if tails is None or tails.n != more.summary.n or abs(tails.share - cut.kept) > _SAME_SHARE:
            raise BadInput("these are not the trimmed variant's tails", where=cut.variant, mend="trim it by `trimming`")
        bounds = _trimmed(more, fewer, tails, cut, alpha=alpha, sign=1 if upper else -1)
    return _result(variant, control, cut, bounds, None if bounds else _NOT_FINITE)


def _untrimmed(variant: Summary, control: Summary, alpha: float) -> IdentifiedSet | None:
    """Equal shares stayed: under monotonicity the same units, and the plain difference is the effect."""
    difference = _number(variant.mean) - _number(control.mean)
    square = _number(variant.variance) / variant.n + _number(control.variance) / control.n
    return _set((difference, difference), (square, square), alpha)


def _trimmed(
    more: Retained, fewer: Retained, tails: Tails, cut: Trimming, *, alpha: float, sign: int
) -> IdentifiedSet | None:
    """Lee's bounds of the trimmed variant's mean minus the other's, or, with `sign` -1, of the negative."""
    other = _number(fewer.summary.variance) / fewer.summary.n
    rate_square = cut.kept * cut.kept * (_miss(more) + _miss(fewer))
    ends = [
        (sign * (tail.mean - _number(fewer.summary.mean)), _square(tail, cut, rate_square) + other)
        for tail in (tails.lowest, tails.highest)[::sign]
    ]
    return _set((ends[0][0], ends[1][0]), (ends[0][1], ends[1][1]), alpha)


def _miss(side: Retained) -> float:
    """(1 - rate) / (assigned × rate): the variance of a rate's estimate over the rate squared."""
    return (side.assigned - side.summary.n) / side.assigned / side.summary.n


def _square(tail: Tail, cut: Trimming, rate_square: float) -> float:
    """Variance of a trimmed mean: Proposition 3 over n. Spread, unknown threshold, unknown share to trim.

    Kept weight stands for n·E[SD](1 - p₀), and `rate_square` for V_p / n.
    """
    reach = tail.threshold - tail.mean
    spread = _number(tail.variance) / tail.weight
    threshold = reach * reach * cut.trimmed / tail.weight
    return spread + threshold + (reach / cut.kept) * (reach / cut.kept) * rate_square


def _set(ends: tuple[float, float], squares: tuple[float, float], alpha: float) -> IdentifiedSet | None:
    if not all(math.isfinite(square) and square >= 0 for square in squares):
        return None
    return identified_set(*ends, math.sqrt(squares[0]), math.sqrt(squares[1]), alpha=alpha)


def _result(
    variant: Retained, control: Retained, cut: Trimming | None, bounds: IdentifiedSet | None, reason: str | None
) -> LeeBounds:
    return LeeBounds(
        verdict="not tested" if bounds is None else reading(bounds),
        bounds=bounds,
        assumption=_assumption(variant.name, control.name, cut),
        estimand=f"units that stay in {variant.name} and would stay in {control.name} too",
        trimmed=None if cut is None else cut.variant,
        share=None if cut is None else cut.trimmed,
        rate_variant=variant.summary.n / variant.assigned if variant.assigned else None,
        rate_control=control.summary.n / control.assigned if control.assigned else None,
        assigned_variant=variant.assigned,
        assigned_control=control.assigned,
        n_variant=variant.summary.n,
        n_control=control.summary.n,
        reason=reason,
    )


def _assumption(variant: str, control: str, cut: Trimming | None) -> str:
    """Monotonicity in words, in the direction that the rates show."""
    if cut is None or cut.variant is None:
        return f"monotonicity: {variant} makes units stay or makes them leave, never both"
    less = control if cut.variant == variant else variant
    return f"monotonicity: every unit that stays in {less} would stay in {cut.variant} too"


def _number(value: float | None) -> float:
    return math.nan if value is None else value
