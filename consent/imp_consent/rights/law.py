"""Under whose law a request stands: the regimes named with it, else those of the place, else those of imp.toml."""

from __future__ import annotations

from collections.abc import Sequence

from imp_consent.ledger.reader import Reader
from imp_consent.policy.asked_law import home_of, house_at
from imp_consent.policy.house import House, check_house, readable_house
from imp_consent.policy.recorded import Law
from imp_consent.policy.regime import Regimes, read_regimes
from imp_consent.policy.rules import Rules
from imp_core.context import Context
from imp_core.errors import BadInput

__all__ = ["rules_for", "rules_of_no"]


def rules_for(
    ctx: Context, reader: Reader, regimes: Sequence[str] | None = None, jurisdiction: str | None = None
) -> Rules:
    """The rules of the regimes named and the jurisdiction; of a place alone, of the law at home there.

    Where neither is named, of those of `imp.toml` [policy], as far as it can be read: a right waits for no setting.

    Raises:
        BadInput: there is no such regime, or it is not the code of a jurisdiction.
    """
    (house, _), known = readable_house(ctx.workspace.config), read_regimes(reader)
    return known.rules(*_named(house, known, regimes, jurisdiction))


def rules_of_no(
    ctx: Context, reader: Reader, regimes: Sequence[str] | None = None, jurisdiction: str | None = None
) -> tuple[Rules, BadInput | None]:
    """The same for a no, and what is wrong with the law or the place named: a no meets the strictest law then."""
    (house, unread), known = readable_house(ctx.workspace.config), read_regimes(reader)
    try:
        for fault in unread:
            raise fault
        names, place = _named(house, known, regimes, jurisdiction)
        if jurisdiction is None and place == house.jurisdiction:
            check_house(house, known, names=regimes)
        rules = known.rules(names, place)
        known.check(names or (), place)
    except BadInput as error:
        return known.strictest(), error
    return rules, None


def _named(house: House, known: Regimes, regimes: Sequence[str] | None, jurisdiction: str | None) -> Law:
    """The regimes and the place that are meant.

    Raises:
        BadInput: there is no such place.
    """
    if regimes is None and jurisdiction is not None:
        return Law(house_at(known, house, jurisdiction), jurisdiction)
    names, place = tuple(house.regimes if regimes is None else regimes), jurisdiction or house.jurisdiction
    if jurisdiction is None and regimes is not None and not _holds(known, names, place):
        place = home_of(known, names) or place
    return Law(names, place)


def _holds(known: Regimes, names: Sequence[str], place: str | None) -> bool:
    try:
        known.check(names, place)
    except BadInput:  # what is wrong is said where it is used
        return False
    return True
