"""`analyze`: a readout of a table the analyst already holds. No workspace, and consent is not checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import narwhals as nw

from imp_core.clock import Clock, SystemClock, format_time
from imp_core.errors import BadInput
from imp_experiments.measure.files import open_file
from imp_experiments.measure.frames import prepare_frame
from imp_experiments.measure.table import Layout, Tabulated, tabulate
from imp_experiments.readout.compare import compare_metric
from imp_experiments.readout.own import refuse_archive
from imp_experiments.readout.readout import Compared, Health, MetricUnits, Readout, Verdict
from imp_experiments.stats.srm import SampleRatio, sample_ratio

__all__ = ["analyze"]


def analyze(
    source: Any,  # noqa: ANN401 (a path, or any native frame Narwhals knows)
    *,
    variant: str,
    control: str,
    unit: str | None = None,
    weights: Mapping[str, int] | None = None,
    proportions: Sequence[str] = (),
    means: Sequence[str] = (),
    scale: str = "relative",
    alpha: float = 0.05,
    clock: Clock | None = None,
) -> Readout:
    """Compare the variants of a file (CSV, JSON lines, Parquet) or data frame with control.

    `variant`, `unit`, `proportions` and `means` name columns. Without `unit` every row is a unit; of a unit with
    several rows a proportion is any, a mean their sum, and a unit in two variants is excluded and counted. The
    expected shares are equal unless `weights` (variant → whole number, 1 where it is not named) say otherwise.

    Raises:
        BadInput: a column, a variant or a value that cannot be taken; it names row and field where they are known.
            Also a file of a workspace's archive, which is read out through the gate.
    """
    if scale not in ("relative", "absolute"):
        raise BadInput("the scale is neither relative nor absolute", where="scale", mend="say one of them")
    layout = Layout(variant=variant, unit=unit, proportions=tuple(proportions), means=tuple(means))
    _check_layout(layout)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        refuse_archive(path)
        with open_file(path, layout) as opened:
            table = _tabulated(nw.from_native(opened.relation), layout, opened.first_fault, str(path))
    else:
        prepared = prepare_frame(source, layout)
        table = _tabulated(prepared.frame, layout, prepared.first_fault, None)
    variants = _variants(table, layout, control, weights or {})
    ratio = _ratio(table, variants, weights or {})
    as_of = format_time((clock or SystemClock()).now_us())
    return _readout(table, layout, variants, ratio, scale=scale, alpha=alpha, as_of=as_of)


def _check_layout(layout: Layout) -> None:
    for names, option in ((layout.proportions, "proportion"), (layout.means, "mean")):
        for name in names:
            if names.count(name) > 1:
                raise BadInput(
                    f"the column {name!r} is named twice", where=option, mend="name each column for one thing"
                )


def _tabulated(
    frame: nw.LazyFrame[Any], layout: Layout, first_fault: Callable[[], BadInput], where: str | None
) -> Tabulated:
    table = tabulate(frame, layout, where=where)
    if table.faults:
        raise first_fault()
    return table


def _variants(table: Tabulated, layout: Layout, control: str, weights: Mapping[str, int]) -> list[str]:
    """Control first, then the others by name.

    Values of the column are not repeated in errors: a wrong column may hold identifiers.
    """
    found = {cell.variant for cell in table.moments.cells}
    if control not in found:
        raise BadInput(
            f"no unit is in the control {control!r}",
            where=f"column {layout.variant}",
            mend="write the value exactly as in the column, capitals and spaces too",
        )
    if len(found) == 1:
        raise BadInput(
            "there is only one variant: nothing to compare",
            where=f"column {layout.variant}",
            mend="give it the rows of the control and of a treatment",
        )
    for name, weight in weights.items():
        if name not in found:
            raise BadInput(
                f"a weight names {name!r}, which no unit is in",
                where=f"column {layout.variant}",
                mend="name the variants as the column does",
            )
        if weight < 0:
            raise BadInput(f"the weight of {name!r} is below 0", where="weight", mend="say a share from 0 on")
    return [control, *sorted(found - {control})]


def _ratio(table: Tabulated, variants: Sequence[str], weights: Mapping[str, int]) -> SampleRatio:
    # The file's units were not assigned by our buckets: the shares are the weights themselves.
    given = {name: weights.get(name, 1) for name in variants}
    total = sum(given.values())
    if total == 0:
        raise BadInput("all weights are 0", where="weight", mend="say the share that each variant was promised")
    observed = {name: table.moments.count(name) for name in variants}
    return sample_ratio(observed, {name: weight / total for name, weight in given.items()})


def _readout(
    table: Tabulated,
    layout: Layout,
    variants: Sequence[str],
    ratio: SampleRatio,
    *,
    scale: str,
    alpha: float,
    as_of: str,
) -> Readout:
    comparisons: list[Compared] = []
    for name, kind in layout.metrics:
        comparisons += compare_metric(
            table.moments,
            f"{kind} {name}",
            metric=name,
            kind=kind,
            variants=variants[1:],
            control=variants[0],
            scale=scale,
            alpha=alpha,
        )
    invalid = Verdict(value="invalid", reason="the variants do not hold the expected shares (sample ratio)")
    units = table.moments.count()
    return Readout(
        consent=None,
        comparisons=tuple(comparisons),
        health=Health(srm=ratio, two_variants=table.pairs),
        excluded={"two_variants": sum(table.pairs.values())},
        as_of=as_of,
        alpha=alpha,
        metrics=tuple(
            MetricUnits(metric=name, role="primary", matured=units, immature=0) for name, _ in layout.metrics
        ),
        verdict=invalid if ratio.verdict == "mismatch" else None,
        notes=(
            "consent was not checked: the file is the analyst's own",
            "nothing was registered: no verdict but health",
        ),
    )
