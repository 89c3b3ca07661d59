"""How a statistic is judged at one moment: the tail its interval leaves, and what its nominal p becomes.

One rule for each way of looking: once, at boundaries, always. p < alpha iff the nominal tail is beyond `tail`, so that
p, interval and verdict cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from scipy.special import ndtr, ndtri

from imp_experiments.stats.sequential.boundary import Boundary, Look
from imp_experiments.stats.sequential.confidence_sequence import always_valid, multiplier
from imp_experiments.stats.sequential.repeated import repeated_p
from imp_experiments.stats.sequential.spending import Spending

__all__ = ["AlwaysRule", "FixedRule", "LookRule", "Rule"]


class Rule(Protocol):
    """How one look is judged."""

    @property
    def tail(self) -> float | None:
        """What an interval leaves on each side; None: nothing may be judged now."""

    @property
    def method(self) -> str:
        """The rule in words."""

    def p(self, nominal: float) -> float:
        """The p that a nominal two-sided p stands for under the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedRule:
    """One look, at the end: p as it is."""

    alpha: float

    @property
    def tail(self) -> float | None:
        """Half of alpha."""
        return self.alpha / 2

    @property
    def method(self) -> str:
        """The rule in words."""
        return "one look, at the horizon"

    def p(self, nominal: float) -> float:
        """The nominal p."""
        return nominal


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRule:
    """A look at its boundary: `looks` are those so far with this one, `last` whether it spends all that remains."""

    looks: tuple[Look, ...]
    boundary: Boundary
    spending: Spending
    last: bool

    @property
    def tail(self) -> float | None:
        """The boundary's nominal tail."""
        return self.boundary.tail

    @property
    def method(self) -> str:
        """The rule in words."""
        return f"Lan-DeMets, {self.spending.text} spending, look {len(self.looks)}"

    def p(self, nominal: float) -> float:
        """The smallest alpha whose boundary is crossed at this look."""
        return repeated_p(self.looks, nominal, spending=self.spending, last=self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlwaysRule:
    """A point of a confidence sequence, from `n` units in effect, narrowest at `expected_n`."""

    n: int
    alpha: float
    expected_n: float

    @property
    def tail(self) -> float | None:
        """The nominal tail beyond the sequence's multiple of the standard error.

        None without units, or with so few of those expected that the tail is nil in floating point.
        """
        z = multiplier(self.n, alpha=self.alpha, expected_n=self.expected_n)
        return None if z is None else float(ndtr(-z)) or None

    @property
    def method(self) -> str:
        """The rule in words."""
        return f"asymptotic confidence sequence, narrowest at {self.expected_n:,.0f} units"

    def p(self, nominal: float) -> float:
        """The always-valid p of the statistic with this nominal p."""
        found = always_valid(float(-ndtri(nominal / 2)), 1.0, self.n, alpha=self.alpha, expected_n=self.expected_n)
        if nominal <= 0:
            return 0.0
        return 1.0 if found is None else found.p_value
