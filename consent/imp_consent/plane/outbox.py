"""What channels still have to be told: to forget people who were erased, by the channel's own pseudonym of each.

A row stays due until the channel answers it with accepted, delivered or refused; then it is deleted, and an `answer`
entry says which channel answered what of how many people (GDPR 19). Told twice does no harm (`Channel.forget`), so two
processes may be at it at once, and a crash between answer and deletion is no loss. A channel that is sending just now
is told afterwards: what is under way may still make it know them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Final

from imp_consent.identity.pseudonym import forget_key
from imp_consent.ledger.in_flight import channels_in_flight
from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.plane.notices import note_answer
from imp_core.channel import DeliveryReport, DeliveryStatus, PeopleBatch, PersonRow
from imp_core.context import Context
from imp_core.errors import CheckFailed, ImpError, LedgerBroken
from imp_core.outbound.answers import delivery_report
from imp_core.outbound.open import channel_context, open_runner

__all__ = ["Due", "Told", "channels_of", "due_by_channel", "tell_channels"]

_TABLE: Final = "outbox"
_DUE: Final = "what = 'forget' AND state = 'due'"
_MOST_ROWS: Final = 500
_SECONDS = 60.0
# System entries that name a channel, and their field that does: it was let run, took people in, or reached them.
_NAMED_BY: Final = {"plugin-enable": "name", "collect": "channel", "send-intent": "channel"}
_DONE: Final = frozenset({DeliveryStatus.ACCEPTED, DeliveryStatus.DELIVERED, DeliveryStatus.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """How many people a channel has to be told to forget, and of how many it is late to be told."""

    n: int
    overdue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of telling one channel: people `told`, people still `due`, `overdue` ones among these.

    `problem` is why it could not be told, None where it answered.
    """

    channel: str
    told: int
    due: int
    overdue: int
    problem: str | None


def channels_of(reader: Reader) -> frozenset[str]:
    """Every channel that may know somebody, enabled or not: whoever is disabled keeps what it has."""
    named = (entry.fields.get(field) for type_, field in _NAMED_BY.items() for entry in reader.system_entries(type_))
    return frozenset(name for name in named if isinstance(name, str) and name)


def due_by_channel(reader: Reader, *, now_us: int) -> dict[str, Due]:
    """What each channel has to be told, by its name.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    found: dict[str, list[int]] = {}
    for row in reader.sealed.select(_TABLE, f"{_DUE} ORDER BY channel"):
        found.setdefault(str(row[1]), []).append(int(str(row[4])))
    return {name: Due(n=len(times), overdue=sum(due_us < now_us for due_us in times)) for name, times in found.items()}


def tell_channels(ctx: Context, log: Log, *, dry_run: bool = False) -> list[Told]:
    """Tell every channel that has to be told; one that cannot be told keeps its rows and is named.

    Raises:
        LedgerBroken: a row was changed by other hands, or the ledger cannot be written.
    """
    with log.read() as reader:
        names = list(due_by_channel(reader, now_us=ctx.clock.now_us()))
    return [_tell(ctx, log, name, dry_run=dry_run) for name in names]


def _tell(ctx: Context, log: Log, channel: str, *, dry_run: bool) -> Told:
    told, problem = 0, None
    try:
        with closing(open_runner(ctx, channel)) as runner:
            context = channel_context(ctx, channel)
            due = _due(log, channel)
            for batch in () if dry_run else _batches(ctx, log, channel, due):
                keys = {row.key for row in batch.rows}
                take = partial(delivery_report, keys=keys)
                report = runner.call("forget", context, batch, seconds=_SECONDS, take=take)
                told += _settle(log, channel, batch, report)
    except LedgerBroken:
        raise
    except ImpError as error:  # not enabled, without code, or broken: the next batch would fare no better
        problem = error.what
    with log.read() as reader:
        left = due_by_channel(reader, now_us=ctx.clock.now_us()).get(channel, Due(n=0, overdue=0))
    return Told(channel=channel, told=told, due=left.n, overdue=left.overdue, problem=problem)


def _due(log: Log, channel: str) -> list[bytes]:
    """The pseudonyms a channel has to be told now; nothing that is sent from now on reaches them."""
    with log.read() as reader:
        if channel in channels_in_flight(reader):
            raise CheckFailed("a send is under way, or died: run it again to its end")
        # by pseudonym, which says nothing about people; in the order of ids they would come as they asked
        rows = reader.sealed.select(_TABLE, f"{_DUE} AND channel = ? ORDER BY pseudonym", (channel,))
        return list(dict.fromkeys(row[2] for row in rows if isinstance(row[2], bytes)))


def _batches(ctx: Context, log: Log, channel: str, pseudonyms: Sequence[bytes]) -> Iterator[PeopleBatch]:
    secret = log.keyring.active("idem").secret
    people = [
        PersonRow(handle=pseudonym.hex(), key=forget_key(secret, channel, pseudonym).hex()) for pseudonym in pseudonyms
    ]
    size = max(1, min(_MOST_ROWS, ctx.plugins.channel(channel).info.batch.rows))
    for start in range(0, len(people), size):
        chunk = people[start : start + size]
        yield PeopleBatch(id=_batch_id(chunk), rows=chunk)


def _batch_id(rows: Sequence[PersonRow]) -> str:
    return hashlib.sha256("".join(row.key for row in rows).encode()).hexdigest()[:32]


def _settle(log: Log, channel: str, batch: PeopleBatch, report: DeliveryReport) -> int:
    done = {row.key for row in report.rows if row.status in _DONE}
    handles = [bytes.fromhex(row.handle) for row in batch.rows if row.key in done]
    if handles:
        with log.write() as transaction:
            for handle in handles:
                transaction.sealed.delete(_TABLE, f"{_DUE} AND channel = ? AND pseudonym = ?", (channel, handle))
            counts = Counter(str(row.status) for row in report.rows if row.status in _DONE)
            note_answer(transaction, channel, "erase", counts)
    return len(handles)
