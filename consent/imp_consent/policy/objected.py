"""Whether somebody objected to what they would be asked for, and whether asking is itself what they objected to.

A message that asks for consent to direct marketing is direct marketing: whoever objected to it gets none (GDPR 21(3)).
What an objection is about is law, in `[objection] traits` of the regime's file, and stands in its entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL, Statement
from imp_consent.policy.case import Case, Told
from imp_consent.policy.declared import DIRECT_MARKETING
from imp_consent.policy.limiting import limits_in_force
from imp_consent.policy.meeting import reopens
from imp_consent.policy.scope import Scope

__all__ = ["Objection", "standing_objection"]

_OBJECT: Final = "object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """An objection that stands, of its event time (UTC µs), and whether a message that asks is what it is against."""

    entry: int
    at_us: int
    to_marketing: bool


def standing_objection(case: Case, purpose: str, channel: str, *, at_us: int) -> Objection | None:
    """The objection of a person about a purpose that stands at a time, one to direct marketing first; None: none does.

    One to direct marketing is lifted by nothing but their own explicit yes.
    """
    traits = frozenset(case.purposes[purpose].traits)
    lasting = {told.seq for told in limits_in_force(case.history, _OBJECT, Scope(purpose, channel))}
    found = [
        Objection(entry=told.seq, at_us=told.statement.at_us, to_marketing=DIRECT_MARKETING in _about(told, traits))
        for told in case.about(purpose, channel, _OBJECT)
        if told.statement.at_us <= at_us
        and (_about(told, traits) or (not told.statement.traits and told.seq in lasting))
        and not any(_reopens(yes.statement, told.statement) for yes in case.about(purpose, channel, "grant"))
    ]
    return max(found, key=lambda one: (one.to_marketing, one.at_us, one.entry), default=None)


def _about(told: Told, traits: frozenset[str]) -> frozenset[str]:
    return traits & frozenset(told.statement.traits)


def _reopens(yes: Statement, said: Statement) -> bool:
    return said.channel in {EVERY_CHANNEL, yes.channel} and reopens(said, yes)
