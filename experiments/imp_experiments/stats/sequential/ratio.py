"""The sample ratio while an experiment runs: a test that may be read every day. It blocks at p < 0.001.

Lindon and Malek (2022), "Anytime-valid inference for multinomial count data", NeurIPS 35 (arXiv 2011.03567): under
the promised shares θ the Bayes factor of Dirichlet(κθ) alternatives is a martingale that starts at 1, so that the
chance that it ever reaches 1/p is at most p. With counts S of N units and a = κθ + S,

    log BF = log Γ(κ) - Σ log Γ(κθ_i) + Σ log Γ(a_i) - log Γ(κ + N) - Σ S_i log θ_i

The default κ = 10,000 spreads the alternatives' shares by √(θ(1-θ)/κ): half a percentage point for halves, the size
of the mismatches that real assignment faults leave; it is also what the authors' own package takes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scipy.special import gammaln

from imp_core.errors import BadInput
from imp_experiments.stats.srm import ALPHA

__all__ = ["CONCENTRATION", "SequentialRatio", "log_bayes_factor", "sequential_ratio"]

CONCENTRATION: Final = 10_000.0
_ENOUGH_TO_COMPARE: Final = 2
_ONE: Final = 1e-9
_MOST: Final = 2**63
# From here on Stirling's series is exact to floating point.
_STIRLING: Final = 30.0
_LOG_TWO_PI: Final = math.log(2 * math.pi)


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialRatio:
    """verdict: ok, mismatch (p < 0.001) or not tested; `reason` says why where it was not (else None).

    `p_value` is the smallest of 1 / Bayes factor over the days so far, at most 1; `day` is the index of the first
    day that reached it. Both are None where it was not tested.
    """

    verdict: str
    p_value: float | None
    day: int | None
    reason: str | None = None


def sequential_ratio(
    days: Sequence[Mapping[str, int]], shares: Mapping[str, float], *, concentration: float = CONCENTRATION
) -> SequentialRatio:
    """Test the counts of each day, added up from the first on, against the promised shares (adding up to 1).

    Variants of share 0 are not part of the test, nor are names without a share. Not tested: fewer than two
    variants with a share, or no unit so far.

    Raises:
        BadInput: a share or a count is negative or not a number, the shares do not add up to 1, or the
            concentration is not positive.
    """
    _check(days, shares, concentration)
    tested = [name for name, share in shares.items() if share]
    if len(tested) < _ENOUGH_TO_COMPARE:
        return _untested("fewer than two variants have a weight")
    counts = dict.fromkeys(tested, 0)
    least, at = math.inf, None
    for index, day in enumerate(days):
        for name in tested:
            counts[name] += day.get(name, 0)
        if not any(counts.values()):
            continue
        evidence = log_bayes_factor(list(counts.values()), [shares[name] for name in tested], concentration)
        log_p = min(0.0, -evidence)
        if log_p < least:
            least, at = log_p, index
    if at is None:
        return _untested("no unit has come")
    p_value = math.exp(least)
    return SequentialRatio(verdict="mismatch" if p_value < ALPHA else "ok", p_value=p_value, day=at)


def log_bayes_factor(counts: Sequence[int], shares: Sequence[float], concentration: float = CONCENTRATION) -> float:
    """Log of the evidence for other shares over that for `shares` (all above 0, adding up to 1).

    Not as the difference of log Γ, which at 1e9 units would leave 5 digits: Stirling's leading terms are taken
    together as the divergence N' Σ θ_i ((1+d_i) log(1+d_i) - d_i), d_i = a_i / (N' θ_i) - 1, N' = κ + N.
    """
    total = sum(counts)
    scale = concentration + total
    evidence = float(gammaln(concentration)) - _beyond_stirling(scale) + (math.log(scale) - _LOG_TWO_PI) / 2
    for count, share in zip(counts, shares, strict=True):
        prior = concentration * share
        excess = (count - total * share) / (scale * share)
        evidence += scale * share * _divergence((prior + count) / (scale * share), excess) + prior * math.log(share)
        evidence += _beyond_stirling(prior + count) - (math.log(prior + count) - _LOG_TWO_PI) / 2
        evidence -= float(gammaln(prior))
    return evidence


def _divergence(ratio: float, excess: float) -> float:
    """(1 + d) log(1 + d) - d for ratio 1 + d and excess d, without losing the digits of either where it is small."""
    if abs(excess) < 1e-2:  # noqa: PLR2004
        powers = (excess**power * (-1) ** power / (power * (power - 1)) for power in range(9, 1, -1))
        return math.fsum(powers)
    return ratio * math.log(ratio) - excess


def _beyond_stirling(value: float) -> float:
    """Log Γ(a) - ((a - ½) log a - a + ½ log 2π)."""
    if value < _STIRLING:
        return float(gammaln(value)) - ((value - 0.5) * math.log(value) - value + _LOG_TWO_PI / 2)
    square = value * value
    return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / value


def _check(days: Sequence[Mapping[str, int]], shares: Mapping[str, float], concentration: float) -> None:
    if not all(math.isfinite(share) and share >= 0 for share in shares.values()):
        raise BadInput("a share is negative or not a number", where="shares", mend="say shares from 0 on")
    if abs(math.fsum(shares.values()) - 1) > _ONE:
        raise BadInput("the shares do not add up to 1", where="shares", mend="divide the weights by their sum")
    if not (math.isfinite(concentration) and concentration > 0):
        raise BadInput("the concentration is not above 0", where="concentration", mend="leave it out, or say 10000")
    if not all(0 <= count < _MOST for day in days for count in day.values()):
        raise BadInput("a day's count is negative, too large or not a number", where="days", mend="count units from 0")


def _untested(reason: str) -> SequentialRatio:
    return SequentialRatio(verdict="not tested", p_value=None, day=None, reason=reason)
