"""Who is counted: the first exposure of each subject, in or out whole, and its cohort day. Lazy Narwhals frames.

The same expressions run on DuckDB, Polars and PySpark: so integer arithmetic instead of zoned casts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import narwhals as nw

from imp_core.clock import DAY_US
from imp_experiments.design.registration import FIRST_PHASE
from imp_experiments.measure.days import Offsets
from imp_experiments.measure.first import first_exposures

__all__ = [
    "EXPOSURE_COLUMNS",
    "IN",
    "NONE",
    "TWO_VARIANTS",
    "UNKNOWN_VARIANT",
    "by_name",
    "exposures_of",
    "in_other_phases",
    "of_experiment",
    "of_phase",
    "units_of",
    "with_moves",
]

IN: Final = "in"
TWO_VARIANTS: Final = "two_variants"
UNKNOWN_VARIANT: Final = "unknown_variant"
NONE: Final = "(none)"  # the level of units without one
_EXPOSURE: Final = "exposure"
# The columns of the archive that say who met what, and when.
EXPOSURE_COLUMNS: Final = (
    "type", "subject", "event_us", "intake_seq", "experiment", "phase", "variant", "stratum",
)  # fmt: skip

Frame = nw.LazyFrame[Any]


def by_name(dimension: str) -> str:
    """The column of the units that holds a dimension."""
    return f"by_{dimension}"


def exposures_of(events: Frame, experiment: str, phase: int, by: Sequence[str] = ()) -> Frame:
    """The exposures of one phase: subject, event_us, intake_seq, variant, stratum ("" where there is none).

    Each dimension `by` is a column too, "(none)" where a row has none.
    """
    levels = {by_name(name): nw.col(name).fill_null("") for name in by}
    levels = {name: nw.when(level != "").then(level).otherwise(nw.lit(NONE)) for name, level in levels.items()}
    return (
        of_experiment(events, experiment)
        .filter(of_phase(phase))
        .select("subject", "event_us", "intake_seq", "variant", stratum=nw.col("stratum").fill_null(""), **levels)
    )


def in_other_phases(events: Frame, experiment: str, phase: int) -> int:
    """How many people have exposures of other phases of the experiment."""
    others = of_experiment(events, experiment).filter(~of_phase(phase))
    return int(others.select(n=nw.col("subject").n_unique()).collect().item(0, "n") or 0)  # DuckDB: null of no rows


def of_phase(phase: int) -> nw.Expr:
    """Whether a row belongs to a phase; one that names none belongs to the first."""
    return nw.col("phase").fill_null(FIRST_PHASE) == phase


def of_experiment(events: Frame, experiment: str) -> Frame:
    """The exposures of an experiment, of all phases."""
    mine = (nw.col("type") == _EXPOSURE) & (nw.col("experiment") == experiment)
    return events.filter(mine & ~nw.col("variant").is_null() & ~nw.col("subject").is_null())


def units_of(
    exposures: Frame,
    closed: Frame,
    *,
    variants: Sequence[str],
    widest_us: int,
    as_of_us: int,
    size: int,
    offsets: Offsets,
    columns: Sequence[str] = ("stratum",),
) -> Frame:
    """One row a unit: subject, exposure_us, variant, last_variant, day, status, and `columns` of the first exposure.

    `last_variant` is another one in two variants.

    `status` is "in", or why the whole unit is out: the reason of a closed rectangle that meets
    [exposure, min(exposure + `widest_us`, `as_of_us`)] × [the exposure's intake_seq, `size`], else "two_variants"
    or "unknown_variant". Rectangles are half open, both ends of the box belong to it.
    """
    first = first_exposures(exposures, columns)
    # most people have no closed rectangle: the others' first exposures are cheaper found again than carried
    concerned = first_exposures(exposures.join(closed.select("subject"), on="subject", how="semi"), ["intake_seq"])
    closing = _closing_reasons(concerned, closed, widest_us=widest_us, as_of_us=as_of_us, size=size)
    status = (
        nw.when(~nw.col("closing").is_null())
        .then(nw.col("closing"))
        .otherwise(
            nw.when(nw.col("lowest") != nw.col("highest"))
            .then(nw.lit(TWO_VARIANTS))
            .otherwise(
                nw.when(nw.col("lowest").is_in(list(variants))).then(nw.lit(IN)).otherwise(nw.lit(UNKNOWN_VARIANT))
            )
        )
    )
    return first.join(closing, on="subject", how="left").select(
        "subject",
        "exposure_us",
        *columns,
        variant=nw.col("lowest"),
        last_variant=nw.col("highest"),
        day=_day(nw.col("exposure_us"), offsets),
        status=status,
    )


def with_moves(units: Frame, exposures: Frame) -> Frame:
    """Units with known_seq, the lowest intake_seq of all their exposures, and settled_seq, the highest of the first.

    Who was known before what is now their first exposure was taken in, stood at another level until then.
    """
    known = exposures.group_by("subject").agg(known_seq=nw.col("intake_seq").min(), first_us=nw.col("event_us").min())
    settled = (
        exposures.select("subject", "event_us", "intake_seq")
        .join(known, on="subject", how="inner")
        .filter(nw.col("event_us") == nw.col("first_us"))
        .group_by("subject", "known_seq")
        .agg(settled_seq=nw.col("intake_seq").max())
    )
    return units.join(settled, on="subject", how="left")


def _closing_reasons(first: Frame, closed: Frame, *, widest_us: int, as_of_us: int, size: int) -> Frame:
    """Subject and the reason that closes its box (the first by alphabet where several do)."""
    start, seq = nw.col("exposure_us"), nw.col("intake_seq")
    end = nw.when(start + widest_us < as_of_us).then(start + widest_us).otherwise(nw.lit(as_of_us))
    meets = (
        (nw.col("from_us") <= end) & (nw.col("to_us") > start) & (nw.col("from_seq") <= size) & (nw.col("to_seq") > seq)
    )
    rectangles = closed.select("subject", "from_us", "to_us", "from_seq", "to_seq", "reason")
    return (
        first.select("subject", "exposure_us", "intake_seq")
        .join(rectangles, on="subject", how="inner")
        .filter(meets)
        .group_by("subject")
        .agg(closing=nw.col("reason").min())
    )


def _day(time_us: nw.Expr, offsets: Offsets) -> nw.Expr:
    """Days since 1970-01-01 on the zone's calendar."""
    local = time_us + offsets.base_us
    for change_us, by_us in offsets.changes:
        local = local + (time_us >= change_us).cast(nw.Int64) * by_us
    return local // DAY_US
