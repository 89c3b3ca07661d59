"""Reasons of decisions: their codes, the law each rests on, and which of two denials is the stricter."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from imp_core.gate import LEDGER_UNAVAILABLE, NO_RECORD, Decision

__all__ = ["PERMITTING", "SOURCES", "STRICTNESS", "Reason", "decision", "stricter"]


class Reason(StrEnum):
    """Why a use is permitted (`given`, `basis`) or denied (all others), from the most open to the strictest."""

    GIVEN = "given"
    BASIS = "basis"
    NO_RECORD = NO_RECORD
    PURPOSE_NOT_COVERED = "purpose_not_covered"
    EXPIRED = "expired"
    NOTICE_CHANGED = "notice_changed"
    LOST = "lost"
    REFUSED = "refused"
    CHANNEL_OPT_OUT = "channel_opt_out"
    SIGNAL = "signal"
    LIMITED = "limited"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    UNDER_AGE = "under_age"
    RESTRICTED = "restricted"
    ERASED = "erased"
    LEDGER_UNAVAILABLE = LEDGER_UNAVAILABLE


# The reasons that permit.
PERMITTING: Final = frozenset({Reason.GIVEN, Reason.BASIS})

# From the most open to the strictest: the order in which two answers to one question give way to each other.
STRICTNESS: Final[dict[str, int]] = {str(reason): rank for rank, reason in enumerate(Reason)}

SOURCES: Final[dict[str, str]] = {
    Reason.GIVEN: "GDPR 6(1)(a)",
    Reason.BASIS: "GDPR 6(1)(b)-(f); ePrivacy 13(2)",
    Reason.NO_RECORD: "GDPR 6(1), 7(1), 25(2); ePrivacy 5(3)",
    Reason.PURPOSE_NOT_COVERED: "GDPR 4(11), 5(1)(b), rec. 32, 43; EDPB 05/2020 §§55-61",
    Reason.EXPIRED: "ISO/IEC TS 27560 6.3.7.2; EDPB 05/2020 §§110-111",
    Reason.NOTICE_CHANGED: "GDPR 7, 13(3); PIPL 14(2); ISO 29184 5.5",
    Reason.LOST: "GDPR 5(2), 7(1)",
    Reason.REFUSED: "GDPR 4(11), 6(1)(a)",
    Reason.CHANNEL_OPT_OUT: "GDPR 7(3); ePrivacy 13(2); 15 USC 7704(a)(4); 47 CFR 64.1200(a)(10)",
    Reason.SIGNAL: "CCPA §1798.135; 11 CCR §7025",
    Reason.LIMITED: "CCPA §1798.121",
    Reason.WITHDRAWN: "GDPR 7(3); PIPL 15",
    Reason.OBJECTED: "GDPR 21",
    Reason.UNDER_AGE: "GDPR 8; PIPL 31; CCPA §1798.120(c)",
    Reason.RESTRICTED: "GDPR 18",
    Reason.ERASED: "GDPR 17",
    Reason.LEDGER_UNAVAILABLE: "GDPR 5(1)(f), 25(1), 32(1)(b)",
}


def decision(reason: str, entries: Sequence[int] = ()) -> Decision:
    """The decision a reason stands for; only `given` and `basis` permit."""
    return Decision(permitted=reason in PERMITTING, reason=str(reason), source=SOURCES[reason], entries=tuple(entries))


def stricter(one: str, other: str) -> str:
    """The stricter of two reasons; a use that is asked twice is refused for this one."""
    return max(one, other, key=STRICTNESS.__getitem__)
