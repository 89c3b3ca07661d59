"""The sample-ratio check: do the variants hold the shares that the weights promised? Pearson's χ².

A variant of share 0 leaves the degrees of freedom (other engines keep it there: too lenient a test).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scipy.special import chdtrc

__all__ = ["ALPHA", "SampleRatio", "sample_ratio"]

ALPHA: Final = 0.001
_SMALLEST_EXPECTED: Final = 5.0
_ENOUGH_TO_COMPARE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio:
    """verdict: ok, mismatch (p < 0.001) or not tested; `reason` says why there is no p.

    `method`: "chi_square", or "sequential" for one that may be read every day (Lindon & Malek 2022), which has neither
    statistic nor df. p, statistic and df are None where it was not tested. `observed` counts units per variant,
    `expected_share` adds up to 1. Where the counts may not be shown (None), neither may p and statistic.
    """

    verdict: str
    p_value: float | None
    statistic: float | None
    df: int | None
    observed: Mapping[str, int | None]
    expected_share: Mapping[str, float]
    reason: str | None = None
    method: str = "chi_square"


def sample_ratio(observed: Mapping[str, int], shares: Mapping[str, float]) -> SampleRatio:
    """Compare the observed counts with the expected shares; variants of share 0 are not part of the test.

    Not tested: fewer than two variants with a share, or fewer than five units expected in one of them.
    """
    counts = {name: observed.get(name, 0) for name in shares}
    tested = [name for name, share in shares.items() if share]
    total = sum(counts[name] for name in tested)
    reason = _untestable(len(tested), total, min((shares[name] for name in tested), default=0.0))
    if reason is not None:
        return SampleRatio(
            verdict="not tested",
            p_value=None,
            statistic=None,
            df=None,
            observed=counts,
            expected_share=dict(shares),
            reason=reason,
        )
    statistic = sum((counts[name] - total * shares[name]) ** 2 / (total * shares[name]) for name in tested)
    df = len(tested) - 1
    p_value = float(chdtrc(df, statistic))
    return SampleRatio(
        verdict="mismatch" if p_value < ALPHA else "ok",
        p_value=p_value,
        statistic=statistic,
        df=df,
        observed=counts,
        expected_share=dict(shares),
    )


def _untestable(variants: int, total: int, smallest_share: float) -> str | None:
    if variants < _ENOUGH_TO_COMPARE:
        return "fewer than two variants have a weight"
    if total * smallest_share < _SMALLEST_EXPECTED:
        return "fewer than five units are expected in a variant"
    return None
