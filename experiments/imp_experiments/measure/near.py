"""What a name that is not there may have meant: only names near to it are told, for others may be values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

__all__ = ["near_name", "same_value"]

# of the letters
_ALIKE: Final = 0.75


def near_name(name: str, present: Iterable[str]) -> str | None:
    """The name present that differs in capitals or spaces only, else by few letters; None: there is none."""
    folded = {_folded(one): one for one in present}
    found = difflib.get_close_matches(_folded(name), folded, n=1, cutoff=_ALIKE)
    return folded[found[0]] if found else None


def same_value(written: str, present: Iterable[str]) -> str | None:
    """The value present that differs in capitals or spaces only, or is the same number; None: there is none."""
    return next((one for one in sorted(present) if _alike(written, one)), None)


def _alike(one: str, two: str) -> bool:
    if _folded(one) == _folded(two):
        return True
    try:
        return float(one) == float(two)
    except ValueError:
        return False


def _folded(name: str) -> str:
    return name.strip().casefold()
