"""Comparisons judged by a rule of looking: the p it makes of the nominal one, beside intervals at its tail. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.readout.compare import Tested
from imp_experiments.readout.looks import CONFIDENCE_SEQUENCE, DEFAULT_EXPECTED
from imp_experiments.stats.effect import Condition, Effect
from imp_experiments.stats.sequential.boundary import Look, last_boundary
from imp_experiments.stats.sequential.rules import AlwaysRule, LookRule, Rule
from imp_experiments.stats.sequential.spending import METHODS, parse_spending

__all__ = ["judged", "rule_of"]

_WAYS: Final = (*METHODS, CONFIDENCE_SEQUENCE)


def judged(one: Tested, rule: Rule, *, hypotheses: int = 1) -> Tested:
    """A comparison whose intervals are at the rule's tail, with the rule's p; of several hypotheses by Bonferroni.

    The rule is at alpha over the number of hypotheses.
    """
    compared = one.compared
    if rule.tail is None:
        return _barred(one, rule)
    absolute, relative = (_with_p(effect, rule) for effect in (compared.absolute, compared.relative))
    compared = replace(compared, absolute=absolute, relative=relative, look=rule.method, tail=rule.tail)
    if hypotheses > 1:
        p = None if compared.p_value is None else min(1.0, compared.p_value * hypotheses)
        compared = replace(compared, correction="bonferroni", p_corrected=p)
    return replace(one, compared=compared)


def _barred(one: Tested, rule: Rule) -> Tested:
    # what is barred already has its reason
    early = (Condition("before_first_look", "both"),)
    conditions = one.compared.conditions if one.contrast is None else early
    compared = replace(one.compared, absolute=None, relative=None, look=rule.method, conditions=conditions)
    return replace(one, compared=compared, contrast=None)


def _with_p(effect: Effect | None, rule: Rule) -> Effect | None:
    return None if effect is None else replace(effect, p_value=rule.p(effect.p_value))


def rule_of(sequential: str, *, n: int, planned: int | None, looked: Sequence[float] = (), alpha: float = 0.05) -> Rule:
    """The rule for a look at `n` units of a table that knows no history.

    `planned` units in all; `looked` are the shares of them that earlier looks saw, ascending. A look at all that was
    planned, or more, is the last. A confidence sequence needs neither: `planned` says where it is narrowest.

    Raises:
        BadInput: there is no such way, no planned units for a spending function, or looks that do not ascend to now.
    """
    if sequential == CONFIDENCE_SEQUENCE:
        return AlwaysRule(n=n, alpha=alpha, expected_n=planned or DEFAULT_EXPECTED)
    if sequential.partition(":")[0] not in ("obrien_fleming", "pocock", "power"):
        raise BadInput(f"{sequential!r} is no way to look", where="sequential", mend=f"say one of: {', '.join(_WAYS)}")
    spending = parse_spending(sequential)
    if planned is None or planned < 1:
        raise BadInput(
            "a spending function needs the units planned in all", where="planned", mend="say how many; 1 or more"
        )
    fractions = (*looked, n / planned)
    if not all(one < two for one, two in pairwise((0.0, *fractions))):
        raise BadInput(
            "the looks so far do not ascend to this one",
            where="looked",
            mend=f"name each earlier look's share of the planned units; this one sees {n / planned:.4g}",
        )
    seen = [round(fraction * planned) for fraction in fractions]
    looks = tuple(
        Look(fraction=fraction, n=units, kept=kept)
        for fraction, units, kept in zip(fractions, seen, (None, *seen[:-1]), strict=True)
    )
    boundary = last_boundary(looks, alpha=alpha, spending=spending)
    return LookRule(looks=looks, boundary=boundary, spending=spending, last=False)
