"""What somebody authorised as the guardian of another person, as their own copy tells it (GDPR 15(1)).

What it was for, for whom and when it ends is that person's (GDPR 15(4)), and not told. Nor are the words in which role
and proof were recorded, which may name that person: the role is told where it is a word that says nothing else, and of
the proof that there is one.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.reader import Reader
from imp_consent.plane.guardians import authorised_by, names_of, of_identifier
from imp_core.clock import format_time
from imp_core.event import RawId

__all__ = ["OwnAuthorisation", "known_role", "own_authorisations"]

_ROLES: Final = Path(__file__).with_name("guardian_roles.toml")
_GUARDIAN: Final = "guardian"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAuthorisation:
    """One authorisation: in which role, when it was given and recorded (ISO 8601), and whether a proof of it is named.

    `role` is one of `guardian_roles.toml`, "guardian" where it was recorded in other words. How it was checked who gave
    it is always recorded; whoever asks for the words of that, or for the `proof`, is shown what of it is about them.
    """

    role: str
    at: str
    recorded: str | None
    proof: bool


def own_authorisations(reader: Reader, raw: RawId, subject: int | None) -> tuple[OwnAuthorisation, ...]:
    """What is recorded of somebody as a guardian, by this identifier and all others that lead to them, oldest first.

    `subject` None: nobody is known by it; a guardian need not be. Reads everybody's entries.
    """
    own = names_of(reader, () if subject is None else (subject,))
    return tuple(map(_own, authorised_by(reader, own.union([of_identifier(reader, raw)]))))


def known_role(words: str) -> str | None:
    """The role that these words say, and nothing else; None where they are no known ones."""
    return _roles().get(_compared(words))


def _own(entry: PersonEntry) -> OwnAuthorisation:
    record = entry.payload
    recorded = record.get("recorded_us")
    return OwnAuthorisation(
        role=known_role(str(record.get("role"))) or _GUARDIAN,
        at=format_time(entry.statement.at_us),
        recorded=format_time(recorded) if isinstance(recorded, int) else None,
        proof=record.get("evidence") is not None,
    )


@cache
def _roles() -> Mapping[str, str]:
    found = tomllib.loads(_ROLES.read_text(encoding="utf-8"))
    return {_compared(word): role for role, words in found.items() for word in words}


def _compared(words: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", words).casefold().split())
