"""The verdict: what was registered, applied to what was measured. Pure; p, interval and verdict cannot disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.readout.compare import Tested
from imp_experiments.readout.looks import way_of
from imp_experiments.readout.readout import Compared, Test, Verdict
from imp_experiments.stats.noninferior import non_inferior
from imp_experiments.stats.srm import SampleRatio

__all__ = ["decide", "treatments"]

_NO_ESTIMATE = "no estimate"


def treatments(experiment: Experiment) -> list[str]:
    """The variants that are compared: all with a weight but control."""
    return [variant.name for variant in experiment.variants if variant.weight and variant.name != experiment.control]


def decide(
    experiment: Experiment,
    comparisons: Sequence[Tested],
    ratio: SampleRatio,
    *,
    final: bool,
    horizon: str,
    done: bool = False,
) -> Verdict:
    """Ship, do not ship, keep running or invalid, with the reason.

    A sample-ratio mismatch makes everything invalid. Before the end (not `final`) the answer is to keep running,
    unless looks were registered and one has decided. Where the primaries have no alpha left before (`done`) it is no,
    unless they would have it shipped: then guardrails, which are judged at the end, decide. Primaries (variants ×
    metrics) are judged by their shown intervals, simultaneous and corrected for looks; guardrails at alpha,
    uncorrected.
    """
    if ratio.verdict == "mismatch":
        return Verdict(value="invalid", reason="the variants do not hold the shares they were promised (sample ratio)")
    looks = way_of(experiment.plan) != "once"
    if not final and not looks:
        return Verdict(value="keep running", reason=f"the horizon ends {horizon}")
    tests = _tests(experiment, comparisons, final=final)
    hypotheses = sum(test.role == "primary" for test in tests)
    primaries = [test for test in tests if test.role == "primary"]
    if all(test.outcome == _NO_ESTIMATE for test in primaries):
        reason = "no primary metric has an estimate yet: see the conditions of the comparisons"
        return Verdict(value="keep running", reason=reason, hypotheses=hypotheses, tests=tests)
    shipped = tuple(
        name for name in treatments(experiment) if _wins(experiment, [t for t in tests if t.variant == name])
    )
    if not final and not shipped and not _hopeless(experiment, tests) and (not done or _open(experiment, tests)):
        waits = done or _open(experiment, tests)
        what = "guardrails are judged at the horizon, which" if waits else "no look has decided it yet, and the horizon"
        reason = f"{what} ends {horizon}"
        return Verdict(value="keep running", reason=reason, hypotheses=hypotheses, tests=tests)
    return Verdict(
        value="ship" if shipped else "do not ship",
        reason=_reason(tests, shipped),
        variants=shipped,
        hypotheses=hypotheses,
        tests=tests,
    )


def _open(experiment: Experiment, tests: Sequence[Test]) -> bool:
    """Whether a treatment waits for nothing but its guardrails."""
    primaries = [test for test in tests if test.role == "primary"]
    return any(_wins(experiment, [t for t in primaries if t.variant == name]) for name in treatments(experiment))


def _hopeless(experiment: Experiment, tests: Sequence[Test]) -> bool:
    """Whether every treatment is shown to be worse on a primary metric."""
    worse = {test.variant for test in tests if test.role == "primary" and test.outcome == "worse"}
    return worse == set(treatments(experiment))


def _tests(experiment: Experiment, comparisons: Sequence[Tested], *, final: bool) -> tuple[Test, ...]:
    names = treatments(experiment)
    metrics = {metric.name: metric for metric in experiment.metrics}
    out = []
    for tested in comparisons:
        metric = metrics[tested.compared.metric]
        if tested.compared.variant not in names or metric.role == "secondary":
            continue
        if metric.role == "primary":
            out.append(_primary(metric, tested.compared))
        else:
            out.append(_guardrail(metric, tested, experiment, final=final))
    return tuple(out)


def _primary(metric: Metric, compared: Compared) -> Test:
    """By the interval as it is shown: simultaneous over the hypotheses, and at this look's own tail."""
    effect = compared.registered
    if effect is None:
        return _test(metric, compared, None, None, _NO_ESTIMATE)
    low, high = effect.low, effect.high
    outcome = "not shown"
    if low > 0 or high < 0:
        outcome = "better" if (low > 0) == (metric.direction == "up") else "worse"
    p_value = effect.p_value if compared.p_corrected is None else compared.p_corrected
    return _test(metric, compared, (low, high), p_value, outcome)


def _guardrail(metric: Metric, tested: Tested, experiment: Experiment, *, final: bool) -> Test:
    """Non-inferior: the one-sided bound stays within the margin. No harm: not shown to be worse, two-sided.

    Before the end by the interval that holds at all times, of which a bound outside the margin breaks nothing yet.
    """
    margin = metric.margin if experiment.decision.guardrails == "noninferior" else None
    if final and margin is not None:
        return _noninferior(metric, tested, margin, alpha=experiment.plan.alpha)
    effect = tested.compared.registered
    if final and tested.contrast is not None:
        effect = tested.contrast.effect(metric.scale, tail=experiment.plan.alpha / 2)
    if effect is None:
        return _test(metric, tested.compared, None, None, _NO_ESTIMATE)
    low, high = effect.low, effect.high
    if margin is not None:
        held = low > -margin if metric.direction == "up" else high < margin
    else:
        held = high >= 0 if metric.direction == "up" else low <= 0
    outcome = "held" if held else "broken" if final else "not shown"
    return _test(metric, tested.compared, (low, high), effect.p_value, outcome)


def _noninferior(metric: Metric, tested: Tested, margin: float, *, alpha: float) -> Test:
    """At the end; p is one-sided, of being worse by the margin or more."""
    found = None
    if tested.contrast is not None:
        found = non_inferior(
            tested.contrast, margin=margin, scale=metric.scale, direction=metric.direction, alpha=alpha
        )
    if found is None:
        return _test(metric, tested.compared, None, None, _NO_ESTIMATE)
    outcome = "held" if found.held else "broken"
    judged = _test(metric, tested.compared, (found.low, found.high), found.p_value, outcome)
    return replace(judged, margin=found.null)


def _test(
    metric: Metric, compared: Compared, interval: tuple[float, float] | None, p_value: float | None, outcome: str
) -> Test:
    low, high = interval if interval is not None else (None, None)
    return Test(
        metric=metric.name,
        role=metric.role,
        variant=compared.variant,
        scale=metric.scale,
        low=low,
        high=high,
        p_value=p_value,
        outcome=outcome,
    )


def _wins(experiment: Experiment, tests: Sequence[Test]) -> bool:
    primaries = [test.outcome for test in tests if test.role == "primary"]
    if "worse" in primaries or any(test.role == "guardrail" and test.outcome != "held" for test in tests):
        return False
    enough = all if experiment.decision.primary == "all" else any
    return enough(outcome == "better" for outcome in primaries)


def _reason(tests: Sequence[Test], shipped: Sequence[str]) -> str:
    if shipped:
        told = [test for test in tests if test.variant in shipped and test.outcome == "better"]
    else:
        told = [test for test in tests if test.outcome in ("worse", "broken", "better")]
    if not told:
        return "no primary metric is shown to be better"
    return "; ".join(_sentence(test) for test in told)


def _sentence(test: Test) -> str:
    low, high = test.low or 0.0, test.high or 0.0
    span = f"{low:+.2%} to {high:+.2%}" if test.scale == "relative" else f"{low:+.4g} to {high:+.4g}"
    return f"{test.metric} of {test.variant}: {test.outcome} ({span})"
