"""What a no with traits would miss: yeses whose purpose did not say, then or now, what kind of use it is.

An objection to direct marketing closes what has that trait. A yes from before purposes had traits has none, and one
whose purpose declared another trait since was given without it. Who says no cannot know that: for such yeses the door
takes back what they gave as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL, EVERY_PURPOSE, Statement
from imp_consent.policy.declared import NO_TRAIT, TRAITS, DeclaredPurpose
from imp_consent.policy.meeting import NECESSARY
from imp_consent.policy.purpose import traits_of
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import PERMITTING_TYPES, Fact, corrected, lineage

__all__ = ["LIMITING", "missed", "withdrawal"]

# What closes by traits.
LIMITING: Final = frozenset({"object", "signal", "limit-sensitive"})


def missed(
    said: Saying, statement: Statement, history: Sequence[Fact], purposes: Mapping[str, DeclaredPurpose]
) -> tuple[str, ...]:
    """The purposes to withdraw besides, so that a no means what it says; `statement` is what it was written as."""
    closed = frozenset(statement.traits) & (TRAITS - {NO_TRAIT})
    if not closed and (statement.type != "object" or said.purpose == EVERY_PURPOSE or statement.traits):
        return ()  # it says nothing, or closes all it is about
    wrong = corrected(history)
    spoken = [fact.statement for fact in history if fact.seq not in wrong]
    withdrawn = [one for one in spoken if one.type == "withdraw" and one.channel in (EVERY_CHANNEL, statement.channel)]
    return tuple(
        sorted(
            {
                name
                for yes in spoken
                if _meets(yes, statement)
                for name in (yes.purpose, *yes.covers)
                if _escapes(name, yes, said, statement, purposes.get(name))
                and not any(no.purpose in lineage(name) and no.at_us >= yes.at_us for no in withdrawn)
            }
        )
    )


def withdrawal(said: Saying, statement: Statement, purpose: str) -> Saying:
    """What a no takes back, where it does not close it by itself."""
    return Saying(
        type="withdraw",
        purpose=purpose,
        at_us=said.at_us,
        channel=statement.channel,
        regimes=said.regimes,
        jurisdiction=said.jurisdiction,
        more={"follows": said.type},
    )


def _meets(yes: Statement, no: Statement) -> bool:
    if yes.type not in PERMITTING_TYPES or yes.bundled or yes.basis in NECESSARY or yes.at_us > no.at_us:
        return False
    return EVERY_CHANNEL in (yes.channel, no.channel) or yes.channel == no.channel


def _escapes(name: str, yes: Statement, said: Saying, no: Statement, purpose: DeclaredPurpose | None) -> bool:
    """Whether the test by traits misses a yes for a purpose that this no is about."""
    closed, above = frozenset(no.traits), lineage(name)
    reached = bool(closed) and no.purpose in above
    if reached and closed & set(yes.traits):
        return False
    declared = frozenset(() if purpose is None else traits_of(purpose))
    if declared:
        return reached and bool(closed & declared)
    named = no.type == "object" and said.purpose != EVERY_PURPOSE and said.purpose in above
    return not yes.traits and (reached or named)
