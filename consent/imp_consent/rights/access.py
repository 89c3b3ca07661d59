"""Everything the workspace holds of one person, and of nobody else, as one document (GDPR 15; PIPL 45; CCPA §1798.130).

The document is the answer to a request for access: `imp-access/1`. `imp_consent.rights.page` makes it readable.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from imp_consent.identity.normalize import normalise
from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.suppression import is_suppressed
from imp_consent.plane.subject import OwnRow, own_rows
from imp_consent.policy.house import House, readable_house
from imp_consent.policy.notice import Notice, parse_notice
from imp_consent.policy.purpose import purposes_over_time, read_purposes
from imp_consent.policy.regime import read_regimes
from imp_consent.policy.sources import source_of
from imp_consent.rights.notify import KnownRecipients
from imp_consent.rights.own_authorisations import OwnAuthorisation, own_authorisations
from imp_consent.rights.own_entries import OwnEntry, own_entries
from imp_consent.rights.own_messages import OwnMessage, own_messages
from imp_consent.rights.own_permissions import Permission, own_permissions
from imp_consent.rights.own_uses import OwnUse, Recipient, own_sources, own_uses, recipients_of
from imp_consent.rights.reach import Reach, read_reach
from imp_core.clock import format_time
from imp_core.errors import LedgerBroken
from imp_core.event import EventType, RawId
from imp_core.gate import Gate
from imp_core.workspace import Workspace

__all__ = ["SCHEMA", "Access", "OwnEvent", "ShownNotice", "assemble", "spoken"]

SCHEMA: Final = "imp-access/1"
# Numbers of our own making: where a row stands, and how large the log was.
_PLACES: Final = frozenset({"batch", "row", "intake_seq", "type", "event_us", "received_us"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownNotice:
    """A notice that entries name, with the exact text that was shown: what its SHA-256 is of, says the ledger."""

    sha256: str
    notice: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEvent:
    """One event: its type, when it happened and was taken in (ISO 8601), from where, and every field that is known.

    `source` is the channel it came in by, `source_entry` the log's number of the entry that took it in (None: it waits
    in the inbox).
    """

    type: str
    at: str
    received: str
    source: str | None
    source_entry: int | None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The copy of one person's data. Times are ISO 8601 in UTC; what is not known is null.

    `request` is the id of the request it answers, `entries_of_log` how long the log was then. `known` is whether
    anything is held by this identifier; `erased`, that the person was erased and only a keyed token keeps them from
    being taken up again. `reach` is how to reach the controller. `identifiers` counts the identifiers by kind, whose
    values are not held. `authorisations` are those given as somebody's guardian. `retention` says how long each kind of
    data is kept, in words.
    """

    schema: str
    controller: str
    reach: Reach
    log: str
    made: str
    request: str | None
    received: str | None
    due: str | None
    entries_of_log: int
    known: bool
    erased: bool
    identifiers: Mapping[str, int]
    permissions: tuple[Permission, ...] = ()
    entries: tuple[OwnEntry, ...] = ()
    authorisations: tuple[OwnAuthorisation, ...] = ()
    notices: tuple[ShownNotice, ...] = ()
    touchpoints: tuple[OwnEvent, ...] = ()
    exposures: tuple[OwnEvent, ...] = ()
    outcomes: tuple[OwnEvent, ...] = ()
    traits: tuple[OwnEvent, ...] = ()
    messages: tuple[OwnMessage, ...] = ()
    uses: tuple[OwnUse, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    retention: tuple[str, ...] = ()


def assemble(
    log: Log,
    workspace: Workspace,
    gate: Gate,
    raw: RawId,
    *,
    request: tuple[str, int, int | None] | None = None,
    retention: Sequence[str] = (),
) -> Access:
    """Everything of the person behind an identifier, as of now; nothing is written.

    `request` is its id, when it came in and when it is due (UTC µs).

    Raises:
        BadInput: the identifier is malformed.
        LedgerBroken: an entry, a row or a file was changed by other hands, or is missing.
    """
    id_, received_us, due_us = request or (None, None, None)
    with log.read() as reader:
        subject = reader.find_subject(raw)
        authorised = own_authorisations(reader, raw, subject)
        head: dict[str, Any] = {
            "schema": SCHEMA,
            "controller": workspace.controller,
            "reach": read_reach(workspace.config),
            "log": workspace.log_id,
            "made": format_time(log.clock.now_us()),
            "request": id_,
            "received": None if received_us is None else format_time(received_us),
            "due": None if due_us is None else format_time(due_us),
            "entries_of_log": reader.size,
            "known": subject is not None or bool(authorised),
            "erased": subject is None and is_suppressed(reader.sealed, reader.keyring, normalise(raw)),
            "retention": tuple(retention),
            "authorisations": authorised,
        }
    if subject is None:
        return Access(**head, identifiers={})
    rows, house = own_rows(log, workspace, subject), readable_house(workspace.config)[0]
    with log.read() as reader:
        if reader.find_subject(raw) != subject:  # erased meanwhile
            return Access(**{**head, "known": False, "erased": True, "authorisations": ()}, identifiers={})
        return Access(**head, **_all_of(reader, gate, subject, rows, house, now_us=log.clock.now_us()))


def spoken(copy: Access) -> tuple[str, ...]:
    """The languages of the notices that a person was shown, the last one first."""
    by_hash = {shown.sha256: shown.notice.language for shown in copy.notices}
    named = (by_hash[entry.notice] for entry in reversed(copy.entries) if entry.notice in by_hash)
    return tuple(dict.fromkeys(named))


def _all_of(
    reader: Reader, gate: Gate, subject: int, rows: Sequence[OwnRow], house: House, *, now_us: int
) -> dict[str, Any]:
    history, purposes, regimes = reader.history(subject), read_purposes(reader), read_regimes(reader)
    descriptions = {name: purpose.description for name, purpose in purposes.items()}
    fields = [row.fields for row in rows]
    sources = own_sources(reader, {row["batch"] for row in fields if "batch" in row})
    collected = {batch: entry.seq for batch, entry in sources.items()}
    messages = own_messages(reader, subject, [row for row in fields if row["type"] == EventType.EXPOSURE])
    uses = own_uses(reader, gate, subject, fields, collected=collected)
    events = [_event(row, collected, {b: e.fields.get("channel") for b, e in sources.items()}) for row in rows]
    came = [(event.source, event.source_entry) for event in events if event.source and event.source_entry is not None]
    known = KnownRecipients(reader)
    law = partial(source_of, history=history, regimes=regimes, house=house)
    return {
        "identifiers": _kinds(reader, subject),
        "permissions": own_permissions(
            reader, gate, subject, purposes=purposes, history=history, law=law, now_us=now_us
        ),
        "entries": own_entries(history, descriptions, purposes_over_time(reader)),
        "notices": _notices(reader, history),
        "touchpoints": tuple(event for event in events if event.type == EventType.TOUCHPOINT),
        "exposures": tuple(event for event in events if event.type == EventType.EXPOSURE),
        "outcomes": tuple(event for event in events if event.type == EventType.OUTCOME),
        "traits": tuple(event for event in events if event.type == EventType.TRAIT),
        "messages": messages,
        "uses": uses,
        "recipients": recipients_of(
            history,
            messages,
            uses,
            [(str(name), seq) for name, seq in came],
            named=known.named(history),
            meant=known.meant,
        ),
    }


def _event(row: OwnRow, collected: Mapping[int, int], channels: Mapping[int, object]) -> OwnEvent:
    fields, batch = row.fields, row.fields.get("batch", 0)
    channel = channels.get(batch)
    return OwnEvent(
        type=str(fields["type"]),
        at=format_time(fields["event_us"]),
        received=format_time(fields["received_us"]),
        source=str(channel) if channel else fields.get("channel"),
        source_entry=collected.get(batch),
        fields={name: _plain(name, value) for name, value in fields.items() if name not in _PLACES},
    )


def _plain(name: str, value: object) -> object:
    return json.loads(value) if name == "props" and isinstance(value, str) else value


def _notices(reader: Reader, history: Iterable[PersonEntry]) -> tuple[ShownNotice, ...]:
    """The notices that entries name, in the order in which they were first shown.

    Raises:
        LedgerBroken: a notice is missing or changed.
    """
    named = dict.fromkeys(entry.statement.notice for entry in history if entry.statement.notice is not None)
    return tuple(ShownNotice(sha256=sha256, notice=parse_notice(reader.notice(sha256))) for sha256 in named)


def _kinds(reader: Reader, subject: int) -> dict[str, int]:
    """How many identifiers of each kind lead to a person."""
    counts: dict[str, int] = {}
    for key in reader.keyring.keys:
        if key.purpose != "kek":
            continue
        sealed = reader.subjects.encryption(key.id).seal_subject(subject)
        for row in reader.sealed.select("identifier", "subject = ?", (sealed,)):
            kind = str(row[0])
            counts[kind] = counts.get(kind, 0) + 1
    if not counts:
        raise LedgerBroken("a person to whom no identifier leads", where="identifier", mend="run: imp audit verify")
    return dict(sorted(counts.items()))
