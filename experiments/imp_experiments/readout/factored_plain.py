"""The factorial section as JSON's own types, and back."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from imp_experiments.design.factors import Design, Factor
from imp_experiments.design.fraction import Alias, Chain
from imp_experiments.readout.factored import CellShown, Factored, FactoredMetric
from imp_experiments.readout.plain import (
    conditions_from_plain,
    conditions_to_plain,
    effect_from_plain,
    effect_to_plain,
)
from imp_experiments.stats.best_cell import BestCell, WithBest
from imp_experiments.stats.effect import Condition, Effect
from imp_experiments.stats.factor_effect import FactorEffect, FactorialResult, TermTest
from imp_experiments.stats.wald import Wald
from imp_experiments.stats.winner import Winner

__all__ = ["factored_from_plain", "factored_to_plain"]

Plain = dict[str, Any]


def factored_to_plain(section: Factored) -> Plain:
    """The section as JSON's own types."""
    return {
        "factors": [{"name": factor.name, "levels": list(factor.levels)} for factor in section.factors],
        "design": {"kind": section.design.kind, "generators": list(section.design.generators)},
        "control": section.control,
        "runs": section.runs,
        "order": section.order,
        "resolution": section.resolution,
        "defining_relation": section.defining_relation,
        "metrics": [_metric_to_plain(metric) for metric in section.metrics],
    }


def factored_from_plain(plain: Plain) -> Factored:
    """What `factored_to_plain` made."""
    return Factored(
        factors=tuple(Factor(name=item["name"], levels=tuple(item["levels"])) for item in plain["factors"]),
        design=Design(kind=plain["design"]["kind"], generators=tuple(plain["design"]["generators"])),
        control=plain["control"],
        runs=plain["runs"],
        order=plain["order"],
        resolution=plain["resolution"],
        defining_relation=plain["defining_relation"],
        metrics=tuple(_metric_from_plain(item, plain) for item in plain["metrics"]),
    )


def _metric_to_plain(metric: FactoredMetric) -> Plain:
    result = metric.result
    conditions = () if metric.barred is None else (Condition(metric.barred, "both"),)
    return {
        "metric": metric.metric,
        "kind": metric.kind,
        "scale": metric.scale,
        "direction": metric.direction,
        "method": None if result is None else result.method,
        "n": None if result is None else result.n,
        "residual_df": None if result is None else result.residual_df,
        "estimable_order": None if result is None else result.estimable_order,
        "missing": [] if result is None else list(result.missing),
        "effects": [] if result is None else [_effect_to_plain(effect, metric.scale) for effect in result.effects],
        "tests": [] if result is None else [_test_to_plain(test) for test in result.tests],
        "cells": [asdict(cell) for cell in metric.cells],
        "best": None if metric.best is None else _best_to_plain(metric.best),
        "conditions": conditions_to_plain(conditions if result is None else result.conditions),
    }


def _metric_from_plain(item: Plain, section: Plain) -> FactoredMetric:
    conditions = conditions_from_plain(item["conditions"])
    result = None
    if item["method"] is not None:
        result = FactorialResult(
            effects=tuple(_effect_from_plain(effect) for effect in item["effects"]),
            tests=tuple(_test_from_plain(test) for test in item["tests"]),
            order=section["order"],
            estimable_order=item["estimable_order"],
            n=item["n"],
            residual_df=item["residual_df"],
            missing=tuple(item["missing"]),
            method=item["method"],
            resolution=section["resolution"],
            defining_relation=section["defining_relation"],
            conditions=conditions,
        )
    return FactoredMetric(
        metric=item["metric"],
        kind=item["kind"],
        scale=item["scale"],
        direction=item["direction"],
        cells=tuple(CellShown(**cell) for cell in item["cells"]),
        result=result,
        best=None if item["best"] is None else _best_from_plain(item["best"]),
        barred=conditions[0].code if result is None else None,
    )


def _effect_to_plain(effect: FactorEffect, scale: str) -> Plain:
    registered: Effect | None = effect.relative if scale == "relative" else effect.absolute
    return {
        "term": list(effect.term),
        "label": effect.label,
        "kind": effect.kind,
        "levels": list(effect.levels),
        "against": list(effect.against),
        "absolute": effect_to_plain(effect.absolute),
        "relative": effect_to_plain(effect.relative),
        "p_value": None if registered is None else registered.p_value,
        "clear": effect.clear,
        "chain": None if effect.chain is None else _chain_to_plain(effect.chain),
        "conditions": conditions_to_plain(effect.conditions),
    }


def _effect_from_plain(item: Plain) -> FactorEffect:
    return FactorEffect(
        term=tuple(item["term"]),
        kind=item["kind"],
        levels=tuple(item["levels"]),
        against=tuple(item["against"]),
        absolute=effect_from_plain(item["absolute"]),
        relative=effect_from_plain(item["relative"]),
        conditions=conditions_from_plain(item["conditions"]),
        chain=None if item["chain"] is None else _chain_from_plain(item["chain"]),
    )


def _chain_to_plain(chain: Chain) -> Plain:
    return {
        "first": list(chain.first),
        "aliases": [{"factors": list(alias.factors), "sign": alias.sign} for alias in chain.aliases],
        "letters": chain.letters,
        "words": chain.words,
    }


def _chain_from_plain(item: Plain) -> Chain:
    aliases = tuple(Alias(factors=tuple(alias["factors"]), sign=alias["sign"]) for alias in item["aliases"])
    return Chain(first=tuple(item["first"]), aliases=aliases, letters=item["letters"], words=item["words"])


def _test_to_plain(test: TermTest) -> Plain:
    return {
        "term": list(test.term),
        "absolute": _wald_to_plain(test.absolute),
        "relative": _wald_to_plain(test.relative),
        "conditions": conditions_to_plain(test.conditions),
    }


def _test_from_plain(item: Plain) -> TermTest:
    return TermTest(
        term=tuple(item["term"]),
        absolute=_wald_from_plain(item["absolute"]),
        relative=_wald_from_plain(item["relative"]),
        conditions=conditions_from_plain(item["conditions"]),
    )


def _wald_to_plain(wald: Wald | None) -> Plain | None:
    if wald is None:
        return None
    return asdict(wald) | {"df_den": wald.df_den if math.isfinite(wald.df_den) else None}


def _wald_from_plain(item: Plain | None) -> Wald | None:
    return None if item is None else Wald(**{**item, "df_den": math.inf if item["df_den"] is None else item["df_den"]})


def _best_to_plain(best: BestCell) -> Plain:
    return asdict(best) | {
        "comparisons": [asdict(one) for one in best.comparisons],
        "conditions": conditions_to_plain(best.conditions),
    }


def _best_from_plain(item: Plain) -> BestCell:
    winners = {name: None if item[name] is None else Winner(**item[name]) for name in ("value", "lead")}
    return BestCell(
        **{
            **item,
            **winners,
            "comparisons": tuple(WithBest(**one) for one in item["comparisons"]),
            "conditions": conditions_from_plain(item["conditions"]),
        }
    )
