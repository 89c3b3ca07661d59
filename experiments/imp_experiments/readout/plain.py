"""Effects and conditions as JSON's own types, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from imp_experiments.stats.effect import Condition, Effect

__all__ = ["conditions_from_plain", "conditions_to_plain", "effect_from_plain", "effect_to_plain"]


def effect_to_plain(effect: Effect | None) -> dict[str, Any] | None:
    """JSON has no infinity: a bound or degrees of freedom without end are null."""
    if effect is None:
        return None
    return {name: value if math.isfinite(value) else None for name, value in asdict(effect).items()}


def effect_from_plain(item: dict[str, Any] | None) -> Effect | None:
    """What `effect_to_plain` made."""
    if item is None:
        return None
    endless = {"low": -math.inf, "high": math.inf, "df": math.inf}
    return Effect(**{name: endless[name] if value is None else value for name, value in item.items()})


def conditions_to_plain(conditions: Sequence[Condition]) -> list[dict[str, str]]:
    """Conditions with their sentences."""
    return [{"code": one.code, "scale": one.scale, "text": one.text} for one in conditions]


def conditions_from_plain(items: Sequence[dict[str, str]]) -> tuple[Condition, ...]:
    """What `conditions_to_plain` made."""
    return tuple(Condition(item["code"], item["scale"]) for item in items)
