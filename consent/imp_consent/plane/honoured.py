"""The opt-out signals of somebody that are in force, for whoever shows that they are honoured (11 CCR §7025(c)(6))."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.reader import Reader
from imp_core.clock import format_time
from imp_core.event import RawId
from imp_core.ports import SignalStatus

__all__ = ["honoured", "honoured_in"]


def honoured(reader: Reader, raw: RawId) -> SignalStatus:
    """The flag of a browser or person; nobody's is not set. Writes nothing.

    Raises:
        BadInput: the identifier is malformed.
    """
    subject = reader.find_subject(raw)
    return honoured_in([] if subject is None else reader.history(subject))


def honoured_in(history: Sequence[PersonEntry]) -> SignalStatus:
    """The same, from somebody's entries. A signal that was heard once holds: its absence later says nothing."""
    held = [entry for entry in history if entry.statement.type == "signal" and _asserted(entry)]
    if not held:
        return SignalStatus(honoured=False)
    return SignalStatus(
        honoured=True,
        since=format_time(min(entry.statement.at_us for entry in held)),
        signals=tuple(sorted({str(entry.payload.get("signal")) for entry in held})),
        closes=tuple(sorted({trait for entry in held for trait in entry.statement.traits})),
        ask_again_after=_latest(held, "ask_again_after"),
        tell_recipients_by=_latest(held, "tell_recipients_by"),
    )


def _asserted(entry: PersonEntry) -> bool:
    string = entry.payload.get("string")
    return isinstance(string, Mapping) and bool(string.get("asserts"))


def _latest(entries: Sequence[PersonEntry], name: str) -> str | None:
    clocks = [entry.payload.get("clocks") for entry in entries]
    return max((str(one[name]) for one in clocks if isinstance(one, Mapping) and name in one), default=None)
