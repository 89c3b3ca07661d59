"""The table `spend`: each report of a day is a revision, the latest wins, and one that changes nothing is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, cast

from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.sealed import Value
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.spend.fact import SpendFact, SpendKey
from imp_core.ports import Json

__all__ = ["Stored", "Taken", "read_spend", "take_spend"]

_TABLE: Final = "spend"
_TYPE: Final = "import"
_CHUNK: Final = 10_000
_ONE: Final = "day = ? AND tz = ? AND channel = ? AND campaign = ? AND content = ?"
_Values = tuple[int | None, int | None, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a report changed: rows that are new, that revise an earlier report, and that say the same.

    `seq` is the `import` entry's; None: nothing changed, or it was a dry run.
    """

    new: int
    revised: int
    unchanged: int
    seq: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A day of spend as it stands now; `reported_us` is when this revision was taken in."""

    channel: str
    key: SpendKey
    revision: int
    values: _Values
    reported_us: int


def take_spend(
    log: Log, facts: Mapping[SpendKey, SpendFact], *, channel: str, source: Mapping[str, Json], dry_run: bool
) -> Taken:
    """Write what is new in one transaction, with the entry that says so; `source` is told by the entry.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    if dry_run:
        with log.read() as reader:
            return _taken(Counter(revision for _, revision in _changes(reader, facts, channel)), len(facts), None)
    revisions: Counter[int] = Counter()
    with log.write() as transaction:
        changes = _changes(transaction, facts, channel)
        while chunk := list(islice(changes, _CHUNK)):
            revisions.update(revision for _, revision in chunk)
            transaction.sealed.insert(
                _TABLE, [_row(fact, revision, channel, transaction.now_us) for fact, revision in chunk]
            )
        seq = _note(transaction, facts, revisions, channel=channel, source=source) if revisions else None
    return _taken(revisions, len(facts), seq)


def read_spend(reader: Reader, where: str = "1", values: Iterable[Value] = ()) -> Iterator[Stored]:
    """Each day of spend that matches, in the order of days, as the latest report has it.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    newest: Stored | None = None
    ordered = f"{where} ORDER BY day, channel, campaign, content, tz, revision"
    for row in reader.sealed.select(_TABLE, ordered, tuple(values)):
        found = _stored(row)
        if newest is not None and (newest.channel, newest.key) != (found.channel, found.key):
            yield newest
        newest = found
    if newest is not None:
        yield newest


def _changes(reader: Reader, facts: Mapping[SpendKey, SpendFact], channel: str) -> Iterator[tuple[SpendFact, int]]:
    for key, fact in facts.items():
        place = (key.day, key.tz, channel, key.campaign, key.content)
        known = max(map(_stored, reader.sealed.select(_TABLE, _ONE, place)), key=lambda row: row.revision, default=None)
        if known is None or known.values != fact.values:
            yield fact, 1 if known is None else known.revision + 1


def _note(
    transaction: Transaction,
    facts: Mapping[SpendKey, SpendFact],
    revisions: Counter[int],
    *,
    channel: str,
    source: Mapping[str, Json],
) -> int:
    fields: dict[str, Json] = {
        "what": _TABLE,
        "channel": channel,
        "rows": revisions.total(),
        "revised": revisions.total() - revisions[1],
        "first_day": min(key.day for key in facts),
        "last_day": max(key.day for key in facts),
        **source,
    }
    return transaction.append_system(_TYPE, fields)


def _taken(revisions: Counter[int], n: int, seq: int | None) -> Taken:
    changed, new = revisions.total(), revisions[1]
    return Taken(new=new, revised=changed - new, unchanged=n - changed, seq=seq)


def _row(fact: SpendFact, revision: int, channel: str, now_us: int) -> tuple[Value, ...]:
    key = fact.key
    return (key.day, key.tz, channel, key.campaign, key.content, revision, *fact.values, now_us)


def _stored(row: tuple[Value, ...]) -> Stored:
    day, tz, channel, campaign, content, revision, *values, reported_us = row
    return Stored(
        channel=str(channel),
        key=SpendKey(int(str(day)), str(tz), str(campaign), str(content)),
        revision=int(str(revision)),
        values=cast("_Values", tuple(values)),
        reported_us=int(str(reported_us)),
    )
