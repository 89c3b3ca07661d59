"""The power of several primary metrics together: of all, and of any of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from imp_core.errors import BadInput

__all__ = ["Together", "power_each", "together"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Bounds on the chance that all, or any, of several tests show what is there.

    all_product, any_product: as if the tests were independent. Where their statistics are positively correlated
    (metrics of the same units mostly are) the chance of all is that or more, and of any that or less (Slepian 1962).
    all_least, any_least: whatever the dependence (Boole, Fréchet).
    """

    all_product: float
    all_least: float
    any_product: float
    any_least: float


def together(powers: Sequence[float]) -> Together:
    """Bounds from the power of each test.

    Raises:
        BadInput: there is none, or one is not between 0 and 1.
    """
    if not powers or not all(0 <= power <= 1 for power in powers):
        raise BadInput("not powers", where="powers", mend="give one number from 0 to 1 a test")
    return Together(
        all_product=math.prod(powers),
        all_least=max(0.0, 1 - math.fsum(1 - power for power in powers)),
        any_product=1 - math.prod(1 - power for power in powers),
        any_least=max(powers),
    )


def power_each(power: float, metrics: int, *, rule: str) -> float:
    """What each of so many primary metrics must have, for the decision to have `power`.

    rule "all": the root, so that the product is `power`. rule "any": `power` itself, for whichever metric moves.

    Raises:
        BadInput: the power, the number or the rule cannot be.
    """
    if not 0 < power < 1 or metrics < 1 or rule not in ("any", "all"):
        raise BadInput("no such decision", where="decision", mend='a power below 1, one metric or more, "any" or "all"')
    return power ** (1 / metrics) if rule == "all" else power
