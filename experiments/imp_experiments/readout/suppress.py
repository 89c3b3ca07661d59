"""A sample ratio whose counts may not be shown; which counts may is `imp_core.suppress`. Pure."""

from __future__ import annotations

from dataclasses import replace

from imp_experiments.stats.srm import SampleRatio

__all__ = ["without_counts"]


def without_counts(ratio: SampleRatio) -> SampleRatio:
    """A sample ratio without its counts.

    The statistic goes too and p keeps two digits: either, exact, would give the counts back (they are whole numbers).
    """
    p_value = None if ratio.p_value is None else float(f"{ratio.p_value:.1e}")
    return replace(ratio, observed=dict.fromkeys(ratio.observed), statistic=None, p_value=p_value)
