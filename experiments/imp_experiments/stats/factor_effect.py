"""Results of a factorial analysis: effects with their aliases, one whole test per term, and what could not be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imp_core.errors import BadInput
from imp_experiments.design.fraction import Alias, Chain
from imp_experiments.stats.effect import Condition, Effect
from imp_experiments.stats.wald import Wald

__all__ = ["CellSummary", "FactorEffect", "FactorialResult", "TermTest", "check_alpha"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSummary:
    """The units of one cell: its levels (factor → level), n, mean and sample variance (n - 1).

    Mean is None without units, variance below two units, as in `measure.moments.Summary`.
    """

    levels: Mapping[str, str]
    n: int
    mean: float | None
    variance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorEffect:
    """One effect of a term (a main effect, or an interaction of the factors named).

    `levels` holds one level per factor, `against` what each is held against: the factor's first level (`kind`
    "difference") or None, the mean over its levels (`kind` "deviation", factors of three levels and more).
    `absolute` is in the metric's units, averaged over the levels of the other factors, each level weighing the same;
    an interaction is the full difference in differences. `relative` is a ratio of geometric averages less 1 (a main
    effect) or a ratio of ratios less 1 (an interaction), by logarithms of the cells. Each is None where a condition
    says why. `chain` is None in a full factorial; in a fraction the figures are those of the whole chain.
    """

    term: tuple[str, ...]
    kind: str
    levels: tuple[str, ...]
    against: tuple[str | None, ...]
    absolute: Effect | None
    relative: Effect | None
    conditions: tuple[Condition, ...] = ()
    chain: Chain | None = None

    @property
    def label(self) -> str:
        """In words: "image: photo - none × subject: question - mean", or the chain "image = subject*day"."""
        if self.chain is not None:
            return self.chain.words
        parts = zip(self.term, self.levels, self.against, strict=True)
        return " × ".join(f"{name}: {level} - {'mean' if base is None else base}" for name, level, base in parts)

    @property
    def clear(self) -> bool:
        """Whether no main effect or two-way interaction is aliased with the first effect; true in a full factorial."""
        return self.chain is None or self.chain.clear

    @property
    def shares(self) -> tuple[tuple[Alias, float], ...]:
        """With which factor each alias enters the figure: sign × 2^(order of the first - order of the alias).

        An effect of m factors is 2^m coefficients of a column of ±1, so that A = BCD estimates A + BCD/4.
        """
        if self.chain is None:
            return ()
        order = self.chain.order
        return tuple((alias, alias.sign * 2.0 ** (order - len(alias.factors))) for alias in self.chain.aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermTest:
    """Whether a term has any effect at all; a scale is None where a condition says why (as for its effects)."""

    term: tuple[str, ...]
    absolute: Wald | None
    relative: Wald | None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorialResult:
    """All effects and tests up to `order`, main effects first.

    `n` counts units (None: estimates came without). `residual_df` is units less rank (None likewise). `missing`
    names the cells of the design that have no units. `estimable_order` is the highest order, up to the one asked
    for, in which a model of these cells leaves every effect estimable: 0 where even the main effects are not.
    `resolution` and `defining_relation` are None in a full factorial. `conditions` concern the whole.
    """

    effects: tuple[FactorEffect, ...]
    tests: tuple[TermTest, ...]
    order: int
    estimable_order: int
    n: int | None
    residual_df: int | None
    missing: tuple[str, ...]
    method: str
    resolution: int | None
    defining_relation: str | None
    conditions: tuple[Condition, ...] = ()


def check_alpha(alpha: object) -> float:
    """The error, if it can be one.

    Raises:
        BadInput: it does not lie between 0 and 1.
    """
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < 1:
        raise BadInput("not an error rate", where="alpha", mend="give a number between 0 and 1, such as 0.05")
    return float(alpha)
