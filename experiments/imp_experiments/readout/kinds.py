"""What kind of thing each argument of `analyze` must be: text, a list of texts, a number."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Final

from imp_core.errors import BadInput

__all__ = ["check_kinds"]

_TEXTS: Final = ("variant", "control", "unit", "stratum", "cluster", "scale", "adjust", "sequential")
_LISTS: Final = (
    *("factors", "proportions", "means", "ratios", "quantiles", "ranks", "clips", "clips_at", "covariates", "down"),
    "by",
)
_NUMBERS: Final = ("alpha", "prior")
_WHOLE: Final = ("order", "planned", "k")


def check_kinds(given: Mapping[str, object]) -> None:
    """Hold the arguments of `analyze` (name → value) to their kinds; None is none given.

    Raises:
        BadInput: one is of another kind, such as the only name of a list without the list around it.
    """
    for name in _TEXTS:
        if given[name] is not None and not isinstance(given[name], str):
            raise BadInput(f"{name} is not text", where=name, mend=f"write it as text, like {_as_text(given[name])!r}")
    for name in _LISTS:
        _check_list(name, given[name])
    for name in (*_NUMBERS, *_WHOLE):
        _check_number(name, given[name], whole=name in _WHOLE)
    _check_many(given["looked"], given["weights"] or {})


def _check_many(looked: object, weights: object) -> None:
    if not isinstance(looked, list | tuple):
        raise BadInput("looked is not a list of shares", where="looked", mend="write it like [0.25, 0.5]")
    if not isinstance(weights, Mapping):
        raise BadInput("weights are not by variant", where="weight", mend="write them like {'a': 1, 'b': 2}")
    for one in looked:
        _check_number("looked", one)
    for one in weights.values():
        _check_number("weight", one)


def _check_list(name: str, value: object) -> None:
    if isinstance(value, str):
        raise BadInput(f"{name} is one text, not a list", where=name, mend=f"put it in a list: [{value!r}]")
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise BadInput(f"{name} is not a list of texts", where=name, mend="write it like ['revenue', 'orders']")


def _check_number(name: str, value: object, *, whole: bool = False) -> None:
    # True is a number to Python
    if value is not None and (isinstance(value, bool) or not isinstance(value, _kind(whole=whole))):
        wanted = "a whole number" if whole else "a number"
        raise BadInput(f"{name} is not {wanted}", where=name, mend=f"give {wanted}")


def _kind(*, whole: bool) -> type:
    return numbers.Integral if whole else numbers.Real


def _as_text(value: object) -> str:
    """As a column of the value's kind is read: truth values in small letters."""
    return str(value).lower() if isinstance(value, bool) else str(value)
