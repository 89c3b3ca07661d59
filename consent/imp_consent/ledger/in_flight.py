"""Messages under way: those of chunks whose `send-intent` no `send-close` has ended yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from imp_consent.identity.pseudonym import message_key
from imp_consent.ledger.delivery import intended_keys, open_intents
from imp_consent.ledger.entry import parse_system_leaf
from imp_consent.ledger.reader import Reader
from imp_core.errors import LedgerBroken
from imp_core.ports import SystemEntry

__all__ = ["channels_in_flight", "intents_in_flight", "messages_in_flight"]


def messages_in_flight(reader: Reader, subjects: Collection[int]) -> int:
    """How many messages to these people are in chunks that are open now: they may still arrive.

    Raises:
        LedgerBroken: a row was changed by other hands, or an open chunk's entry is not there.
    """
    found = 0
    secrets = [key.secret for key in reader.keyring.keys if key.purpose == "idem"]
    for intent in intents_in_flight(reader):
        campaign, channel, step = (str(intent.fields.get(name)) for name in ("campaign", "channel", "step"))
        theirs = {
            message_key(secret, campaign=campaign, channel=channel, step=step, subject=subject)
            for secret in secrets
            for subject in subjects
        }
        found += len(theirs.intersection(intended_keys(reader, intent.seq)))
    return found


def channels_in_flight(reader: Reader) -> frozenset[str]:
    """The channels of the chunks that are open now.

    Raises:
        LedgerBroken: an open chunk's entry is not there.
    """
    return frozenset(str(intent.fields.get("channel")) for intent in intents_in_flight(reader))


def intents_in_flight(reader: Reader) -> Iterator[SystemEntry]:
    """The `send-intent` of each chunk that is open now.

    Raises:
        LedgerBroken: an open chunk's entry is not there.
    """
    for seq in open_intents(reader):
        found = reader.sql.execute("SELECT leaf FROM entry WHERE seq = ?", (seq,)).fetchone()
        entry = parse_system_leaf(found[0], seq=seq) if found else None
        if entry is None or entry.type != "send-intent":
            raise LedgerBroken(
                "messages of an intent that is not there", where=f"entry {seq}", mend="run: imp audit verify"
            )
        yield entry
