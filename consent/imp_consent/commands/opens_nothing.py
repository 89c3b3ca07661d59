"""What an answer says of a yes, or another basis, that was recorded and opens nothing now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from imp_consent.gate import decide_in
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.decide import Reason
from imp_consent.policy.explain import what_changes
from imp_core.gate import Action, Use

__all__ = ["opens_nothing", "opens_nothing_text"]

# What a minor lacks, by the word of the regimes; it is looked up in the entry that decides.
_LACKS: Final[Mapping[str, str]] = {
    "guardian": "the person is too young to consent alone, and it opens nothing until a guardian's authorisation is "
    "recorded: imp consent guardian",
    "own": "at this age only a yes of the person's own opens it: record what they said themselves, without "
    "--by-guardian",
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
        lacks = (str(entry.statement.needs) for entry in transaction.history(subject) if entry.seq in found.entries)
        return next((_LACKS[word] for word in lacks if word in _LACKS), what_changes(found.reason))
    return f"it opens nothing now ({found.reason}). {what_changes(found.reason)}"


def opens_nothing_text(why: str | None) -> str:
    """A line to append; empty where it opens what it names."""
    return "" if why is None else f"\nwarning: {why}"
