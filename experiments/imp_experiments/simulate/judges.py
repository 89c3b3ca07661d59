"""The tails of every treatment at a look of many runs: from sums by arrays, of quantiles by the readout's functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from imp_experiments.design.experiment import Metric
from imp_experiments.simulate.dealt import AnyDrawn, Kept
from imp_experiments.stats.many import ManyContrasts, ManySums, many_contrasts, tail_beyond
from imp_experiments.stats.quantile import QuantileContrast, quantile_contrast
from imp_experiments.stats.score import Count, few_events, score

__all__ = ["Judge", "judge_of"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_RAREST: Final = 10.0


class Judge(Protocol):
    """What looks show of a metric in many runs."""

    def tails(self, look: int, through: int, nulls: Sequence[float]) -> tuple[Floats, Flags]:
        """Runs × treatments: half of the two-sided p about each one's null (NaN: no figure), and whether above it."""


def judge_of(metric: Metric, drawn: AnyDrawn, measured: int) -> Judge:
    """What judges a metric; `measured` columns come before the covariates."""
    if metric.q is not None and isinstance(drawn, Kept):
        return _QuantileJudge(metric, drawn)
    return _SumsJudge(metric, drawn, measured)


class _SumsJudge:
    """Contrasts by look and cohorts, each computed once."""

    def __init__(self, metric: Metric, drawn: AnyDrawn, measured: int) -> None:
        self._metric, self._drawn, self._measured = metric, drawn, measured
        self._known: dict[tuple[int, int], tuple[ManySums, list[ManyContrasts]]] = {}

    def tails(self, look: int, through: int, nulls: Sequence[float]) -> tuple[Floats, Flags]:
        if through < 0:
            return _nothing(self._drawn)
        if (look, through) not in self._known:
            sums = self._drawn.at(look, through)
            self._known[look, through] = sums, many_contrasts(sums, measured=self._measured, scale=self._metric.scale)
        sums, contrasts = self._known[look, through]
        found = [tail_beyond(one, null, self._metric.scale) for one, null in zip(contrasts, nulls, strict=True)]
        tail, above = (np.stack(parts, axis=1) for parts in zip(*found, strict=True))
        if self._metric.kind == "proportion" and self._drawn.columns == 1:
            self._rare(sums, nulls, tail, above)
        return tail, above

    def _rare(self, sums: ManySums, nulls: Sequence[float], tail: Floats, above: Flags) -> None:
        """Scores where events are few, one by one."""
        events = np.rint(sums.sums[..., 0] + sums.shifts[0] * sums.n).astype(np.int64)
        for place, null in enumerate(nulls, start=1):
            n = (int(sums.n[place]), int(sums.n[0]))
            total = events[:, place] + events[:, 0]
            rarer = np.minimum(total, sum(n) - total)
            for run in np.flatnonzero(rarer * min(n) < _RAREST * sum(n) + 1):
                both = (int(events[run, place]), int(events[run, 0]))
                if few_events(both, n):
                    found = score(Count(both[0], n[0]), Count(both[1], n[1]))
                    unbounded = self._metric.scale == "relative" and not both[1]
                    under = None if unbounded else found.p_beyond(self._metric.scale, null)
                    tail[run, place - 1], above[run, place - 1] = _sided(under)


class _QuantileJudge:
    """Contrasts of order statistics, by look and cohorts, one run after the other."""

    def __init__(self, metric: Metric, drawn: Kept) -> None:
        self._metric, self._drawn = metric, drawn
        self._known: dict[tuple[int, int], list[list[QuantileContrast]]] = {}

    def tails(self, look: int, through: int, nulls: Sequence[float]) -> tuple[Floats, Flags]:
        tail, above = _nothing(self._drawn)
        if through < 0:
            return tail, above
        for place, (contrasts, null) in enumerate(zip(self._contrasts(look, through), nulls, strict=True)):
            for run, one in enumerate(contrasts):
                tail[run, place], above[run, place] = _sided(one.p_beyond(self._metric.scale, null))
        return tail, above

    def _contrasts(self, look: int, through: int) -> list[list[QuantileContrast]]:
        if (look, through) not in self._known:
            q = self._metric.q or 0.0
            rows = [self._drawn.rows(q, (look, through), place) for place in range(len(self._drawn.scenario.variants))]
            self._known[look, through] = [
                [quantile_contrast(one, two) for one, two in zip(mine, rows[0], strict=True)] for mine in rows[1:]
            ]
        return self._known[look, through]


def _nothing(drawn: AnyDrawn) -> tuple[Floats, Flags]:
    shape = (drawn.runs, len(drawn.scenario.variants) - 1)
    return np.full(shape, math.nan), np.zeros(shape, dtype=bool)


def _sided(under: float | None) -> tuple[float, bool]:
    """The nominal tail and its side, of the one-sided p of an effect at the null or below."""
    return (math.nan, False) if under is None else (min(under, 1 - under), under < 0.5)  # noqa: PLR2004 (half)
