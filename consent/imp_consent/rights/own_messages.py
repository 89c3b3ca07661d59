"""The messages that were sent to one person, found by the keyed name that each message has of campaign and person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from imp_consent.identity.pseudonym import message_key
from imp_consent.ledger.reader import Reader
from imp_core.clock import format_time
from imp_core.ports import SystemEntry

__all__ = ["OwnMessage", "own_messages"]

_KEYS: Final = 500  # looked up by one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMessage:
    """One message: campaign, channel and step, when it was decided on, what became of it, and what it said.

    `entry` is the log's number of the decision; `status` is what the channel answered. `said` are the message's parts
    before the person's own fields were put in, empty where the campaign tries several texts and it is not known which
    one this person was shown.
    """

    campaign: str
    channel: str
    step: str
    purpose: str
    at: str
    status: str
    entry: int
    variant: str | None = None
    said: Mapping[str, str] = field(default_factory=dict)


class _Send(NamedTuple):
    campaign: str
    channel: str
    step: str


def own_messages(reader: Reader, subject: int, exposures: Sequence[Mapping[str, Any]] = ()) -> tuple[OwnMessage, ...]:
    """The messages intended for a person, oldest first; `exposures` are their own exposure rows of the archive.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    intents = {entry.seq: entry for entry in reader.system_entries("send-intent")}
    shown = {str(row.get("experiment")): str(row.get("variant")) for row in exposures}
    rows = _rows(reader, subject, {_send(entry) for entry in intents.values()})
    found = [_message(reader, intents[intent], status, shown) for intent, status in rows if intent in intents]
    return tuple(sorted(found, key=lambda message: message.entry))


def _rows(reader: Reader, subject: int, sends: set[_Send]) -> Iterator[tuple[int, str]]:
    secrets = [key.secret for key in reader.keyring.keys if key.purpose == "idem"]
    keys = [
        message_key(secret, campaign=send.campaign, channel=send.channel, step=send.step, subject=subject)
        for secret in secrets
        for send in sorted(sends)
    ]
    for start in range(0, len(keys), _KEYS):
        chunk = keys[start : start + _KEYS]
        for _, intent, status, _ in reader.sealed.select("delivery", f"key IN ({', '.join('?' * len(chunk))})", chunk):
            yield int(str(intent)), str(status)


def _send(entry: SystemEntry) -> _Send:
    return _Send(*(str(entry.fields.get(name)) for name in _Send._fields))


def _message(reader: Reader, intent: SystemEntry, status: str, shown: Mapping[str, str]) -> OwnMessage:
    send = _send(intent)
    document: Any = json.loads(reader.document(str(intent.fields["definition"])))
    contents, experiment = document.get("contents", {}), document.get("experiment")
    variant = shown.get(str(experiment)) if experiment else None
    part = contents.get(variant) if variant is not None else next(iter(contents.values()), None)
    return OwnMessage(
        campaign=send.campaign,
        channel=send.channel,
        step=send.step,
        purpose=str(document.get("purpose")),
        at=format_time(intent.at_us),
        status=status,
        entry=intent.seq,
        variant=variant,
        said={str(name): str(text) for name, text in (part or {}).items()} if len(contents) == 1 or variant else {},
    )
