"""Read an experiment file (TOML) into an `Experiment`, strictly."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.design.assign import BUCKETS, bucket_counts
from imp_experiments.design.experiment import (
    DEFAULT_POWER,
    LEAST_ALPHA,
    PRIMARY_CORRECTION,
    SECONDARY_CORRECTION,
    DecisionRule,
    Experiment,
    Plan,
    Variant,
)
from imp_experiments.design.factorial import variants_of
from imp_experiments.design.fields import Fields
from imp_experiments.design.parse_factors import parse_factors
from imp_experiments.design.parse_metrics import parse_metrics

__all__ = ["check_name", "check_purpose", "parse_experiment", "read_experiment"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PURPOSE: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_WAYS: Final = ("obrien_fleming", "pocock", "power:RHO", "confidence_sequence")
# RHO above 0 and at most 50
_SEQUENTIAL: Final = re.compile(
    r"obrien_fleming|pocock|confidence_sequence|power:(?=[0-9.]*[1-9])([0-4]?[0-9](\.[0-9]+)?|50(\.0+)?)"
)
# only these have intervals that agree with their p, and the verdict is by intervals
_PRIMARIES: Final = ("bonferroni", "max_t")
_SECONDARIES: Final = ("benjamini_hochberg", "benjamini_yekutieli", "holm", "hochberg", "none")
_MOST_UNITS: Final = 10**12
_SHORTEST_SALT: Final = 8
_MOST_WEIGHT: Final = 1_000_000


def read_experiment(path: Path) -> tuple[Experiment, bytes]:
    """Read and parse a file; the exact bytes come back with it, for the ledger.

    Raises:
        BadInput: no such file, not TOML, or a field that cannot be taken.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"the experiment file cannot be read: {error.strerror}",
            where=str(path),
            mend="look at its name, whose it is and its mode",
        ) from None
    return parse_experiment(data, file=path.name), data


def parse_experiment(data: bytes, *, file: str) -> Experiment:
    """Parse the bytes of an experiment file; `file` is how errors name it.

    Raises:
        BadInput: not TOML in UTF-8, or a field that cannot be taken; it names the field.
    """
    try:
        values = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadInput("not UTF-8 text", where=file, mend="save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"not TOML: {error}", where=file, mend="mend that line") from None
    top = Fields(values, file=file)
    experiment = _experiment(top, file)
    top.done()
    return experiment


def check_name(name: str, *, where: str) -> str:
    """The name, if it can be an experiment's: it is also a file's name.

    Raises:
        BadInput: it holds anything but small letters, digits, "-" and "_", or over 64 characters.
    """
    if not _NAME.fullmatch(name):
        raise BadInput("not a name", where=where, mend='use small letters, digits, "-" and "_", 64 at most')
    return name


def check_purpose(purpose: str, *, where: str) -> str:
    """The purpose, if it can be one.

    Raises:
        BadInput: it is not dotted words of small letters, digits, "-" and "_".
    """
    if not _PURPOSE.fullmatch(purpose):
        raise BadInput("not a purpose", where=where, mend="write it dotted, like marketing.email")
    return purpose


def _experiment(top: Fields, file: str) -> Experiment:
    name = check_name(top.text("name"), where=f"{file}: name")
    purpose = check_purpose(top.text("purpose", longest=200), where=f"{file}: purpose")
    salt = top.text("salt", longest=100)
    if len(salt) < _SHORTEST_SALT:
        top.refuse("salt", "too short to be random", "let `imp experiment new` write it")
    made = parse_factors(top, file)
    variants = _variants(top) if made is None else variants_of(made)
    control = top.text("control", longest=200) if made is None else top.text("control", made.control, longest=200)
    weights = {variant.name: variant.weight for variant in variants}
    if not weights.get(control):
        problem = "has no weight" if control in weights else "is not the name of a variant"
        top.refuse("control", problem, f"the variants are: {', '.join(weights)}")
    plan = _plan(top.table("plan"))
    decision = _decision(top.table("decision"), plan)
    return Experiment(
        name=name,
        hypothesis=top.text("hypothesis", ""),
        purpose=purpose,
        unit=top.choice("unit", ("subject",), "subject", later=("session", "cluster", "place", "device")),
        salt=salt,
        namespace=top.text("namespace", name, longest=200),
        traffic=top.number("traffic", 1.0, above=0, below=1, top=True),
        trigger=top.text("trigger", "", longest=200),
        control=control,
        variants=variants,
        metrics=parse_metrics(top, plan, decision),
        plan=plan,
        decision=decision,
        factors=None if made is None else made.factors,
        design=None if made is None else made.design,
        cluster=_cluster(top),
    )


def _cluster(top: Fields) -> str | None:
    """What the clusters are, in a word; their ids come with the exposures."""
    return top.text("cluster", longest=100) if top.has("cluster") else None


def _variants(top: Fields) -> tuple[Variant, ...]:
    out: list[Variant] = []
    for table in top.tables("variants"):
        name = table.text("name", longest=200)
        if name in (variant.name for variant in out):
            table.refuse("name", "two variants have this name", "give each its own, or put their weights together")
        out.append(Variant(name=name, weight=table.whole("weight", 1, most=_MOST_WEIGHT)))
        table.done()
    positive = [variant for variant in out if variant.weight]
    if len(positive) < 2:  # noqa: PLR2004 (a comparison takes two)
        top.refuse("variants", "at least two variants need a weight above 0", "write weight = 1 for each")
    counts = bucket_counts({variant.name: variant.weight for variant in out})
    for variant in positive:
        if not counts[variant.name]:
            top.refuse(
                "variants", f"the weight of {variant.name!r} is below 1 in {BUCKETS:,} of the whole", "make it larger"
            )
    return tuple(out)


def _plan(table: Fields) -> Plan:
    plan = Plan(
        horizon_us=table.duration_us("horizon"),
        alpha=table.number("alpha", 0.05, above=LEAST_ALPHA, below=0.5),
        power=table.number("power", DEFAULT_POWER, above=0, below=1),
        mde=table.optional_number("mde", above=0, below=1e12),
        looks=table.choice("looks", ("once", "daily", "weekly"), "once"),
        sequential=_sequential(table),
        units=table.optional_whole("units", least=2, most=_MOST_UNITS),
        min_units=table.optional_whole("min_units", least=2, most=_MOST_UNITS),
        min_conversions=table.optional_whole("min_conversions", least=0, most=_MOST_UNITS),
        prior=table.optional_number("prior", above=0, below=1e12),
    )
    if plan.sequential is not None and plan.looks == "once":
        table.refuse("sequential", "there is one look alone", 'say how often there are looks, like looks = "daily"')
    if plan.sequential not in (None, "confidence_sequence") and plan.units is None:
        table.refuse("units", "missing", "a spending function needs the units planned in all: see imp experiment plan")
    table.done()
    return plan


def _sequential(table: Fields) -> str | None:
    """How looks are corrected for, as written; parsed where it is used."""
    method = table.text("sequential", "", longest=40)
    if not method:
        return None
    if not _SEQUENTIAL.fullmatch(method):
        table.refuse("sequential", "is no way to look", f"use one of: {', '.join(_WAYS)}")
    return method


def _decision(table: Fields, plan: Plan) -> DecisionRule:
    primaries = table.choice("primaries", _PRIMARIES, PRIMARY_CORRECTION)
    secondaries = table.choice("secondaries", _SECONDARIES, SECONDARY_CORRECTION)
    rule = DecisionRule(
        primary=table.choice("primary", ("any", "all"), "any"),
        guardrails=table.choice("guardrails", ("noninferior", "no_harm"), "noninferior"),
        primaries=None if primaries == PRIMARY_CORRECTION else primaries,
        secondaries=None if secondaries == SECONDARY_CORRECTION else secondaries,
    )
    if rule.primaries == "max_t" and plan.looks != "once":
        table.refuse(
            "primaries",
            "looks split alpha between hypotheses before they are seen, which the largest statistic cannot",
            'set primaries = "bonferroni", or plan.looks = "once"',
        )
    table.done()
    return rule
