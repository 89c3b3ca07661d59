"""Which channels a person stopped, so that nobody asks them there by a message.

Whoever answered STOP, or unsubscribed, gets no more messages there, and one that asks for another yes is one. Where
people come by themselves, such as a web page, nothing is sent to them: there only the wait counts that the law sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL, Statement
from imp_consent.policy.case import Case, Told
from imp_consent.policy.decide import Reason
from imp_consent.policy.declared import DIRECT_MARKETING
from imp_consent.policy.limiting import limits_in_force
from imp_consent.policy.meeting import is_over
from imp_consent.policy.reprompt import outweighed
from imp_consent.policy.scope import Scope

__all__ = ["ANY_MESSAGE", "Stop", "is_visited", "stopped_channels"]

ANY_MESSAGE: Final = "*"  # every channel but those where people come by themselves
_VISITED: Final = frozenset({"ads", "app", "store", "web"})  # what is shown or said there is no message to anybody
_KIND: Final = "signal"  # the field of an envelope that says which signal was heard
_REASONS: Final[Mapping[str, Reason]] = {
    "refuse": Reason.REFUSED,
    "withdraw": Reason.WITHDRAWN,
    "restrict": Reason.RESTRICTED,
    "erase-requested": Reason.ERASED,
}
_NO_USE: Final = frozenset({"restrict", "erase-requested"})  # of the data for a message, whatever it asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Since when (UTC µs) a channel is stopped, by which entry and why; `by_person` unless messages only came back."""

    entry: int
    at_us: int
    by_person: bool
    reason: str


def is_visited(channel: str) -> bool:
    """Whether people come to a channel by themselves, so that asking there is no message to them."""
    return channel in _VISITED


def stopped_channels(case: Case, purpose: str, *, at_us: int, channel: str = EVERY_CHANNEL) -> Mapping[str, Stop]:
    """The channels by which a person is not asked for a purpose at a time, by name; their own word before a bounce.

    A reply or a click in a message stops whatever is asked by messages there; a no to direct marketing stops direct
    marketing, and a message that asks for it is that. A restriction or an erasure stops every message. What was said
    of all channels stops the one that is asked about, or `ANY_MESSAGE`. Only a yes for as much ends a no.
    """
    found: dict[str, Stop] = {}
    for told in case.about(purpose, EVERY_CHANNEL, *_REASONS, "signal"):
        said = told.statement
        where = said.channel or channel or ANY_MESSAGE
        if said.at_us > at_us or not _stops(case, told, purpose, where, at_us):
            continue
        new = Stop(entry=told.seq, at_us=said.at_us, by_person=said.type != "signal", reason=_reason(said))
        old = found.get(where, new)
        found[where] = max(old, new, key=lambda stop: (stop.by_person, stop.at_us, stop.entry))
    return dict(sorted(found.items()))


def _stops(case: Case, told: Told, purpose: str, where: str, at_us: int) -> bool:
    said = told.statement
    if said.type in _NO_USE:
        return not is_visited(where) and (said.type != "restrict" or _restricts(case, told, purpose, where, at_us))
    if said.traits or is_over(said, at_us):
        return False
    heard_there = said.channel != EVERY_CHANNEL and told.payload.get(_KIND) is not None
    marketing = DIRECT_MARKETING in case.purposes[purpose].traits and not is_visited(where)
    return (heard_there or marketing) and not outweighed(case, told, purpose, _channel(where), at_us=at_us)


def _restricts(case: Case, told: Told, purpose: str, where: str, at_us: int) -> bool:
    """Whether a restriction was not lifted by then."""
    by_then = [one for one in case.history if one.statement.type != "lift" or one.statement.at_us <= at_us]
    scope = Scope(purpose, _channel(where))
    return told.seq in {one.seq for one in limits_in_force(by_then, "restrict", scope)}


def _reason(said: Statement) -> str:
    own = said.type in {"refuse", "withdraw", "signal"} and said.channel != EVERY_CHANNEL
    return str(Reason.CHANNEL_OPT_OUT if own else _REASONS.get(said.type, Reason.SIGNAL))


def _channel(where: str) -> str:
    return EVERY_CHANNEL if where == ANY_MESSAGE else where
