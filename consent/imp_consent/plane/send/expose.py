"""Exposures of a chunk: taken in like any other events, before anything is sent, in every variant alike."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from imp_consent.plane.intake import Intake, SourceFile, Terms, ingest_events
from imp_consent.plane.send.campaign import Campaign
from imp_consent.plane.send.candidate import Candidate
from imp_core.event import EventType, RawEvent
from imp_core.ports import ExperimentTerms

__all__ = ["TRIGGER", "expose"]

TRIGGER = "send.decided"


def expose(intake: Intake, campaign: Campaign, terms: ExperimentTerms, chunk: Sequence[Candidate]) -> int:
    """Take in an exposure for everybody of these who takes part and was not exposed before; returns how many.

    Raises:
        BadInput: an exposure cannot be taken.
        LedgerBroken: the ledger or the archive was changed by other hands, or cannot be written.
    """
    now_us = intake.log.clock.now_us()
    # Who was sent to before was exposed before.
    events = [_event(campaign, terms, item, now_us) for item in chunk if item.exposed and item.before is None]
    if not events:
        return 0
    ids = "\n".join(sorted(event.message_id for event in events))
    source = SourceFile(
        name=f"the campaign {campaign.name}", sha256=hashlib.sha256(f"imp-exposures/1\n{ids}".encode()).hexdigest()
    )
    done = ingest_events(
        intake, events, terms=Terms(channel=campaign.channel, purposes=frozenset({terms.purpose})), source=source
    )
    return done.admitted


def _event(campaign: Campaign, terms: ExperimentTerms, item: Candidate, now_us: int) -> RawEvent:
    return RawEvent(
        type=EventType.EXPOSURE,
        identifier=item.source.person,
        event_us=now_us,
        purpose=terms.purpose,
        message_id=f"{TRIGGER}/{terms.name}/{terms.phase}/{item.key.hex()}",
        row=item.source.row,
        channel=campaign.channel,
        campaign=campaign.name,
        name=TRIGGER,
        interaction="send",
        experiment=terms.name,
        phase=terms.phase,
        variant=item.variant,
    )
