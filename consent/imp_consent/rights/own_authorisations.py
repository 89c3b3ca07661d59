"""What somebody authorised as the guardian of another person, as their own copy tells it (GDPR 15(1)).

What it was for, for whom and when it ends is that person's (GDPR 15(4)), and not told.
"""

from __future__ import annotations

from dataclasses import dataclass

from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.reader import Reader
from imp_consent.plane.guardians import authorised_by, names_of, of_identifier
from imp_core.clock import format_time
from imp_core.event import RawId

__all__ = ["OwnAuthorisation", "own_authorisations"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAuthorisation:
    """One authorisation: in which role, when it was given and recorded (ISO 8601), and what showed who gave it.

    `checked_by` and `evidence` are in the words in which they were recorded; None: nobody said.
    """

    role: str
    at: str
    checked_by: str
    evidence: str | None
    recorded: str | None


def own_authorisations(reader: Reader, raw: RawId, subject: int | None) -> tuple[OwnAuthorisation, ...]:
    """What is recorded of somebody as a guardian, by this identifier and all others that lead to them, oldest first.

    `subject` None: nobody is known by it; a guardian need not be. Reads everybody's entries.
    """
    own = names_of(reader, () if subject is None else (subject,))
    return tuple(map(_own, authorised_by(reader, own.union([of_identifier(reader, raw)]))))


def _own(entry: PersonEntry) -> OwnAuthorisation:
    record = entry.payload
    recorded, evidence = record.get("recorded_us"), record.get("evidence")
    return OwnAuthorisation(
        role=str(record.get("role")),
        at=format_time(entry.statement.at_us),
        checked_by=str(record.get("verification")),
        evidence=None if evidence is None else str(evidence),
        recorded=format_time(recorded) if isinstance(recorded, int) else None,
    )
