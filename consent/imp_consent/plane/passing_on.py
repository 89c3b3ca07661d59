"""Who is told of a no: the recipients of what it closes, and the channels that asked to hear of withdrawals.

Word is left in the same transaction as the no, by whatever way it comes; nobody is called there, so that nobody's
failure can hold it up or undo it. Channels are called by `imp consent tell`, recipients are told by people
(`imp consent recipients`); of both the word stays until there is an answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final
from weakref import WeakKeyDictionary

from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry
from imp_consent.ledger.transaction import Projection, Transaction
from imp_consent.plane.notices import OPT_OUT, leave_notice, words_left
from imp_consent.plane.outbox import WITHDRAWN
from imp_consent.policy.closed import NOES, closed_by
from imp_consent.policy.project import project
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.recorded import recorded_law
from imp_consent.policy.regime import read_regimes
from imp_consent.policy.scope import PERMITTING_TYPES
from imp_core.clock import DAY_US

__all__ = ["passing_on"]

_CLOCK: Final = "opt-out"
_CHANNEL_WITHIN_US: Final = DAY_US  # a call by program need not wait for the day on which the law would call it late
_USES: Final = ("use-open", "send-intent", "export")

Listeners = Callable[[str], Iterable[str]]  # the channels that want to hear of the end of a purpose


def passing_on(listeners: Listeners) -> Projection:
    """The projection that also leaves word of a no."""
    known: WeakKeyDictionary[Transaction, _Known] = WeakKeyDictionary()

    def projected(transaction: Transaction, subject: int) -> None:
        history = project(transaction, subject)
        if history[-1].statement.type in NOES and len(history) > 1:
            if transaction not in known:
                known[transaction] = _Known(transaction)
            _leave(transaction, subject, history, known[transaction], listeners)

    return projected


class _Known:
    """What one transaction reads once."""

    def __init__(self, transaction: Transaction) -> None:
        self.purposes = read_purposes(transaction)
        self.regimes = read_regimes(transaction)
        self.left = words_left(transaction)
        self._entries = [entry for type_ in _USES for entry in transaction.system_entries(type_)]

    @cached_property
    def users(self) -> dict[str, set[str]]:
        """Who got data of a purpose, as the purpose itself or uses for it say."""
        found = defaultdict[str, set[str]](set)
        for name, purpose in self.purposes.items():
            if purpose.recipient is not None:
                found[name].add(purpose.recipient.name)
        for entry in self._entries:
            recipient = entry.fields.get("recipient")
            if isinstance(recipient, str) and recipient:
                found[str(entry.fields.get("purpose"))].add(recipient)
        return found

    def due_us(self, history: Sequence[PersonEntry]) -> int | None:
        """By when recipients are told, by the law that the no was recorded under; None where it sets no time."""
        law = recorded_law(history[-1:], self.regimes.texts)
        clock = self.regimes.rules(law.regimes, law.jurisdiction).clock(_CLOCK)
        return None if clock is None else clock.within.after(history[-1].statement.at_us)


def _leave(
    transaction: Transaction, subject: int, history: Sequence[PersonEntry], known: _Known, listeners: Listeners
) -> None:
    said, soon = history[-1].statement, transaction.now_us + _CHANNEL_WITHIN_US
    for purpose in closed_by(history, known.purposes):
        hear = [name for name in listeners(purpose) if said.channel in (EVERY_CHANNEL, name)]
        leave_notice(transaction, subject, hear, f"{WITHDRAWN} {purpose}", due_us=soon, left=known.left)
        if said.channel == EVERY_CHANNEL:  # a no on one channel is no no to what others do on theirs
            told = sorted({*known.users.get(purpose, ()), *_shown(history, purpose)})
            by = known.due_us(history)
            leave_notice(transaction, subject, told, f"{OPT_OUT} {purpose}", due_us=by, left=known.left)


def _shown(history: Iterable[PersonEntry], purpose: str) -> Iterator[str]:
    """Whom the notices name by which the purpose was permitted."""
    for entry in history:
        named = entry.payload.get("recipients")
        permits = entry.statement.type in PERMITTING_TYPES and purpose in (
            entry.statement.purpose,
            *entry.statement.covers,
        )
        if permits and isinstance(named, list | tuple):
            yield from (name for name in named if isinstance(name, str))
