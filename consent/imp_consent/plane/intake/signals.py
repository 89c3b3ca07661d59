"""Signals become withdrawals, once: the same bounce read twice, from a folder that grew, says nothing new."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from imp_consent.ledger.entry import EVERY_PURPOSE, Statement
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.intake.screen import Heard
from imp_core.ports import Json

__all__ = ["Envelope", "append_signals", "new_signals"]

# What a withdrawal's entry says besides its statement.
Envelope = Callable[[Heard], Mapping[str, Json]]
_WITHDRAW: Final = "withdraw"


def new_signals(reader: Reader, heard: Iterable[Heard]) -> list[Heard]:
    """Those of subjects that still live which would change something, taken one after the other."""
    known: dict[int, list[Statement]] = {}
    new: list[Heard] = []
    for signal in heard:
        said = known.get(signal.subject)
        if said is None:
            if not any(True for _ in reader.sealed.select("subject_key", "subject = ?", (signal.subject,))):
                continue
            said = known[signal.subject] = [entry.statement for entry in reader.history(signal.subject)]
        statement = _statement(signal)
        if not _held(said, statement):
            said.append(statement)
            new.append(signal)
    return new


def append_signals(transaction: Transaction, new: Iterable[Heard], envelope: Envelope) -> None:
    """Append the withdrawal of each: it may only reduce permission."""
    for signal in new:
        transaction.append_person(signal.subject, _statement(signal), envelope(signal))


def _statement(signal: Heard) -> Statement:
    return Statement(
        type=_WITHDRAW, purpose=signal.purpose or EVERY_PURPOSE, channel=signal.channel, at_us=signal.event_us
    )


def _held(said: Sequence[Statement], new: Statement) -> bool:
    """Whether all this withdraws is withdrawn on its channel then: the last that was said of it there was that.

    What was said without a channel does not count: it may be taken back without one too.
    """
    spoken = [
        (one.at_us, one.type == _WITHDRAW, place, one.purpose)
        for place, one in enumerate(said)
        if one.channel == new.channel
        and one.at_us <= new.at_us
        and (EVERY_PURPOSE in (one.purpose, new.purpose) or one.purpose == new.purpose)
    ]
    # At one event time a withdrawal comes last, as in the fold.
    _, withdrawn, _, purpose = max(spoken, default=(0, False, 0, ""))
    return withdrawn and purpose in (new.purpose, EVERY_PURPOSE)
