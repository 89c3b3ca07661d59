"""A sample ratio whose counts may not be shown; which counts may is `imp_core.suppress`. Pure."""

from __future__ import annotations

from dataclasses import replace

from imp_experiments.stats.srm import SampleRatio

__all__ = ["without_counts"]

_HIDDEN = "p is not shown: with the totals it would tell a count below k"


def without_counts(ratio: SampleRatio) -> SampleRatio:
    """A sample ratio without its counts: the verdict alone.

    Statistic and p go too. Whole numbers have few divisions for one p, even for two digits of it: beside the totals
    that are shown, a hidden count could be found by trying all (`tests/experiments/test_recovery.py` does).
    """
    if ratio.p_value is None:
        return replace(ratio, observed=dict.fromkeys(ratio.observed), statistic=None)
    return replace(ratio, observed=dict.fromkeys(ratio.observed), statistic=None, p_value=None, reason=_HIDDEN)
