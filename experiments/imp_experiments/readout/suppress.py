"""What may be shown of counts: none of 1 to k - 1 people, nor others that with a total would tell such a one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from imp_experiments.stats.srm import SampleRatio

__all__ = ["any_hidden", "hidden", "hidden_together", "without_counts"]


def hidden(n: int, k: int) -> int | None:
    """A count as it may be shown: None for 1 to k - 1 people."""
    return None if 0 < n < k else n


def any_hidden(counts: Iterable[int | None]) -> bool:
    """Whether a count among those shown is hidden."""
    return any(n is None for n in counts)


def hidden_together(counts: Mapping[str, int], k: int) -> dict[str, int | None]:
    """Counts whose sum is told elsewhere: where one is hidden, all are."""
    few = any_hidden(hidden(n, k) for n in counts.values())
    return {name: None if few else n for name, n in counts.items()}


def without_counts(ratio: SampleRatio) -> SampleRatio:
    """A sample ratio without its counts.

    The statistic goes too and p keeps two digits: either, exact, would give the counts back (they are whole numbers).
    """
    p_value = None if ratio.p_value is None else float(f"{ratio.p_value:.1e}")
    return replace(ratio, observed=dict.fromkeys(ratio.observed), statistic=None, p_value=p_value)
