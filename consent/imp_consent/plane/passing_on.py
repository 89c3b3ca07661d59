"""Who is told of a no: the recipients of what it closes, and the channels that asked to hear of withdrawals.

Word is left in the same transaction as the no, by whatever way it comes; nobody is called there, so that nobody's
failure can hold it up or undo it. Channels are called by `imp consent tell`, recipients are told by people
(`imp consent recipients`); of both the word stays until there is an answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final
from weakref import WeakKeyDictionary

from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry
from imp_consent.ledger.transaction import Projection, Transaction
from imp_consent.plane.notices import OPT_OUT, Word, leave_notice, words_left
from imp_consent.plane.outbox import WITHDRAWN
from imp_consent.plane.users import users_named
from imp_consent.policy.closed import NOES, closed_by
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.declared_since import DeclaredSince
from imp_consent.policy.project import project
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.recorded import Law, recorded_law
from imp_consent.policy.regime import Regimes, read_regimes
from imp_consent.policy.rules import Clock
from imp_consent.policy.scope import PERMITTING_TYPES
from imp_core.clock import DAY_US

__all__ = ["passing_on"]

_CLOCK: Final = "opt-out"
_CHANNEL_WITHIN_US: Final = DAY_US  # a call by program need not wait for the day on which the law would call it late
_FEW: Final = 20  # words looked up one by one in a transaction

Listeners = Callable[[Transaction, str], Iterable[str]]  # the channels that want to hear of the end of a purpose


def passing_on(listeners: Listeners) -> Projection:
    """The projection that also leaves word of a no."""
    known: WeakKeyDictionary[Transaction, _Known] = WeakKeyDictionary()

    def projected(transaction: Transaction, subject: int) -> None:
        history = project(transaction, subject)
        if history[-1].statement.type in NOES and _may_close({entry.statement.type for entry in history}):
            if transaction not in known:
                known[transaction] = _Known(listeners)
            _leave(transaction, subject, history, known[transaction])

    return projected


def _may_close(types: AbstractSet[str]) -> bool:
    # whoever has data of somebody whose erasure was asked for hears of that, and may have forgotten them by now
    return not types.isdisjoint(PERMITTING_TYPES) and "erase-requested" not in types


class _Known:
    """What one transaction reads once, and only where it is needed. It does not hold the transaction."""

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners
        self._hear: dict[str, list[str]] = {}
        self._purposes: Mapping[str, DeclaredPurpose] | None = None
        self._declared = DeclaredSince()
        self._regimes: Regimes | None = None
        self._clocks: dict[Law, Clock | None] = {}
        self._users: dict[str, set[str]] | None = None
        self._left: set[Word] | None = None
        self._asked = 0

    def purposes(self, transaction: Transaction) -> Mapping[str, DeclaredPurpose]:
        """Every purpose by its name."""
        if self._purposes is None:
            self._purposes = read_purposes(transaction)
        return self._purposes

    def hear(self, transaction: Transaction, purpose: str) -> Collection[str]:
        """The channels that want to hear of the end of a purpose."""
        if purpose not in self._hear:
            self._hear[purpose] = list(self._listeners(transaction, purpose))
        return self._hear[purpose]

    def users(self, transaction: Transaction, purpose: str) -> Collection[str]:
        """Who got data of a purpose, as uses for it say."""
        if self._users is None:
            found = defaultdict[str, set[str]](set)
            for name, recipient in users_named(transaction):
                found[name].add(recipient)
            self._users = dict(found)
        return self._users.get(purpose, ())

    def told_of(self, transaction: Transaction, purpose: str, yes: PersonEntry) -> Iterator[str]:
        """Whom somebody was told of who permitted a purpose: by the purpose itself, then and since, and the notice.

        Whom a notice names is left out where only other purposes declared them then.
        """
        yield from self._declared.recipients(transaction, purpose, yes.seq)
        named = yes.payload.get("recipients")
        for name in named if isinstance(named, list | tuple) else ():
            if isinstance(name, str) and self._declared.is_for(transaction, name, (purpose,), yes.seq):
                yield name

    def left(self, transaction: Transaction) -> set[Word] | None:
        """All words that are left, once so many were asked for that looking each up costs more; None before."""
        self._asked += 1
        if self._left is None and self._asked > _FEW:
            self._left = words_left(transaction)
        return self._left

    def due_us(self, transaction: Transaction, history: Sequence[PersonEntry]) -> int | None:
        """By when recipients are told, by the law that the no was recorded under; None where it sets no time."""
        if self._regimes is None:
            self._regimes = read_regimes(transaction)
        law = recorded_law(history[-1:], self._regimes.texts)
        if law not in self._clocks:
            self._clocks[law] = self._regimes.rules_of_no(law.regimes, law.jurisdiction).clock(_CLOCK)
        clock = self._clocks[law]
        return None if clock is None else clock.within.after(history[-1].statement.at_us)


def _leave(transaction: Transaction, subject: int, history: Sequence[PersonEntry], known: _Known) -> None:
    said, soon = history[-1].statement, transaction.now_us + _CHANNEL_WITHIN_US
    for purpose in closed_by(history, lambda name: known.purposes(transaction).get(name)):
        hear = [name for name in known.hear(transaction, purpose) if said.channel in (EVERY_CHANNEL, name)]
        if hear:
            left = known.left(transaction)
            leave_notice(transaction, subject, hear, f"{WITHDRAWN} {purpose}", due_us=soon, left=left)
        if said.channel != EVERY_CHANNEL:  # a no on one channel is no no to what others do on theirs
            continue
        shown = (name for yes in _permitting(history, purpose) for name in known.told_of(transaction, purpose, yes))
        told = sorted({*known.users(transaction, purpose), *shown})
        if told:
            by, left = known.due_us(transaction, history), known.left(transaction)
            leave_notice(transaction, subject, told, f"{OPT_OUT} {purpose}", due_us=by, left=left)


def _permitting(history: Iterable[PersonEntry], purpose: str) -> Iterator[PersonEntry]:
    """The entries by which a purpose was permitted."""
    for entry in history:
        said = entry.statement
        if said.type in PERMITTING_TYPES and purpose in (said.purpose, *said.covers):
            yield entry
