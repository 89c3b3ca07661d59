"""Whether the time before a unit's exposure may be known: where consent did not cover it, nothing is not zero."""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce
from typing import Any

import narwhals as nw

from imp_experiments.measure.units import IN

__all__ = ["with_known"]

Frame = nw.LazyFrame[Any]


def with_known(units: Frame, permitted: Frame, lengths: Collection[int], *, size: int) -> tuple[Frame, dict[int, str]]:
    """The units with a column per length (microseconds): 1 where permission covered all of that time before exposure.

    It must cover it both as known when the exposure was taken in, so that no event was kept out then, and as known now
    (`size`), so that none is kept out since. `permitted`: disjoint rectangles (subject, from_us, to_us, from_seq,
    to_seq), half open.
    """
    columns = {length: f"known_{length}" for length in sorted(lengths)}
    admitted = units.filter(nw.col("status") == IN).select("subject", "exposure_us", "intake_seq")
    joined = admitted.join(permitted, on="subject", how="inner")
    parts: dict[str, nw.Expr] = {}
    for length in columns:
        overlap = _overlap(length)
        for which, seq in (("then", nw.col("intake_seq")), ("now", nw.lit(size))):
            holds = (nw.col("from_seq") <= seq) & (nw.col("to_seq") > seq) & (overlap > 0)
            parts[f"{which}_{length}"] = nw.when(holds).then(overlap).otherwise(nw.lit(0))
    covered = joined.with_columns(**parts).group_by("subject").agg(**{name: nw.col(name).sum() for name in parts})
    known = {}
    for length, column in columns.items():
        whole = [nw.col(f"{which}_{length}").fill_null(0) == length for which in ("then", "now")]
        known[column] = nw.when(reduce(lambda a, b: a & b, whole)).then(nw.lit(1)).otherwise(nw.lit(0))
    return units.join(covered, on="subject", how="left").with_columns(**known), columns


def _overlap(length: int) -> nw.Expr:
    """How much of the time before exposure a rectangle covers; below 0 where it covers none."""
    start, end = nw.col("exposure_us") - length, nw.col("exposure_us")
    first = nw.when(nw.col("from_us") > start).then(nw.col("from_us")).otherwise(start)
    last = nw.when(nw.col("to_us") < end).then(nw.col("to_us")).otherwise(end)
    return last - first
