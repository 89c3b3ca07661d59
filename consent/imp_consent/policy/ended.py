"""What a no ends: the yeses and the bases it is about, of which each was given under a law that goes on with the no.

A withdrawal of what was given under Chinese law is one under Chinese law, whoever types it and wherever (PIPL 47).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry, Statement
from imp_consent.policy.meeting import is_over
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import PERMITTING_TYPES, corrected, lineage

__all__ = ["LINKS", "NOES", "OWN", "SUSPENDING", "consent_ends", "ended_by"]

# What takes permission away, or keeps it away, by the law that holds for the person.
NOES: Final = frozenset({"refuse", "withdraw", "object", "restrict", "limit-sensitive", "signal", "minor"})
# What stands under the person's own law, where none is named.
SUSPENDING: Final = frozenset({"restrict", "limit-sensitive", "minor"})  # while they hold: they end nothing for good
LINKS: Final = frozenset({"link", "unlink"})
OWN: Final = NOES | LINKS | {"request"}
_TAKE_BACK: Final = frozenset({"refuse", "withdraw"})


def ended_by(said: Saying, history: Sequence[PersonEntry]) -> list[PersonEntry]:
    """The entries, oldest first, that permit what a no is about; where none does any more, those that did.

    By purpose and channel, not by kinds of use: which of these a no closes, its law says first. None of what is no no.
    """
    if said.type not in NOES:
        return []
    held = _held(history)
    about = [entry for entry in held if entry.statement.type in PERMITTING_TYPES and _meets(entry.statement, said)]
    return [entry for entry in about if _stands(entry.statement, said, held)] or about


def consent_ends(said: Statement, history: Sequence[PersonEntry], *, noted: str) -> bool:
    """Whether by one more entry consent has ended, whichever of yes and no comes to be known first.

    By a withdrawal; by a refusal of what stands; by a yes that a withdrawal or refusal of later had ended, unless that
    it had was `noted` since the no: a request with this task is on record.
    """
    if said.type == "withdraw":
        return True
    held = _held(history)
    if said.type == "refuse":
        yeses = (entry.statement for entry in held if entry.statement.type == "grant")
        return any(_meets(yes, said) and _stands(yes, said, held) for yes in yeses)
    if said.type != "grant":
        return False
    told = [entry.seq for entry in held if entry.payload.get("task") == noted]
    noes = (no.statement for no in held if no.statement.type in _TAKE_BACK and all(no.seq > seq for seq in told))
    return any(_meets(said, no) and (no.type == "withdraw" or not is_over(said, no.at_us)) for no in noes)


def _held(history: Sequence[PersonEntry]) -> list[PersonEntry]:
    """Those of a person's entries that no correction took back."""
    wrong = corrected(history)
    return [entry for entry in history if entry.seq not in wrong]


def _meets(yes: Statement, no: Saying | Statement) -> bool:
    if yes.at_us > no.at_us or not (EVERY_CHANNEL in (yes.channel, no.channel) or yes.channel == no.channel):
        return False
    return any(no.purpose in lineage(name) for name in (yes.purpose, *yes.covers))


def _stands(yes: Statement, no: Saying | Statement, held: Sequence[PersonEntry]) -> bool:
    """Whether a yes had neither run out by then nor been taken back whole."""
    return not is_over(yes, no.at_us) and not any(
        _took_back(older, yes) for older in _noes(held) if yes.at_us <= older.at_us <= no.at_us
    )


def _took_back(no: Statement, yes: Statement) -> bool:
    covers_channel = no.channel in (EVERY_CHANNEL, yes.channel)
    return covers_channel and all(no.purpose in lineage(name) for name in (yes.purpose, *yes.covers))


def _noes(held: Sequence[PersonEntry]) -> Iterator[Statement]:
    return (entry.statement for entry in held if entry.statement.type in _TAKE_BACK)
