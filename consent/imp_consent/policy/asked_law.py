"""Which law a question is about that names a place: the one that is named with it, else the law of that place."""

from __future__ import annotations

from imp_consent.policy.house import House
from imp_consent.policy.recorded import Law
from imp_consent.policy.regime import Regimes
from imp_core.errors import BadInput

__all__ = ["asked_law"]


def asked_law(known: Regimes, house: House, law: Law) -> Law:
    """The regimes and the place that a question means; the house's law where it names neither.

    The house's own regimes count in another place too where one of them is the law there.

    Raises:
        BadInput: there is no such regime or place, they contradict each other, or no regime known is the law there.
    """
    place = law.jurisdiction or house.jurisdiction
    names = law.regimes or house.regimes
    if law.regimes is None and law.jurisdiction is not None and law.jurisdiction != house.jurisdiction:
        names = _of_the_place(known, house, law.jurisdiction)
    known.check(names, place)
    return Law(tuple(names), place)


def _of_the_place(known: Regimes, house: House, place: str) -> tuple[str, ...]:
    known.check((), place)
    names = known.at_home(place)
    if not names:
        raise BadInput(
            f"which law holds in {place} is not known here",
            where="regime",
            mend=f"name it: --regime with one or more of {', '.join(sorted(known.texts))}",
        )
    own = () if set(names).isdisjoint(house.regimes) else house.regimes
    return tuple(dict.fromkeys((*names, *own)))
