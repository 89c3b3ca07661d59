"""Rows of `consent_state` as the gate's forms read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL
from imp_consent.policy.cuts import Cut, cut_segments
from imp_consent.policy.decide import Reason
from imp_consent.policy.project import TABLE, parse_row
from imp_consent.policy.scope import lineage
from imp_consent.policy.state import Scope, Segment
from imp_core.errors import LedgerBroken

__all__ = ["INHERITED", "OTHERS", "integer", "order_of", "state_of", "timeline_of"]

# Why a purpose that nobody named is denied: what was said against a purpose above it. A yes above covers only what its
# notice lists, and then names it.
INHERITED: Final = frozenset(
    {
        Reason.LOST, Reason.REFUSED, Reason.CHANNEL_OPT_OUT, Reason.SIGNAL, Reason.LIMITED, Reason.WITHDRAWN,
        Reason.OBJECTED, Reason.UNDER_AGE, Reason.RESTRICTED, Reason.ERASED,
    }
)  # fmt: skip
# What subjects permit for other purposes than one; parameters: subjects (a JSON list), purpose, size, size.
OTHERS: Final = (
    "subject IN (SELECT value FROM json_each(?)) AND purpose <> ? AND permit AND from_seq <= ? AND to_seq > ?"
)


@lru_cache(maxsize=64)
def state_of(purposes: int, *, many: bool) -> str:
    """SQL for the rows that decide a use at one knowledge.

    Parameters: subject (with `many` a JSON list), the purpose's lineage, which is so long, channel, size, size.
    """
    subject = "IN (SELECT value FROM json_each(?))" if many else "= ?"
    places = ", ".join("?" * purposes)
    return f"subject {subject} AND purpose IN ({places}) AND channel IN (?, '') AND from_seq <= ? AND to_seq > ?"


@lru_cache(maxsize=4096)
def order_of(purpose: str, channel: str) -> dict[Scope, int]:
    """The scopes that may answer about a use, each standing back behind those before it."""
    channels = [channel] if channel == EVERY_CHANNEL else [channel, EVERY_CHANNEL]
    ordered = [Scope(word, name) for word in lineage(purpose) for name in channels]
    return {scope: place for place, scope in enumerate(ordered)}


def timeline_of(
    rows: Iterable[tuple[object, ...]], purpose: str, channel: str, cuts: Sequence[Cut] = ()
) -> list[Segment]:
    """Of one subject's rows at one knowledge, those that decide, by event time, with the cuts laid over them.

    The nearest purpose that was named decides, and of it the channel's own scope where there is one.

    Raises:
        LedgerBroken: two of them cover one time: an old row was put back, MAC and all.
    """
    found: dict[Scope, list[Segment]] = {}
    for row in rows:
        _, scope, rectangle = parse_row(row)
        found.setdefault(scope, []).append(rectangle.segment)
    if not found:
        return []
    nearest = min(found, key=order_of(purpose, channel).__getitem__) if len(found) > 1 else next(iter(found))
    segments = sorted(found[nearest])
    for earlier, later in pairwise(segments):
        if later.from_us < earlier.to_us:
            raise LedgerBroken("two answers for one time", where=TABLE, mend="run: imp audit verify")
    if nearest.purpose != purpose:
        return [segment for segment in segments if segment.reason in INHERITED]
    return cut_segments(segments, cuts) if cuts else segments


def integer(value: object) -> int:
    """A column's integer.

    Raises:
        LedgerBroken: it is something else.
    """
    if not isinstance(value, int):
        raise LedgerBroken("a value of the wrong type", where=TABLE, mend="run: imp audit verify")
    return value
