"""Figures as words: counts, values, effects, p. What is unknown is a dash."""

from __future__ import annotations

from imp_experiments.stats.bayes import Posterior
from imp_experiments.stats.effect import Effect

__all__ = ["absolute", "chance", "count", "equals", "number", "p_value", "relative", "value"]

_SMALLEST_P = 0.0001
_SMALLEST_CHANCE = 0.001


def count(n: int | None) -> str:
    """A count that is hidden where it is small."""
    return "few" if n is None else f"{n:,}"


def number(n: int | None) -> str:
    """A count that may be hidden without being small itself."""
    return "hidden" if n is None else f"{n:,}"


def value(found: float | None, *, share: bool) -> str:
    """A mean, or a share in percent."""
    if found is None:
        return "-"
    return f"{found:.2%}" if share else f"{found:,.4g}" if abs(found) < 1e6 else f"{found:,.0f}"  # noqa: PLR2004 (digits shown)


def absolute(effect: Effect | Posterior | None, *, share: bool) -> str:
    """A difference with its interval, of shares in percentage points."""
    if effect is None:
        return "-"
    if share:
        return f"{100 * effect.estimate:+.2f} pp [{100 * effect.low:+.2f}, {100 * effect.high:+.2f}]"
    return f"{effect.estimate:+,.4g} [{effect.low:+,.4g}, {effect.high:+,.4g}]"


def relative(effect: Effect | Posterior | None) -> str:
    """A relative difference with its interval."""
    return "-" if effect is None else f"{effect.estimate:+.1%} [{effect.low:+.1%}, {effect.high:+.1%}]"


def equals(p: float | None) -> str:
    """A p after "p"."""
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def p_value(p: float | None) -> str:
    """A p, never as 0."""
    if p is None:
        return "-"
    return f"< {_SMALLEST_P}" if p < _SMALLEST_P else f"{p:.4f}"


def chance(share: float) -> str:
    """A probability in percent, never as none or as certainty."""
    if not _SMALLEST_CHANCE <= share <= 1 - _SMALLEST_CHANCE:
        return f"< {_SMALLEST_CHANCE:.1%}" if share < _SMALLEST_CHANCE else f"> {1 - _SMALLEST_CHANCE:.1%}"
    return f"{share:.1%}"
