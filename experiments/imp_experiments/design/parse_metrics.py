"""Read the metrics of an experiment file, strictly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from imp_experiments.design.experiment import Counted, DecisionRule, Ends, Metric, Plan
from imp_experiments.design.fields import Fields

__all__ = ["WHERE_COLUMNS", "parse_metrics"]

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
_VALUES: Final = ("count", "any", "amount", "quantity")


def parse_metrics(top: Fields, plan: Plan, decision: DecisionRule) -> tuple[Metric, ...]:
    """The metrics in the order of the file, at least one of them primary.

    Raises:
        BadInput: a field that cannot be taken, or that does not go with the plan, the decision or another metric.
    """
    out: list[Metric] = []
    tables = top.tables("metrics", names_later="names from metrics.toml come later")
    for table in tables:
        metric = _metric(table)
        if metric.name in (other.name for other in out):
            table.refuse("name", "two metrics have this name", "give each its own name")
        if metric.window_us > plan.horizon_us:
            table.refuse("window", "no unit could mature before the horizon", "lengthen plan.horizon or shorten it")
        if metric.role == "guardrail" and decision.guardrails == "noninferior" and metric.margin is None:
            table.refuse("margin", "missing", 'state how much worse is still acceptable, or set guardrails = "no_harm"')
        out.append(metric)
    for table, metric in zip(tables, out, strict=True):
        _check_covariates(table, metric, out)
    if not any(metric.role == "primary" for metric in out):
        top.refuse("metrics", "no metric is primary", 'give one of them role = "primary"')
    return tuple(out)


def _check_covariates(table: Fields, metric: Metric, metrics: Sequence[Metric]) -> None:
    """Covariates are other metrics before the exposure."""
    named = metric.covariates or ()
    before = [other.name for other in metrics if other.pre_us is not None and other.name != metric.name]
    if named and metric.kind == "quantile":
        table.refuse("covariates", "a quantile is not adjusted", "leave it out")
    if len(set(named)) < len(named):
        table.refuse("covariates", "a metric is named twice", "name each once")
    for name in named:
        if name not in before:
            what = f"those are: {', '.join(before)}" if before else "no other metric has one"
            table.refuse("covariates", f"{name!r} is not another metric with a pre", what)


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
        covariates=table.texts("covariates", longest=100) or None,
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
