"""Clusters that are in several variants: then they are not what was randomised. Lazy Narwhals frames."""

from __future__ import annotations

from typing import Any

import narwhals as nw

__all__ = ["shared_clusters"]

Frame = nw.LazyFrame[Any]


def shared_clusters(frame: Frame) -> tuple[int, int]:
    """How many clusters are in several variants, and how many there are; one query."""
    ends = frame.group_by("cluster").agg(first=nw.col("variant").min(), last=nw.col("variant").max())
    shared = nw.when(nw.col("first") != nw.col("last")).then(nw.lit(1)).otherwise(nw.lit(0))
    row = ends.with_columns(shared=shared).select(shared=nw.col("shared").sum(), n=nw.len()).collect().row(0)
    return int(row[0] or 0), int(row[1])
