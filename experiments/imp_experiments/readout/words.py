"""A readout's figures and sentences as words, shared by every rendering. What is unknown is said, never filled."""

from __future__ import annotations

from typing import Final

from imp_experiments.readout.answer import answer_of_file
from imp_experiments.readout.checked import checks_in_words, warned_of
from imp_experiments.readout.factored_words import factored_lines
from imp_experiments.readout.figures import absolute, chance, count, equals, number, p_value, relative, value
from imp_experiments.readout.readout import Compared, Readout, Test

__all__ = ["COLUMNS", "comparison_table", "detail", "headline", "health", "row_of"]

COLUMNS: Final = ("metric", "variant", "units", "value", "control", "absolute", "relative", "p")


def headline(readout: Readout) -> list[str]:
    """The answer: verdict and reason, what it holds for, and what takes from it."""
    name = "file" if readout.experiment is None else readout.experiment.name
    consent = "not checked" if readout.consent is None else f"checked (ledger entry {readout.consent.use})"
    if readout.verdict is None:
        answer = f"{name}: {answer_of_file(readout)}"
    else:
        answer = f"{name}: {readout.verdict.value.upper()} - {readout.verdict.reason}"
    return [answer, f"as of {readout.as_of}; consent: {consent}", *warned_of(readout.health)]


def comparison_table(readout: Readout) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Columns, and a row a comparison; p as corrected stands beside p where there is any."""
    rows = [row_of(compared) for compared in readout.comparisons]
    if all(compared.p_corrected is None for compared in readout.comparisons):
        return COLUMNS, rows
    corrected = [p_value(compared.p_corrected) for compared in readout.comparisons]
    return (*COLUMNS, "corrected"), [(*row, p) for row, p in zip(rows, corrected, strict=True)]


def row_of(compared: Compared) -> tuple[str, ...]:
    """One comparison in `COLUMNS`; the effect on the registered scale carries a star."""
    star = {"absolute": "", "relative": "", compared.scale: " *"}
    share = compared.kind == "proportion"
    return (
        compared.metric,
        compared.variant,
        count(compared.n_variant),
        value(compared.value_variant, share=share),
        value(compared.value_control, share=share),
        absolute(compared.absolute, share=share) + star["absolute"],
        relative(compared.relative) + star["relative"],
        p_value(compared.p_value),
    )


def health(readout: Readout) -> list[str]:
    """Sample ratio, the units that are out, and what the checks warn of."""
    ratio = readout.health.srm
    how = f"p {equals(ratio.p_value)}" if ratio.p_value is not None else ratio.reason or ""
    counts = ", ".join(
        f"{name} {number(n)} ({ratio.expected_share[name]:.2%} expected)" for name, n in ratio.observed.items()
    )
    out = ", ".join(f"{reason} {count(n)}" for reason, n in readout.excluded.items() if n != 0)
    lines = [f"sample ratio: {ratio.verdict} ({how}): {counts}", f"excluded: {out or 'nobody'}"]
    pairs = ", ".join(f"{pair} {number(n)}" for pair, n in readout.health.two_variants.items())
    return [*lines, *([f"in two variants: {pairs}"] if pairs else []), *checks_in_words(readout.health)]


def detail(readout: Readout) -> list[str]:
    """Maturity, conditions, tests of the verdict, notes, method."""
    lines = [
        f"{units.metric} ({units.role}): {number(units.matured)} units matured, {count(units.immature)} not yet"
        for units in (readout.metrics if readout.experiment is not None else ())
    ]
    for compared in readout.comparisons:
        lines += [
            f"{compared.metric}, {compared.variant}: {condition.text}"
            + ("" if condition.scale == "both" else f" ({condition.scale})")
            for condition in compared.conditions
        ]
    lines += [
        f"{compared.metric}, {compared.variant}: adjustment saved {compared.variance_saved:z.1%} of the variance"
        for compared in readout.comparisons
        if compared.variance_saved is not None
    ]
    lines += _corrections(readout)
    lines += [_posterior(compared) for compared in readout.comparisons if compared.posterior is not None]
    if readout.verdict is not None:
        lines += [
            f"verdict on {test.metric}, {test.variant} ({test.role}): {test.outcome}, {_judged(test)}"
            for test in readout.verdict.tests
        ]
    lines += factored_lines(readout.factorial) if readout.factorial is not None else []
    lines += readout.notes
    methods = sorted({compared.method for compared in readout.comparisons})
    simultaneous = any(compared.correction in ("bonferroni", "max_t") for compared in readout.comparisons)
    level = f"{100 * (1 - readout.alpha):.4g}%"
    looked = any(compared.look is not None and compared.tail != readout.alpha / 2 for compared in readout.comparisons)
    together = (" together" if simultaneous else "") + (" over all looks" if looked else "")
    whose = {method: _metrics(readout, method) if len(methods) > 1 else "" for method in methods}
    return [
        *lines,
        *(f"{whose[method]}{method}; intervals {level}{together}; * registered scale" for method in methods),
    ]


def _judged(test: Test) -> str:
    """By what a test was judged: two-sided p, or the one-sided bound that a margin is held against."""
    if test.margin is None or test.low is None or test.high is None:
        return f"p {equals(test.p_value)}"
    bound = test.low if test.margin < 0 else test.high
    shown, margin = (f"{end:+.2%}" if test.scale == "relative" else f"{end:+.4g}" for end in (bound, test.margin))
    return f"one-sided bound {shown} against the margin {margin}, one-sided p {equals(test.p_value)}"


def _metrics(readout: Readout, method: str) -> str:
    mine = dict.fromkeys(compared.metric for compared in readout.comparisons if compared.method == method)
    return f"{', '.join(mine)}: "


def _corrections(readout: Readout) -> list[str]:
    """By which method the p of which metrics were corrected."""
    by: dict[str, dict[str, None]] = {}
    for compared in readout.comparisons:
        if compared.p_corrected is not None and compared.correction is not None:
            by.setdefault(compared.correction, {})[compared.metric] = None
    return [f"p corrected by {method}: {', '.join(metrics)}" for method, metrics in by.items()]


def _posterior(compared: Compared) -> str:
    found = compared.posterior
    if found is None:
        return ""
    shipped, kept = (_loss(loss, compared.scale) for loss in (found.loss_of_shipping, found.loss_of_keeping))
    share = compared.kind == "proportion"
    effect = absolute(found, share=share) if compared.scale == "absolute" else relative(found)
    return (
        f"{compared.metric}, {compared.variant}: with the prior {effect}; chance to beat {compared.control} "
        f"{chance(found.chance_to_beat)}; expected loss if shipped {shipped}, if not {kept}"
    )


def _loss(loss: float, scale: str) -> str:
    if scale == "absolute":
        return f"{loss:,.4g}"
    return "< 0.01%" if loss < 1e-4 else f"{loss:.2%}"  # noqa: PLR2004 (digits shown)
