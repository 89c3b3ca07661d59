"""Arguments that a caller may get wrong: counts and levels, refused by name before any figure is made of them."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any, Final

from imp_core.errors import BadInput

__all__ = ["LARGEST_COUNT", "checked_count", "checked_counts", "checked_level"]

# Above this a float no longer tells whole numbers apart.
LARGEST_COUNT: Final = 2**53


def checked_count(n: Any, where: str) -> int:  # noqa: ANN401 (what a caller gives, whatever it is)
    """A count of units as an integer.

    Raises:
        BadInput: not a whole number, or below 0, or above 2^53.
    """
    try:
        count = operator.index(n)
    except TypeError:
        raise BadInput("a count is not a whole number", where=where, mend="count units") from None
    if not 0 <= count <= LARGEST_COUNT:
        raise BadInput("a count is negative or beyond 2^53", where=where, mend="count units")
    return count


def checked_counts(counts: Mapping[str, Any], where: str) -> dict[str, int]:
    """Counts by name, each checked; `where` names the place.

    Raises:
        BadInput: as `checked_count`.
    """
    return {name: checked_count(n, f"{where}, {name}") for name, n in counts.items()}


def checked_level(alpha: float, where: str = "alpha") -> float:
    """A level strictly between 0 and 1.

    Raises:
        BadInput: it is not.
    """
    if not (math.isfinite(alpha) and 0 < alpha < 1):
        raise BadInput("a level is not between 0 and 1", where=where, mend="give one such as 0.05")
    return float(alpha)
