"""Consent health: are refusal and withdrawal as frequent in every variant?

Only consenting units are analysed. If a variant makes more people refuse or withdraw, those who are left differ from
those left in control, and the variants are no longer alike but for the treatment: randomisation held for those
assigned, not for those analysed. Then the effect is only known within bounds (`lee`, `manski`). Equal rates do not
prove that equal people left; unequal ones prove that they did not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.stats.health.arguments import checked_counts, checked_level
from imp_experiments.stats.health.rates import Homogeneity, Rate, homogeneity, rates_of

__all__ = ["ALPHA", "ConsentHealth", "ConsentRate", "consent_health"]

# A finding asks for bounds beside the estimate and takes nothing from the verdict, so it is not as strict as the
# sample ratio (.001); it is read at every readout, so it is stricter than .05. Bonferroni over the two rates.
ALPHA: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRate:
    """One rate over the variants: verdict ok, differs (adjusted p < 0.01) or not tested, and `test.reason` says why.

    `p_adjusted` is the test's p times the number of rates tested (at most 1; None where not tested). `rates` are by
    variant, each over `n` units; `by_reason` has the counts by reason and variant (None: fewer than may be shown).
    """

    verdict: str
    p_adjusted: float | None
    test: Homogeneity
    rates: Mapping[str, Rate]
    by_reason: Mapping[str, Mapping[str, int | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentHealth:
    """verdict: ok, differs (p < 0.01) or not tested, and `reason` says why; p is the smaller adjusted one.

    `denied`: of all who met the experiment, those whom consent kept out. `out`: of those let in, those left out since.
    """

    verdict: str
    p_value: float | None
    denied: ConsentRate
    out: ConsentRate
    reason: str | None = None


def consent_health(
    enrolled: Mapping[str, int],
    denied: Mapping[str, Mapping[str, int]],
    out: Mapping[str, Mapping[str, int]],
    *,
    alpha: float = 0.05,
) -> ConsentHealth:
    """Compare both rates over the variants; the rates' intervals hold 1 - `alpha` each.

    `enrolled`: units let in by variant, whatever became of them; `denied` and `out`: by variant and reason, `out`
    among the enrolled. Leave out reasons that count somebody more than once (no record, over several files) or that
    are not about consent (two variants). A variant without units leaves a test.

    Raises:
        BadInput: a count is none, a variant has no count of enrolled, more are out than were enrolled, or alpha is no
            level.
    """
    checked_level(alpha)
    let_in = checked_counts(enrolled, "enrolled")
    kept_out, left = _by_variant(denied, let_in, "denied"), _by_variant(out, let_in, "out")
    totals = {name: sum(reasons.values()) for name, reasons in kept_out.items()}
    gone = {name: sum(reasons.values()) for name, reasons in left.items()}
    for name, n in let_in.items():
        if gone[name] > n:
            raise BadInput("more units are out than were enrolled", where=name, mend="count them anew")
    met = {name: n + totals[name] for name, n in let_in.items()}
    rates = _rate(totals, met, kept_out, alpha), _rate(gone, let_in, left, alpha)
    made = sum(rate.test.p_value is not None for rate in rates)
    first, second = (_judged(rate, made) for rate in rates)
    adjusted = [rate.p_adjusted for rate in (first, second) if rate.p_adjusted is not None]
    if not adjusted:
        return ConsentHealth(
            verdict="not tested", p_value=None, denied=first, out=second, reason=_why(first.test, second.test)
        )
    return ConsentHealth(verdict=_verdict(min(adjusted)), p_value=min(adjusted), denied=first, out=second)


def _by_variant(
    counts: Mapping[str, Mapping[str, int]], variants: Mapping[str, int], where: str
) -> dict[str, dict[str, int]]:
    unknown = [name for name in counts if name not in variants]
    if unknown:
        raise BadInput(
            "a variant has no count of enrolled units", where=f"{where}, {unknown[0]}", mend="give 0 or more"
        )
    return {name: checked_counts(counts.get(name, {}), f"{where}, {name}") for name in variants}


def _rate(
    counts: Mapping[str, int], n: Mapping[str, int], by_variant: Mapping[str, Mapping[str, int]], alpha: float
) -> ConsentRate:
    reasons = sorted({reason for row in by_variant.values() for reason in row})
    return ConsentRate(
        verdict="not tested",
        p_adjusted=None,
        test=homogeneity([(counts[name], n[name]) for name in n]),
        rates=rates_of(counts, n, alpha=alpha),
        by_reason={reason: {name: row.get(reason, 0) for name, row in by_variant.items()} for reason in reasons},
    )


def _judged(rate: ConsentRate, made: int) -> ConsentRate:
    if rate.test.p_value is None:
        return rate
    adjusted = min(1.0, made * rate.test.p_value)
    return replace(rate, p_adjusted=adjusted, verdict=_verdict(adjusted))


def _verdict(p_adjusted: float) -> str:
    return "differs" if p_adjusted < ALPHA else "ok"


def _why(denied: Homogeneity, out: Homogeneity) -> str:
    return str(denied.reason) if denied.reason == out.reason else f"denied: {denied.reason}; out: {out.reason}"
