"""The arguments that most tests take, checked in one place and in one wording."""

from __future__ import annotations

from imp_core.errors import BadInput

__all__ = ["check_alpha", "check_direction", "check_scale", "check_sides"]


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
