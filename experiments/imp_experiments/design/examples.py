"""How each key of an experiment file is written: the mend of an error that has no better one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["EXAMPLES"]

# key → a line that can be taken; keys of the same name in several tables are written alike
EXAMPLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "name": 'write name = "visit", each name once',
        "hypothesis": 'write hypothesis = "What you expect, and why"',
        "purpose": 'write purpose = "experimentation"',
        "unit": 'write unit = "subject", or leave it out',
        "salt": "let `imp experiment new` write it: it must be random",
        "namespace": 'write namespace = "checkout", or leave it out',
        "traffic": "write traffic = 1.0; 0.1 lets a tenth of the units take part",
        "trigger": "name the event, or leave it out",
        "control": 'write control = "control", the name of a variant',
        "cluster": 'write cluster = "school", or leave it out',
        "horizon": 'write horizon = "28d"',
        "alpha": "write alpha = 0.05, for intervals of 95 %",
        "power": "write power = 0.8",
        "mde": "write mde = 0.05, the smallest effect worth finding",
        "units": "write units = 20000, the units planned in all",
        "min_units": "write min_units = 1000, or leave it out",
        "min_conversions": "write min_conversions = 100, or leave it out",
        "prior": "write prior = 0.1, the standard deviation around no effect, or leave it out",
        "sequential": 'write sequential = "obrien_fleming", or leave it out',
        "variants": "write two or more [[variants]], each with a name and a weight",
        "weight": "write weight = 1, in proportion to the other variants",
        "metrics": "write one or more [[metrics]]",
        "event": 'write event = "visit", the name of the events that count',
        "where": 'write where = { channel = "web" }, or leave it out',
        "start": 'write start = "0d", or leave it out',
        "window": 'write window = "14d", which ends after start',
        "pre": 'write pre = "28d", or leave it out',
        "margin": "write margin = 0.02, how much worse is still acceptable",
        "denominator": 'write denominator = { event = "session", value = "count" }',
        "q": "write q = 0.9 for the 90th percentile; 0.5 is the median",
        "clip": "write clip = { high_quantile = 0.999 }, or leave it out",
        "low": "write low = 0",
        "high": "write high = 500",
        "low_quantile": "write low_quantile = 0.001",
        "high_quantile": "write high_quantile = 0.999",
        "covariates": 'write covariates = ["visits_before"], or leave it out',
        "levels": 'write levels = ["none", "photo"]',
        "generators": 'write generators = ["D=ABC"], or leave it out',
        "design": 'write [design] with kind = "full" or "fraction", or leave it out',
        "factors": "write two or more [[factors]], each with a name and levels",
        "plan": 'write [plan] with horizon = "28d"',
        "decision": 'write [decision] with primary = "any", or leave it out',
        "kind": 'write kind = "proportion", "mean", "ratio" or "quantile"',
        "role": 'write role = "primary"',
        "value": 'write value = "count"',
        "scale": 'write scale = "relative"',
        "direction": 'write direction = "up"',
        "missing": 'write missing = "zero", or leave it out',
        "looks": 'write looks = "daily", or leave it out',
        "primary": 'write primary = "any"',
        "guardrails": 'write guardrails = "noninferior"',
        "primaries": 'write primaries = "bonferroni", or leave it out',
        "secondaries": 'write secondaries = "benjamini_hochberg", or leave it out',
    }
)
