"""The shares that need the fewest units, as advice."""

from __future__ import annotations

import math

from imp_core.errors import BadInput

__all__ = ["best_shares"]


def best_shares(treatments: int, *, sd_ratio: float = 1.0) -> tuple[float, float]:
    """The share of control and of each treatment that make every comparison with control most precise.

    Control gets √k times the units of each of k treatments (Dunnett 1955, J. Am. Stat. Assoc. 50:1096); where a
    treatment's standard deviation is `sd_ratio` times control's, each treatment gets so many times more (Neyman).

    Raises:
        BadInput: there is no treatment, or the ratio is not above 0.
    """
    if treatments < 1:
        raise BadInput("no treatment to compare", where="treatments", mend="give 1 or more")
    if not 0 < sd_ratio < math.inf:
        raise BadInput("not a ratio of standard deviations", where="sd_ratio", mend="give a number above 0")
    root = math.sqrt(treatments)
    whole = root + treatments * sd_ratio
    return root / whole, sd_ratio / whole
