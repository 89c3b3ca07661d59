"""Which variant of another experiment a unit had met when it first met this one. Lazy Narwhals frames.

Frozen at the first exposure like every dimension: what the other experiment showed later may depend on this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import narwhals as nw

from imp_experiments.measure.units import NONE, by_name, of_experiment

__all__ = ["EXPERIMENT", "SEVERAL", "other_experiment", "with_met"]

# A dimension of this form is not a column of the exposures but the variant of another experiment.
EXPERIMENT: Final = "experiment:"
SEVERAL: Final = "(several)"  # the level of units that had met two variants of it

Frame = nw.LazyFrame[Any]


def other_experiment(dimension: str) -> str | None:
    """The experiment that a dimension names: "experiment:NAME"; None: it is a column."""
    return dimension.removeprefix(EXPERIMENT) if dimension.startswith(EXPERIMENT) else None


def with_met(units: Frame, events: Frame, dimensions: Sequence[str]) -> Frame:
    """The units with a column (`by_name`) for each dimension "experiment:NAME": the variant met, of whatever phase.

    "(none)": it was not met before, or only after; "(several)": two of its variants were. The units come `with_moves`:
    a late import of what was met moves a unit too, and so settled_seq is not before it was known.
    """
    for dimension in dimensions:
        met = (
            of_experiment(events, dimension.removeprefix(EXPERIMENT))
            .select("subject", "intake_seq", met_us="event_us", met="variant")
            .join(units.select("subject", "exposure_us"), on="subject", how="inner")
            .filter(nw.col("met_us") <= nw.col("exposure_us"))
            .group_by("subject", "met")  # what was shown once more moves nobody
            .agg(met_seq=nw.col("intake_seq").min())
            .group_by("subject")
            .agg(met_low=nw.col("met").min(), met_high=nw.col("met").max(), met_seq=nw.col("met_seq").max())
        )
        level = (
            nw.when(nw.col("met_low").is_null())
            .then(nw.lit(NONE))
            .otherwise(
                nw.when(nw.col("met_low") != nw.col("met_high")).then(nw.lit(SEVERAL)).otherwise(nw.col("met_low"))
            )
        )
        later = nw.col("met_seq") > nw.col("settled_seq")  # null where nothing was met
        settled = nw.when(later).then(nw.col("met_seq")).otherwise(nw.col("settled_seq"))
        joined = units.join(met, on="subject", how="left")
        units = joined.with_columns(**{by_name(dimension): level, "settled_seq": settled})
        units = units.drop("met_low", "met_high", "met_seq")
    return units
