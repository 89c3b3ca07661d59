"""Which recipients people's data may have gone to, found without reading the archive, and leaving word for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from imp_consent.ledger.entry import EVERY_PURPOSE, PersonEntry
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.notices import notice_recipients
from imp_consent.plane.outbox import channels_of
from imp_consent.policy.purpose import read_purposes
from imp_consent.rights.own_messages import own_messages
from imp_consent.rights.own_uses import Recipient, recipients_of
from imp_core.ports import SystemEntry

__all__ = ["KnownRecipients", "leave_notices"]

_PERMITTING = frozenset({"grant", "basis"})
_USES = ("use-open", "send-intent", "export")


class KnownRecipients:
    """Who may have people's data, as one snapshot of the ledger says: what holds for all is read once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def of(self, subject: int) -> tuple[Recipient, ...]:
        """Everybody that a person's data was, or may have been, disclosed to.

        Every channel that ever had to do with people is among them, as it may know this one; so is whoever the
        notices they were shown, the purposes they permitted or uses for these purposes name.

        Raises:
            LedgerBroken: a row was changed by other hands.
        """
        channels = (
            Recipient(name=name, kind="channel", because=("it may know people",), entries=()) for name in self._channels
        )
        history = self._reader.history(subject)
        messages = own_messages(self._reader, subject)
        return recipients_of(history, messages, (), named=[*channels, *self.named(history)], meant=self.meant)

    def named_by(self, subject: int) -> tuple[Recipient, ...]:
        """Those of them that are no channels, which nobody tells by program."""
        history = self._reader.history(subject)
        found = recipients_of(history, (), (), named=self.named(history), meant=self.meant)
        return tuple(recipient for recipient in found if recipient.name not in self._channels)

    def named(self, history: Sequence[PersonEntry]) -> Iterator[Recipient]:
        """Whom the purposes that a person ever permitted, and uses for these, name."""
        for name, told, contact in self._declared:
            permits = [entry.seq for entry in history if _permits(entry, name)]
            if permits:
                because = f"the purpose {name} says that data goes to it"
                yield Recipient(name=told, kind="named", because=(because,), entries=tuple(permits), contact=contact)
        for entry in self._uses:
            purpose = str(entry.fields.get("purpose"))
            if any(_permits(own, purpose) for own in history):
                told = str(entry.fields["recipient"])
                yield Recipient(
                    name=told, kind="named", because=(f"a use for {purpose} names it",), entries=(entry.seq,)
                )

    def meant(self, entry: PersonEntry, name: str) -> bool:
        """Whether somebody whom an entry's notice names gets data for what the entry is about.

        A notice may ask for several purposes, and some of these declare who gets data: it goes there for them alone.
        """
        declaring = {purpose for purpose, told, _ in self._declared if told == name}
        said = entry.statement
        return not declaring or said.purpose == EVERY_PURPOSE or not declaring.isdisjoint((said.purpose, *said.covers))

    @cached_property
    def _channels(self) -> tuple[str, ...]:
        return tuple(sorted(channels_of(self._reader)))

    @cached_property
    def _declared(self) -> list[tuple[str, str, str | None]]:
        """Purposes that declare a recipient: purpose, its name, its contact."""
        found = sorted(read_purposes(self._reader).items())
        return [(name, p.recipient.name, p.recipient.contact or None) for name, p in found if p.recipient is not None]

    @cached_property
    def _uses(self) -> list[SystemEntry]:
        """The uses that name a recipient."""
        entries = (entry for type_ in _USES for entry in self._reader.system_entries(type_))
        return [entry for entry in entries if isinstance(entry.fields.get("recipient"), str)]


def leave_notices(transaction: Transaction, subjects: Iterable[int], what: str) -> tuple[Recipient, ...]:
    """Leave word for every known recipient of these people; returns them, each once.

    Of an erasure channels are told by `imp consent tell`, and only the others are left word for here.
    """
    known = KnownRecipients(transaction)
    found: dict[str, Recipient] = {}
    for subject in subjects:
        theirs = known.named_by(subject) if what == "erase" else known.of(subject)
        notice_recipients(transaction, subject, [recipient.name for recipient in theirs], what)
        found |= {recipient.name: recipient for recipient in theirs}
    return tuple(found[name] for name in sorted(found))


def _permits(entry: PersonEntry, purpose: str) -> bool:
    said = entry.statement
    return said.type in _PERMITTING and purpose in (said.purpose, *said.covers)
