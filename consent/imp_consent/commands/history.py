"""`imp consent history`: everything the ledger holds of one person, at that person's request (GDPR 15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import click

from imp_consent.commands.arguments import read_identifier
from imp_consent.commands.nobody import NOTHING_HELD, exit_for_nobody
from imp_consent.ledger.entry import PersonEntry
from imp_consent.policy.closes import closed_by, said_about
from imp_consent.policy.lift_rules import LIMITS_BY_NAME
from imp_consent.rights.own_entries import without_others
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.ports import Json

__all__ = ["History", "HistoryEntry", "history", "history_command"]

_OF_THE_PERSON: Final = frozenset({"link", "unlink", "minor", "lost", "erase-requested"})  # and of no use of data


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One entry: its number, what it states (times ISO 8601; None: every channel, for good) and its envelope.

    `about` is what it is about in words; `closes` the kinds of use that a no closes, by their traits (None: all of its
    purpose, or it is no such no). `superseded_by` is the correction that says it was wrong. The envelope names nobody
    else, no guardian, no device and nobody who uses one, but who recorded it.
    """

    seq: int
    type: str
    purpose: str
    channel: str | None
    at: str
    until: str | None
    recorded: str | None
    notice: str | None
    about: str
    closes: tuple[str, ...] | None
    superseded_by: int | None
    envelope: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A person's entries, oldest first, and the number of the entry that says somebody asked."""

    access_request: int
    entries: tuple[HistoryEntry, ...]


def history(ctx: Context, raw_id: RawId) -> History:
    """A person's entries in the order they were recorded; first appends that access was asked for, not whose.

    Raises:
        BadInput: the identifier is malformed; nothing is appended then.
    """
    log = open_log(ctx)
    with log.write() as transaction:
        subject = transaction.find_subject(raw_id)
        asked = transaction.append_system("access-request", {"scope": "consent"})
        found = [] if subject is None else transaction.history(subject)
        wrong = {entry.statement.corrects: entry.seq for entry in found if entry.statement.corrects is not None}
        listed = tuple(_entry(entry, superseded_by=wrong.get(entry.seq)) for entry in found)
        return History(access_request=asked, entries=listed)


@click.command("history")
@click.argument("identifier", metavar="KIND:VALUE|-")
@json_option
@pass_context
def history_command(ctx: Context, identifier: str, *, as_json: bool) -> None:
    """Show a person's entries, oldest first, to you who keep the ledger: it asks for no proof of who wants to know.

    What a person asks for themselves is `imp consent access`, which does. The ledger notes that access was asked for,
    without saying whose. Exit code 1 where nobody is known by the identifier.

    Example: imp consent history member:123
    """
    found = history(ctx, read_identifier(identifier))
    emit(found, lambda: _text(found), as_json=as_json)
    if not found.entries:
        exit_for_nobody()


def _entry(entry: PersonEntry, *, superseded_by: int | None) -> HistoryEntry:
    said, recorded = entry.statement, entry.payload.get("recorded_us")
    return HistoryEntry(
        seq=entry.seq,
        type=said.type,
        purpose=said.purpose,
        channel=said.channel or None,
        at=format_time(said.at_us),
        until=None if said.until_us is None else format_time(said.until_us),
        recorded=format_time(recorded) if isinstance(recorded, int) else None,
        notice=said.notice,
        about=_about(entry),
        closes=closed_by(said),
        superseded_by=superseded_by,
        envelope={"actor": entry.payload.get("actor"), **without_others(entry.payload)},
    )


def _about(entry: PersonEntry) -> str:
    """What an entry is about, in words; of those that are about no use of data, what tells them apart."""
    said, more = entry.statement, entry.payload
    if said.type == "request":
        return str(more.get("kind") or "")
    if said.type == "correction":
        return f"entry {said.corrects} counts no more"
    if said.type in _OF_THE_PERSON:
        return str(more.get("identifier_kind") or "")
    lifted = f"{LIMITS_BY_NAME.get(said.lifts, said.lifts)} for " if said.lifts else ""
    return lifted + said_about(said)


def _text(found: History) -> str:
    if not found.entries:
        return NOTHING_HELD
    out = []
    for entry in found.entries:
        where = f" on {entry.channel}" if entry.channel else ""
        until = f" until {entry.until}" if entry.until else ""
        actor = entry.envelope.get("actor")
        gone = f"; corrected by entry {entry.superseded_by}" if entry.superseded_by is not None else ""
        about = f"{entry.type}: {entry.about}" if entry.about else entry.type
        out.append(f"{entry.seq:>8}  {entry.at}  {about}{where}{until}  (recorded by {actor}{gone})")
    return "\n".join(out)
