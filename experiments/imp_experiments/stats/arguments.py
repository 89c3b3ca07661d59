"""The arguments that most tests take, checked in one place and in one wording."""

from __future__ import annotations

import math
from typing import Final

from imp_core.errors import BadInput

__all__ = ["check_alpha", "check_direction", "check_null", "check_scale", "check_sides", "check_tail"]

_MOST_TAIL: Final = 0.5


def check_scale(scale: str) -> None:
    """Absolute (the metric's unit) or relative (the logarithm of variant / control); else BadInput."""
    if scale not in ("absolute", "relative"):
        raise BadInput("the scale is neither relative nor absolute", where="scale", mend="say one of them")


def check_direction(direction: str) -> None:
    """Up or down: which way is better; else BadInput."""
    if direction not in ("up", "down"):
        raise BadInput("the direction is neither up nor down", where="direction", mend="say one of them")


def check_alpha(alpha: float) -> None:
    """Strictly between 0 and 1; else BadInput."""
    if not 0 < alpha < 1:
        raise BadInput("alpha is not between 0 and 1", where="alpha", mend="say, for example, 0.05")


def check_sides(sides: int) -> None:
    """One or two; else BadInput."""
    if sides not in (1, 2):
        raise BadInput("a test has one side or two", where="sides", mend="say 1 or 2")


def check_tail(tail: float) -> None:
    """What an interval leaves on each side, strictly between 0 and 0.5; else BadInput."""
    if not 0 < tail < _MOST_TAIL:
        raise BadInput(f"a tail of {tail!r} is not between 0 and 0.5", where="tail", mend="pass alpha / 2")


def check_null(scale: str, null: float) -> None:
    """A scale, and an effect that there can be on it (relative: above -1); else BadInput."""
    check_scale(scale)
    if not math.isfinite(null) or (scale == "relative" and null <= -1):
        raise BadInput(f"no {scale} effect can be {null!r}", where="null", mend="pass the margin, e.g. -0.02")
