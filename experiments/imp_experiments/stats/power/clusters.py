"""The design effect: how many times the units it takes where clusters are randomised, not units."""

from __future__ import annotations

import math

from imp_core.errors import BadInput

__all__ = ["design_effect"]


def design_effect(size: float, icc: float, *, cv: float = 0.0) -> float:
    """1 + ((cv² + 1) m - 1) ICC for clusters of m units on average; with cv = 0 it is Kish's 1 + (m - 1) ICC.

    `cv` is the coefficient of variation of the cluster sizes. Source: Eldridge, Ashby and Kerry 2006, Int. J.
    Epidemiol. 35:1292, for an analysis that weights clusters by their size.

    Raises:
        BadInput: a size below 1, a correlation outside 0 to 1 or a negative cv.
    """
    if not 1 <= size < math.inf:
        raise BadInput("clusters hold 1 unit or more", where="cluster_size", mend="give the mean number of units")
    if not 0 <= icc <= 1:
        raise BadInput("not an intra-cluster correlation", where="icc", mend="give a number from 0 to 1, like 0.02")
    if not 0 <= cv < math.inf:
        raise BadInput("not a coefficient of variation", where="cluster_cv", mend="give sd / mean of the sizes")
    return 1 + ((cv * cv + 1) * size - 1) * icc
