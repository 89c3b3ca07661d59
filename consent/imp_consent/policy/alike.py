"""Opt-outs reach everybody known under another spelling of an identifier; consents reach nobody but their own.

`jane.doe+news@example.com` and `janedoe@example.com` may be one person under two subjects. So what one of them takes
back, or refuses, is taken back for the other, who is there already (`pass_on`), comes later (`take_over`) or turns out
to be alike by an identifier linked later (`share`); with the same words, the same event time and all that the law makes
follow from them. Who shares nothing but the loosest spelling may be denied for another's sake: that is the restrictive
side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from imp_consent.ledger.alike import subjects_alike
from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.recorded import Law
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import corrected
from imp_core.event import RawId

__all__ = ["OPT_OUTS", "Echo", "pass_on", "passed", "share", "take_over"]

# Appends of a subject what a saying states that was checked when it was somebody's own; the door's.
Echo = Callable[[int, Saying, Statement], int]
# What is passed on: what a person takes back, or refuses, by an act of their own.
OPT_OUTS: Final = frozenset({"withdraw", "refuse", "object", "limit-sensitive"})
_PERMITTING: Final = frozenset({"grant", "basis"})
_MARK: Final = "other_spelling"


def pass_on(
    transaction: Transaction, who: RawId, subject: int, said: Saying, *, statement: Statement, echo: Echo
) -> list[int]:
    """Append an opt-out of somebody for everybody alike; returns the seqs. Nothing is appended of other types."""
    if statement.type not in OPT_OUTS:
        return []
    # they may be one person: what is known of one's law is of both
    law = said.under.laws[0] if said.under and said.under.known else Law()
    passed = replace(_echoed(statement), regimes=law.regimes, jurisdiction=law.jurisdiction)
    return [
        echo(other, passed, statement)
        for other in subjects_alike(transaction, who)
        if other != subject and not any(entry.statement == statement for entry in transaction.history(other))
    ]


def take_over(transaction: Transaction, who: RawId, subject: int, *, echo: Echo) -> list[int]:
    """Append, for somebody who is about to say yes for the first time, the opt-outs of those alike; returns seqs.

    Each under the law it was recorded under.
    """
    if who.kind != "email" or any(entry.statement.type in _PERMITTING for entry in transaction.history(subject)):
        return []
    others = [other for other in subjects_alike(transaction, who) if other != subject]
    return _hand_on(transaction, _opt_outs(transaction, *others), subject, echo)


def share(transaction: Transaction, who: RawId, subject: int, *, echo: Echo) -> list[int]:
    """Append the opt-outs of those alike for somebody whom an identifier leads to from now on, and theirs for those.

    Whatever anybody permitted before: which of two words is the later one, their times say. Returns the seqs.
    """
    others = [other for other in subjects_alike(transaction, who) if other != subject]
    own = _opt_outs(transaction, subject)
    seqs = _hand_on(transaction, _opt_outs(transaction, *others), subject, echo)
    return seqs + [seq for other in others for seq in _hand_on(transaction, own, other, echo)]


def passed(said: Saying) -> Saying:
    """What somebody said, as a saying of whoever is known by another spelling, without their own act and words."""
    steps = 0 if said.type == "withdraw" else None
    return replace(said, steps=steps, action=None, evidence=None, more={_MARK: True})


def _opt_outs(transaction: Transaction, *subjects: int) -> dict[Statement, PersonEntry]:
    """What these people take back or refuse, but for what was corrected."""
    found: dict[Statement, PersonEntry] = {}
    for subject in subjects:
        history = transaction.history(subject)
        wrong = corrected(history)
        for entry in history:
            if entry.statement.type in OPT_OUTS and entry.seq not in wrong:
                found.setdefault(entry.statement, entry)
    return found


def _hand_on(transaction: Transaction, found: Mapping[Statement, PersonEntry], subject: int, echo: Echo) -> list[int]:
    held = {entry.statement for entry in transaction.history(subject)}
    return [echo(subject, _recorded(entry), said) for said, entry in found.items() if said not in held]


def _echoed(statement: Statement) -> Saying:
    """A statement as another's saying: nobody did anything for it, so it took no steps."""
    return Saying(
        type=statement.type,
        purpose=statement.purpose,
        channel=statement.channel,
        at_us=statement.at_us,
        until_us=statement.until_us,
        traits=statement.traits,
        notice=statement.notice if statement.type == "refuse" else None,
        steps=0 if statement.type == "withdraw" else None,
        more={_MARK: True},
    )


def _recorded(entry: PersonEntry) -> Saying:
    regimes, jurisdiction = entry.payload.get("regimes"), entry.payload.get("jurisdiction")
    return replace(
        _echoed(entry.statement),
        regimes=tuple(map(str, regimes)) if isinstance(regimes, list | tuple) else None,
        jurisdiction=jurisdiction if isinstance(jurisdiction, str) else None,
    )
