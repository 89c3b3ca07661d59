"""Which recipients one person's data may have gone to, found without reading the archive, and leaving word for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.notices import notice_recipients
from imp_consent.plane.outbox import channels_of
from imp_consent.policy.purpose import read_purposes
from imp_consent.rights.own_messages import own_messages
from imp_consent.rights.own_uses import Recipient, recipients_of
from imp_core.gate import Purpose

__all__ = ["declared_recipients", "known_recipients", "leave_notices", "used_recipients"]

_PERMITTING = frozenset({"grant", "basis"})


def known_recipients(reader: Reader, subject: int) -> tuple[Recipient, ...]:
    """Everybody that a person's data was, or may have been, disclosed to.

    Every channel that ever had to do with people is among them, as it may know this one; so is whoever the notices
    they were shown, the purposes they permitted or uses for these purposes name.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    history = reader.history(subject)
    channels = (
        Recipient(name=name, kind="channel", because=("it may know people",), entries=())
        for name in sorted(channels_of(reader))
    )
    named = [*channels, *declared_recipients(reader, history), *used_recipients(reader, history)]
    return recipients_of(history, own_messages(reader, subject), (), named=named)


def leave_notices(transaction: Transaction, subject: int, what: str) -> tuple[Recipient, ...]:
    """Leave word for every known recipient of a person; returns them.

    Of an erasure channels are told by `imp consent tell`, and only the others are left word for here.
    """
    found = known_recipients(transaction, subject)
    if what == "erase":
        found = tuple(recipient for recipient in found if recipient.kind != "channel")
    notice_recipients(transaction, subject, [recipient.name for recipient in found], what)
    return found


def declared_recipients(reader: Reader, history: Sequence[PersonEntry]) -> Iterator[Recipient]:
    """Whom the purposes that a person ever permitted say the data goes to."""
    for name, purpose in sorted(read_purposes(reader).items()):
        permits = [entry.seq for entry in history if _permits(entry, name)]
        recipient = _recipient(purpose)
        if permits and recipient is not None:
            told = f"the purpose {name} says that data goes to it"
            yield Recipient(
                name=recipient[0], kind="named", because=(told,), entries=tuple(permits), contact=recipient[1]
            )


def used_recipients(reader: Reader, history: Sequence[PersonEntry]) -> Iterator[Recipient]:
    """Whom uses (`use-open`, `send-intent`, `export`) for a purpose that a person ever permitted name."""
    for type_ in ("use-open", "send-intent", "export"):
        for entry in reader.system_entries(type_):
            name, purpose = entry.fields.get("recipient"), str(entry.fields.get("purpose"))
            if isinstance(name, str) and name and any(_permits(own, purpose) for own in history):
                yield Recipient(
                    name=name, kind="named", because=(f"a use for {purpose} names it",), entries=(entry.seq,)
                )


def _permits(entry: PersonEntry, purpose: str) -> bool:
    said = entry.statement
    return said.type in _PERMITTING and purpose in (said.purpose, *said.covers)


def _recipient(purpose: Purpose) -> tuple[str, str | None] | None:
    """Name and contact of whom a purpose declares."""
    declared = getattr(purpose, "recipient", None)
    return None if declared is None else (declared.name, declared.contact)
