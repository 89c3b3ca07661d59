"""`format_readout` and `parse_readout`: the versioned JSON `imp.readout/1`, UTF-8, and back.

    {"schema": "imp.readout/1", "consent": "not checked" | {"checkpoint": "…", "use": 0}, "experiment": …,
     "comparisons": […], "health": {"srm": …, …}, "excluded": {…}, "as_of": "…", "alpha": 0.05, …}

`readout.schema.json` beside this file documents every field.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from imp_core.errors import BadInput
from imp_experiments.readout.factored_plain import factored_from_plain, factored_to_plain
from imp_experiments.readout.plain import (
    conditions_from_plain,
    conditions_to_plain,
    effect_from_plain,
    effect_to_plain,
)
from imp_experiments.readout.readout import (
    SCHEMA,
    Compared,
    Consent,
    Health,
    MetricUnits,
    Readout,
    Registered,
    Test,
    Verdict,
)
from imp_experiments.stats.bayes import Posterior, Prior
from imp_experiments.stats.srm import SampleRatio

__all__ = ["format_readout", "parse_readout", "to_plain"]

NOT_CHECKED = "not checked"


def format_readout(readout: Readout) -> bytes:
    """The bytes that the ledger commits to: JSON with two spaces, in the order of the schema, and a line end."""
    return (json.dumps(to_plain(readout), ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def to_plain(readout: Readout) -> dict[str, Any]:
    """The readout as JSON's own types."""
    return {
        "schema": SCHEMA,
        "consent": NOT_CHECKED if readout.consent is None else asdict(readout.consent),
        "experiment": None if readout.experiment is None else asdict(readout.experiment),
        "comparisons": [_compared_to_plain(compared) for compared in readout.comparisons],
        **({} if readout.factorial is None else {"factorial": factored_to_plain(readout.factorial)}),
        "health": {"srm": asdict(readout.health.srm), "two_variants": dict(readout.health.two_variants)},
        "excluded": dict(readout.excluded),
        "as_of": readout.as_of,
        "alpha": readout.alpha,
        "metrics": [asdict(units) for units in readout.metrics],
        "verdict": None if readout.verdict is None else _verdict_to_plain(readout.verdict),
        "notes": list(readout.notes),
    }


def parse_readout(data: bytes) -> Readout:
    """Read what `format_readout` wrote.

    Raises:
        BadInput: not JSON, another schema, or a field that is missing or unknown.
    """
    try:
        plain = json.loads(data)
        if plain["schema"] != SCHEMA:
            raise BadInput("a readout of another version", mend=f"this version reads {SCHEMA}", where="readout")
        return _from_plain(plain)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"not a readout: {type(error).__name__}",
            where="readout",
            mend="name a file that imp experiment readout --out wrote",
        ) from None


def _compared_to_plain(compared: Compared) -> dict[str, Any]:
    return {
        "metric": compared.metric,
        "kind": compared.kind,
        "variant": compared.variant,
        "control": compared.control,
        "n": {"variant": compared.n_variant, "control": compared.n_control},
        "value": {"variant": compared.value_variant, "control": compared.value_control},
        "absolute": effect_to_plain(compared.absolute),
        "relative": effect_to_plain(compared.relative),
        "scale": compared.scale,
        "p_value": compared.p_value,
        "method": compared.method,
        "variance_saved": compared.variance_saved,
        "look": compared.look,
        "tail": compared.tail,
        "correction": compared.correction,
        "p_corrected": compared.p_corrected,
        "posterior": None if compared.posterior is None else asdict(compared.posterior),
        "conditions": conditions_to_plain(compared.conditions),
    }


def _posterior_from_plain(item: dict[str, Any] | None) -> Posterior | None:
    return None if item is None else Posterior(**{**item, "prior": Prior(**item["prior"])})


def _verdict_to_plain(verdict: Verdict) -> dict[str, Any]:
    plain = asdict(verdict)
    return plain | {"variants": list(verdict.variants), "tests": [asdict(test) for test in verdict.tests]}


def _from_plain(plain: dict[str, Any]) -> Readout:
    verdict = plain["verdict"]
    return Readout(
        consent=None if plain["consent"] == NOT_CHECKED else Consent(**plain["consent"]),
        comparisons=tuple(_compared_from_plain(item) for item in plain["comparisons"]),
        health=Health(
            srm=SampleRatio(**plain["health"]["srm"]), two_variants=dict(plain["health"].get("two_variants", {}))
        ),
        excluded=dict(plain["excluded"]),
        as_of=plain["as_of"],
        alpha=plain["alpha"],
        experiment=None if plain["experiment"] is None else Registered(**plain["experiment"]),
        metrics=tuple(MetricUnits(**item) for item in plain["metrics"]),
        verdict=None if verdict is None else _verdict_from_plain(verdict),
        notes=tuple(plain["notes"]),
        factorial=factored_from_plain(plain["factorial"]) if plain.get("factorial") else None,
    )


def _compared_from_plain(item: dict[str, Any]) -> Compared:
    return Compared(
        metric=item["metric"],
        kind=item["kind"],
        variant=item["variant"],
        control=item["control"],
        n_variant=item["n"]["variant"],
        n_control=item["n"]["control"],
        value_variant=item["value"]["variant"],
        value_control=item["value"]["control"],
        absolute=effect_from_plain(item["absolute"]),
        relative=effect_from_plain(item["relative"]),
        scale=item["scale"],
        method=item["method"],
        variance_saved=item.get("variance_saved"),
        look=item.get("look"),
        tail=item.get("tail"),
        correction=item.get("correction"),
        p_corrected=item.get("p_corrected"),
        posterior=_posterior_from_plain(item.get("posterior")),
        conditions=conditions_from_plain(item["conditions"]),
    )


def _verdict_from_plain(item: dict[str, Any]) -> Verdict:
    tests = tuple(Test(**test) for test in item["tests"])
    return Verdict(**{**item, "variants": tuple(item["variants"]), "tests": tests})
