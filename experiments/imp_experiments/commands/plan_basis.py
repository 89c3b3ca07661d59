"""What a plan rests on: a metric's kind and its baseline, from the figures that the command line gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from imp_core.errors import BadInput
from imp_experiments.stats.power.baseline import Baseline, of_mean, of_proportion
from imp_experiments.stats.power.quantile import of_quantile
from imp_experiments.stats.power.ratio import of_ratio

__all__ = ["Basis", "basis_of", "given_basis", "mean_basis", "number_of", "numbers_of", "refuse_baseline"]

# kind → how its baseline is written
FORMS: Final = {
    "proportion": "a proportion like 0.05",
    "mean": "mean:sd like 12.5:40, or mean:sd:skewness",
    "ratio": "mean,sd,mean,sd,correlation like 12,40,3,5,0.6, or ratio:sd",
    "quantile": "value:density, the share of units per unit of the metric around it, like 120:0.004",
}
_PARTS: Final = {"proportion": (1,), "mean": (2, 3), "ratio": (2,), "quantile": (2,)}
_RATIO_FIGURES: Final = 5
_QUANTILE_FIGURES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """A metric's `kind` and `baseline`, and the multiple `correlation` with its covariates (0: none, or not known)."""

    kind: str
    baseline: Baseline
    correlation: float = 0.0


def basis_of(kind: str, text: str, *, q: float | None = None) -> Basis:
    """The baseline of a metric of this kind, of a quantile the `q`-th, as the text has it.

    Raises:
        BadInput: the text is not of that form, or its figures cannot be.
    """
    if kind == "ratio" and "," in text:
        return Basis(kind=kind, baseline=_ratio(text, "baseline"))
    numbers = [number_of(part) for part in text.split(":")]
    figures = [number for number in numbers if number is not None]
    if len(figures) != len(numbers) or len(figures) not in _PARTS[kind]:
        refuse_baseline(text, f"write {FORMS[kind]}")
    if kind == "proportion":
        return Basis(kind=kind, baseline=of_proportion(figures[0], skewed=True))
    if q is not None:
        return Basis(kind=kind, baseline=_quantile(q, figures[0], figures[1]))
    return mean_basis(kind, *figures)


def mean_basis(kind: str, mean: float, sd: float, skewness: float | None = None) -> Basis:
    """Of a mean, or of a ratio's linear form; where it is not above 0 there is no cv to keep: the spread stays."""
    return Basis(kind=kind, baseline=of_mean(mean, sd, follows="cv" if mean > 0 else "same", skewness=skewness))


def given_basis(asked: Mapping[str, Any]) -> Basis:
    """The one baseline among a command's options: --baseline, --mean with --sd, --ratio or --quantile.

    Raises:
        BadInput: there is none or more than one, or it cannot be.
    """
    given = [option for option in ("baseline", "mean", "ratio", "quantile") if asked[option] not in (None, ())]
    if len(given) != 1 or len(asked["baseline"]) > 1:
        mend = "give one: --baseline 0.05, --mean 12.5 --sd 40, --ratio, --quantile, or --data"
        raise BadInput("there must be one baseline", where="baseline", mend=mend)
    if (asked["mean"] is None) != (asked["sd"] is None):
        raise BadInput("a mean needs a standard deviation, and the other way round", where="sd", mend="give both")
    if asked["ratio"] is not None:
        return Basis(kind="ratio", baseline=_ratio(asked["ratio"], "ratio"))
    if asked["quantile"] is not None:
        figures = [number_of(part) for part in asked["quantile"].split(":")]
        if len(figures) != _QUANTILE_FIGURES or None in figures:
            mend = "write Q:VALUE:DENSITY like 0.9:120:0.004, or give --data"
            raise BadInput("not a quantile", where="quantile", mend=mend)
        return Basis(kind="quantile", baseline=_quantile(*(number or 0.0 for number in figures)))
    if asked["mean"] is not None:
        return mean_basis("mean", asked["mean"], asked["sd"])
    text = asked["baseline"][0]
    if "=" in text:
        refuse_baseline(text, "without an experiment it has no name: write --baseline 0.05")
    return basis_of("mean" if ":" in text else "proportion", text)


def numbers_of(text: str, option: str) -> list[float]:
    """Numbers with commas between.

    Raises:
        BadInput: one is no number.
    """
    numbers = [number_of(part) for part in text.split(",")]
    if any(number is None for number in numbers):
        raise BadInput("not numbers", where=option, mend="write them with commas between and no spaces")
    return [number for number in numbers if number is not None]


def number_of(text: str) -> float | None:
    """A number, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def refuse_baseline(text: str, mend: str) -> NoReturn:
    """Refuse what is no baseline."""
    raise BadInput(f"{text!r} is not a baseline", where="baseline", mend=mend)


def _ratio(text: str, option: str) -> Baseline:
    figures = numbers_of(text, option)
    if len(figures) != _RATIO_FIGURES:
        raise BadInput("not a ratio", where=option, mend="give mean,sd,mean,sd,correlation, like 12,40,3,5,0.6")
    return of_ratio((figures[0], figures[1]), (figures[2], figures[3]), correlation=figures[4])


def _quantile(q: float, value: float, density: float) -> Baseline:
    return of_quantile(value, q=q, density=density, follows="cv" if value > 0 else "same")
