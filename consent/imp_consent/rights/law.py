"""Under whose law a request stands: the regimes named with it, else those of the workspace."""

from __future__ import annotations

from collections.abc import Sequence

from imp_consent.ledger.reader import Reader
from imp_consent.policy.house import check_house, read_house
from imp_consent.policy.regime import read_regimes
from imp_consent.policy.rules import Rules
from imp_core.context import Context
from imp_core.errors import BadInput

__all__ = ["rules_for", "rules_of_no"]


def rules_for(
    ctx: Context, reader: Reader, regimes: Sequence[str] | None = None, jurisdiction: str | None = None
) -> Rules:
    """The rules of the regimes named and the jurisdiction; where none is named, of those of `imp.toml` [policy].

    Raises:
        BadInput: there is no such regime, or it is not the code of a jurisdiction.
    """
    policy = ctx.workspace.config.get("policy", {})
    names = regimes if regimes is not None else policy.get("regimes")
    if names is not None and not (isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)):
        raise BadInput("[policy] regimes is not a list of texts", where="imp.toml", mend='regimes = ["gdpr"]')
    where = jurisdiction if jurisdiction is not None else policy.get("jurisdiction")
    return read_regimes(reader).rules(names, None if where is None else str(where))


def rules_of_no(
    ctx: Context, reader: Reader, regimes: Sequence[str] | None = None, jurisdiction: str | None = None
) -> tuple[Rules, BadInput | None]:
    """The same for a no, and what is wrong with the law or the place named: a no meets the strictest law then.

    Raises:
        BadInput: [policy] of `imp.toml` is not what it must be.
    """
    house, known = read_house(ctx.workspace.config), read_regimes(reader)
    names = house.regimes if regimes is None else regimes
    place = house.jurisdiction if jurisdiction is None else jurisdiction
    try:
        if jurisdiction is None:
            check_house(house, known, names=regimes)
        rules = known.rules(names, place)
        known.check(names, place)
    except BadInput as error:
        return known.strictest(), error
    return rules, None
