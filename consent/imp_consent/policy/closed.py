"""What a person's newest no closes that they had permitted: of that others are told who may act on it still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL, Statement
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.purpose import traits_of
from imp_consent.policy.scope import PERMITTING_TYPES, Fact, corrected, lineage

__all__ = ["NOES", "closed_by"]

# What a person says no by. A restriction and an erasure have words of their own for whoever has the data.
NOES: Final = frozenset({"withdraw", "refuse", "object", "signal", "limit-sensitive"})

Declared = Callable[[str], DeclaredPurpose | None]  # a purpose by its name; asked only where traits decide


def closed_by(history: Sequence[Fact], declared: Declared) -> tuple[str, ...]:
    """The purposes that the last entry of a history closes, and none before it closed since they were permitted.

    A no on one channel closes what was permitted on that channel or on all. One before it counts where it reached as
    far, and nobody lifted it since.
    """
    newest = history[-1]
    if newest.statement.type not in NOES:
        return ()
    wrong = corrected(history)
    before = [fact for fact in history[:-1] if fact.seq not in wrong]
    found = {
        name
        for yes in before
        if yes.statement.type in PERMITTING_TYPES and not yes.statement.bundled
        for name in (yes.statement.purpose, *yes.statement.covers)
        if _closes(newest.statement, yes.statement, name, declared)
        and not any(
            yes.seq < no.seq
            and _closes(no.statement, yes.statement, name, declared)
            and _stands(no.statement, name, newest.statement, before)
            for no in before
        )
    }
    return tuple(sorted(found))


def _stands(no: Statement, name: str, newest: Statement, before: Sequence[Fact]) -> bool:
    """Whether an earlier no left the newest nothing of a purpose to close."""
    if no.channel not in (EVERY_CHANNEL, newest.channel):
        return False
    return not any(
        lift.lifts == no.type
        and lift.purpose in lineage(name)
        and (EVERY_CHANNEL in (lift.channel, newest.channel) or lift.channel == newest.channel)
        and no.at_us < lift.at_us <= newest.at_us
        for lift in (fact.statement for fact in before)
        if lift.type == "lift"
    )


def _closes(said: Statement, yes: Statement, name: str, declared: Declared) -> bool:
    if said.type not in NOES or said.purpose not in lineage(name):
        return False
    if said.channel not in (EVERY_CHANNEL, yes.channel) and yes.channel != EVERY_CHANNEL:
        return False
    if said.traits:
        purpose = declared(name)
        return bool({*said.traits} & {*yes.traits, *(traits_of(purpose) if purpose else ())})
    return yes.type == "basis" or said.type != "object"  # an objection without traits ends no consent
