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
from imp_consent.policy.recorded import Law
from imp_consent.policy.requested import note_request
from imp_consent.policy.rules import Rules
from imp_consent.policy.saying import Saying
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

    `surface` is where they were heard; `regimes` and `jurisdiction` are what is named as the law that holds (None: the
    door looks whose it is).
    """

    def opened(transaction: Transaction) -> Speak:
        law = Law(None if regimes is None else tuple(regimes), jurisdiction)
        return _Desk(ctx, transaction, Door(ctx, transaction, surface=surface), law).append

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

    def __init__(self, ctx: Context, transaction: Transaction, door: Door, named: Law) -> None:
        self._ctx = ctx
        self._transaction = transaction
        self._door = door
        self._named = named
        self._devices: set[str] = set()  # whose people's request was noted here

    def append(self, who: int | RawId, said: Saying) -> Appended:
        said = self._settled(who, said)
        rules = self._door.rules(said)
        asserts = _asserts(said)
        if not asserts:
            return self._door.append(who, said)
        traits = closed_traits(asserts, rules.signal_traits)
        clocks = opt_out_clocks(rules, asserts, traits, said.at_us)
        shown: dict[str, Json] = {name: format_time(us) for name, us in clocks.items()}
        more = {**said.more, "clocks": shown} if shown else said.more
        done = self._door.append(who, replace(said, traits=traits, more=more))
        if TELL in clocks and not self._is_noted(said):
            self._request(done.subject, said, rules)
        return done

    def _is_noted(self, said: Saying) -> bool:
        """Whether its device's own request stands for it too; where the device's law has none, its first person's."""
        device = said.more.get(LINKED_FROM)
        if not isinstance(device, str):
            return False
        first = device not in self._devices
        self._devices.add(device)
        history = self._transaction.history(int(device, 16))
        own = (entry for entry in history if entry.statement.type == "request")
        return not first or any(entry.payload.get("kind") == REQUEST for entry in own)

    def _settled(self, who: int | RawId, said: Saying) -> Saying:
        """Under the law that is named, else that of the person, else that of the device along whose link it came."""
        if said.regimes is None:
            place = said.jurisdiction or self._named.jurisdiction
            said = replace(said, regimes=self._named.regimes, jurisdiction=place)
        device, settled = said.more.get(LINKED_FROM), self._door.settle(who, said)
        if settled.under is None or settled.under.known or not isinstance(device, str):
            return settled
        return replace(settled, under=self._door.settle(int(device, 16), said).under)

    def _request(self, subject: int, said: Saying, rules: Rules) -> None:
        """Note that those who received the data are to be told, under one number for a browser and its people."""
        asked = replace(said, type="request", purpose=_EVERY_PURPOSE, traits=None, steps=None, more={})
        note_request(self._ctx, self._transaction, self._door.append, subject, rules=rules, said=asked, kind=REQUEST)


def _asserts(said: Saying) -> frozenset[str]:
    string = said.more.get("string")
    names = string.get("asserts") if isinstance(string, Mapping) else None
    return frozenset(str(name) for name in names) if isinstance(names, list | tuple) else frozenset()
