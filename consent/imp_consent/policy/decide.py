"""Reasons of decisions: their codes, the law each rests on, and which of two denials is the stricter."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from imp_core.gate import LEDGER_UNAVAILABLE, NO_RECORD, Decision

__all__ = ["SOURCES", "STRICTNESS", "Reason", "decision", "stricter"]


class Reason(StrEnum):
    """Why a use is permitted (`given`) or denied (all others)."""

    GIVEN = "given"
    NO_RECORD = NO_RECORD
    EXPIRED = "expired"
    LOST = "lost"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"
    LEDGER_UNAVAILABLE = LEDGER_UNAVAILABLE


# From the most open to the strictest: the order in which two answers to one question give way to each other.
STRICTNESS: Final[dict[str, int]] = {str(reason): rank for rank, reason in enumerate(Reason)}

SOURCES: Final[dict[str, str]] = {
    Reason.GIVEN: "GDPR 6(1)(a)",
    Reason.NO_RECORD: "GDPR 6(1), 7(1), 25(2); ePrivacy 5(3)",
    Reason.EXPIRED: "ISO/IEC TS 27560 6.3.7.2; EDPB 05/2020 §§110-111",
    Reason.LOST: "GDPR 5(2), 7(1)",
    Reason.REFUSED: "GDPR 4(11), 6(1)(a)",
    Reason.WITHDRAWN: "GDPR 7(3)",
    Reason.ERASED: "GDPR 17",
    Reason.LEDGER_UNAVAILABLE: "GDPR 5(1)(f), 25(1), 32(1)(b)",
}


def decision(reason: str, entries: Sequence[int] = ()) -> Decision:
    """The decision a reason stands for; only `given` permits."""
    return Decision(
        permitted=reason == Reason.GIVEN, reason=str(reason), source=SOURCES[reason], entries=tuple(entries)
    )


def stricter(one: str, other: str) -> str:
    """The stricter of two reasons; a use that is asked twice is refused for this one."""
    return max(one, other, key=STRICTNESS.__getitem__)
