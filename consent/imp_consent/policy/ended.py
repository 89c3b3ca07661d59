"""What a no ends: the yeses and the bases it is about, of which each was given under a law that goes on with the no.

A withdrawal of what was given under Chinese law is one under Chinese law, whoever types it and wherever (PIPL 47).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry, Statement
from imp_consent.policy.meeting import NECESSARY, is_over, reopens
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import PERMITTING_TYPES, corrected, lineage

__all__ = ["LINKS", "NOES", "OWN", "SUSPENDING", "consent_ends", "ended_by", "ends"]

# What takes permission away, or keeps it away, by the law that holds for the person.
NOES: Final = frozenset({"refuse", "withdraw", "object", "restrict", "limit-sensitive", "signal", "minor"})
# What stands under the person's own law, where none is named.
SUSPENDING: Final = frozenset({"restrict", "limit-sensitive", "minor"})  # while they hold: they end nothing for good
LINKS: Final = frozenset({"link", "unlink"})
OWN: Final = NOES | LINKS | {"request"}
_PUBLIC_TASK: Final = "public-task"  # an objection is about it (GDPR 21(1))
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


def ends(said: Saying, entry: PersonEntry, history: Sequence[PersonEntry]) -> bool:
    """Whether a no ends what one of those entries permits: it stood until then, and is no basis that outlives a no."""
    yes = entry.statement
    outlives = yes.basis in NECESSARY and not (said.type == "object" and yes.basis == _PUBLIC_TASK)
    return not outlives and _stands(yes, said, _held(history))


def consent_ends(said: Statement, history: Sequence[PersonEntry], *, noted: str, now_us: int) -> bool:
    """Whether by one more entry consent has ended, whichever of yes and no comes to be known first.

    By a withdrawal; by a refusal of what stands; by a yes that a withdrawal or refusal of later had ended, unless that
    it had was `noted` since the no: a request with this task is on record. By none of them where a yes from after the
    no has opened all that it closed, and stands `now_us`: who agreed anew is not erased for what was before.
    """
    held = _held(history)
    yeses = [entry.statement for entry in held if entry.statement.type == "grant"]
    if said.type == "withdraw":
        return not _reopened(said, yeses, held, now_us)
    if said.type == "refuse":
        stood = any(_meets(yes, said) and _stands(yes, said, held) for yes in yeses)
        return stood and not _reopened(said, yeses, held, now_us)
    if said.type != "grant":
        return False
    told = [entry.seq for entry in held if entry.payload.get("task") == noted]
    noes = (no.statement for no in held if no.statement.type in _TAKE_BACK and all(no.seq > seq for seq in told))
    closing = (no for no in noes if _meets(said, no) and (no.type == "withdraw" or not is_over(said, no.at_us)))
    return any(not _reopened(no, [said], held, now_us) for no in closing)


def _reopened(no: Statement, yeses: Sequence[Statement], held: Sequence[PersonEntry], now_us: int) -> bool:
    """Whether whatever a no closed of these yeses (where none is known: what it is about) is open again."""
    closed = {
        (name, no.channel if yes.channel == EVERY_CHANNEL else yes.channel)
        for yes in yeses
        if _meets(yes, no)
        for name in (yes.purpose, *yes.covers)
        if no.purpose in lineage(name)
    } or {(no.purpose, no.channel)}
    every = (entry.statement for entry in held)
    later = [yes for yes in every if reopens(no, yes) and not yes.bundled and not is_over(yes, now_us)]
    return all(any(_opens(yes, name, channel, held) for yes in later) for name, channel in closed)


def _opens(yes: Statement, name: str, channel: str, held: Sequence[PersonEntry]) -> bool:
    """Whether a yes is about this purpose and channel, and no no from then on closes it there, in part or whole."""
    if name not in (yes.purpose, *yes.covers) or yes.channel not in (EVERY_CHANNEL, channel):
        return False
    since = (no for no in _noes(held) if no.at_us >= yes.at_us and no.purpose in lineage(name))
    return not any(EVERY_CHANNEL in (no.channel, channel) or no.channel == channel for no in since)


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
