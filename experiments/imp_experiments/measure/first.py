"""The first exposure of each subject, and what all exposures have in common. Lazy Narwhals frames."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

__all__ = ["Span", "first_exposures", "span_of"]

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The times of the first and the last exposure.

    `same` has the columns that are alike in all exposures, and their value; `varied` are the others.
    """

    first_us: int
    last_us: int
    same: dict[str, str]
    varied: tuple[str, ...]

    def with_same(self, frame: Frame) -> Frame:
        """A frame with these columns beside its own."""
        return frame.with_columns(**{name: nw.lit(value) for name, value in self.same.items()}) if self.same else frame


def span_of(exposures: Frame, columns: Sequence[str]) -> Span | None:
    """One query over exposures whose `columns` are texts without nulls; None where there is no exposure."""
    ends = {f"low_{place}": nw.col(name).min() for place, name in enumerate(columns)}
    ends |= {f"high_{place}": nw.col(name).max() for place, name in enumerate(columns)}
    times = nw.col("event_us")
    (row,) = exposures.select(first=times.min(), last=times.max(), **ends).collect().rows(named=True)
    if row["first"] is None:
        return None
    same = {
        name: row[f"low_{place}"] for place, name in enumerate(columns) if row[f"low_{place}"] == row[f"high_{place}"]
    }
    varied = tuple(name for name in columns if name not in same)
    return Span(first_us=int(row["first"]), last_us=int(row["last"]), same=same, varied=varied)


def first_exposures(exposures: Frame, columns: Collection[str]) -> Frame:
    """A row a subject: subject, exposure_us, lowest and highest variant over all exposures; `columns` of the first.

    Of several rows at the first instant the lowest of each column counts: of intake_seq, so that the box of what must
    be permitted can only grow by it.
    """
    taken = {
        "exposure_us": nw.col("event_us").min(),
        "lowest": nw.col("variant").min(),
        "highest": nw.col("variant").max(),
    }
    if not columns or not exposures.implementation.is_spark_like():
        taken |= {name: nw.col(name).first(order_by=("event_us", name)) for name in columns}
        return exposures.group_by("subject").agg(**taken)
    # Spark's `first` takes no order
    return (
        exposures.select("subject", "event_us", *columns)
        .join(exposures.group_by("subject").agg(**taken), on="subject", how="inner")
        .filter(nw.col("event_us") == nw.col("exposure_us"))
        .group_by("subject", "exposure_us", "lowest", "highest")
        .agg(**{name: nw.col(name).min() for name in columns})
    )
