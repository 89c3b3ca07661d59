"""A readout's figures and sentences as words, shared by every rendering. What is unknown is said, never filled."""

from __future__ import annotations

from imp_experiments.readout.readout import Compared, Readout
from imp_experiments.stats.effect import Effect

__all__ = ["COLUMNS", "detail", "headline", "health", "p_of", "row_of"]

COLUMNS = ("metric", "variant", "units", "value", "control", "absolute", "relative", "p")
_SMALLEST_P = 0.0001


def headline(readout: Readout) -> list[str]:
    """The answer: verdict and reason, what it holds for."""
    name = "file" if readout.experiment is None else readout.experiment.name
    consent = "not checked" if readout.consent is None else f"checked (ledger entry {readout.consent.use})"
    if readout.verdict is None:
        answer = f"{name}: no verdict, nothing was registered"
    else:
        answer = f"{name}: {readout.verdict.value.upper()} - {readout.verdict.reason}"
    return [answer, f"as of {readout.as_of}; consent: {consent}"]


def row_of(compared: Compared) -> tuple[str, ...]:
    """One comparison in `COLUMNS`; the effect on the registered scale carries a star."""
    star = {"absolute": "", "relative": "", compared.scale: " *"}
    share = compared.kind == "proportion"
    return (
        compared.metric,
        compared.variant,
        _count(compared.n_variant),
        _value(compared.value_variant, share=share),
        _value(compared.value_control, share=share),
        _absolute(compared.absolute, share=share) + star["absolute"],
        _relative(compared.relative) + star["relative"],
        p_of(compared.p_value),
    )


def health(readout: Readout) -> list[str]:
    """Sample ratio and the units that are out."""
    ratio = readout.health.srm
    how = f"p {_equals(ratio.p_value)}" if ratio.p_value is not None else ratio.reason or ""
    counts = ", ".join(
        f"{name} {_number(n)} ({ratio.expected_share[name]:.2%} expected)" for name, n in ratio.observed.items()
    )
    out = ", ".join(f"{reason} {_count(n)}" for reason, n in readout.excluded.items() if n != 0)
    lines = [f"sample ratio: {ratio.verdict} ({how}): {counts}", f"excluded: {out or 'nobody'}"]
    pairs = ", ".join(f"{pair} {_number(n)}" for pair, n in readout.health.two_variants.items())
    return [*lines, f"in two variants: {pairs}"] if pairs else lines


def detail(readout: Readout) -> list[str]:
    """Maturity, conditions, tests of the verdict, notes, method."""
    lines = [
        f"{units.metric} ({units.role}): {_number(units.matured)} units matured, {_count(units.immature)} not yet"
        for units in (readout.metrics if readout.experiment is not None else ())
    ]
    for compared in readout.comparisons:
        lines += [
            f"{compared.metric}, {compared.variant}: {condition.text}"
            + ("" if condition.scale == "both" else f" ({condition.scale})")
            for condition in compared.conditions
        ]
    lines += [
        f"{compared.metric}, {compared.variant}: adjustment saved {compared.variance_saved:.1%} of the variance"
        for compared in readout.comparisons
        if compared.variance_saved is not None
    ]
    lines += [
        f"{compared.metric}, {compared.variant}: corrected p {_equals(compared.p_corrected)} ({compared.correction})"
        for compared in readout.comparisons
        if compared.p_corrected is not None
    ]
    lines += [_posterior(compared) for compared in readout.comparisons if compared.posterior is not None]
    if readout.verdict is not None:
        lines += [
            f"verdict on {test.metric}, {test.variant} ({test.role}): {test.outcome}, p {_equals(test.p_value)}"
            for test in readout.verdict.tests
        ]
    lines += readout.notes
    methods = sorted({compared.method for compared in readout.comparisons})
    simultaneous = any(compared.correction in ("bonferroni", "max_t") for compared in readout.comparisons)
    level = f"{100 * (1 - readout.alpha):.4g}%"
    together = " together" if simultaneous else ""
    return [*lines, *(f"{method}; intervals {level}{together}; * registered scale" for method in methods)]


def _posterior(compared: Compared) -> str:
    found = compared.posterior
    if found is None:
        return ""
    shipped, kept = (_loss(loss, compared.scale) for loss in (found.loss_of_shipping, found.loss_of_keeping))
    return (
        f"{compared.metric}, {compared.variant}: chance to beat {compared.control} {found.chance_to_beat:.1%}; "
        f"expected loss if shipped {shipped}, if not {kept}"
    )


def _loss(loss: float, scale: str) -> str:
    if scale == "absolute":
        return f"{loss:,.4g}"
    return "< 0.01%" if loss < 1e-4 else f"{loss:.2%}"  # noqa: PLR2004 (digits shown)


def _count(n: int | None) -> str:
    return "few" if n is None else f"{n:,}"


def _number(n: int | None) -> str:
    """A count that may be hidden without being small itself."""
    return "hidden" if n is None else f"{n:,}"


def _value(value: float | None, *, share: bool) -> str:
    if value is None:
        return "-"
    return f"{value:.2%}" if share else f"{value:,.4g}" if abs(value) < 1e6 else f"{value:,.0f}"  # noqa: PLR2004 (digits shown)


def _absolute(effect: Effect | None, *, share: bool) -> str:
    if effect is None:
        return "-"
    if share:
        return f"{100 * effect.estimate:+.2f} pp [{100 * effect.low:+.2f}, {100 * effect.high:+.2f}]"
    return f"{effect.estimate:+,.4g} [{effect.low:+,.4g}, {effect.high:+,.4g}]"


def _relative(effect: Effect | None) -> str:
    return "-" if effect is None else f"{effect.estimate:+.1%} [{effect.low:+.1%}, {effect.high:+.1%}]"


def _equals(p_value: float | None) -> str:
    text = p_of(p_value)
    return text if text.startswith("<") else f"= {text}"


def p_of(p_value: float | None) -> str:
    """A p with four digits, or that there is none."""
    if p_value is None:
        return "-"
    return f"< {_SMALLEST_P}" if p_value < _SMALLEST_P else f"{p_value:.4f}"
