"""Which law a place means that is named alone: the one at home there, with one's own where that holds there too."""

from __future__ import annotations

from collections.abc import Sequence

from imp_consent.policy.house import House
from imp_consent.policy.jurisdictions import holds_in
from imp_consent.policy.recorded import Law
from imp_consent.policy.regime import Regimes
from imp_core.errors import BadInput

__all__ = ["asked_law", "at_place", "home_of", "house_at"]


def asked_law(known: Regimes, house: House, law: Law) -> Law:
    """The regimes and the place that a question means; the house's law where it names neither.

    Raises:
        BadInput: there is no such place, or no such regime where a place is known, they contradict each other, or no
            regime known is the law there.
    """
    place = law.jurisdiction or house.jurisdiction
    names = law.regimes or house.regimes
    if law.regimes is None and law.jurisdiction is not None:
        names = house_at(known, house, law.jurisdiction)
        if law.jurisdiction != house.jurisdiction and not known.at_home(law.jurisdiction):
            raise BadInput(
                f"which law holds in {place} is not known here",
                where="regime",
                mend=f"name it: --regime with one or more of {', '.join(sorted(known.texts))}",
            )
    known.check(names, place)
    return Law(tuple(names), place)


def house_at(known: Regimes, house: House, place: str) -> tuple[str, ...]:
    """The law of a place that is named alone: the one at home there, with imp.toml's where that holds there too.

    What imp.toml says of its own place is left as it is, unless none of it is at home there.

    Raises:
        BadInput: there is no such place, or imp.toml's law is none.
    """
    if place == house.jurisdiction and not set(house.regimes).isdisjoint(known.at_home(place)):
        return house.regimes
    return at_place(known, place, house.regimes)


def at_place(known: Regimes, place: str, own: Sequence[str]) -> tuple[str, ...]:
    """The law at home in a place together with one's own, as far as that holds for people there.

    Where no law that is known is at home, it is one's own alone, whether it holds there or not.

    Raises:
        BadInput: there is no such place, or one's own law is none.
    """
    known.check((), place)
    home = known.at_home(place)
    if not home:
        return tuple(own)
    held = [name for name in own if holds_in(known.regime(name).applies, place)]
    return tuple(dict.fromkeys((*(name for name in held if name in home), *home, *held)))


def home_of(known: Regimes, names: Sequence[str]) -> str | None:
    """The one place in which these regimes are at home, or the country of all of them; None where there is no such."""
    places = {place for name in names if name in known.texts for place in known.regime(name).home}
    for found in (places, {place.partition("-")[0] for place in places}):
        if len(found) == 1:
            return next(iter(found))
    return None
