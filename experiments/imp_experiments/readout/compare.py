"""From `Moments` to comparisons: every treatment against control, one metric at a time. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from imp_core.suppress import hidden
from imp_experiments.measure.moments import Moments, Summary
from imp_experiments.readout.readout import Compared
from imp_experiments.stats.effect import Comparison, Condition
from imp_experiments.stats.welch import METHOD, welch

__all__ = ["compare_metric"]

_FEW_EVENTS = 10


def compare_metric(
    moments: Moments,
    column: str,
    *,
    metric: str,
    kind: str,
    variants: Sequence[str],
    control: str,
    scale: str,
    alpha: float,
    k: int = 0,
    barred: str | None = None,
) -> list[Compared]:
    """Compare each of `variants` with control on one column of the moments.

    A comparison with a variant of 1 to k - 1 units shows nothing of it. `barred` is a condition's code that
    forbids all figures of this metric.
    """
    base = moments.summary(column, control)
    out = []
    for variant in variants:
        summary = moments.summary(column, variant)
        code = "fewer_than_k" if hidden(summary.n, k) is None or hidden(base.n, k) is None else barred
        if code is None:
            result = welch(summary, base, alpha=alpha)
            conditions = result.conditions + _advice(kind, result, summary, base)
        else:
            result = Comparison(absolute=None, relative=None)
            conditions = (Condition(code, "both"),)
        out.append(
            Compared(
                metric=metric,
                kind=kind,
                variant=variant,
                control=control,
                n_variant=hidden(summary.n, k),
                n_control=hidden(base.n, k),
                value_variant=_shown(summary.mean, code, conditions),
                value_control=_shown(base.mean, code, conditions),
                absolute=result.absolute,
                relative=result.relative,
                scale=scale,
                method=METHOD,
                conditions=conditions,
            )
        )
    return out


def _shown(mean: float | None, code: str | None, conditions: Sequence[Condition]) -> float | None:
    barred = code is not None or any(condition.code == "not_finite" for condition in conditions)
    return None if barred else mean


def _advice(kind: str, result: Comparison, *sides: Summary) -> tuple[Condition, ...]:
    """A proportion near 0 or 1 in few units: the figures stand, with a warning."""
    if kind != "proportion" or result.absolute is None:
        return ()
    fewest = min(min(side.n * mean, side.n * (1 - mean)) for side in sides if (mean := side.mean) is not None)
    return (Condition("few_events", "both"),) if fewest < _FEW_EVENTS else ()
