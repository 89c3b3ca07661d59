"""What an answer says of bases other than consent that a withdrawal or a refusal leaves as they are."""

from __future__ import annotations

from collections.abc import Sequence

from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry, Statement
from imp_consent.policy.explain import basis_words
from imp_consent.policy.meeting import is_over, reaches
from imp_consent.policy.scope import corrected, lineage

__all__ = ["left_standing"]


def left_standing(history: Sequence[PersonEntry], said: Statement) -> tuple[str, ...]:
    """One warning a basis that a newest no is about and does not end: what rests on it goes on (GDPR 7(3), 6(1)(b)).

    `history` are the person's entries; nothing where it is no withdrawal or refusal.
    """
    if said.type not in {"withdraw", "refuse"}:
        return ()
    wrong = corrected(history)
    kept = [
        entry
        for entry in history
        if entry.statement.type == "basis" and entry.seq not in wrong and _outlives(entry.statement, said)
    ]
    return tuple(
        f"it does not end {basis_words(entry.statement.basis)} (entry {entry.seq}): what rests on that for "
        f"{entry.statement.purpose} goes on"
        for entry in kept
    )


def _outlives(basis: Statement, no: Statement) -> bool:
    same = EVERY_CHANNEL in (basis.channel, no.channel) or basis.channel == no.channel
    about = no.purpose in lineage(basis.purpose) and basis.at_us <= no.at_us and not is_over(basis, no.at_us)
    return same and about and not reaches(no, basis)
