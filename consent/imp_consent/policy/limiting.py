"""Which restrictions, objections and limits of a person are still in force, and where.

A lift takes away what was asked for before it, as far as it reaches: for its purpose and those below, on its channel
or, without one, on all. What it leaves of a wider one stays in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from imp_consent.ledger.entry import EVERY_CHANNEL, EVERY_PURPOSE, Statement
from imp_consent.policy.scope import Fact, Scope, corrected, lineage

__all__ = ["limits_in_force"]

_Entry = TypeVar("_Entry", bound=Fact)
_EVERYWHERE = Scope(EVERY_PURPOSE, EVERY_CHANNEL)


def limits_in_force(history: Sequence[_Entry], type_: str, within: Scope = _EVERYWHERE) -> list[_Entry]:
    """The entries of a type that still limit something in a scope; by default anything anywhere."""
    wrong = corrected(history)
    read = [entry for entry in history if entry.seq not in wrong]
    lifts = [entry.statement for entry in read if entry.statement.type == "lift" and entry.statement.lifts == type_]
    found = []
    for entry in read:
        shared = _shared(entry.statement, within) if entry.statement.type == type_ else None
        if shared is not None and not any(_lifts(said, entry.statement, shared) for said in lifts):
            found.append(entry)
    return found


def _shared(said: Statement, within: Scope) -> Scope | None:
    """The narrower of what a limit and a scope speak of; None where they have nothing in common."""
    purposes = {said.purpose: lineage(said.purpose), within.purpose: lineage(within.purpose)}
    purpose = max(purposes, key=lambda name: len(purposes[name]))
    channels = {said.channel, within.channel} - {EVERY_CHANNEL}
    if any(name not in purposes[purpose] for name in purposes) or len(channels) > 1:
        return None
    return Scope(purpose, channels.pop() if channels else EVERY_CHANNEL)


def _lifts(lift: Statement, said: Statement, scope: Scope) -> bool:
    reaches = lift.purpose in lineage(scope.purpose) and lift.channel in (EVERY_CHANNEL, scope.channel)
    return reaches and lift.at_us > said.at_us
