"""What an answer says of a yes, or another basis, that was recorded and opens nothing now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from imp_consent.gate import decide_in
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.bounced import BOUNCE_BESIDES, BOUNCE_CHANGES, BOUNCE_WHY, is_bounce, own_no
from imp_consent.policy.decide import Reason
from imp_consent.policy.explain import what_changes
from imp_consent.policy.openers import OF_AGE_ALONE, too_young, what_opens
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.scope import Scope
from imp_core.gate import Action, Decision, Use

__all__ = ["opens_nothing", "opens_nothing_text"]

# How what reopens it is recorded.
_EXPLICIT: Final[Mapping[str, str]] = {
    Reason.OBJECTED: " Where the yes was explicit, record it so: --consent explicit.",
    Reason.LIMITED: " Where the yes was explicit, record it so: --consent explicit.",
    Reason.SIGNAL: " Where they were told of it first, record it so: --informed.",
}


def opens_nothing(transaction: Transaction, subject: int, purpose: str, channel: str) -> str | None:
    """Why a yes for a purpose opens nothing now, in one sentence; None: it is open.

    Raises:
        LedgerBroken: what the gate reads was changed by other hands.
    """
    use = Use(purpose=purpose, action=Action.COLLECT, subject=subject, channel=channel or None)
    found = decide_in(transaction, use, at_us=transaction.now_us)
    if found.permitted:
        return None
    if found.reason == Reason.UNDER_AGE:
        return _too_young(transaction, subject, use, found)
    history = transaction.history(subject)
    if any(is_bounce(entry.statement.type, entry.payload) for entry in history if entry.seq in found.entries):
        own = own_no(history, found, Scope(purpose, channel), at_us=transaction.now_us)
        changes = BOUNCE_CHANGES if own is None else f"{_changes(own)} {BOUNCE_BESIDES}"
        return f"it opens nothing now ({found.reason}). {BOUNCE_WHY} {changes}"
    return f"it opens nothing now ({found.reason}). {_changes(found)}"


def _changes(found: Decision) -> str:
    return what_changes(found.reason) + _EXPLICIT.get(found.reason, "")


def _too_young(transaction: Transaction, subject: int, use: Use, found: Decision) -> str:
    """What a child's use lacks: what would open it is tried out."""
    history = transaction.history(subject)
    why = too_young(entry.statement for entry in history if entry.seq in found.entries) or ""
    declared = read_purposes(transaction)[use.purpose]
    opens = what_opens(history, declared, use.channel or "", transaction.now_us) or OF_AGE_ALONE
    return f"the person is too young to consent alone, and it opens nothing now ({found.reason}). {why} {opens}"


def opens_nothing_text(why: str | None) -> str:
    """A line to append; empty where it opens what it names."""
    return "" if why is None else f"\nwarning: {why}"
