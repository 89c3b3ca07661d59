"""The second scan that outliers ask for: the lowest and the highest value of each variant. Lazy Narwhals frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

__all__ = ["Range", "extremes"]

Frame = nw.LazyFrame[Any]
Range = tuple[float, float]


def extremes(frame: Frame, columns: Sequence[str]) -> dict[str, dict[str, Range]]:
    """Column → variant → lowest and highest value; one query. A variant without a value is absent."""
    if not columns:
        return {}
    ends = {f"low_{place}": nw.col(name).min() for place, name in enumerate(columns)}
    ends |= {f"high_{place}": nw.col(name).max() for place, name in enumerate(columns)}
    rows = list(frame.group_by("variant").agg(**ends).collect().rows(named=True))
    return {
        name: {
            str(row["variant"]): (float(row[f"low_{place}"]), float(row[f"high_{place}"]))
            for row in rows
            if row[f"low_{place}"] is not None
        }
        for place, name in enumerate(columns)
    }
