"""Events that do not add up: without the amount or quantity a metric sums, or with amounts in several currencies.

They are few, and most often there is none: while values are summed, each unit with a suspect is marked. Only where a
unit that is in has one, they are looked at in a query of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import narwhals as nw

from imp_experiments.design.experiment import Metric
from imp_experiments.measure.inside import hits_of
from imp_experiments.measure.parts import SUMMED, Part, parts_of

__all__ = ["Faults", "faults_of", "no_faults", "suspects"]

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True)
class Faults:
    """`gaps`: metric → its events without what is to be summed; `mixed`: metrics with amounts in several currencies."""

    gaps: dict[str, int]
    mixed: frozenset[str]


def suspects(events: Frame, metrics: Sequence[Metric]) -> nw.Expr | None:
    """Whether an event inside lacks what is summed, or has another currency than one event of those that are summed.

    None where nothing is summed that could be missing.
    """
    found = []
    amounts = sorted({part.event for part, _ in _summed(metrics) if part.value == "amount"})
    other = _currency() != (_some_currency(events, amounts) if amounts else "")
    for part, hit in _summed(metrics):
        faulty = [_missing(part)] if not part.before else []
        faulty += [other] if part.value == "amount" else []
        if faulty:
            found.append(hit & reduce(lambda a, b: a | b, faulty))
    return reduce(lambda a, b: a | b, found) if found else None


def no_faults(metrics: Sequence[Metric]) -> Faults:
    """What it is where nothing is suspect: 0 gaps of each metric that sums."""
    return Faults({part.metric: 0 for part, _ in _summed(metrics)}, frozenset())


def faults_of(inside: Frame, metrics: Sequence[Metric]) -> Faults:
    """Look at all events inside (`events_inside`), once."""
    summed = list(enumerate(_summed(metrics)))
    columns: dict[str, nw.Expr] = {}
    wanted: dict[str, nw.Expr] = {}
    for place, (part, hit) in summed:
        columns[f"gap_{place}"] = nw.when(hit & _missing(part)).then(nw.lit(1)).otherwise(nw.lit(0))
        wanted[f"gap_{place}"] = nw.col(f"gap_{place}").sum()
        if part.value == "amount":
            name = f"currency_{place}"
            columns[name] = nw.when(hit).then(_currency())
            wanted |= {f"low_{place}": nw.col(name).min(), f"high_{place}": nw.col(name).max()}
    (row,) = inside.with_columns(**columns).select(**wanted).collect().rows(named=True)
    gaps = no_faults(metrics).gaps
    met: dict[str, set[str | None]] = {}
    for place, (part, _) in summed:
        if not part.before:
            gaps[part.metric] += int(row[f"gap_{place}"] or 0)
        if part.value == "amount":
            met.setdefault(part.metric, set()).update((row[f"low_{place}"], row[f"high_{place}"]))
    return Faults(gaps, frozenset(metric for metric, names in met.items() if len(names - {None}) > 1))


def _summed(metrics: Sequence[Metric]) -> list[tuple[Part, nw.Expr]]:
    """The parts that sum an amount or quantity, and which events they count."""
    parts = [part for metric in metrics for part in parts_of(metric)]
    return [(part, hit) for part, hit in zip(parts, hits_of(metrics), strict=True) if part.value in SUMMED]


def _missing(part: Part) -> nw.Expr:
    return nw.col(SUMMED[part.value]).is_null()


def _currency() -> nw.Expr:
    # an amount without a currency is one of its own: it does not add to dollars
    return nw.col("currency").fill_null("")


def _some_currency(events: Frame, names: Sequence[str]) -> str:
    """The currency of any event of these names: whichever it is, all have it, or there is something to look at."""
    named = events.filter(nw.col("name").is_in(names) & (nw.col("type") != "exposure"))
    rows = named.select("currency").head(1).collect().rows()
    return str(rows[0][0] or "") if rows else ""
