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
    Counted,
    DecisionRule,
    Ends,
    Experiment,
    Metric,
    Plan,
    Variant,
)
from imp_experiments.design.factorial import variants_of
from imp_experiments.design.fields import Fields
from imp_experiments.design.parse_factors import parse_factors

__all__ = ["WHERE_COLUMNS", "check_name", "check_purpose", "parse_experiment", "read_experiment"]

WHERE_COLUMNS: Final = (
    "campaign",
    "channel",
    "content",
    "currency",
    "interaction",
    "name",
    "partner",
    "place",
    "placement",
    "stage",
    "type",
)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PURPOSE: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_VALUES: Final = ("count", "any", "amount", "quantity")
_WAYS: Final = ("obrien_fleming", "pocock", "power:RHO", "confidence_sequence")
# RHO above 0 and at most 50
_SEQUENTIAL: Final = re.compile(
    r"obrien_fleming|pocock|confidence_sequence|power:(?=[0-9.]*[1-9])([0-4]?[0-9](\.[0-9]+)?|50(\.0+)?)"
)
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
    plan, decision = _plan(top.table("plan")), _decision(top.table("decision"))
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
        metrics=_metrics(top, plan, decision),
        plan=plan,
        decision=decision,
        factors=None if made is None else made.factors,
        design=None if made is None else made.design,
    )


def _variants(top: Fields) -> tuple[Variant, ...]:
    out: list[Variant] = []
    for table in top.tables("variants"):
        name = table.text("name", longest=200)
        if name in (variant.name for variant in out):
            table.refuse("name", "two variants have this name")
        out.append(Variant(name=name, weight=table.whole("weight", 1, most=_MOST_WEIGHT)))
        table.done()
    positive = [variant for variant in out if variant.weight]
    if len(positive) < 2:  # noqa: PLR2004 (a comparison takes two)
        top.refuse("variants", "at least two variants need a weight above 0")
    counts = bucket_counts({variant.name: variant.weight for variant in out})
    for variant in positive:
        if not counts[variant.name]:
            top.refuse("variants", f"the weight of {variant.name!r} is below 1 in {BUCKETS:,} of the whole")
    return tuple(out)


def _plan(table: Fields) -> Plan:
    plan = Plan(
        horizon_us=table.duration_us("horizon"),
        alpha=table.number("alpha", 0.05, above=0, below=0.5),
        power=table.number("power", DEFAULT_POWER, above=0, below=1),
        mde=table.optional_number("mde", above=0, below=1e12),
        looks=table.choice("looks", ("once", "daily", "weekly"), "once"),
        sequential=_sequential(table),
        units=table.optional_whole("units", least=2, most=_MOST_UNITS),
        min_units=table.optional_whole("min_units", least=2, most=_MOST_UNITS),
        min_conversions=table.optional_whole("min_conversions", least=0, most=_MOST_UNITS),
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


def _decision(table: Fields) -> DecisionRule:
    rule = DecisionRule(
        primary=table.choice("primary", ("any", "all"), "any"),
        guardrails=table.choice("guardrails", ("noninferior", "no_harm"), "noninferior"),
    )
    table.done()
    return rule


def _metrics(top: Fields, plan: Plan, decision: DecisionRule) -> tuple[Metric, ...]:
    out: list[Metric] = []
    for table in top.tables("metrics", names_later="names from metrics.toml come later"):
        metric = _metric(table)
        if metric.name in (other.name for other in out):
            table.refuse("name", "two metrics have this name")
        if metric.window_us > plan.horizon_us:
            table.refuse("window", "no unit could mature before the horizon", "lengthen plan.horizon or shorten it")
        if metric.role == "guardrail" and decision.guardrails == "noninferior" and metric.margin is None:
            table.refuse("margin", "missing", 'state how much worse is still acceptable, or set guardrails = "no_harm"')
        out.append(metric)
    if not any(metric.role == "primary" for metric in out):
        top.refuse("metrics", "no metric is primary", 'give one of them role = "primary"')
    return tuple(out)


def _check_kind(table: Fields, metric: Metric) -> None:
    """What does not go with the kind."""
    if metric.kind == "proportion" and metric.value != "any":
        table.refuse("value", "a proportion counts units with any event", 'use value = "any", or kind = "mean"')
    if metric.kind == "quantile" and metric.value == "any":
        table.refuse("value", "a flag has no quantiles", 'use value = "count", "amount" or "quantity"')
    if metric.kind == "quantile" and metric.pre_us is not None:
        table.refuse("pre", "a quantile is not adjusted", "leave it out")
    if metric.clip is not None and (metric.kind == "quantile" or metric.value == "any"):
        table.refuse("clip", "neither flags nor quantiles are clipped", "leave it out")


def _ends(table: Fields) -> Ends:
    inner = table.table("clip")
    values = [inner.optional_number(key, above=-1e15, below=1e15) for key in ("low", "high")]
    shares = [inner.optional_number(f"{key}_quantile", above=0, below=1) for key in ("low", "high")]
    inner.done()
    given = [end for end in (*values, *shares) if end is not None]
    mixed = any(end is not None for end in values) and any(end is not None for end in shares)
    if not given or mixed:
        table.refuse(
            "clip", "must have low and high, or low_quantile and high_quantile", "like { high_quantile = 0.999 }"
        )
    low, high = shares if values == [None, None] else values
    if low is not None and high is not None and low >= high:
        table.refuse("clip", "the bounds are in the wrong order", "give the lower one as low")
    return Ends(low=low, high=high, quantiles=values == [None, None])


def _denominator(table: Fields) -> Counted:
    if not table.has("denominator"):
        table.refuse("denominator", "missing", 'write it as { event = "session", value = "count" }')
    inner = table.table("denominator")
    counted = Counted(
        event=inner.text("event", longest=200),
        value=inner.choice("value", _VALUES, "count"),
        where=inner.matches("where", WHERE_COLUMNS),
    )
    inner.done()
    return counted


def _metric(table: Fields) -> Metric:
    kind = table.choice("kind", ("mean", "proportion", "ratio", "quantile"))
    metric = Metric(
        name=table.text("name", longest=100),
        role=table.choice("role", ("primary", "secondary", "guardrail"), "primary"),
        kind=kind,
        event=table.text("event", longest=200),
        value=table.choice("value", _VALUES, "any" if kind == "proportion" else "count"),
        where=table.matches("where", WHERE_COLUMNS),
        start_us=table.duration_us("start", "0d"),
        window_us=table.duration_us("window"),
        pre_us=table.optional_duration_us("pre"),
        scale=table.choice("scale", ("relative", "absolute"), "relative"),
        direction=table.choice("direction", ("up", "down"), "up"),
        missing=table.choice("missing", ("zero",), "zero", later=("exclude",)),
        margin=table.optional_number("margin", above=0, below=1e12),
        denominator=_denominator(table) if kind == "ratio" else None,
        q=table.number("q", above=0, below=1) if kind == "quantile" else None,
        clip=_ends(table) if table.has("clip") else None,
    )
    _check_kind(table, metric)
    if metric.window_us <= metric.start_us:
        table.refuse("window", "must end after start")
    if metric.margin is not None and metric.scale == "relative" and metric.margin >= 1:
        table.refuse("margin", "a relative margin must be below 1", "0.02 means 2 percent")
    if metric.margin is not None and metric.kind == "proportion" and metric.margin >= 1:
        table.refuse("margin", "a proportion's margin must be below 1", "0.02 means 2 percentage points")
    table.done()
    return metric
