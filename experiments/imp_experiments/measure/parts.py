"""What a metric measures of a unit: one or several sums of events, each over a stretch of time around the exposure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from imp_experiments.design.experiment import Counted, Ends, Metric

__all__ = ["SUMMED", "Part", "before_name", "below_name", "columns_of", "covariates_of", "missing_name", "parts_of"]

# value → the archive's column that is summed; the others count events.
SUMMED: Final = {"amount": "amount_micros", "quantity": "quantity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One sum of events of a unit, from `from_us` to before `to_us` after its exposure, named as in `Moments`.

    `before`: it is of the time before the exposure, a covariate, and unknown where that time was not permitted.
    `among_hit`: only units with such an event have a value. `clip`: where values end.
    """

    name: str
    metric: str
    event: str
    value: str
    where: Mapping[str, tuple[str, ...]]
    from_us: int
    to_us: int
    before: bool = False
    among_hit: bool = False
    clip: Ends | None = None


def parts_of(metric: Metric) -> tuple[Part, ...]:
    """The metric itself, a ratio's denominator, and what of either is measured before the exposure."""
    above = Counted(event=metric.event, value=metric.value, where=metric.where)
    counted = [(metric.name, above)]
    if metric.denominator is not None:
        counted.append((below_name(metric), metric.denominator))
    during = [_part(metric, name, what, metric.start_us, metric.window_us) for name, what in counted]
    during[0] = replace(during[0], among_hit=metric.kind == "quantile", clip=metric.clip)
    if metric.pre_us is None:
        return tuple(during)
    names = (before_name(metric), f"{before_name(metric)} {_BELOW}")
    earlier = [
        _part(metric, name, what, -metric.pre_us, 0, before=True)
        for name, (_, what) in zip(names, counted, strict=False)
    ]
    return (*during, *earlier)


_BELOW: Final = "(denominator)"


def below_name(metric: Metric) -> str:
    """The name in `Moments` of a ratio's denominator."""
    return f"{metric.name} {_BELOW}"


def before_name(metric: Metric) -> str:
    """The name in `Moments` of the metric before the exposure."""
    return f"{metric.name} (before)"


def missing_name(pre_us: int) -> str:
    """The name in `Moments` of the indicator that so much time before the exposure is unknown."""
    return f"unknown before {pre_us}"


def covariates_of(metric: Metric, metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The names in `Moments` of what a metric is adjusted for: itself and others before the exposure, then indicators.

    `metrics` are all of the experiment. An indicator says of a length of time who may not be known.
    """
    named = {metric.name, *(metric.covariates or ())}
    mine = [other for other in (metric, *(one for one in metrics if one.name != metric.name)) if other.name in named]
    before = [part.name for other in mine for part in parts_of(other) if part.before]
    lengths = dict.fromkeys(other.pre_us for other in mine if other.pre_us is not None)
    return (*before, *(missing_name(length) for length in lengths))


def columns_of(metrics: Sequence[Metric]) -> list[str]:
    """The columns of the archive that hold what is measured, sorted."""
    parts = [part for metric in metrics for part in parts_of(metric)]
    columns = {"subject", "event_us", "name"} | {column for part in parts for column in part.where}
    columns |= {SUMMED[part.value] for part in parts if part.value in SUMMED}
    if any(part.value == "amount" for part in parts):
        columns.add("currency")
    return sorted(columns)


def _part(metric: Metric, name: str, what: Counted, from_us: int, to_us: int, *, before: bool = False) -> Part:
    return Part(
        name=name,
        metric=metric.name,
        event=what.event,
        value=what.value,
        where=what.where,
        from_us=from_us,
        to_us=to_us,
        before=before,
    )
