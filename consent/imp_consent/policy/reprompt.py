"""Whether a person may be asked (again): for how long after a no, the law of the time it was recorded says.

Every no that a regime's [[reprompt]] speaks of carries the end of its wait in its envelope (`ask_again_us`).
"""

from __future__ import annotations

from dataclasses import dataclass

from imp_consent.policy.case import Case, Told
from imp_consent.policy.scope import Scope
from imp_consent.policy.state import timeline

__all__ = ["Asking", "may_ask", "outweighed"]

_NOES = ("refuse", "withdraw", "object", "signal", "limit-sensitive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Whether a person may be asked for a purpose now; if not, from when on (UTC µs), and which entry says so."""

    allowed: bool
    not_before_us: int | None = None
    entry: int | None = None


def may_ask(case: Case, purpose: str, channel: str, *, at_us: int, by_rules: bool = False) -> Asking:
    """Whether somebody may be asked for a purpose, after what they said before.

    A yes since then that opened it ends the wait; one that the no still closes ends nothing. `by_rules`: the rules of
    the case make them wait as well, whatever law each no was recorded under.
    """
    waits = []
    for told in case.about(purpose, channel, *_NOES):
        said, own_us = told.statement, told.payload.get("ask_again_us")
        traits = case.purposes[purpose].traits
        ends = [own_us] if isinstance(own_us, int) else []
        if by_rules:
            ends += [rule.period.after(said.at_us) for rule in case.rules.wait(said.type, traits)]
        lasting = [
            until_us for until_us in ends if at_us < until_us and (not said.traits or set(traits) & {*said.traits})
        ]
        if lasting and not outweighed(case, told, purpose, channel, at_us=at_us):
            waits += [(until_us, told.seq) for until_us in lasting]
    if not waits:
        return Asking(allowed=True)
    not_before, entry = max(waits)
    return Asking(allowed=False, not_before_us=not_before, entry=entry)


def outweighed(case: Case, no: Told, purpose: str, channel: str, *, at_us: int) -> bool:
    """Whether a yes of later than a no opened the purpose where the no holds, at some time up to another."""
    later = {told.seq for told in case.about(purpose, channel, "grant") if told.statement.at_us > no.statement.at_us}
    if not later:
        return False
    scope = Scope(purpose, no.statement.channel or channel)
    return any(
        segment.permit and segment.from_us <= at_us and not later.isdisjoint(segment.entries)
        for segment in timeline(case.history, scope)
    )
