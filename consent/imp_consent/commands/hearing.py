"""How signals' entries are written: through the door, closing what the regimes in force say that they close.

With an opt-out that a regime names two clocks begin to run, which the entry holds: nobody is asked to come back before
`ask_again_after`, and those who received the data are told by `tell_recipients_by` (11 CCR §7026(f), §7028; CCPA
§1798.135(c)(4)). The second is a request of kind "opt-out" too, which stays open until it is answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.intake.signals import Speak, Voice
from imp_consent.plane.linked import LINKED_FROM
from imp_consent.policy.door import Appended, Door
from imp_consent.policy.requested import note_request
from imp_consent.policy.rules import Rules
from imp_consent.policy.saying import Saying
from imp_consent.rights.law import rules_of_no
from imp_consent.signals.inbound import closed_traits
from imp_core.clock import format_time
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.ports import Json

__all__ = ["ASK_AGAIN", "REQUEST", "TELL", "opt_out_clocks", "voice"]

REQUEST: Final = "opt-out"
ASK_AGAIN: Final = "ask_again_after"
TELL: Final = "tell_recipients_by"
_EVERY_PURPOSE: Final = "*"


def voice(
    ctx: Context, *, surface: str, regimes: Sequence[str] | None = None, jurisdiction: str | None = None
) -> Voice:
    """What intake appends signals with.

    `surface` is where they were heard; `regimes` and `jurisdiction` are whose law holds (None: that of imp.toml).
    """

    def opened(transaction: Transaction) -> Speak:
        rules, _ = rules_of_no(ctx, transaction, regimes, jurisdiction)  # no signal is refused for a law or place
        return _Desk(ctx, transaction, Door(ctx, transaction, surface=surface), rules, jurisdiction).append

    return opened


def opt_out_clocks(rules: Rules, asserts: frozenset[str], traits: Sequence[str], at_us: int) -> dict[str, int]:
    """The dates (UTC µs) that begin to run when an opt-out comes in; none where no regime in force names it."""
    if not asserts & rules.signal_traits.keys():
        return {}
    clock, waits = rules.clock(REQUEST), rules.wait("signal", traits)
    dates = {} if clock is None else {TELL: clock.within.after(at_us)}
    if waits:
        dates[ASK_AGAIN] = max(wait.period.after(at_us) for wait in waits)
    return dates


class _Desk:
    """Signals of one transaction."""

    def __init__(self, ctx: Context, transaction: Transaction, door: Door, rules: Rules, place: str | None) -> None:
        self._ctx = ctx
        self._transaction = transaction
        self._door = door
        self._rules = rules
        self._place = place

    def append(self, who: int | RawId, said: Saying) -> Appended:
        rules = self._rules if said.regimes is None else self._door.rules(said)
        said = replace(said, regimes=rules.names, jurisdiction=rules.jurisdiction or said.jurisdiction or self._place)
        asserts = _asserts(said)
        if not asserts:
            return self._door.append(who, said)
        traits = closed_traits(asserts, rules.signal_traits)
        clocks = opt_out_clocks(rules, asserts, traits, said.at_us)
        shown: dict[str, Json] = {name: format_time(us) for name, us in clocks.items()}
        more = {**said.more, "clocks": shown} if shown else said.more
        done = self._door.append(who, replace(said, traits=traits, more=more))
        if TELL in clocks and LINKED_FROM not in said.more:
            self._request(done.subject, said)
        return done

    def _request(self, subject: int, said: Saying) -> None:
        """Note that those who received the data are to be told, under one number for a browser and its people."""
        asked = replace(said, type="request", purpose=_EVERY_PURPOSE, traits=None, steps=None, more={})
        note_request(
            self._ctx, self._transaction, self._door.append, subject, rules=self._rules, said=asked, kind=REQUEST
        )


def _asserts(said: Saying) -> frozenset[str]:
    string = said.more.get("string")
    names = string.get("asserts") if isinstance(string, Mapping) else None
    return frozenset(str(name) for name in names) if isinstance(names, list | tuple) else frozenset()
