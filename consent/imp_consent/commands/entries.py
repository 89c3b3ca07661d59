"""`imp audit entries`: what the log says, by number, type or time; of people's entries only that they are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from imp_consent.audit.entries import PERSON, read_entries
from imp_consent.commands.period import period, period_options
from imp_consent.ledger.entry import SYSTEM_TYPES
from imp_consent.report.seqs import parse_seqs
from imp_consent.rights.plain import in_words
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import BadInput
from imp_core.ports import Json

__all__ = ["EntriesFound", "EntryShown", "entries", "entries_command"]

_DAY = 10  # characters of an ISO 8601 date


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryShown:
    """One entry as its leaf has it. A person's has type "person", the day it was recorded, and no more (None, {})."""

    seq: int
    at: str
    type: str
    actor: str | None
    fields: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntriesFound:
    """The entries asked for, in order, of a ledger of `size`."""

    size: int
    entries: tuple[EntryShown, ...]


def entries(
    ctx: Context,
    seqs: str | None = None,
    *,
    type_: str | None = None,
    from_us: int | None = None,
    to_us: int | None = None,
) -> EntriesFound:
    """Entries by number ("4,12-19"), type and record time; without numbers, system entries alone. Writes nothing.

    Raises:
        BadInput: `seqs` are no numbers of entries, or begin after the last one.
    """
    ranges = parse_seqs(seqs) if seqs is not None else []
    with open_log(ctx).read() as reader:
        size = reader.size
        _check_there(ranges, size)
        found = list(read_entries(reader, ranges, type_=type_, from_us=from_us, to_us=to_us))
    return EntriesFound(
        size=size,
        entries=tuple(
            EntryShown(
                seq=entry.seq,
                at=format_time(entry.at_us)[:_DAY] if entry.type == PERSON else format_time(entry.at_us),
                type=entry.type,
                actor=entry.actor or None,
                fields=entry.fields,
            )
            for entry in found
        ),
    )


@click.command("entries")
@click.argument("seqs", required=False)
@click.option("--type", "type_", type=click.Choice(sorted(SYSTEM_TYPES)), help="Only entries of this type.")
@period_options
@json_option
@pass_context
def entries_command(
    ctx: Context, seqs: str | None, *, type_: str | None, begins: str | None, ends: str | None, as_json: bool
) -> None:
    """Show entries of the log: SEQS like 4, 12-19 or 4,12-19; without SEQS, all about the system.

    They are shown as the log has them, with exact counts. What a person's entry says only `imp consent history` shows.

    Example: imp audit entries --type key --from 2026-01-01
    """
    from_us, to_us = period(begins, ends)
    found = entries(ctx, seqs, type_=type_, from_us=from_us, to_us=to_us)
    emit(found, lambda: _text(found), as_json=as_json)


def _check_there(ranges: Sequence[tuple[int, int]], size: int) -> None:
    beyond = next((low for low, _ in ranges if low >= size), None)
    if beyond is not None:
        raise BadInput(
            f"there is no entry {beyond}: the log has {some(size, 'entry', 'entries')}",
            where="SEQS",
            mend=f"they are numbered 0 to {size - 1}",
        )


def _text(found: EntriesFound) -> str:
    return "\n".join([*map(_line, found.entries), f"{len(found.entries):,} of {some(found.size, 'entry', 'entries')}"])


def _line(entry: EntryShown) -> str:
    if entry.type == PERSON:
        return f"{entry.seq:>8}  {entry.at}            a person's"
    said = in_words(dict(sorted(entry.fields.items())))
    return f"{entry.seq:>8}  {entry.at}  {entry.type}  by {entry.actor}  {said}"
