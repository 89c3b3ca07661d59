"""Alpha spending: how much of alpha may be used up by the time that a share t of the planned information is in.

Lan and DeMets (1983), Biometrika 70, 659-663: O'Brien-Fleming type (almost nothing early, nearly the fixed test at
the end) and Pocock type (evenly). Power family: Kim and DeMets (1987), Biometrika 74, 149-154.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from scipy.special import ndtr, ndtri

from imp_core.errors import BadInput

__all__ = ["METHODS", "Spending", "check_alpha", "check_sides", "parse_spending", "spent_by"]

METHODS: Final = ("obrien_fleming", "pocock", "power:RHO")
_LARGEST_RHO: Final = 50.0


@dataclass(frozen=True, slots=True)
class Spending:
    """A spending function: `name` is obrien_fleming, pocock or power; `rho` its exponent (power only, else None)."""

    name: str
    rho: float | None = None

    @property
    def text(self) -> str:
        """The name as `parse_spending` takes it."""
        return self.name if self.rho is None else f"{self.name}:{self.rho:g}"


def parse_spending(text: str) -> Spending:
    """The spending function that a text names: one of `METHODS`, with a number from above 0 to 50 for RHO.

    Raises:
        BadInput: the text names none.
    """
    name, colon, exponent = text.partition(":")
    if text in METHODS[:2]:
        return Spending(text)
    try:
        rho = float(exponent) if name == "power" and colon else math.nan
    except ValueError:
        rho = math.nan
    if not 0 < rho <= _LARGEST_RHO:
        raise BadInput(
            f"{text!r} names no spending function",
            where="spending",
            mend="say obrien_fleming, pocock, or power: and an exponent above 0 and at most 50, such as power:2",
        )
    return Spending("power", rho)


def spent_by(fraction: float, *, alpha: float, spending: Spending, sides: int = 2) -> float:
    """Alpha that may be spent by the information fraction: 0 up to fraction 0, `alpha` from fraction 1 on.

    Two-sided O'Brien-Fleming type is 4 - 4Φ(z(1-α/4)/√t), twice the one-sided 2 - 2Φ(z(1-α/2)/√t) at half of
    alpha; the others do not depend on the sides.

    Raises:
        BadInput: alpha is not between 0 and 1, sides is neither 1 nor 2, or the fraction is not a number.
    """
    check_alpha(alpha)
    check_sides(sides)
    if math.isnan(fraction):
        raise BadInput("the information fraction is not a number", where="fraction", mend="say a number from 0 on")
    if fraction <= 0:
        return 0.0
    if fraction >= 1:
        return alpha
    if spending.name == "obrien_fleming":
        # 1 - Φ as Φ(-z), which keeps its digits where it is tiny
        spent = 2 * sides * float(ndtr(ndtri(alpha / (2 * sides)) / math.sqrt(fraction)))
    elif spending.name == "pocock":
        spent = alpha * math.log1p((math.e - 1) * fraction)
    else:
        spent = alpha * fraction ** (1.0 if spending.rho is None else spending.rho)
    return min(spent, alpha)


def check_alpha(alpha: float) -> None:
    """Raises BadInput unless alpha lies strictly between 0 and 1."""
    if not 0 < alpha < 1:
        raise BadInput(f"alpha is {alpha}, not between 0 and 1", where="alpha", mend="say a share such as 0.05")


def check_sides(sides: int) -> None:
    """Raises BadInput unless the test has one side or two."""
    if sides not in (1, 2):
        raise BadInput(f"a test has 1 or 2 sides, not {sides}", where="sides", mend="say 1 or 2")
