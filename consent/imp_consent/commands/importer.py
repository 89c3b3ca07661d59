"""`imp consent import`: consent from a file, in one transaction: all rows, or none."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from imp_consent.commands.columns import ColumnMap, read_map
from imp_consent.commands.import_records import import_records, records_text
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
    warn_of_older,
    write_rejects,
)
from imp_consent.commands.reading import RowReader
from imp_consent.commands.record_files import RECORD_FORMATS
from imp_consent.commands.rows import Row, read_rows
from imp_consent.commands.states import IMPORTED
from imp_consent.commands.yes_taken import unknown_act, warn_of_acts
from imp_consent.ledger.suppression import Suppressed
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.door import Door
from imp_consent.policy.shown import predates
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context, progress
from imp_core.context import Context
from imp_core.counting import some, span
from imp_core.errors import BadInput
from imp_core.event import RowFault
from imp_core.ports import Json

__all__ = ["ImportResult", "import_command", "import_file"]

_WORDS: Final = {type_: state for state, type_ in IMPORTED.items()}
_LANGUAGE: Final = 'in the column language, or for all rows in a mapping: [defaults] language = "…"'
_HELP: Final = """Record consent from FILE: CSV or JSON lines (also gzipped) or Parquet. All rows are recorded, or none.

Columns: identifier (kind:value), purpose, state (given, refused, withdrawn, basis), at (ISO 8601 with a zone), and
where there are any: channel, notice, language, action, steps, evidence, valid_for (180d), consent (expressed, explicit,
separate), bundled and informed (yes, no), by (guardian), basis, grounds (sale=order 7; similar-goods=shoes), regime
(gdpr+eprivacy), jurisdiction. A mapping file names other columns:

\b
[identifier]                 # without it, the column identifier holds kind:value
kind = "member"
column = "customer_id"
[columns]                    # field = column of the file
at = "signed_at"
[defaults]                   # field = constant; it also fills an empty value
purpose = "marketing.email"
[states]                     # the file's word = given, refused, withdrawn or basis
yes = "given"
[file]                       # both may be left out
encoding = "utf-8"           # or "gb18030", "utf-16"
delimiter = ","              # left out: what the header shows

Rows are counted below the header, without blank lines: row 1, in errors, in rejects and with --json, is row 2 of a
spreadsheet. The same file again records nothing new; rows that --rejects left out are tried again. What imp consent
export wrote is read back with --format and --terms.

Example: imp consent import newsletter.csv.gz --map newsletter.toml
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What was recorded: rows by state, distinct people, and the first and last entry (None: nothing was new).

    `skipped` rows had been imported from the same file before; `rejected` rows are faulty and left out; `suppressed`
    rows, now or when the same file was imported before, are about people who were erased: they stay erased, whatever
    the file says, and where they came back since, what they gave before counts no more. `older_than_notice` rows given
    are older than every notice registered here, and name none by its hash: they rest on the oldest text.
    `unknown_acts` rows given name the act in a word that is none that is known.
    """

    file: str
    sha256: str
    rows: int
    given: int
    refused: int
    withdrawn: int
    basis: int
    people: int
    rejected: int
    suppressed: int
    skipped: int
    first_seq: int | None
    last_seq: int | None
    older_than_notice: int = 0
    unknown_acts: int = 0


@dataclass(slots=True)
class _Tally:
    earlier: Earlier = field(default_factory=Earlier)
    older: int = 0
    unknown_acts: int = 0
    suppressed: int = 0
    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(IMPORTED, 0))
    people: set[int] = field(default_factory=set)
    faults: list[RowFault] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)  # first and last

    @property
    def rows(self) -> int:
        return sum(self.states.values())

    def count(self, state: str, seq: int, subject: int) -> None:
        self.states[state] += 1
        self.people.add(subject)
        self.seqs = [self.seqs[0] if self.seqs else seq, seq]


def import_file(
    ctx: Context, path: Path, *, map_path: Path | None = None, rejects_path: Path | None = None
) -> ImportResult:
    """Record every row of a file in one transaction; a row imported from the same file before is skipped.

    With `rejects_path` faulty rows are left out and written there, by number, field and problem, never their values.

    Raises:
        BadInput: the file or its mapping cannot be read, or a row is faulty and no rejects file was asked for, or
            every row is faulty; nothing is recorded then.
    """
    rejects_path = check_rejects(ctx, rejects_path, (path, map_path))
    mapping = read_map(map_path)
    sha256 = file_sha256(path)
    tally = _Tally()
    with open_log(ctx).write() as transaction:
        tally.earlier = find_earlier(transaction, sha256, mapping.sha256)
        if tally.earlier.left is None or tally.earlier.left:
            door = Door(ctx, transaction, surface="import")
            _record(door, path, RowReader(mapping, sha256), tally, strict=rejects_path is None)
            check_unchanged(path, sha256)
            if rejects_path is not None:
                write_rejects(rejects_path, tally.faults)
            if tally.rows + tally.suppressed:
                _note(transaction, sha256, mapping, tally)
            elif tally.earlier.left is None:
                raise BadInput("every row is faulty", where=str(path), mend=f"see {rejects_path}")
    return ImportResult(
        file=str(path),
        sha256=sha256,
        rows=tally.rows,
        **tally.states,
        people=len(tally.people),
        rejected=len(tally.faults),
        suppressed=tally.suppressed + tally.earlier.suppressed,
        skipped=tally.earlier.rows,
        first_seq=min(tally.seqs, default=None),
        last_seq=max(tally.seqs, default=None),
        older_than_notice=tally.older,
        unknown_acts=tally.unknown_acts,
    )


def _record(door: Door, path: Path, reader: RowReader, tally: _Tally, *, strict: bool) -> None:
    with progress("rows") as counted:
        for number, row in read_rows(path, reader.mapping):
            counted.advance()
            if not tally.earlier.is_left(number):
                continue
            try:
                _record_row(door, reader, number, row, tally=tally, dry=strict and bool(tally.faults))
            except BadInput as error:
                tally.faults.append(fault_of(number, error))
                if strict and len(tally.faults) == MOST_FAULTS:
                    break
    if strict and tally.faults:
        before = some(tally.earlier.rows, "row")
        raise refusal(
            path,
            tally.faults,
            language=_LANGUAGE,
            known=f" new, beside {before} imported before," if tally.earlier.rows else "",
        )


def _record_row(door: Door, reader: RowReader, number: int, row: Row, *, tally: _Tally, dry: bool) -> None:
    raw, said = reader.read(number, row)
    if dry:  # one fault is known, so nothing will be kept: only look for more
        door.check(raw, said)
        return
    try:
        done = door.append(raw, said, idempotency_key=f"{reader.sha256}#{number}")
    except Suppressed:
        tally.suppressed += 1
    else:
        tally.count(_WORDS[said.type], done.seq, done.subject)
        tally.older += predates(said, door.notice(said))
        tally.unknown_acts += unknown_act(said, door.rules(said))


def _note(transaction: Transaction, sha256: str, mapping: ColumnMap, tally: _Tally) -> None:
    counts: dict[str, Json] = {
        "rows": tally.rows,
        **tally.states,
        "suppressed": tally.suppressed,
        "people": len(tally.people),
        "first": min(tally.seqs, default=None),
        "last": max(tally.seqs, default=None),
    }
    rejected = [fault.row for fault in tally.faults]
    note_import(transaction, sha256, mapping.sha256, counts, rejected=rejected)


@click.command("import", help=_HELP)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "map_path", type=click.Path(path_type=Path), help="A mapping of the file's columns, in TOML.")
@click.option(
    "--rejects",
    "rejects_path",
    type=click.Path(path_type=Path),
    help="Leave faulty rows out; list them here, by their number below the header.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["rows", *RECORD_FORMATS]),
    help="What FILE holds: rows as above (default), records that imp consent export wrote, or 27560 (.jsonld).",
)
@click.option("--terms", type=click.Path(path_type=Path), help="Take over purposes and notices of an export first.")
@json_option
@pass_context
def import_command(
    ctx: Context,
    *,
    file: Path,
    map_path: Path | None,
    rejects_path: Path | None,
    format_: str | None,
    terms: Path | None,
    as_json: bool,
) -> None:
    """Record consent from FILE: CSV or JSON lines (also gzipped) or Parquet. All rows are recorded, or none.

    Example: imp consent import newsletter.csv.gz --map newsletter.toml
    """
    chosen = format_ or ("27560" if file.suffix == ".jsonld" else "rows")
    if chosen != "rows":
        if map_path is not None:
            raise BadInput("--map is for rows, not for records", where="--map", mend="leave it out, or --format")
        taken = import_records(ctx, file, format_=chosen, terms_path=terms, rejects_path=rejects_path)
        warn_of_older(taken.older_than_notice)
        warn_of_acts(taken.unknown_acts)
        emit(taken, lambda: records_text(taken), as_json=as_json)
        return
    if terms is not None:
        raise BadInput("--terms goes with records", where="--terms", mend="add: --format records")
    done = import_file(ctx, file, map_path=map_path, rejects_path=rejects_path)
    warn_of_older(done.older_than_notice)
    warn_of_acts(done.unknown_acts)
    emit(done, lambda: _text(done), as_json=as_json)


def _text(done: ImportResult) -> str:
    suppressed = f", {done.suppressed} of people who were erased left out" if done.suppressed else ""
    rejected = f", {done.rejected} faulty and left out" if done.rejected else ""
    if done.first_seq is None:
        if not done.skipped:
            return f"nothing recorded{rejected}{suppressed}"
        every = "" if suppressed or rejected else "all "
        before = some(done.skipped, "row of this file was", "rows of this file were")
        return f"nothing new: {every}{before} imported before{rejected}{suppressed}"
    skipped = f", {done.skipped} imported before" if done.skipped else ""
    people = some(done.people, "person", "people")
    counts = ", ".join(f"{getattr(done, state)} {state}" for state in IMPORTED if state != "basis" or done.basis)
    return (
        f"{span(done.first_seq, done.last_seq or 0)}: {some(done.rows, 'row')} about {people} ({counts})"
        f"{skipped}{rejected}{suppressed}"
    )
