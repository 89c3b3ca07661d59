"""How signals' entries are written: through the door, closing what the regimes in force say that they close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.intake.signals import Speak, Voice
from imp_consent.policy.door import Appended, Door
from imp_consent.policy.saying import Saying
from imp_consent.signals.inbound import closed_traits
from imp_core.context import Context
from imp_core.event import RawId

__all__ = ["voice"]


def voice(ctx: Context, *, surface: str) -> Voice:
    """What intake appends signals with; `surface` is where they were heard."""

    def opened(transaction: Transaction) -> Speak:
        desk = _Desk(ctx, transaction, surface)
        return desk.append

    return opened


class _Desk:
    """Signals of one transaction."""

    def __init__(self, ctx: Context, transaction: Transaction, surface: str) -> None:
        self._door = Door(ctx, transaction, surface=surface)
        self._by_name: Mapping[str, frozenset[str]] = {}

    def append(self, who: int | RawId, said: Saying) -> Appended:
        asserts = _asserts(said)
        if asserts:
            said = replace(said, traits=closed_traits(asserts, self._by_name))
        return self._door.append(who, said)


def _asserts(said: Saying) -> frozenset[str]:
    string = said.more.get("string")
    names = string.get("asserts") if isinstance(string, Mapping) else None
    return frozenset(str(name) for name in names) if isinstance(names, list | tuple) else frozenset()
