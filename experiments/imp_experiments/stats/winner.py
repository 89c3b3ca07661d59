"""The value of a winner, corrected for having been picked: Andrews, Kitagawa & McCloskey's hybrid estimator.

The largest of several noisy means is too large on average. Given that its variant won, and given what is independent
of it, the estimate Y of the target is normal but cut off below at the L where another variant would have won, so
that its mean μ can be found from the truncated normal: F(Y; μ, σ, [L, ∞)) = 1/2 is median-unbiased whatever the other
means are. Near ties this alone runs off to -∞; the *hybrid* also confines μ to the simultaneous interval Y ± cσ of
level 1 - β, β = α/10, by cutting at μ ± cσ as well (Andrews, Kitagawa & McCloskey, Inference on Winners, QJE 2024,
139(1), 305-358, sec. 4). Why this one: it needs no prior and no exchangeable cells (of a factorial's few cells a
prior's spread is hardly known), it corrects nothing where the winner is far ahead, and estimate and interval are one.

Its price is noise: at a near tie the estimate falls as low as the simultaneous interval lets it, though the second's
mean is as high. In simulation (four variants of equal error) its root mean square error is 1.6 standard errors where
the naive mean's is 1.1 to 1.3. It is no forecast: read it with its interval.

The interval holds 1 - α over all ways the selection may go, not given how it went. In simulation of 2 to 8 equal
means it holds the value in .95 of all cases, but where the second is within .01 standard errors in none, within .05 in
.4 to .8, and within .1 in .9 and more: it shrinks to a sliver at the end of Y ± cσ. A reader who sees a tie would be
misled, so that below a tenth of a standard error it is widened to the simultaneous interval of level 1 - α as well.
Coverage over all cases is a little above 1 - α then, and near ties no less.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from scipy.special import ndtr, ndtri

__all__ = ["Winner", "corrected", "simultaneous_reach"]

_BETA_SHARE: Final = 0.1
# In standard errors: nearer than this, the hybrid interval given the tie holds too rarely.
_TIE: Final = 0.1
_EDGE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Winner:
    """A winner's value (or its lead over control) in the metric's units.

    `naive` is as observed; `estimate` its median-unbiased correction (but for β/2), `low` and `high` an interval that
    holds 1 - alpha over all ways the selection may go; `se` is the naive estimate's standard error.
    `tied`: it won by less than a tenth of that error. Then low and high hold all simultaneous values as well, and the
    estimate, as low as these let it be, says little.
    """

    naive: float
    estimate: float
    low: float
    high: float
    se: float
    tied: bool = False


def corrected(naive: float, se: float, cut: float, reach: Callable[[float], float], *, alpha: float) -> Winner:
    """Correct an estimate that would not have been chosen below `cut`; reach(α) is the c of Y ± cσ of level 1 - α."""
    beta = alpha * _BETA_SHARE
    tail = (alpha - beta) / (1 - beta) / 2
    room, furthest = (naive - cut) / se, reach(beta)
    high, middle, low = (naive + se * _centre(room, furthest, target) for target in (tail, 0.5, 1 - tail))
    if room >= _TIE:
        return Winner(naive=naive, estimate=middle, low=low, high=high, se=se)
    half = se * reach(alpha)
    return Winner(
        naive=naive, estimate=middle, low=min(low, naive - half), high=max(high, naive + half), se=se, tied=True
    )


def simultaneous_reach(count: int, alpha: float) -> float:
    """The c with P(|Z_j| ≤ c for all of `count` independent normals) = 1 - alpha."""
    # of 1 - (1 - α)^(1/count), by logarithms so that many variants lose no digits
    tail = -math.expm1(math.log1p(-alpha) / count)
    return float(-ndtri(tail / 2))


def _centre(room: float, reach: float, target: float) -> float:
    """The m with F(0; m) = target for a unit normal about m within [max(-room, m - reach), m + reach]."""
    from scipy.optimize import brentq  # noqa: PLC0415 (slow to import, and only some analyses end here)

    def excess(m: float) -> float:
        low = max(-room - m, -reach)
        whole = ndtr(reach) - ndtr(low)
        return float((ndtr(-m) - ndtr(low)) / whole) - target if whole > 0 else -target

    low, high = -reach * (1 - _EDGE), reach * (1 - _EDGE)
    # a tie leaves no room: the correction is as large as the simultaneous interval lets it be
    return low if excess(low) <= 0 else float(brentq(excess, low, high, xtol=1e-12))
