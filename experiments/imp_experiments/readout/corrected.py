"""Comparisons corrected for their number: p, and where the method has them, simultaneous intervals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

import numpy as np

from imp_core.errors import BadInput
from imp_experiments.readout.compare import Tested
from imp_experiments.stats.contrast import figures
from imp_experiments.stats.max_t import max_t
from imp_experiments.stats.multiplicity import METHODS, adjust, bonferroni_tail

__all__ = ["CORRECTIONS", "corrected"]

# method → what it promises, for people.
CORRECTIONS: Final[dict[str, str]] = METHODS | {
    "max_t": "family-wise error: by the largest statistic over the variants of a metric, by Bonferroni over metrics"
}


def corrected(compared: Sequence[Tested], method: str, *, alpha: float, metrics: int | None = None) -> list[Tested]:
    """Correct the p of the registered scale for the number of comparisons that have one.

    By "bonferroni" and "max_t" the intervals (of both scales) become simultaneous, so that a corrected p is below
    `alpha` iff its interval excludes no effect; the other methods have no intervals. `metrics`: of how many max-T
    shares alpha (None: those that have a p); said where one may get its p later, and change no answer by it.

    Raises:
        BadInput: there is no such method.
    """
    if method not in CORRECTIONS:
        raise BadInput(
            f"there is no correction {method!r}", where="adjust", mend=f"say one of: {', '.join(CORRECTIONS)}"
        )
    if method == "max_t":
        return _by_largest(compared, alpha, metrics)
    p_values = adjust([one.compared.p_value for one in compared], method)
    hypotheses = sum(p is not None for p in p_values)
    out = []
    for one, p in zip(compared, p_values, strict=True):
        if method == "bonferroni" and p is not None:
            one = _widened(one, bonferroni_tail(alpha, hypotheses))  # noqa: PLW2901 (the same comparison, wider)
        out.append(_with_p(one, p, method))
    return out


def _by_largest(compared: Sequence[Tested], alpha: float, metrics: int | None) -> list[Tested]:
    """Max-T over the variants of each metric, at alpha over the number of metrics (None: of those that have a p)."""
    registered = metrics is not None
    families = [list(family) for _, family in groupby(compared, key=lambda one: one.compared.metric)]
    if metrics is None:
        metrics = sum(any(one.compared.p_value is not None for one in family) for family in families)
    out: list[Tested] = []
    for family in families:
        out += _one_metric(family, alpha / max(metrics, 1), max(metrics, 1), registered=registered)
    return out


def _one_metric(family: Sequence[Tested], alpha: float, metrics: int, *, registered: bool) -> list[Tested]:
    with_p = [one for one in family if one.compared.p_value is not None]
    p_values = [p for one in with_p if (p := one.compared.p_value) is not None]
    correlation = _correlation(with_p)
    if not with_p:
        return [_with_p(one, None, "max_t") for one in family]
    # a registered variant without p may get one: it counts as if it were independent of the others, which is safe
    absent = len(family) - len(with_p) if registered else 0
    found = max_t(_beside(correlation, absent), [*p_values, *[1.0] * absent], alpha=alpha)
    shown = dict(zip((id(one) for one in with_p), found.p_values, strict=False))
    out = []
    for one in family:
        p = shown.get(id(one))
        out.append(_with_p(one if p is None else _widened(one, found.tail), p and min(1.0, p * metrics), "max_t"))
    return out


def _beside(correlation: Sequence[Sequence[float]], more: int) -> list[list[float]]:
    """With so many statistics more that correlate with none."""
    grown = np.eye(len(correlation) + more)
    grown[: len(correlation), : len(correlation)] = correlation
    return [[float(value) for value in row] for row in grown]


def _correlation(family: Sequence[Tested]) -> list[list[float]]:
    """Of the statistics of one metric; none where the method has no joint estimates."""
    if not family:
        return []
    first = family[0]
    names = [one.compared.variant for one in family]
    if first.estimates is None:
        # as if independent: what shares control correlates, and that only makes it safer (Šidák 1967)
        return [[1.0 if i == j else 0.0 for j in range(len(names))] for i in range(len(names))]
    found = first.estimates.correlation(names, first.compared.control, first.compared.scale)
    # by scores a variant without events has a p too, but no estimate on the log scale: as if independent, likewise safe
    found = np.clip(np.where(np.isfinite(found), (found + found.T) / 2, 0.0), -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return [[float(value) for value in row] for row in found]


def _widened(one: Tested, tail: float) -> Tested:
    if one.contrast is None:
        return one
    result = figures(one.contrast, tail=tail)
    compared = replace(one.compared, absolute=result.absolute, relative=result.relative, conditions=result.conditions)
    # where a tail is told, it is that of these intervals
    return replace(one, compared=replace(compared, tail=None if compared.tail is None else tail))


def _with_p(one: Tested, p: float | None, method: str) -> Tested:
    return replace(one, compared=replace(one.compared, correction=method, p_corrected=p))
