"""The only way in: events that pass the gate become one registered file of the archive, or nothing changes."""

from imp_consent.plane.intake.faults import Refuse
from imp_consent.plane.intake.heard import Heard
from imp_consent.plane.intake.ingest import Intake, ingest_events
from imp_consent.plane.intake.result import IngestResult, SourceFile
from imp_consent.plane.intake.screen import Decide
from imp_consent.plane.intake.signals import Voice
from imp_consent.plane.intake.terms import Terms

__all__ = [
    "Decide",
    "Heard",
    "IngestResult",
    "Intake",
    "Refuse",
    "SourceFile",
    "Terms",
    "Voice",
    "ingest_events",
]
