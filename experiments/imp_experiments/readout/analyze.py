"""`analyze`: a readout of a table the analyst already holds. No workspace, and consent is not checked."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from imp_core.clock import Clock, SystemClock, format_time
from imp_core.counting import some
from imp_core.errors import BadInput
from imp_experiments.measure.files import open_file
from imp_experiments.measure.frames import open_frame
from imp_experiments.measure.layout import Layout
from imp_experiments.measure.near import same_value
from imp_experiments.measure.table import Prepared, Tabulated
from imp_experiments.readout.arguments import (
    DEFAULT_ORDER,
    alike_notes,
    asked_rule,
    check_effects,
    check_layout,
    check_options,
    known_metrics,
    plain_notes,
    variant_columns,
)
from imp_experiments.readout.asked import metrics_asked, named_once
from imp_experiments.readout.broken_down import EXPLORATORY
from imp_experiments.readout.by_factors import check_factors, design_of, factor_table, named_cells
from imp_experiments.readout.by_table import DEFAULT_K, ByTable
from imp_experiments.readout.clips import clip_notes, clips_asked
from imp_experiments.readout.compare import Tested
from imp_experiments.readout.corrected import CORRECTIONS, corrected
from imp_experiments.readout.factorize import FACTORIAL_NOTES
from imp_experiments.readout.judged import judged
from imp_experiments.readout.kinds import check_kinds
from imp_experiments.readout.own import refuse_archive
from imp_experiments.readout.readout import Health, MetricUnits, Readout, Verdict
from imp_experiments.readout.tabled import check_table, compare_table, scan
from imp_experiments.readout.weighed import PEEKING, weighed
from imp_experiments.stats.bayes import Prior
from imp_experiments.stats.srm import SampleRatio, sample_ratio

__all__ = ["analyze"]

_NOTES = (
    "consent was not checked: the file is the analyst's own",
    "nothing was registered: no verdict but health",
)


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
    check_kinds(locals())
    check_options(scale, alpha)
    check_effects(factors=factors, by=by, down=down, prior=prior, order=order, k=k)
    columns = variant_columns(variant, control, factors)
    if factors:
        check_factors(
            factors,
            order=order,
            compares=control is not None,
            corrects=adjust is not None or prior is not None,
            others=[*quantiles, *ranks, *by, *([] if sequential is None else [sequential])],
        )
    layout = Layout(
        variant=columns,
        unit=unit,
        stratum=stratum,
        cluster=cluster,
        metrics=metrics_asked(proportions=proportions, means=means, ratios=ratios, quantiles=quantiles, ranks=ranks),
        covariates=named_once(covariates, "covariate"),
        clips=clips_asked(clips, clips_at),
    )
    check_layout(layout, by)
    with _opened(source, layout) as prepared:
        scanned = scan(prepared, layout, control=control or "")
    made = None
    if factors:
        scanned = named_cells(scanned, layout)
        made = design_of(scanned, layout, control)
    table = scanned.table
    base = control or table.moments.variants[0]
    variants = _variants(table, layout, base, weights or {})
    ratio = _ratio(table, variants, weights or {})
    as_of = format_time((clock or SystemClock()).now_us())
    rule = asked_rule(table, layout, sequential, adjust=adjust, planned=planned, looked=looked, alpha=alpha)
    tail = alpha / 2 if rule is None or rule.tail is None else rule.tail
    # of factors the effects answer; cells are compared where a control was named
    compared = (
        compare_table(scanned, layout, variants=variants[1:], control=control, scale=scale, tail=tail)
        if control is not None
        else []
    )
    notes = [
        *_NOTES,
        *clip_notes(layout, table.bounds),
        *plain_notes(layout),
        *alike_notes(variants),
        *(FACTORIAL_NOTES if factors else ()),
    ]
    if rule is not None:
        hypotheses = len(compared) if adjust == "bonferroni" else 1
        compared = [judged(one, rule, hypotheses=hypotheses) for one in compared]
        notes.append(f"{rule.method}: it holds only if every look was taken so")
    if adjust is not None and (rule is None or adjust != "bonferroni"):
        compared = corrected(compared, adjust, alpha=alpha)
        notes.append(f"corrected for {some(len(compared), 'comparison')} by {adjust}: {CORRECTIONS[adjust]}")
    if prior is not None:
        compared = weighed(compared, Prior(mean=0.0, sd=prior), alpha=alpha, down=known_metrics(down, layout))
        notes.append(PEEKING)
    less = known_metrics(down, layout)
    section = (
        factor_table(scanned, layout, made, scale=scale, alpha=alpha, order=order, down=less)
        if made is not None
        else None
    )
    breakdowns = ByTable(
        layout=layout, variants=variants, scale=scale, alpha=alpha, k=k, sequential=sequential, planned=planned
    ).breakdowns(named_once(by, "by"), lambda asked: _opened(source, asked))
    notes += [EXPLORATORY] if breakdowns else []
    checks = check_table(scanned, layout, variants=variants[1:], control=base, alpha=alpha)
    health = Health(srm=ratio, two_variants=table.pairs, checks=checks)
    shown = _readout(table, layout, compared, health, alpha=alpha, as_of=as_of)
    return replace(shown, notes=tuple(notes), factorial=section, breakdowns=breakdowns)


def _opened(source: Any, layout: Layout) -> AbstractContextManager[Prepared]:  # noqa: ANN401 (a path or a frame)
    if not isinstance(source, str | os.PathLike):
        return open_frame(source, layout)
    path = Path(source)
    refuse_archive(path)
    return open_file(path, layout)


def _variants(table: Tabulated, layout: Layout, control: str, weights: Mapping[str, int]) -> list[str]:
    """Control first, then the others by name.

    Values of the column are not repeated in errors: a wrong column may hold identifiers.
    """
    found = set(table.moments.variants)
    where = f"column {', '.join(layout.variant)}"
    if control not in found:
        raise _no_control(control, found, table, where)
    if len(found) == 1:
        raise BadInput(
            "there is only one variant: nothing to compare",
            where=where,
            mend="give it the rows of the control and of a treatment",
        )
    for name, weight in weights.items():
        if name not in found:
            raise BadInput(
                f"a weight names {name!r}, which no unit is in",
                where=where,
                mend="name the variants as the column does",
            )
        if weight < 0:
            raise BadInput(f"the weight of {name!r} is below 0", where="weight", mend="say a share from 0 on")
    return [control, *sorted(found - {control})]


def _no_control(control: str, found: Collection[str], table: Tabulated, where: str) -> BadInput:
    """A value is told only where the one that was written is all but it."""
    if any(control in pair.split("+") for pair in table.pairs):
        problem = f"every unit in the control {control!r} is in another variant too: none can be compared"
        return BadInput(problem, where=where, mend="look at the unit's column: is it what was randomised?")
    near = same_value(control, found)
    mend = "write the value exactly as in the column, capitals and spaces too"
    if near is not None:
        mend = f"did you mean {near!r}?"
    return BadInput(f"no unit is in the control {control!r}", where=where, mend=mend)


def _ratio(table: Tabulated, variants: Sequence[str], weights: Mapping[str, int]) -> SampleRatio:
    # The file's units were not assigned by our buckets: the shares are the weights themselves.
    given = {name: weights.get(name, 1) for name in variants}
    total = sum(given.values())
    if total == 0:
        raise BadInput("all weights are 0", where="weight", mend="say the share that each variant was promised")
    # where clusters were randomised, these are what the shares are of
    observed = {name: table.moments.count(name) for name in variants}
    return sample_ratio(observed, {name: weight / total for name, weight in given.items()})


def _readout(
    table: Tabulated,
    layout: Layout,
    compared: Sequence[Tested],
    health: Health,
    *,
    alpha: float,
    as_of: str,
) -> Readout:
    invalid = Verdict(value="invalid", reason="the variants do not hold the expected shares (sample ratio)")
    units = table.moments.count()
    return Readout(
        consent=None,
        comparisons=tuple(one.compared for one in compared),
        health=health,
        excluded={"two_variants": sum(table.pairs.values())},
        as_of=as_of,
        alpha=alpha,
        metrics=tuple(
            MetricUnits(metric=metric.name, role="primary", matured=units, immature=0) for metric in layout.metrics
        ),
        verdict=invalid if health.srm.verdict == "mismatch" else None,
    )
