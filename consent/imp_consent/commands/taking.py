"""How the rows of a file become entries: all in one transaction, or none; or tried there, and nothing kept.

The file is read before the ledger is locked (`aside.py`): while it is read, others write. Whether a row can be recorded
is judged at the door, where what stands before it is known, and under the same lock in which it is recorded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from imp_consent.commands.aside import Aside, Fault, ReadRow
from imp_consent.commands.import_mends import mends_of
from imp_consent.commands.import_warnings import warn, warn_of_stop
from imp_consent.commands.imported import (
    MOST_FAULTS,
    check_unchanged,
    find_earlier,
    note_import,
    refusal,
    write_rejects,
)
from imp_consent.commands.parts import Tried, parts_of, person_of
from imp_consent.commands.repeats import is_held, is_repeated, row_key
from imp_consent.commands.take_over_terms import take_over_terms
from imp_consent.commands.tally import Source, Tally
from imp_consent.commands.tasks_opened import count_tasks
from imp_consent.ledger.alike import subjects_alike
from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.log import Log
from imp_consent.ledger.suppression import Suppressed
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.alike import OPT_OUTS
from imp_consent.policy.door import Appended, Door
from imp_consent.policy.limiting import limits_in_force
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import DENYING, Scope
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
    `in_parts`: in a transaction for each few rows, all of a person in one, between which others write. What was
    recorded of a file that is not gone through stays, and the file again goes on after it. It does not go with `undo`.
    `at_once` hears how many rows are about to be recorded in one transaction, while which others wait.

    Raises:
        BadInput: the file cannot be read, changed meanwhile, or a row is faulty that may not be left out, or all are;
            nothing is recorded then.
    """
    log, strict = open_log(ctx), rejects_path is None and not undo and not in_parts
    with log.read() as reader:
        earlier = find_earlier(reader, source.sha256, source.mapping)
        aside, tally = Aside(whose=person_of(reader) if in_parts else None), Tally(earlier=earlier)
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
        try:
            _write_rejects(rejects_path, whole, source)
        except BadInput as error:  # what stopped it is what has to be heard
            warn((f"{error.what}: {error.where}",))
        raise
    try:
        _write_rejects(rejects_path, whole, source)
    except BadInput as error:
        done = f"{some(whole.rows, source.one, source.many)} recorded, {len(whole.faults)} faulty and left out"
        mend = f"{error.mend}; the same command then tries what was left out, and lists it"
        raise BadInput(f"{done}, but {error.what}", where=error.where, mend=mend) from None
    _check_some(source, whole, rejects_path)


def _write_rejects(path: Path | None, whole: Tally, source: Source) -> None:
    if path is not None and whole.earlier.is_open:
        write_rejects(path, whole.faults, counted=source.counted)


def _take_each(
    ctx: Context, log: Log, aside: Aside, source: Source, whole: Tally, *, count: Callable[[], object]
) -> None:
    """Each part in its own transaction. Faulty rows before the first that is taken go with that one's part."""
    parts, known, tried = parts_of(aside, PART), whole.earlier, Tried()
    part = next(parts, None)
    while part is not None:
        following = next(parts, None)
        tally = Tally(unknown=whole.unknown, warned=whole.warned, repeats=whole.repeats)
        with log.write() as transaction:
            tally.earlier = known = find_earlier(transaction, source.sha256, source.mapping, known)
            _take_all(ctx, transaction, part.rows, source, tally=tally, strict=False, count=count)
            tried.add(part, tally.faults, is_last=following is None)
            noted = tally.taken > 0 or known.left is not None or not tried.faults
            if noted:
                _note(transaction, source, tally, tried.rejected(known), span=tried.span(), ahead=tried.ahead())
        whole.add(tally)
        if noted:
            tried = Tried()
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
            _take(door, transaction, item, source, tally=tally, dry=strict and bool(tally.faults))
        if strict and len(tally.faults) >= MOST_FAULTS:
            break
    tally.erasures = count_tasks(transaction, since=tally.begun)


def _take(door: Door, transaction: Transaction, row: ReadRow, source: Source, *, tally: Tally, dry: bool) -> None:
    said = row.said
    try:
        # of records the position says whether they are the same
        repeated = source.names_people and _is_repeated(door, transaction, row, source.sha256, tally=tally)
        if repeated:
            return
        who = transaction.subject_for(row.raw) if said.type in _AFTER else row.raw
        if said.type == "lift" and isinstance(who, int):
            _check_own(transaction, who, said, before=tally.begun)
        if dry:  # one fault is known, so nothing will be kept: only look for more
            door.check(who, said)
            return
        done = door.append(who, said, idempotency_key=row_key(source.sha256, row))
    except Suppressed:
        tally.suppressed += 1
    except BadInput as error:
        _fail(row, error, tally)
    else:
        tally.count(said.type, done.seq, done.subject)
        if repeated is None:
            tally.repeats.otherwise.add(row.place)
        tally.warned.look(door, row, lambda: _before(transaction, done))


def _is_repeated(door: Door, transaction: Transaction, row: ReadRow, sha256: str, *, tally: Tally) -> bool | None:
    """Count a row that an earlier import recorded; None: it did so otherwise."""
    subject = transaction.find_subject(row.raw)
    if subject is None:
        return False
    before = [entry for entry in transaction.history(subject) if entry.seq < tally.begun]
    found = is_repeated(door, row, before, sha256) if before else False
    if found and row.said.type in OPT_OUTS:  # again where it reached not everybody yet who may be the same person
        others = subjects_alike(transaction, row.raw)
        found = all(is_held(row.said, transaction.history(other)) for other in others if other != subject)
    if found:
        tally.repeated += 1
        tally.repeats.again.add(row.place)
    return found


def _before(transaction: Transaction, done: Appended) -> list[PersonEntry]:
    return [entry for entry in transaction.history(done.subject) if entry.seq < done.seq]


def _fail(row: ReadRow, error: BadInput, tally: Tally) -> None:
    where = error.where or "row"
    is_no, (number, place, mark, *_) = row.said.type in DENYING, row
    fault = Fault(number=number, place=place, mark=mark, field=where, problem=error.what, says_no=is_no)
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
        _note(transaction, source, tally, [fault.mark for fault in tally.faults])


def _check_some(source: Source, tally: Tally, rejects_path: Path | None) -> None:
    if tally.all_faulty:
        raise BadInput(f"every {source.one} is faulty", where=str(source.path), mend=f"see {rejects_path}")


def _note(
    transaction: Transaction,
    source: Source,
    tally: Tally,
    rejected: Sequence[int | str],
    *,
    span: Mapping[str, Json] = MappingProxyType({}),
    ahead: Sequence[tuple[int, int]] = (),
) -> None:
    """`span` are the first row and the last of a part; the last part has no last one: nothing comes after it."""
    counts: dict[str, Json] = {
        "rows": tally.rows,
        **({"repeated": tally.repeated} if tally.repeated else {}),
        "suppressed": tally.suppressed,
        "people": len(tally.people),
        "first": tally.first,
        "last": tally.last,
        **{word: tally.types[type_] for word, type_ in source.states.items()},
        **span,
    }
    note_import(transaction, source.sha256, source.mapping, counts, rejected=rejected, ahead=ahead)
