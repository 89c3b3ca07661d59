"""`analyze`: a readout of a table the analyst already holds. No workspace, and consent is not checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imp_core.clock import Clock, SystemClock
from imp_experiments.readout.analysis import analysis_of
from imp_experiments.readout.arguments import DEFAULT_ORDER
from imp_experiments.readout.by_table import DEFAULT_K
from imp_experiments.readout.kinds import check_kinds
from imp_experiments.readout.options import Options
from imp_experiments.readout.readout import Readout

__all__ = ["analyze"]


def analyze(
    source: Any,  # noqa: ANN401 (a path, or any native frame Narwhals knows)
    *,
    variant: str | None = None,
    control: str | None = None,
    factors: Sequence[str] = (),
    order: int = DEFAULT_ORDER,
    unit: str | None = None,
    weights: Mapping[str, int] | None = None,
    proportions: Sequence[str] = (),
    means: Sequence[str] = (),
    ratios: Sequence[str] = (),
    quantiles: Sequence[str] = (),
    ranks: Sequence[str] = (),
    clips: Sequence[str] = (),
    clips_at: Sequence[str] = (),
    covariates: Sequence[str] = (),
    stratum: str | None = None,
    cluster: str | None = None,
    scale: str = "relative",
    alpha: float = 0.05,
    adjust: str | None = None,
    sequential: str | None = None,
    planned: int | None = None,
    looked: Sequence[float] = (),
    prior: float | None = None,
    down: Sequence[str] = (),
    by: Sequence[str] = (),
    k: int = DEFAULT_K,
    clock: Clock | None = None,
) -> Readout:
    """Compare the variants of a file (CSV, JSON lines, Parquet) or data frame with control.

    `variant`, `unit`, `proportions`, `means`, `covariates`, `stratum` and `cluster` name columns; `ratios` are two
    columns as "numerator/denominator", `quantiles` a column and which of it, as "latency:0.9". Without `unit` every row
    is a unit; of a unit with several rows a proportion is any, a mean or a part of a ratio their sum, and a unit in two
    variants is excluded and counted. Covariates were measured before the exposure, and may be missing. The expected
    shares are equal unless `weights` (variant → whole number, 1 where it is not named) say otherwise.

    Instead of `variant`, `factors` name the columns of a multivariate experiment, whose cells are then its variants:
    the section `factorial` has main effects and interactions of up to `order` factors. `control`, as
    "factor=level,factor=level", gives the first levels, and has every cell compared with it.

    `ranks` are columns to compare by ranks too. `clips` ("revenue::0.999") end a column's values at quantiles over all
    variants, `clips_at` ("revenue:0:500") at values. `sequential` allows for having looked before: a spending function
    with `planned` units in all and the shares of them that earlier looks saw (`looked`), or "confidence_sequence".

    `adjust` corrects p (and with "bonferroni" and "max_t" the intervals) for the number of comparisons: see
    `imp_experiments.readout.corrected`. `prior` adds the Bayesian reading: the standard deviation of a normal prior
    around no effect, of log(variant / control) on the relative scale, else in the metric's unit; `down` names metrics
    of which less is better.

    `by` are columns to break every metric down by (see `imp_experiments.readout.by_table`): exploratory, levels with
    fewer than `k` units in a variant merged.

    Raises:
        BadInput: a column, a variant or a value that cannot be taken; it names row and field where they are known.
            Also a file of a workspace's archive, which is read out through the gate.
    """
    given = locals()
    check_kinds(given)
    options = Options(**{name: given[name] for name in Options.__slots__})
    return analysis_of(source, options, clock or SystemClock())
