"""`imp consent import --format records|27560`: records of consent that another workspace exported, or somebody else.

Every entry goes through the same door as what people say here: this workspace's law is applied to it again, so that a
record can end earlier than it did there, or be refused, but never opens what it could not open here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final

from imp_consent.commands.imported import (
    MOST_FAULTS,
    Earlier,
    check_rejects,
    check_unchanged,
    fault_of,
    file_sha256,
    find_earlier,
    note_import,
    refusal,
    write_rejects,
)
from imp_consent.commands.record_files import read_records, read_terms_file
from imp_consent.commands.take_over_terms import take_over_terms
from imp_consent.commands.yes_taken import unknown_act
from imp_consent.ledger.suppression import Suppressed
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.door import Door
from imp_consent.policy.limiting import limits_in_force
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import Scope
from imp_consent.policy.shown import predates
from imp_consent.records.row import RecordRow
from imp_consent.records.select import PSEUDONYM
from imp_consent.runtime import open_log
from imp_core.command import progress
from imp_core.context import Context
from imp_core.counting import some, span
from imp_core.errors import BadInput
from imp_core.event import RawId, RowFault
from imp_core.ports import Json

__all__ = ["RecordsImport", "import_records", "records_text"]

_MORE: Final = ("guardian", "role", "signal", "told_us", "verification")
_AFTER: Final = frozenset({"lost", "lift"})
_LANGUAGE: Final = "by the SHA-256 of that text in the column notice"
_KIND: Final = "member"  # of whom an export calls by a pseudonym


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsImport:
    """What was recorded: entries, distinct people, and the first and last entry (None: nothing was new).

    `skipped` entries had been imported from the same file before; `rejected` ones are faulty and left out; `suppressed`
    ones are of people who were erased here.
    `purposes` and `notices` are how many were taken over from the terms. `older_than_notice` and
    `unknown_acts`: as of `ImportResult`.
    """

    file: str
    sha256: str
    rows: int
    people: int
    suppressed: int
    skipped: int
    rejected: int
    purposes: int
    notices: int
    first_seq: int | None
    last_seq: int | None
    older_than_notice: int = 0
    unknown_acts: int = 0


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    suppressed: int = 0
    older: int = 0
    unknown_acts: int = 0
    earlier: Earlier = field(default_factory=Earlier)
    purposes: int = 0
    notices: int = 0
    people: set[int] = field(default_factory=set)
    seqs: list[int] = field(default_factory=list)  # first and last
    faults: list[RowFault] = field(default_factory=list)
    marks: list[int | str] = field(default_factory=list)  # what each fault is tried again by
    begun: int = 0  # the ledger's size before anything was imported


def import_records(
    ctx: Context, path: Path, *, format_: str, terms_path: Path | None = None, rejects_path: Path | None = None
) -> RecordsImport:
    """Record every entry of a file in one transaction, or none; the same file again records nothing new.

    With `terms_path` purposes and notices that this workspace does not know are taken over from there first, word for
    word (a 27560 export may be named itself). With `rejects_path` faulty entries are left out and written there, by
    number, field and problem; the same file again tries these alone.

    Raises:
        BadInput: the file or its terms cannot be read, or an entry could not be recorded here and no rejects file was
            asked for, or none could be; nothing is recorded.
    """
    rejects_path = check_rejects(ctx, rejects_path, (path, terms_path))
    sha256 = file_sha256(path)
    terms = None if terms_path is None else read_terms_file(terms_path)
    tally = _Tally()
    with open_log(ctx).write() as transaction:
        tally.earlier = find_earlier(transaction, sha256, format_)
        if tally.earlier.left is None or tally.earlier.left:
            if terms is not None:
                tally.purposes, tally.notices = take_over_terms(transaction, terms)
            _record(ctx, transaction, path, format_, sha256, tally=tally, strict=rejects_path is None)
            if rejects_path is not None:
                write_rejects(rejects_path, tally.faults)
            if tally.earlier.left is None and tally.faults and not tally.rows + tally.suppressed:
                raise BadInput("every entry is faulty", where=str(path), mend=f"see {rejects_path}")
            if tally.rows + tally.suppressed or not tally.faults:
                _note(transaction, sha256, format_, tally)
    return RecordsImport(
        file=str(path),
        sha256=sha256,
        rows=tally.rows,
        people=len(tally.people),
        suppressed=tally.suppressed,
        skipped=tally.earlier.rows,
        rejected=len(tally.faults),
        purposes=tally.purposes,
        notices=tally.notices,
        first_seq=min(tally.seqs, default=None),
        last_seq=max(tally.seqs, default=None),
        older_than_notice=tally.older,
        unknown_acts=tally.unknown_acts,
    )


def _record(
    ctx: Context,
    transaction: Transaction,
    path: Path,
    format_: str,
    sha256: str,
    *,
    tally: _Tally,
    strict: bool,
) -> None:
    door, tally.begun = Door(ctx, transaction, surface="import"), transaction.size
    with progress("rows") as shown:
        for numbered in _by_person(read_records(path, format_), tally):
            for number, row in numbered:
                shown.advance()
                _append(door, transaction, number, row, sha256, tally=tally, strict=strict)
            if strict and len(tally.faults) >= MOST_FAULTS:
                break
    if strict and tally.faults:
        raise refusal(path, tally.faults, language=_LANGUAGE)
    check_unchanged(path, sha256)


def _by_person(
    rows: Iterable[tuple[int, RecordRow | BadInput]], tally: _Tally
) -> Iterator[list[tuple[int, RecordRow]]]:
    """A person's adjacent rows together, in the order in which they were recorded; none that was recorded before."""

    def sound() -> Iterator[tuple[int, RecordRow]]:
        for number, row in rows:
            if isinstance(row, BadInput):
                if tally.earlier.is_left(number):
                    _fail(tally, number, row, mark=number)
            elif tally.earlier.is_left(number, _mark(number, row)):
                yield number, row

    for _, theirs in groupby(sound(), key=lambda numbered: numbered[1].person):
        yield sorted(theirs, key=lambda numbered: numbered[1].position)


def _mark(number: int, row: RecordRow) -> str:
    """One entry of a file: a node of a document holds several."""
    return f"{number}.{row.position}"


def _fail(tally: _Tally, number: int, error: BadInput, *, mark: int | str) -> None:
    tally.faults.append(fault_of(number, error))
    tally.marks.append(mark)


def _append(
    door: Door,
    transaction: Transaction,
    number: int,
    row: RecordRow,
    sha256: str,
    *,
    tally: _Tally,
    strict: bool,
) -> None:
    try:
        raw = _who(row.person)
        who = (
            transaction.subject_for(raw) if row.statement.type in _AFTER else raw
        )  # what it follows was lost or corrected where it comes from
        said = _saying(row, evidence=f"sha256:{sha256}#{number}")
        if said.type == "lift" and isinstance(who, int):
            _check_own(transaction, who, said, before=tally.begun)
        if strict and tally.faults:  # one fault is known, so nothing will be kept: only look for more
            door.check(who, said)
            return
        done = door.append(who, said, idempotency_key=f"{sha256}#{_mark(number, row)}")
    except Suppressed:
        tally.suppressed += 1
    except BadInput as error:
        _fail(tally, number, error, mark=_mark(number, row))
    else:
        tally.rows += 1
        tally.older += predates(said, door.notice(said))
        tally.unknown_acts += unknown_act(said, door.rules(said))
        tally.people.add(done.subject)
        tally.seqs = [tally.seqs[0] if tally.seqs else done.seq, done.seq]


def _check_own(transaction: Transaction, subject: int, lift: Saying, *, before: int) -> None:
    """What was limited here is lifted here, where the person is told first; a file lifts what came with it."""
    within = Scope(lift.purpose, lift.channel)
    if any(entry.seq < before for entry in limits_in_force(transaction.history(subject), lift.lifts or "", within)):
        raise BadInput("it would lift what was limited in this workspace", where="type", mend="see: imp consent lift")


def _who(person: str) -> RawId:
    if person.startswith(PSEUDONYM):
        return RawId(_KIND, person)
    try:
        return RawId.parse(person)
    except BadInput as error:
        raise BadInput(error.what, where="person", mend=error.mend) from None


def _saying(row: RecordRow, *, evidence: str) -> Saying:
    said, details = row.statement, row.details
    grounds, regimes, steps = (details.get(name) for name in ("grounds", "regimes", "steps"))
    return Saying(
        type=said.type,
        purpose=said.purpose,
        at_us=said.at_us,
        channel=said.channel,
        notice=said.notice,
        until_us=said.until_us,
        action=row.action,
        evidence=row.evidence or evidence,
        steps=steps if isinstance(steps, int) else None,
        traits=(said.traits or None) if said.type == "object" else said.traits,
        consent=said.consent,
        bundled=said.bundled,
        informed=said.informed,
        by=said.by,
        basis=said.basis,
        lifts=said.lifts,
        needs=said.needs,
        grounds={str(name): str(text) for name, text in grounds.items()} if isinstance(grounds, Mapping) else {},
        regimes=tuple(map(str, regimes)) if isinstance(regimes, list | tuple) else None,
        jurisdiction=row.jurisdiction,
        shared=details.get("shared") is True,
        more={name: details[name] for name in _MORE if name in details},
    )


def _note(transaction: Transaction, sha256: str, format_: str, tally: _Tally) -> None:
    counts: dict[str, Json] = {
        "rows": tally.rows,
        "suppressed": tally.suppressed,
        "people": len(tally.people),
        "first": min(tally.seqs, default=None),
        "last": max(tally.seqs, default=None),
    }
    note_import(transaction, sha256, format_, counts, rejected=tally.marks)


def records_text(done: RecordsImport) -> str:
    """The result as text."""
    terms = f"{some(done.purposes, 'purpose')} and {some(done.notices, 'notice')}"
    taken = f"; {terms} taken over" if done.purposes + done.notices else ""
    left = f", {done.rejected} faulty and left out" if done.rejected else ""
    left += f", {done.suppressed} of people who were erased left out" if done.suppressed else ""
    before = some(done.skipped, "entry of this file was", "entries of this file were")
    if done.first_seq is None:
        again = f"nothing new: {before} imported before" if done.skipped else "nothing recorded"
        return f"{again}{left}{taken}"
    people = some(done.people, "person", "people")
    skipped = f", {done.skipped} imported before" if done.skipped else ""
    return f"{span(done.first_seq, done.last_seq or 0)}: {done.rows} about {people}{skipped}{left}{taken}"
