"""When a restriction, an objection or a limit may be lifted: what the regimes want shown, and that it fits the history.

An objection to direct marketing is never lifted (GDPR 21(3)). Who asked for a restriction is told before it is lifted
(GDPR 18(3)): after it was made, and by the time of the lift.
"""

from __future__ import annotations

from typing import Final

from imp_consent.policy.case import Case, Told, refusal
from imp_consent.policy.limiting import limits_in_force
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import Scope
from imp_core.errors import BadInput

__all__ = ["LIMITS_BY_NAME", "NOTIFIED", "check_lift"]

NOTIFIED: Final = "notified"
LIMITS_BY_NAME: Final = {
    "restrict": "restriction",
    "object": "objection",
    "limit-sensitive": "limit on the use of sensitive data",
}
_NOT_YET: Final = "the {} is lifted only once {}, and nothing says so"
_ONCE: Final = {
    NOTIFIED: "the person was told of it first",
    "compelling-grounds": "compelling grounds that outweigh the person's were assessed and written down",
    "own-request": "the person themselves asked for it",
}


def check_lift(said: Saying, case: Case) -> None:
    """Look for what speaks against a lift.

    Raises:
        BadInput: these regimes let nobody lift that, or something they want is not shown. `where` is lifts, grounds,
            told or told_us.
    """
    rules = [rule for rule in case.rules.lifts if rule.type == said.lifts]
    if not rules:
        known = sorted({rule.type for rule in case.rules.lifts})
        mend = (
            f"they let be lifted: {', '.join(known)}" if known else "only the person's own later consent opens it again"
        )
        raise BadInput("nothing these regimes let anybody lift", where="lifts", mend=mend)
    lifted = [
        told
        for told in limits_in_force(case.history, said.lifts or "", Scope(said.purpose, said.channel))
        if told.statement.at_us < said.at_us
    ]
    if lifted and all(told.statement.type == "object" and told.statement.traits for told in lifted):
        mend = "only the person's own later consent, explicit, opens it again"
        raise refusal("an objection to direct marketing is not lifted", "GDPR 21(3)", where="lifts", mend=mend)
    for rule in rules:
        for word in rule.needs:
            if not said.grounds.get(word):
                mend = f'say what shows it: --ground {word}="…"'
                what = _NOT_YET.format(LIMITS_BY_NAME.get(rule.type, rule.type), _ONCE.get(word, word))
                raise refusal(what, rule.source, where="grounds", mend=mend)
        if NOTIFIED in rule.needs:
            _check_told(said, lifted, rule.source)


def _check_told(said: Saying, lifted: list[Told], source: str) -> None:
    """Nothing where the lift reaches nothing that is known: it opens nothing either."""
    since_us = max((told.statement.at_us for told in lifted), default=None)
    if since_us is None:
        return
    told_us = said.more.get("told_us")
    if not isinstance(told_us, int):
        raise refusal("when the person was told is not said: they are told first", source, where="told_us")
    if not since_us <= told_us <= said.at_us:
        what = "the person was told before what is to be lifted, or is to be told only later: they are told first"
        raise refusal(what, source, where="told_us")
