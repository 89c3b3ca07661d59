"""A simulation as text: the decision first, then a table of the metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from imp_core.command import lines
from imp_experiments.simulate.result import MetricSimulated, Rate, Simulated

__all__ = ["simulated_text"]

_CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# rounding leaves this of no effect
_NOTHING: Final = 1e-9
_HEAD: Final = (
    "metric", "true effect", "shown", "right sign", "covered at the end", "covered when shown", "days", "daily t test",
)  # fmt: skip


def simulated_text(found: Simulated) -> str:
    """The text of `imp experiment simulate`; every share with its standard error."""
    left = f", {found.left:,} of whom leave" if found.left else ""
    nested = "" if found.clusters is None else f" in {found.clusters:,} clusters"
    way = next(metric.way for metric in found.metrics if metric.role == "primary")
    head = {
        "experiment": _name(found.experiment),
        "runs": f"{found.runs:,} with seed {found.seed}",
        "a run": f"{found.units:,} units{nested} over {found.days} days{left}; looks: {way}",
        "ships": f"{_rate(found.ship)} of the runs",
        "decided": f"after {found.days_mean:.1f} days on average, median {found.days_median:g} (windows add theirs)",
    }
    table = _table([_HEAD, *(_row(metric) for metric in found.metrics)])
    notes = [
        f"shown: some look's interval left out no effect, without one in at most {found.alpha:g} of the runs "
        "(primary metrics together; of others each treatment by itself)",
        "daily t test: what uncorrected looks would have shown",
        *(_name(note) for note in found.notes),
    ]
    factors = [_factors(metric) for metric in found.metrics if metric.factors]
    return "\n\n".join([lines(head), table, *factors, "\n".join(notes)])


def _factors(metric: MetricSimulated) -> str:
    rows = [
        (
            _name(one.effect),
            "-" if one.truth is None else _truth(one.truth, metric),
            _rate(one.shown),
            _rate(one.coverage),
        )
        for one in metric.factors
    ]
    return _table([(f"{_name(metric.metric)} by factors, at the end", "true effect", "shown", "covered"), *rows])


def _row(metric: MetricSimulated) -> tuple[str, ...]:
    return (
        f"{_name(metric.metric)} ({metric.role})",
        "differs" if metric.truth is None else _truth(metric.truth, metric),
        _rate(metric.shown),
        "-" if metric.right is None else _rate(metric.right),
        _rate(metric.coverage_end),
        _rate(metric.coverage_stop),
        f"{metric.days_mean:.1f}, median {metric.days_median:g}",
        _rate(metric.naive),
    )


def _truth(truth: float, metric: MetricSimulated) -> str:
    if abs(truth) < _NOTHING:
        return "none"
    return f"{truth:+.2%}" if metric.scale == "relative" else f"{truth:+.4g}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    shown = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(shown)


def _rate(rate: Rate) -> str:
    return "unknown" if rate.share is None or rate.se is None else f"{rate.share:.3f} ± {rate.se:.3f}"


def _name(text: str) -> str:
    """A name, which a file may fill with anything, without what moves a terminal's cursor."""
    return _CONTROL_CHARACTERS.sub("?", text)
