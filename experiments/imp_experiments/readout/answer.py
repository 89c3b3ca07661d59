"""The first line of a file's readout: what its first metric shows, in a sentence, also where it cannot be told."""

from __future__ import annotations

from imp_core.counting import some
from imp_experiments.readout.factored import Factored, FactoredMetric
from imp_experiments.readout.figures import absolute, equals, relative
from imp_experiments.readout.readout import Compared, Readout
from imp_experiments.stats.effect import Condition, Effect

__all__ = ["answer_of_file"]

_NOTHING = "no verdict, nothing was registered"


def answer_of_file(readout: Readout) -> str:
    """The first comparison, or of factors the first effect: whether its interval tells a difference, and which way.

    A corrected p must be below alpha too, for by some corrections the intervals are as they were.
    """
    if readout.factorial is not None and readout.factorial.metrics:
        return _of_factors(readout.factorial, readout.alpha)
    if not readout.comparisons:
        return _NOTHING
    return _of_variant(readout.comparisons[0], len(readout.comparisons), readout.alpha)


def _of_variant(one: Compared, comparisons: int, alpha: float) -> str:
    scale, effect = _shown(one.scale, one.absolute, one.relative)
    if effect is None:
        return f"{one.metric} of {one.variant} and {one.control} is not compared: {_reason(one.conditions)}"
    corrected = one.p_corrected if scale == one.scale else None
    p = f"p {equals(effect.p_value)}" if corrected is None else f"corrected p {equals(corrected)}"
    # where the registered scale has no figure, nothing was corrected: what is shown in its place tells nothing
    uncorrected = corrected is None and one.correction is not None
    p += ", not corrected" if uncorrected else ""
    if _tells(effect) and not uncorrected and (corrected is None or corrected < alpha):
        told = f"{one.metric} is {_way(effect)} in {one.variant} than in {one.control}"
    else:
        told = f"it cannot be told whether {one.metric} differs between {one.variant} and {one.control}"
    figures = _figures(effect, scale, kind=one.kind, alpha=alpha)
    return f"{told}: {figures}, {p}{_first(comparisons, 'comparison')}"


def _of_factors(section: Factored, alpha: float) -> str:
    metric: FactoredMetric = section.metrics[0]
    if metric.result is None or not metric.result.effects:
        conditions = () if metric.barred is None else (Condition(metric.barred, "both"),)
        return f"the effects of factors on {metric.metric} are not told: {_reason(conditions)}"
    one = metric.result.effects[0]
    scale, effect = _shown(metric.scale, one.absolute, one.relative)
    if effect is None:
        return f"the effect of {one.label} on {metric.metric} is not told: {_reason(one.conditions)}"
    if _tells(effect):
        told = f"{metric.metric} is {_way(effect)} with {one.label}"
    else:
        told = f"it cannot be told whether {metric.metric} differs with {one.label}"
    figures = _figures(effect, scale, kind=metric.kind, alpha=alpha)
    effects = sum(len(each.result.effects) for each in section.metrics if each.result is not None)
    return f"{told}: {figures}, p {equals(effect.p_value)}{_first(effects, 'effect')}"


def _shown(scale: str, plain: Effect | None, ratio: Effect | None) -> tuple[str, Effect | None]:
    """The scale asked for, or the absolute one where that has no figures."""
    return ("relative", ratio) if scale == "relative" and ratio is not None else ("absolute", plain)


def _tells(effect: Effect) -> bool:
    return effect.low > 0 or effect.high < 0


def _way(effect: Effect) -> str:
    return "higher" if effect.low > 0 else "lower"


def _figures(effect: Effect, scale: str, *, kind: str, alpha: float) -> str:
    text = relative(effect) if scale == "relative" else absolute(effect, share=kind == "proportion")
    return text.replace(" [", f", {100 * (1 - alpha):.4g}% interval [")


def _first(many: int, of: str) -> str:
    return "" if many == 1 else f" (the first of {some(many, of)})"


def _reason(conditions: tuple[Condition, ...]) -> str:
    found = [condition.text for condition in conditions if condition.bars]
    return found[0] if found else "no figure can be told"
