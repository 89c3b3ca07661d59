"""Under whose law what people say is written: the one that is named, that of the place, their own, else imp.toml's.

A yes stands under what is named with it, else under imp.toml's law; where a place is named alone, under the law at home
there, with imp.toml's where that holds there too. A no stands under the law of what it ends, if it ends anything; else
under that of the person's other entries; else under imp.toml's. What is named with a no goes first, and takes no duty
away: the law of what it ends holds besides (PIPL 47(1)(3), CCPA §1798.135(c)(4)).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry, Statement
from imp_consent.policy.asked_law import at_place, home_of, house_at
from imp_consent.policy.ended import LINKS, OWN, SUSPENDING, ended_by, ends
from imp_consent.policy.house import House, check_house
from imp_consent.policy.recorded import Law, recorded_law
from imp_consent.policy.regime import Regimes
from imp_consent.policy.rules import Rules, combine
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import lineage
from imp_consent.policy.under import Under
from imp_core.errors import BadInput

__all__ = ["Laws"]

_SHOWN: Final = 3  # entries named before they are counted


class Laws:
    """The law of the ledger and of imp.toml, as it holds for sayings."""

    def __init__(self, house: House, known: Regimes) -> None:
        self._house = house
        self._known = known
        self._rules: dict[tuple[Law, ...], Rules] = {}

    def settle(self, said: Saying, history: Sequence[PersonEntry] = ()) -> Saying:
        """The saying with the laws it stands under, after what the person said before; as it is where it has them."""
        return said if said.under is not None else replace(said, under=self._under(said, history))

    def rules(self, said: Saying) -> Rules:
        """What its laws demand together.

        Raises:
            BadInput: there is no such regime or jurisdiction, or they contradict each other.
        """
        laws = self._laws(said)
        if laws not in self._rules:
            first = laws[0]
            of_house = said.jurisdiction is None and first.jurisdiction == self._house.jurisdiction
            if of_house or (said.regimes is None and self._is_misnamed(laws)):
                check_house(self._house, self._known, names=said.regimes)
            self._known.check(first.regimes or (), first.jurisdiction)
            self._rules[laws] = combine([self._known.rules(*law) for law in laws])
        return self._rules[laws]

    def rules_of_no(self, said: Saying) -> Rules:
        """The same of what is never refused for the law's sake: the strictest where what is named with it is none."""
        try:
            return self.rules(said)
        except BadInput:
            return combine([self._known.strictest(), *self._others(said)])

    def certain(self, said: Saying) -> Rules | None:
        """What those of its laws demand that there are; None where there is none of them."""
        try:
            return self.rules(said)
        except BadInput:
            others = self._others(said)
            return combine(others) if others else None

    def _others(self, said: Saying) -> list[Rules]:
        return [self._known.rules(*law) for law in self._laws(said)[1:] if self._may_hold(law)]

    def place(self, said: Saying) -> str | None:
        """Where the person is; imp.toml's place where none is named, or what is named is none."""
        place = self._laws(said)[0].jurisdiction
        try:
            self._known.check((), place)
        except BadInput:
            return self._house.jurisdiction
        return place

    def _is_misnamed(self, laws: Iterable[Law]) -> bool:
        """Whether a law among these that there is none of is imp.toml's: nobody else named it."""
        names = {name for law in laws for name in law.regimes or ()}
        return any(name in names and name not in self._known.texts for name in self._house.regimes)

    def _laws(self, said: Saying) -> tuple[Law, ...]:
        return (said.under or self._under(said, ())).laws

    def _under(self, said: Saying, history: Sequence[PersonEntry]) -> Under:
        if said.type not in OWN:
            return self._of_yes(said)
        ended = ended_by(said, history)
        if said.regimes is not None or said.jurisdiction is not None:
            return self._named(said, history, ended)
        found = self._of_theirs(said, history, ended)
        # what protects a child where it is does not take away what protects every child in this house
        return replace(found, laws=(*found.laws, self._of_house())) if said.type == "minor" else found

    def _of_theirs(self, said: Saying, history: Sequence[PersonEntry], ended: Sequence[PersonEntry]) -> Under:
        """Where nothing is named: the law of what it ends, of their other entries, or imp.toml's."""
        if ended:
            return Under(self._merged(ended, own=True), _which(said, ended, history))
        found = self._held(self._recorded(history))
        if found.regimes is None and found.jurisdiction is None:
            return Under((self._of_house(),), "imp.toml's: nothing else is known of theirs", known=False)
        return Under((self._with_house(found),), "the law of their other entries")

    def _of_yes(self, said: Saying) -> Under:
        if said.regimes is not None or said.jurisdiction is None:
            place = said.jurisdiction or self._house.jurisdiction
            return Under((Law(said.regimes or self._house.regimes, place),), known=said.regimes is not None)
        return Under((self._at(said.jurisdiction),), self._why_at(said.jurisdiction))

    def _named(self, said: Saying, history: Sequence[PersonEntry], ended: Sequence[PersonEntry]) -> Under:
        """What is named, and the law of what it ends besides: a law that is named takes no duty away."""
        own = self._recorded(history)
        why = None
        if said.regimes is not None:
            first = Law(said.regimes, said.jurisdiction or self._place_for(said.regimes, [own.jurisdiction]))
        else:
            first = self._at(str(said.jurisdiction), own.regimes)
            why = self._why_at(str(said.jurisdiction))
        ended = [] if said.type in SUSPENDING else ended
        others = tuple(law for law in self._merged(ended, own=False) if not _within(law, first))
        if others:
            why = f"{why or 'as named'}; with {_which(said, ended, history)}"
        return Under((first, *others), why)

    def _recorded(self, history: Sequence[PersonEntry]) -> Law:
        """The law of a person's entries; which device is whose says nothing of it."""
        telling = (entry for entry in history if entry.statement.type not in LINKS)
        return recorded_law(telling, self._known.texts)

    def _of_house(self) -> Law:
        return Law(self._house.regimes, self._house.jurisdiction)

    def _at(self, place: str, own: Sequence[str] | None = None) -> Law:
        """The law of a place that is named alone. What is wrong with it is said where its rules are asked for."""
        try:
            if own is None:
                return Law(house_at(self._known, self._house, place), place)
            return Law(at_place(self._known, place, own), place)
        except BadInput:
            return Law(self._house.regimes, place)

    def _why_at(self, place: str) -> str | None:
        if not self._known.at_home(place):
            return "imp.toml's: which law is at home there is not known here"
        return None if place == self._house.jurisdiction else "the law at home there, and what holds there besides"

    def _place_for(self, names: Sequence[str], places: Iterable[str | None]) -> str | None:
        """Where a no counts as said of which only the law is named: where that may hold, else as imp.toml says."""
        wanted = (*places, self._house.jurisdiction, home_of(self._known, names))
        held = (place for place in wanted if place is not None and self._may_hold(Law(tuple(names), place)))
        return next(held, self._house.jurisdiction)

    def _merged(self, entries: Sequence[PersonEntry], *, own: bool) -> tuple[Law, ...]:
        """The laws of entries by place, that of the newest first; each whole where what an entry names is none."""
        found: dict[str | None, dict[str, None]] = {}
        for entry in reversed(entries):
            law = self._whole(self._held(recorded_law([entry], self._known.texts)))
            law = self._with_house(law) if own else law
            found.setdefault(law.jurisdiction, {}).update(dict.fromkeys(law.regimes or ()))
        laws = (Law(tuple(names), place) for place, names in found.items())
        return tuple(law for law in laws if self._may_hold(law)) or ((self._of_house(),) if entries else ())

    def _with_house(self, law: Law) -> Law:
        """With imp.toml's besides where it speaks of the same place, or where the person is was not said."""
        if law.jurisdiction not in (None, self._house.jurisdiction):
            return self._whole(law)
        return Law(tuple(dict.fromkeys((*(law.regimes or ()), *self._house.regimes))), self._house.jurisdiction)

    def _whole(self, law: Law) -> Law:
        """Where no law is known that it was recorded under: the one at home in its place, else imp.toml's."""
        if law.regimes is not None:
            return law
        return self._of_house() if law.jurisdiction is None else self._at(law.jurisdiction)

    def _held(self, law: Law) -> Law:
        """Of a recorded law and place what still goes together: all, else the place, else the law."""
        return next(filter(self._may_hold, _less(law)), Law())

    def _may_hold(self, law: Law) -> bool:
        try:
            self._known.check(law.regimes or (), law.jurisdiction)
        except BadInput:
            return False
        return all(name in self._known.texts for name in law.regimes or ())


def _less(law: Law) -> Iterator[Law]:
    yield law
    yield Law(jurisdiction=law.jurisdiction)
    yield Law(regimes=law.regimes)


def _within(law: Law, first: Law) -> bool:
    """Whether another law says all that one does."""
    same = law.jurisdiction in (None, first.jurisdiction)
    return same and set(law.regimes or ()) <= set(first.regimes or ())


def _which(said: Saying, about: Sequence[PersonEntry], history: Sequence[PersonEntry]) -> str:
    """The law of what a no is about, and what of it the no ends: not what had ended before, nor what outlives it."""
    ended = [entry for entry in about if ends(said, entry, history)]
    words, far = f"the law of {_entries(about)}", _how_far(said, [entry.statement for entry in ended])
    if len(ended) == len(about):
        return f"{words}, which it ends{far}"
    return f"{words}, of which it ends {_entries(ended)}{far}" if ended else f"{words}, which it does not end"


def _how_far(said: Saying, ended: Sequence[Statement]) -> str:
    """Where it ends them, if one of them goes on elsewhere: for another purpose, or on another channel."""
    others = any(said.purpose not in lineage(name) for yes in ended for name in (yes.purpose, *yes.covers))
    wider = said.channel != EVERY_CHANNEL and any(yes.channel == EVERY_CHANNEL for yes in ended)
    return (f" for {said.purpose}" if others else "") + (f" on {said.channel}" if wider else "")


def _entries(entries: Sequence[PersonEntry]) -> str:
    if len(entries) > _SHOWN:
        return f"{len(entries)} entries"
    numbers = " and ".join(str(entry.seq) for entry in entries)
    return f"entry {numbers}" if len(entries) == 1 else f"entries {numbers}"
