"""One rate over the variants: Pearson's χ² where enough is expected, else the exact conditional test; Wilson intervals.

The exact test is Fisher's (1935), for more than two variants Freeman & Halton's (1951): given how often it happened in
all, the probability of every division over the variants that is no likelier than the one seen. It is made where the
divisions are few enough to go through. No continuity correction anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from scipy.special import chdtrc, ndtri

__all__ = ["Homogeneity", "Rate", "homogeneity", "rates_of", "wilson"]

_SMALLEST_EXPECTED: Final = 5.0
_MOST_DIVISIONS: Final = 50_000
# Divisions as likely as the one seen belong to the tail, though the sums of logarithms differ in their last digits.
_TIE: Final = 1e-7
_ENOUGH: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`count` of `n` units, the rate and its Wilson (1927) interval; these are None where there are no units.

    Any two of them tell the others: where a count may not be shown (None), neither may the rate and its interval.
    """

    count: int | None
    n: int | None
    rate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Homogeneity:
    """p that all variants have one rate. `method` is "chi-square" or "exact"; the latter has no statistic and no df.

    All are None where it was not tested, and `reason` says why.
    """

    p_value: float | None
    statistic: float | None
    df: int | None
    method: str | None
    reason: str | None = None


def wilson(count: int, n: int, *, alpha: float) -> tuple[float, float] | None:
    """Wilson's score interval of a proportion; None without units."""
    if n == 0:
        return None
    z = float(ndtri(1 - alpha / 2))
    z2 = z * z / n
    share = count / n
    centre = (share + z2 / 2) / (1 + z2)
    half = z / (1 + z2) * math.sqrt(share * (1 - share) / n + z2 / (4 * n))
    # none and all have an end that is 0 and 1 exactly
    return 0.0 if count == 0 else centre - half, 1.0 if count == n else centre + half


def rates_of(counts: Mapping[str, int], n: Mapping[str, int], *, alpha: float) -> dict[str, Rate]:
    """Each variant's rate with its interval."""
    rates = {}
    for name, units in n.items():
        low, high = wilson(counts[name], units, alpha=alpha) or (None, None)
        rate = counts[name] / units if units else None
        rates[name] = Rate(count=counts[name], n=units, rate=rate, low=low, high=high)
    return rates


def homogeneity(pairs: Sequence[tuple[int, int]]) -> Homogeneity:
    """Test that (count, units) of several variants have one rate; a variant without units leaves the test."""
    present = [(count, n) for count, n in pairs if n]
    if len(present) < _ENOUGH:
        return _untested("fewer than two variants have units")
    total, everyone = sum(count for count, _ in present), sum(n for _, n in present)
    if total == 0:
        return _untested("it happened to nobody")
    if total == everyone:
        return _untested("it happened to everybody")
    rarer = min(total, everyone - total)
    if rarer / everyone * min(n for _, n in present) < _SMALLEST_EXPECTED:
        return _exact(present, total, everyone)
    statistic = math.fsum(
        (count - n * total / everyone) ** 2 / (n * total / everyone * (1 - total / everyone)) for count, n in present
    )
    df = len(present) - 1
    return Homogeneity(p_value=float(chdtrc(df, statistic)), statistic=statistic, df=df, method="chi-square")


def _exact(present: Sequence[tuple[int, int]], total: int, everyone: int) -> Homogeneity:
    # of the two outcomes the rarer one: the test is the same, the divisions fewer
    seen = [count if 2 * total <= everyone else n - count for count, n in present]
    sizes = [n for _, n in present]
    if math.comb(sum(seen) + len(sizes) - 1, len(sizes) - 1) > _MOST_DIVISIONS:
        return _untested("fewer than five are expected in a variant, and too many divisions for an exact test")
    tables = [_log_choices(n, min(n, sum(seen))) for n in sizes]
    limit = _log_weight(seen, tables) + _TIE
    logs = [_log_weight(division, tables) for division in _divisions(sum(seen), sizes)]
    highest = max(logs)
    weights = [math.exp(log - highest) for log in logs]
    tail = math.fsum(weight for weight, log in zip(weights, logs, strict=True) if log <= limit)
    return Homogeneity(p_value=min(1.0, tail / math.fsum(weights)), statistic=None, df=None, method="exact")


def _divisions(total: int, sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every way to divide `total` over variants of these sizes."""
    if len(sizes) == 1:
        yield (total,)
        return
    room = sum(sizes[1:])
    for first in range(max(0, total - room), min(total, sizes[0]) + 1):
        for rest in _divisions(total - first, sizes[1:]):
            yield (first, *rest)


def _log_choices(n: int, most: int) -> list[float]:
    """The logarithm of the number of ways to pick 0, 1, … `most` of n: step by step, as differences lose digits."""
    steps = (math.log((n - count + 1) / count) for count in range(1, most + 1))
    return list(accumulate(steps, initial=0.0))


def _log_weight(division: Sequence[int], tables: Sequence[Sequence[float]]) -> float:
    return sum(table[count] for count, table in zip(division, tables, strict=True))


def _untested(reason: str) -> Homogeneity:
    return Homogeneity(p_value=None, statistic=None, df=None, method=None, reason=reason)
