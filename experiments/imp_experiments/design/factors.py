"""What a factorial experiment varies, as it is registered: the factors with their levels, and which cells are run."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Design", "Factor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """What is varied, and its levels, two or more; the first is the base with which the others are compared."""

    name: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Which cells are run: all of them ("full"), or the 2^(k-p) that the generators leave ("fraction").

    Generators are written in letters (A is the first factor, I is not a letter) or in names: "D=ABC", "D=-ABC",
    "day=subject*image".
    """

    kind: str = "full"
    generators: tuple[str, ...] = ()
