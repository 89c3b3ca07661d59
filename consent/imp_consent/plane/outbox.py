"""What channels still have to be told: to forget people who were erased, and whose permission for a purpose ended.

Each by the channel's own pseudonym of the person.

A row stays due until the channel answers it with accepted, delivered or refused; then it is deleted, and an `answer`
entry says which channel answered what of how many people (GDPR 19). Told twice does no harm (`Channel.forget`), so two
processes may be at it at once, and a crash between answer and deletion is no loss. A channel that is sending just now
is told afterwards to forget: what is under way may still make it know them. Of a withdrawal it hears at once.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Final

from imp_consent.identity.pseudonym import told_key
from imp_consent.ledger.in_flight import channels_in_flight
from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.plane.hearing import hears
from imp_consent.plane.notices import note_answer
from imp_core.channel import DeliveryReport, DeliveryStatus, PeopleBatch, PersonRow
from imp_core.context import Context
from imp_core.errors import CheckFailed, ImpError, LedgerBroken
from imp_core.outbound.answers import delivery_report
from imp_core.outbound.open import channel_context, open_runner

__all__ = ["WITHDRAWN", "Due", "Told", "channels_of", "due_by_channel", "tell_channels"]

_TABLE: Final = "outbox"
_FORGET: Final = "forget"
WITHDRAWN: Final = "withdrawn"  # the purpose stands after it
_CALLS: Final = f"(what = '{_FORGET}' OR what LIKE '{WITHDRAWN} %') AND state = 'due'"
_DUE: Final = "what = ? AND channel = ? AND state = 'due'"
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

    `what` is "erase", or "withdrawn" with the `purpose` whose permission ended. `problem` is why it could not be told,
    None where it answered.
    """

    channel: str
    what: str
    purpose: str | None
    told: int
    due: int
    overdue: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class _Errand:
    """One thing that one channel is told: `stored` is the word of it in the table."""

    channel: str
    stored: str

    @property
    def method(self) -> str:
        return self.stored.partition(" ")[0]

    @property
    def purpose(self) -> str | None:
        return self.stored.partition(" ")[2] or None

    @property
    def what(self) -> str:
        return "erase" if self.method == _FORGET else self.method


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
    for errand, times in _errands(reader).items():
        found.setdefault(errand.channel, []).extend(times)
    return {name: _due_of(times, now_us) for name, times in found.items()}


def tell_channels(ctx: Context, log: Log, *, dry_run: bool = False) -> list[Told]:
    """Tell every channel that has to be told; one that cannot be told keeps its rows and is named.

    Raises:
        LedgerBroken: a row was changed by other hands, or the ledger cannot be written.
    """
    with log.read() as reader:
        errands = list(_errands(reader))
    return [_tell(ctx, log, errand, dry_run=dry_run) for errand in errands]


def _errands(reader: Reader) -> dict[_Errand, list[int]]:
    """What is due by errand, with the times by which it is."""
    found: dict[_Errand, list[int]] = {}
    for row in reader.sealed.select(_TABLE, f"{_CALLS} ORDER BY channel, what"):
        found.setdefault(_Errand(str(row[1]), str(row[3])), []).append(int(str(row[4])))
    return found


def _due_of(times: Sequence[int], now_us: int) -> Due:
    return Due(n=len(times), overdue=sum(due_us < now_us for due_us in times))


def _tell(ctx: Context, log: Log, errand: _Errand, *, dry_run: bool) -> Told:
    told, problem = 0, None
    try:
        if errand.method == WITHDRAWN and not dry_run and not hears(ctx, errand.channel):
            _drop(log, errand)  # it asks the gate whenever it does something, and holds nothing to be stopped
        with closing(open_runner(ctx, errand.channel)) as runner:
            context = channel_context(ctx, errand.channel)
            due = _due(log, errand)
            for batch in () if dry_run else _batches(ctx, log, errand, due):
                keys = {row.key for row in batch.rows}
                take = partial(delivery_report, keys=keys)
                report = runner.call(errand.method, context, batch, seconds=_SECONDS, take=take)
                told += _settle(log, errand, batch, report)
    except LedgerBroken:
        raise
    except ImpError as error:  # not enabled, without code, or broken: the next batch would fare no better
        problem = error.what
    with log.read() as reader:
        left = _due_of(_errands(reader).get(errand, ()), ctx.clock.now_us())
    return Told(
        channel=errand.channel,
        what=errand.what,
        purpose=errand.purpose,
        told=told,
        due=left.n,
        overdue=left.overdue,
        problem=problem,
    )


def _drop(log: Log, errand: _Errand) -> None:
    with log.write() as transaction:
        n = transaction.sealed.delete(_TABLE, _DUE, (errand.stored, errand.channel))
        if n:
            note_answer(transaction, errand.channel, errand.what, {"unheard": n}, purpose=errand.purpose)


def _due(log: Log, errand: _Errand) -> list[bytes]:
    """The pseudonyms a channel has to be told now; nothing that is sent from now on reaches them."""
    with log.read() as reader:
        if errand.method == _FORGET and errand.channel in channels_in_flight(reader):
            raise CheckFailed(
                "a send is under way, or died: run it again to its end",
                where=errand.channel,
                mend="imp doctor names it; then: imp consent tell",
            )
        # by pseudonym, which says nothing about people; in the order of ids they would come as they asked
        rows = reader.sealed.select(_TABLE, f"{_DUE} ORDER BY pseudonym", (errand.stored, errand.channel))
        return list(dict.fromkeys(row[2] for row in rows if isinstance(row[2], bytes)))


def _batches(ctx: Context, log: Log, errand: _Errand, pseudonyms: Sequence[bytes]) -> Iterator[PeopleBatch]:
    secret, channel = log.keyring.active("idem").secret, errand.channel
    people = [
        PersonRow(handle=pseudonym.hex(), key=told_key(secret, errand.stored, channel, pseudonym).hex())
        for pseudonym in pseudonyms
    ]
    size = max(1, min(_MOST_ROWS, ctx.plugins.channel(channel).info.batch.rows))
    for start in range(0, len(people), size):
        chunk = people[start : start + size]
        yield PeopleBatch(id=_batch_id(chunk), rows=chunk, purpose=errand.purpose)


def _batch_id(rows: Sequence[PersonRow]) -> str:
    return hashlib.sha256("".join(row.key for row in rows).encode()).hexdigest()[:32]


def _settle(log: Log, errand: _Errand, batch: PeopleBatch, report: DeliveryReport) -> int:
    done = {row.key for row in report.rows if row.status in _DONE}
    handles = [bytes.fromhex(row.handle) for row in batch.rows if row.key in done]
    if handles:
        with log.write() as transaction:
            for handle in handles:
                where = (errand.stored, errand.channel, handle)
                transaction.sealed.delete(_TABLE, f"{_DUE} AND pseudonym = ?", where)
            counts = Counter(str(row.status) for row in report.rows if row.status in _DONE)
            note_answer(transaction, errand.channel, errand.what, counts, purpose=errand.purpose)
    return len(handles)
