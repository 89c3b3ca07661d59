"""The sample ratio over the phases of an experiment: each phase has its own weights, and their statistics add up.

Counts of several phases must not be pooled before the test: where weights changed while traffic did too, the pooled
shares are nobody's promise. Phases are independent, so the sum of their χ² has the sum of their degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scipy.special import chdtrc

from imp_core.errors import BadInput
from imp_experiments.stats.health.arguments import checked_counts
from imp_experiments.stats.srm import ALPHA, SampleRatio, sample_ratio

__all__ = ["PhasedRatio", "phased_ratio"]

# Shares are whole buckets over 10,000: what their sum lacks of 1 is rounding alone.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class PhasedRatio:
    """verdict: ok, mismatch (p < 0.001) or not tested; `reason` says why where it was not.

    p, statistic and df are of all tested phases together, None where none was tested. `phases` has each phase alone,
    with its counts (a phase with few units is "not tested" there and adds nothing here). `strays` counts units by
    phase in variants without a share in it, which no test sees; phases without any are absent (None: fewer than may be
    shown).
    """

    verdict: str
    p_value: float | None
    statistic: float | None
    df: int | None
    phases: Mapping[int, SampleRatio]
    strays: Mapping[int, int | None]
    reason: str | None = None


def phased_ratio(observed: Mapping[int, Mapping[str, int]], shares: Mapping[int, Mapping[str, float]]) -> PhasedRatio:
    """Compare each phase's counts by variant with that phase's shares, and all phases together by the sum of χ².

    A variant of share 0 in a phase leaves that phase's degrees of freedom. A phase without counts is not tested.

    Raises:
        BadInput: shares that are negative or do not add up to 1, counts that are none, or a phase without shares.
    """
    for phase in observed:
        if phase not in shares:
            raise BadInput("a phase has counts but no shares", where=f"phase {phase}", mend="give its shares")
    phases: dict[int, SampleRatio] = {}
    strays: dict[int, int] = {}
    for phase, promised in sorted(shares.items()):
        _check_shares(promised, phase)
        counts = checked_counts(observed.get(phase, {}), f"phase {phase}")
        phases[phase] = sample_ratio(counts, promised)
        if stray := sum(n for name, n in counts.items() if not promised.get(name)):
            strays[phase] = stray
    return _together(phases, strays)


def _together(phases: Mapping[int, SampleRatio], strays: Mapping[int, int]) -> PhasedRatio:
    tested = [
        (ratio.statistic, ratio.df) for ratio in phases.values() if ratio.statistic is not None and ratio.df is not None
    ]
    if not tested:
        reasons = {ratio.reason for ratio in phases.values()}
        return PhasedRatio(
            verdict="not tested",
            p_value=None,
            statistic=None,
            df=None,
            phases=phases,
            strays=strays,
            reason=reasons.pop() if len(reasons) == 1 else "no phase has enough units",
        )
    statistic, df = math.fsum(chi for chi, _ in tested), sum(df for _, df in tested)
    p_value = float(chdtrc(df, statistic))
    return PhasedRatio(
        verdict="mismatch" if p_value < ALPHA else "ok",
        p_value=p_value,
        statistic=statistic,
        df=df,
        phases=phases,
        strays=strays,
    )


def _check_shares(shares: Mapping[str, float], phase: int) -> None:
    where = f"phase {phase}"
    if not all(math.isfinite(share) and share >= 0 for share in shares.values()):
        raise BadInput("a share is negative or not a number", where=where, mend="give buckets over their sum")
    if abs(math.fsum(shares.values()) - 1) > _ROUNDING:
        raise BadInput("the shares do not add up to 1", where=where, mend="give buckets over their sum")
