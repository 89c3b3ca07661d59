"""How the rows of a file become entries: all in one transaction, or none; or tried there, and nothing kept.

The file is read before the ledger is locked (`aside.py`): while it is read, others write. Whether a row can be recorded
is judged at the door, where what stands before it is known, and under the same lock in which it is recorded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Final

from imp_consent.commands.aside import Aside, Fault, ReadRow
from imp_consent.commands.import_mends import mends_of
from imp_consent.commands.import_warnings import warn_of_stop
from imp_consent.commands.imported import (
    MOST_FAULTS,
    check_unchanged,
    find_earlier,
    note_import,
    refusal,
    write_rejects,
)
from imp_consent.commands.take_over_terms import take_over_terms
from imp_consent.commands.tally import Source, Tally
from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.log import Log
from imp_consent.ledger.suppression import Suppressed
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.door import Appended, Door
from imp_consent.policy.limiting import limits_in_force
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import Scope
from imp_consent.runtime import open_log
from imp_core.command import progress
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import BadInput
from imp_core.ports import Json

__all__ = ["PART", "take_in"]

PART: Final = 1_000  # rows recorded at a time: some seconds, of the half minute that others wait
_PAUSE_S: Final = 0.02

_AFTER: Final = frozenset({"lost", "lift"})  # what they follow was lost or corrected where they come from


def take_in(
    ctx: Context,
    source: Source,
    *,
    rejects_path: Path | None,
    undo: bool = False,
    in_parts: bool = False,
    at_once: Callable[[int], object] = lambda _: None,
) -> Tally:
    """Record what a file says in one transaction; with `undo` do all of it, then keep nothing.

    Faulty rows are left out and written to `rejects_path`; without it, and without `undo`, they refuse everything.
    `in_parts`: in a transaction for each few rows, between which others write. What was recorded of a file that is not
    gone through stays, and the file again goes on after it. It does not go with `undo`. `at_once` hears how many rows
    are about to be recorded in one transaction, while which others wait.

    Raises:
        BadInput: the file cannot be read, changed meanwhile, or a row is faulty that may not be left out, or all are;
            nothing is recorded then.
    """
    log, strict = open_log(ctx), rejects_path is None and not undo and not in_parts
    with log.read() as reader:
        earlier = find_earlier(reader, source.sha256, source.mapping)
    aside, tally = Aside(), Tally(earlier=earlier)
    if earlier.is_open:  # what an earlier import left can only get less
        aside.put(source.read(earlier), most_faults=MOST_FAULTS if strict else None)
        check_unchanged(source.path, source.sha256)
    if in_parts:
        _take_parts(ctx, log, aside, source, tally, rejects_path=rejects_path)
        return tally
    at_once(aside.read)
    with _written(log, undo=undo) as transaction:
        tally.earlier = find_earlier(transaction, source.sha256, source.mapping, earlier)
        if tally.earlier.is_open:
            if source.terms is not None:
                tally.purposes, tally.notices = take_over_terms(transaction, source.terms)
            with progress("rows") as shown:
                _take_all(ctx, transaction, aside, source, tally=tally, strict=strict, count=shown.advance)
            tally.dropped = 0  # `earlier` was read under the lock, and counts them
            if not undo:
                _conclude(transaction, source, tally, rejects_path)
    return tally


def _take_parts(
    ctx: Context, log: Log, aside: Aside, source: Source, whole: Tally, *, rejects_path: Path | None
) -> None:
    try:
        with progress("rows") as shown:
            _take_each(ctx, log, aside, source, whole, count=shown.advance)
    except BaseException:
        warn_of_stop(whole.skipped + whole.rows)
        raise
    finally:
        if rejects_path is not None and whole.earlier.is_open:
            write_rejects(rejects_path, whole.faults, counted=source.counted)
    _check_some(source, whole, rejects_path)


def _take_each(
    ctx: Context, log: Log, aside: Aside, source: Source, whole: Tally, *, count: Callable[[], object]
) -> None:
    """Each part in its own transaction. Faulty rows before the first that is taken go with that one's part."""
    items, known, held, begin = iter(aside), whole.earlier, list[Fault](), None
    part = list(islice(items, PART))
    while part:
        following = list(islice(items, PART))
        begin = part[0].number if begin is None else begin
        tried: dict[str, Json] = {"begin": begin, **({"through": part[-1].number} if following else {})}
        tally = Tally(unknown=whole.unknown, warned=whole.warned)
        with log.write() as transaction:
            tally.earlier = known = find_earlier(transaction, source.sha256, source.mapping, known)
            _take_all(ctx, transaction, part, source, tally=tally, strict=False, count=count)
            held += tally.faults
            noted = tally.taken > 0 or known.left is not None or not held
            if noted:
                _note(transaction, source, tally, held, tried)
        whole.add(tally)
        if noted:
            held, begin = [], None
        part = following
        time.sleep(_PAUSE_S)  # who waits for the ledger looks again after some milliseconds


class _Undone(Exception):
    """Everything was tried."""


@contextmanager
def _written(log: Log, *, undo: bool) -> Iterator[Transaction]:
    try:
        with log.write() as transaction:
            yield transaction
            if undo:
                raise _Undone
    except _Undone:
        return


def _take_all(
    ctx: Context,
    transaction: Transaction,
    items: Iterable[ReadRow | Fault],
    source: Source,
    *,
    tally: Tally,
    strict: bool,
    count: Callable[[], object],
) -> None:
    door, tally.begun = Door(ctx, transaction, surface="import"), transaction.size
    tally.warned.purposes, tally.warned.strangers = read_purposes(transaction), source.names_people
    for item in items:
        count()
        if not tally.earlier.is_left(item.number, item.mark):  # another process imported it meanwhile
            tally.dropped += 1
            continue
        if isinstance(item, Fault):
            tally.faults.append(item)
        else:
            _take(door, transaction, item, source.sha256, tally=tally, dry=strict and bool(tally.faults))
        if strict and len(tally.faults) >= MOST_FAULTS:
            break


def _take(door: Door, transaction: Transaction, row: ReadRow, sha256: str, *, tally: Tally, dry: bool) -> None:
    said = row.said
    try:
        who = transaction.subject_for(row.raw) if said.type in _AFTER else row.raw
        if said.type == "lift" and isinstance(who, int):
            _check_own(transaction, who, said, before=tally.begun)
        if dry:  # one fault is known, so nothing will be kept: only look for more
            door.check(who, said)
            return
        done = door.append(who, said, idempotency_key=f"{sha256}#{row.mark}")
    except Suppressed:
        tally.suppressed += 1
    except BadInput as error:
        _fail(row, error, tally)
    else:
        tally.count(said.type, done.seq, done.subject)
        tally.warned.look(door, said, row.place, lambda: _before(transaction, done))


def _before(transaction: Transaction, done: Appended) -> list[PersonEntry]:
    return [entry for entry in transaction.history(done.subject) if entry.seq < done.seq]


def _fail(row: ReadRow, error: BadInput, tally: Tally) -> None:
    where = error.where or "row"
    fault = Fault(number=row.number, place=row.place, mark=row.mark, field=where, problem=error.what)
    tally.faults.append(fault)
    named = {"purpose": row.said.purpose, "notice": row.said.notice}.get(where)
    if named:
        tally.unknown[where].add(named, row.raw)


def _check_own(transaction: Transaction, subject: int, lift: Saying, *, before: int) -> None:
    """What was limited here is lifted here, where the person is told first; a file lifts what came with it."""
    within = Scope(lift.purpose, lift.channel)
    if any(entry.seq < before for entry in limits_in_force(transaction.history(subject), lift.lifts or "", within)):
        raise BadInput("it would lift what was limited in this workspace", where="type", mend="see: imp consent lift")


def _conclude(transaction: Transaction, source: Source, tally: Tally, rejects_path: Path | None) -> None:
    """Refuse all where it must be, else say in the ledger what was imported."""
    if rejects_path is not None:
        write_rejects(rejects_path, tally.faults, counted=source.counted)
        _check_some(source, tally, rejects_path)
    elif tally.faults:
        before = some(tally.earlier.rows, source.one, source.many)
        known = f" new, beside {before} imported before," if tally.earlier.rows else ""
        mends, counted = mends_of(tally.faults, source.mends), source.counted
        raise refusal(source.path, tally.faults, counted=counted, language=source.language, known=known, mends=mends)
    if tally.taken or not tally.faults:
        _note(transaction, source, tally, tally.faults)


def _check_some(source: Source, tally: Tally, rejects_path: Path | None) -> None:
    if tally.all_faulty:
        raise BadInput(f"every {source.one} is faulty", where=str(source.path), mend=f"see {rejects_path}")


def _note(
    transaction: Transaction,
    source: Source,
    tally: Tally,
    faults: Sequence[Fault],
    tried: Mapping[str, Json] = MappingProxyType({}),
) -> None:
    """`tried` are the first row and the last of a part; the last part has no last one: nothing comes after it."""
    counts: dict[str, Json] = {
        "rows": tally.rows,
        "suppressed": tally.suppressed,
        "people": len(tally.people),
        "first": tally.first,
        "last": tally.last,
        **{word: tally.types[type_] for word, type_ in source.states.items()},
        **tried,
    }
    note_import(transaction, source.sha256, source.mapping, counts, rejected=[fault.mark for fault in faults])
