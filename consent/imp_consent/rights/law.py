"""Under whose law a request stands: the regimes named with it, else those of the workspace."""

from __future__ import annotations

from collections.abc import Sequence

from imp_consent.ledger.reader import Reader
from imp_consent.policy.regime import read_regimes
from imp_consent.policy.rules import Rules
from imp_core.context import Context
from imp_core.errors import BadInput

__all__ = ["rules_for"]


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
