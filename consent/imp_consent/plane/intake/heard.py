"""A signal that was heard, and of whom: an opt-out reaches every spelling of its identifier."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from imp_consent.identity.normalize import normalise
from imp_consent.signals.inbound import Effect
from imp_core.event import RawId

__all__ = ["Finder", "Heard", "heed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A signal and what it does. `who` is a subject, or the identifier of a browser nobody knows yet."""

    who: int | RawId = field(repr=False)
    effect: Effect
    channel: str
    event_us: int


class Finder(Protocol):
    """Finds people; creates nobody."""

    def find(self, raw: RawId) -> int | None:
        """The subject of an identifier."""
        ...

    def alike(self, raw: RawId) -> list[int]:
        """The subjects of every spelling of it."""
        ...


def heed(  # the signal's fields that matter, whoever hears it
    finder: Finder, identifier: RawId, effect: Effect, *, channel: str, event_us: int, create: bool = False
) -> list[Heard]:
    """Whom a signal concerns; nobody where nobody is known by the identifier.

    A browser that asks not to be sold is known by that, from then on. `create`: so is whoever else is told of.

    Raises:
        BadInput: the identifier is malformed. Its value is not repeated.
    """
    subject = finder.find(identifier)
    people: list[int | RawId] = [] if subject is None else [subject]
    if effect.type == "withdraw":
        people = list(dict.fromkeys([*people, *finder.alike(identifier)]))
    if not people and (create or effect.asserts):
        people = [normalise(identifier)]
    return [Heard(who=who, effect=effect, channel=channel, event_us=event_us) for who in people]
