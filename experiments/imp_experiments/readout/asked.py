"""The metrics of a table as an analyst names them: columns, NUM/DEN, COL:Q."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imp_core.errors import BadInput
from imp_experiments.measure.layout import MetricAsked

__all__ = ["metrics_asked", "named_once"]


def metrics_asked(
    *,
    proportions: Sequence[str] = (),
    means: Sequence[str] = (),
    ratios: Sequence[str] = (),
    quantiles: Sequence[str] = (),
    ranks: Sequence[str] = (),
) -> tuple[MetricAsked, ...]:
    """The metrics, proportions first.

    Raises:
        BadInput: there is none, one is named twice, a ratio is not two columns, or a quantile not a column and a share.
    """
    asked = (
        *(MetricAsked(name=name, kind="proportion", column=name) for name in named_once(proportions, "proportion")),
        *(MetricAsked(name=name, kind="mean", column=name) for name in named_once(means, "mean")),
        *(_ratio(text) for text in named_once(ratios, "ratio")),
        *(_quantile(text) for text in named_once(quantiles, "quantile")),
        *(MetricAsked(name=f"{name} ranks", kind="ranks", column=name) for name in named_once(ranks, "ranks")),
    )
    if not asked:
        mend = "name a column at least: --proportion COL, --mean COL, --ratio NUM/DEN, --quantile COL:Q or --ranks COL"
        raise BadInput("no metric is named: nothing to compare", where="mean", mend=mend)
    names = [metric.name for metric in asked]
    for name in names:
        if names.count(name) > 1:
            mend = "its figures could not be told apart: compare it as one kind at a time"
            raise BadInput(f"two metrics are called {name!r}", where="mean", mend=mend)
    return asked


def named_once(names: Sequence[str], option: str) -> tuple[str, ...]:
    """The names.

    Raises:
        BadInput: one of them comes twice.
    """
    for name in names:
        if list(names).count(name) > 1:
            raise BadInput(f"the column {name!r} is named twice", where=option, mend="name each column for one thing")
    return tuple(names)


def _ratio(text: str) -> MetricAsked:
    above, slash, below = text.partition("/")
    if not slash or not above.strip() or not below.strip():
        raise BadInput("not a ratio of two columns", where="ratio", mend="write it as NUM/DEN, like revenue/orders")
    return MetricAsked(name=text, kind="ratio", column=above.strip(), denominator=below.strip())


def _quantile(text: str) -> MetricAsked:
    column, _, share = text.rpartition(":")
    try:
        q = float(share)
    except ValueError:
        q = math.nan
    if not column.strip() or not 0 < q < 1:
        raise BadInput(
            "not a quantile of a column", where="quantile", mend="write it as COL:Q with Q between 0 and 1, like ms:0.9"
        )
    return MetricAsked(name=text, kind="quantile", column=column.strip(), q=q)
