"""The steps of `analyze`: read the table, compare, break down, judge its health, and put the readout together."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imp_core.clock import Clock, format_time
from imp_core.counting import some
from imp_core.errors import BadInput
from imp_experiments.design.factorial import Factorial
from imp_experiments.measure.files import open_file
from imp_experiments.measure.frames import open_frame
from imp_experiments.measure.layout import Layout
from imp_experiments.measure.near import same_value
from imp_experiments.measure.table import Prepared, Tabulated
from imp_experiments.readout.arguments import alike_notes, asked_rule, known_metrics, plain_notes
from imp_experiments.readout.asked import named_once
from imp_experiments.readout.broken_down import EXPLORATORY
from imp_experiments.readout.by_factors import design_of, factor_table, named_cells
from imp_experiments.readout.by_table import ByTable
from imp_experiments.readout.clips import clip_notes
from imp_experiments.readout.compare import Tested
from imp_experiments.readout.corrected import CORRECTIONS, corrected
from imp_experiments.readout.factored import Factored
from imp_experiments.readout.factorize import FACTORIAL_NOTES
from imp_experiments.readout.judged import judged
from imp_experiments.readout.options import Options
from imp_experiments.readout.own import refuse_archive
from imp_experiments.readout.readout import Breakdown, Health, MetricUnits, Readout, Verdict
from imp_experiments.readout.tabled import Scanned, check_table, compare_table, scan
from imp_experiments.readout.weighed import PEEKING, weighed
from imp_experiments.stats.bayes import Prior
from imp_experiments.stats.srm import SampleRatio, sample_ratio

__all__ = ["analysis_of"]

_NOTES = (
    "consent was not checked: the file is the analyst's own",
    "nothing was registered: no verdict but health",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A table as it was read: `variants` are control first; `made` is the design of factors (None: there are none)."""

    scanned: Scanned
    layout: Layout
    made: Factorial | None
    variants: Sequence[str]


def analysis_of(source: Any, options: Options, clock: Clock) -> Readout:  # noqa: ANN401 (a path or a frame)
    """The readout of a table, as `analyze` documents it.

    Raises:
        BadInput: as `analyze` says.
    """
    layout = options.layout()
    read = _read(source, options, layout)
    ratio = _ratio(read.scanned.table, read.variants, options.weights or {})
    compared, methods = _compared(read, options)
    section = _factored(read, options)
    breakdowns = _breakdowns(source, read, options)
    checks = check_table(
        read.scanned, layout, variants=read.variants[1:], control=read.variants[0], alpha=options.alpha
    )
    table = read.scanned.table
    units = table.moments.count()
    invalid = Verdict(value="invalid", reason="the variants do not hold the expected shares (sample ratio)")
    return Readout(
        consent=None,
        comparisons=tuple(one.compared for one in compared),
        health=Health(srm=ratio, two_variants=table.pairs, checks=checks),
        excluded={"two_variants": sum(table.pairs.values())},
        as_of=format_time(clock.now_us()),
        alpha=options.alpha,
        metrics=tuple(
            MetricUnits(metric=metric.name, role="primary", matured=units, immature=0) for metric in layout.metrics
        ),
        verdict=invalid if ratio.verdict == "mismatch" else None,
        notes=(*_notes(read), *methods, *([EXPLORATORY] if breakdowns else [])),
        factorial=section,
        breakdowns=breakdowns,
    )


def _read(source: Any, options: Options, layout: Layout) -> _Read:  # noqa: ANN401 (a path or a frame)
    with _opened(source, layout) as prepared:
        scanned = scan(prepared, layout, control=options.control or "")
    made = None
    if options.factors:
        scanned = named_cells(scanned, layout)
        made = design_of(scanned, layout, options.control)
    control = options.control or scanned.table.moments.variants[0]
    variants = _variants(scanned.table, layout, control, options.weights or {})
    return _Read(scanned=scanned, layout=layout, made=made, variants=variants)


def _compared(read: _Read, options: Options) -> tuple[list[Tested], list[str]]:
    """The comparisons, allowed for looks, corrected and weighed as asked, and notes on how."""
    adjust, alpha, notes = options.adjust, options.alpha, []
    rule = asked_rule(
        read.scanned.table,
        read.layout,
        options.sequential,
        adjust=adjust,
        planned=options.planned,
        looked=options.looked,
        alpha=alpha,
    )
    tail = alpha / 2 if rule is None or rule.tail is None else rule.tail
    compared = _plainly(read, options, tail=tail)
    if rule is not None:
        hypotheses = len(compared) if adjust == "bonferroni" else 1
        compared = [judged(one, rule, hypotheses=hypotheses) for one in compared]
        notes.append(f"{rule.method}: it holds only if every look was taken so")
    if adjust is not None and (rule is None or adjust != "bonferroni"):
        compared = corrected(compared, adjust, alpha=alpha)
        notes.append(f"corrected for {some(len(compared), 'comparison')} by {adjust}: {CORRECTIONS[adjust]}")
    if options.prior is not None:
        down = known_metrics(options.down, read.layout)
        compared = weighed(compared, Prior(mean=0.0, sd=options.prior), alpha=alpha, down=down)
        notes.append(PEEKING)
    return compared, notes


def _plainly(read: _Read, options: Options, *, tail: float) -> list[Tested]:
    """Every variant against control. Of factors the effects answer: cells are compared where a control was named."""
    if options.control is None:
        return []
    return compare_table(
        read.scanned,
        read.layout,
        variants=read.variants[1:],
        control=options.control,
        scale=options.scale,
        tail=tail,
    )


def _factored(read: _Read, options: Options) -> Factored | None:
    less = known_metrics(options.down, read.layout)
    if read.made is None:
        return None
    return factor_table(
        read.scanned,
        read.layout,
        read.made,
        scale=options.scale,
        alpha=options.alpha,
        order=options.order,
        down=less,
    )


def _breakdowns(source: Any, read: _Read, options: Options) -> tuple[Breakdown, ...]:  # noqa: ANN401 (a path or a frame)
    by = ByTable(
        layout=read.layout,
        variants=read.variants,
        scale=options.scale,
        alpha=options.alpha,
        k=options.k,
        sequential=options.sequential,
        planned=options.planned,
    )
    return by.breakdowns(named_once(options.by, "by"), lambda asked: _opened(source, asked))


def _notes(read: _Read) -> list[str]:
    """What to know of the table, apart from how it was compared."""
    return [
        *_NOTES,
        *clip_notes(read.layout, read.scanned.table.bounds),
        *plain_notes(read.layout),
        *alike_notes(read.variants),
        *(FACTORIAL_NOTES if read.made is not None else ()),
    ]


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
