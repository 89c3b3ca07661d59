"""A purpose, channel or trait that there is none of: refused with the one that may have been meant.

What was written is never repeated; it may be an identifier in the wrong place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from imp_core.errors import BadInput
from imp_core.near import did_you_mean, nearest

__all__ = ["unknown_channel", "unknown_purpose", "unknown_traits"]


def unknown_purpose(name: str, known: Iterable[str], *, where: str) -> BadInput:
    """There is no such purpose."""
    return BadInput("unknown purpose", where=where, mend=did_you_mean(name, known, "see: imp consent purpose list"))


def unknown_channel(name: str, known: Iterable[str], *, where: str) -> BadInput:
    """There is no such channel; a house names its own in imp.toml."""
    names = sorted(known)
    others = f'one of {", ".join(names)}; others go into imp.toml: [policy] channels = ["…"]'
    return BadInput("unknown channel", where=where, mend=did_you_mean(name, names, others))


def unknown_traits(said: Iterable[str], known: Collection[str], *, where: str) -> BadInput:
    """Some of these are no traits: how many, which by their places, and what each may have been meant to be."""
    places = [(place, name) for place, name in enumerate(dict.fromkeys(said), start=1) if name not in known]
    named = [f"number {place} of its traits{_meant(name, known)}" for place, name in places]
    what = f"{len(places)} unknown trait{'s' if len(places) > 1 else ''}"
    return BadInput(what, where=where, mend=f"{'; '.join(named)}; known are: {', '.join(sorted(known))}")


def _meant(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return "" if near is None else f": did you mean {near}?"
