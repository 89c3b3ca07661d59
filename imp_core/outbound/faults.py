"""What a channel raised, as one of core's own errors, made anew: a stranger's class and words stay behind."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

from imp_core.channel import AuthInvalid, NotGranted, PayloadInvalid, Permanent, RateLimited, Retryable
from imp_core.errors import BadInput, ImpError, PluginBroken
from imp_core.wall.hush import said, said_whole
from imp_core.wall.place import place_of
from imp_core.wall.words import plain_text, shown_text, type_name

__all__ = ["translated"]

_MOST_WORDS = 1_000
_WITHOUT_AFTER: Final = (Permanent, PayloadInvalid, AuthInvalid)


def translated(error: BaseException, *, where: str, sources: Collection[str] = (), package: str = "") -> ImpError:
    """The error core goes on with.

    A channel error keeps its code, `BadInput` its words without the call's secrets or what looks like an address
    (`sources`: file names that may stand in them); of anything else only the type's name is kept,
    and where in the plugin's `package` it was raised.
    """
    try:
        known = _known(error, where, sources)
    except BaseException:  # noqa: BLE001 (reading a stranger's exception runs a stranger's code)
        known = None
    if known is not None:
        return known
    place = place_of(error, package)
    what = f"{type_name(error)} at {place}" if place else type_name(error)
    return PluginBroken(
        f"the plugin raised {what}", where=where, mend=f"look at {place}" if place else "see: imp doctor"
    )


def _known(error: BaseException, where: str, sources: Collection[str]) -> ImpError | None:
    kind = type(error)  # not `isinstance`, which asks the error itself
    if issubclass(kind, Retryable):
        retryable = RateLimited if issubclass(kind, RateLimited) else Retryable
        return retryable(_code(error.code), after=_seconds(error.after))  # type: ignore[attr-defined]  # of its kind
    for final in _WITHOUT_AFTER:
        if issubclass(kind, final):
            return final(_code(error.code), mend=_words(error.mend, sources))  # type: ignore[attr-defined]  # of its kind
    if issubclass(kind, NotGranted):
        return NotGranted("no address was given", where=where)
    if issubclass(kind, BadInput):
        what = _words(error.what, sources)  # type: ignore[attr-defined]  # of its kind
        place = _words(error.where, sources)  # type: ignore[attr-defined]  # of its kind
        return BadInput(what or "bad input", where=place or where, mend=_words(error.mend, sources))  # type: ignore[attr-defined]  # of its kind
    return None


def _code(code: object) -> str:
    plain = plain_text(code)
    return plain if said(plain) == plain else "masked"  # a secret is letters and digits, too


def _seconds(after: object) -> float | None:
    if type(after) not in (int, float):
        return None
    seconds = float(after)  # type: ignore[arg-type]  # looked at above
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _words(text: object, sources: Collection[str]) -> str | None:
    if text is None:
        return None
    plain = plain_text(text)
    for source in sources:
        before, found, after = plain.partition(source)
        if found:
            return shown_text(said_whole(before) + found + said_whole(after), most=_MOST_WORDS)
    return said(plain, most=_MOST_WORDS)
