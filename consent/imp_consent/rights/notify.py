"""Which recipients people's data may have gone to, found without reading the archive, and leaving word for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from imp_consent.ledger.entry import EVERY_PURPOSE, PersonEntry
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.notices import notice_recipients
from imp_consent.plane.outbox import channels_of
from imp_consent.policy.declared_since import DeclaredSince
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
        self._declared = DeclaredSince()

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
        """Whom the purposes that a person ever permitted declared then or since, and uses for these, name."""
        yield from self._declared_since(history)
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
        What a purpose declares since was not said of it then.
        """
        said = entry.statement
        about = (said.purpose, *said.covers)
        return EVERY_PURPOSE in about or self._declared.is_for(self._reader, name, about, entry.seq)

    def _declared_since(self, history: Sequence[PersonEntry]) -> Iterator[Recipient]:
        for entry in history:
            for purpose in dict.fromkeys((entry.statement.purpose, *entry.statement.covers)):
                if not _permits(entry, purpose):
                    continue
                for name, got in self._declared.recipients(self._reader, purpose, entry.seq).items():
                    says = "says that data goes to it" if got.still else "said before that data goes to it"
                    yield Recipient(
                        name=name,
                        kind="named",
                        because=(f"the purpose {purpose} {says}",),
                        entries=(entry.seq,),
                        contact=got.recipient.contact or None,
                    )

    @cached_property
    def _channels(self) -> tuple[str, ...]:
        return tuple(sorted(channels_of(self._reader)))

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
