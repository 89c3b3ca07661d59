"""Whether a person may be asked (again): for how long after a no, the law of the time it was recorded says.

Every no that a regime's [[reprompt]] speaks of carries the end of its wait in its envelope (`ask_again_us`).
"""

from __future__ import annotations

from dataclasses import dataclass

from imp_consent.policy.case import Case

__all__ = ["Asking", "may_ask"]

_NOES = ("refuse", "withdraw", "object", "signal", "limit-sensitive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Whether a person may be asked for a purpose now; if not, from when on (UTC µs), and which entry says so."""

    allowed: bool
    not_before_us: int | None = None
    entry: int | None = None


def may_ask(case: Case, purpose: str, channel: str, *, at_us: int, by_rules: bool = False) -> Asking:
    """Whether somebody may be asked for a purpose, after what they said before; a yes since then ends the wait.

    `by_rules`: the rules of the case make them wait as well, whatever law each no was recorded under.
    """
    yes_us = max((told.statement.at_us for told in case.about(purpose, channel, "grant")), default=None)
    waits = []
    for told in case.about(purpose, channel, *_NOES):
        said, own_us = told.statement, told.payload.get("ask_again_us")
        traits = case.purposes[purpose].traits
        ends = [own_us] if isinstance(own_us, int) else []
        if by_rules:
            ends += [rule.period.after(said.at_us) for rule in case.rules.wait(said.type, traits)]
        answered = yes_us is not None and yes_us > said.at_us
        if not answered and (not said.traits or set(traits) & set(said.traits)):
            waits += [(until_us, told.seq) for until_us in ends if at_us < until_us]
    if not waits:
        return Asking(allowed=True)
    not_before, entry = max(waits)
    return Asking(allowed=False, not_before_us=not_before, entry=entry)
