"""What is on record because messages came back, and not because anybody said no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from imp_consent.ledger.entry import PersonEntry
from imp_consent.policy.decide import STRICTNESS, Reason, decision
from imp_consent.policy.scope import Scope
from imp_consent.policy.state import timeline
from imp_core.event import SignalKind
from imp_core.gate import Decision
from imp_core.ports import Json

__all__ = ["BOUNCE_BESIDES", "BOUNCE_CHANGES", "BOUNCE_SOURCE", "BOUNCE_WHY", "is_bounce", "own_no"]

BOUNCE_WHY: Final = "Messages cannot be delivered there, so none are sent: that is no word of the person's own."
BOUNCE_CHANGES: Final = "A later yes for this channel, recorded with --informed, would change it."
BOUNCE_BESIDES: Final = "Messages need besides a later yes for this channel, recorded with --informed."
BOUNCE_SOURCE: Final = "no law: messages cannot be delivered there"
_KIND: Final = "signal"  # the field of an envelope that says which signal was heard


def is_bounce(type_: str, envelope: Mapping[str, Json]) -> bool:
    """Whether an entry of a type only notes that messages to a person came back."""
    return type_ == "signal" and envelope.get(_KIND) == str(SignalKind.BOUNCE)


def own_no(history: Sequence[PersonEntry], decided: Decision, scope: Scope, *, at_us: int) -> Decision | None:
    """The no that would decide at an event time, had no messages come back; None where they do not decide.

    Also where nothing but them is in the way, or a yes is merely missing: then that they came back says it all. So a no
    that was taken back since is none, and one that stands is not hidden behind a mailbox that is full.
    """
    if not any(entry.seq in decided.entries and is_bounce(entry.statement.type, entry.payload) for entry in history):
        return None
    without = [entry for entry in history if not is_bounce(entry.statement.type, entry.payload)]
    held = next((part for part in timeline(without, scope) if part.from_us <= at_us < part.to_us), None)
    if held is None or held.permit or STRICTNESS[held.reason] < STRICTNESS[Reason.REFUSED]:
        return None
    return decision(held.reason, held.entries)
