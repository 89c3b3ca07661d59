"""`imp consent import`: consent from a file, in one transaction: all rows, or none."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from imp_consent.commands.columns import ColumnMap, read_map
from imp_consent.commands.import_records import import_records, records_text
from imp_consent.commands.reading import RowReader
from imp_consent.commands.record_files import RECORD_FORMATS
from imp_consent.commands.rows import Row, read_rows
from imp_consent.commands.states import IMPORTED
from imp_consent.identity.keys import keys_folder
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.suppression import Suppressed
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.door import Door
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context, progress
from imp_core.context import Context
from imp_core.errors import BadInput, ImpError
from imp_core.event import RowFault
from imp_core.output import check_output
from imp_core.ports import Json
from imp_core.workspace import write_atomically

__all__ = ["ImportResult", "import_command", "import_file"]

_TYPE: Final = "import"
_WORDS: Final = {type_: state for state, type_ in IMPORTED.items()}
_SHOWN: Final = 10  # faults named before a file is given up
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
delimiter = ","

The same file again records nothing new. What imp consent export wrote is read back with --format and --terms.

Example: imp consent import newsletter.csv.gz --map newsletter.toml
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What was recorded: rows by state, distinct people, and the first and last entry (None: nothing was new).

    `skipped` rows had been imported from the same file before; `rejected` rows were faulty and left out; `suppressed`
    rows, now or when the same file was imported before, are about people who were erased: they stay erased, whatever
    the file says, and where they came back since, what they gave before counts no more.
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


@dataclass(slots=True)
class _Tally:
    skipped: int = 0
    suppressed: int = 0
    suppressed_before: int = 0
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
    if rejects_path is not None:
        keys = keys_folder(ctx.environ, ctx.workspace.log_id)
        rejects_path = check_output(ctx, rejects_path, inputs=(path, map_path), private=(keys,))
    mapping = read_map(map_path)
    sha256 = _sha256(path)
    tally = _Tally()
    with open_log(ctx).write() as transaction:
        left = _left_over(transaction, sha256, mapping, tally)
        if left is None or left:
            door = Door(ctx, transaction, surface="import")
            _record(door, path, RowReader(mapping, sha256), tally, left=left, strict=rejects_path is None)
            if _sha256(path) != sha256:
                raise BadInput("the file changed while it was read", where=str(path))
            if rejects_path is not None:
                _write_rejects(rejects_path, tally.faults)
            if not tally.rows + tally.suppressed:
                raise BadInput("every row is faulty", where=str(path), mend=f"see {rejects_path}")
            _note(transaction, sha256, mapping, tally)
    return ImportResult(
        file=str(path),
        sha256=sha256,
        rows=tally.rows,
        **tally.states,
        people=len(tally.people),
        rejected=len(tally.faults),
        suppressed=tally.suppressed + tally.suppressed_before,
        skipped=tally.skipped,
        first_seq=min(tally.seqs, default=None),
        last_seq=max(tally.seqs, default=None),
    )


def _record(door: Door, path: Path, reader: RowReader, tally: _Tally, *, left: set[int] | None, strict: bool) -> None:
    with progress("rows") as counted:
        for number, row in read_rows(path, reader.mapping):
            counted.advance()
            if left is not None and number not in left:
                continue
            try:
                _record_row(door, reader, number, row, tally=tally, dry=strict and bool(tally.faults))
            except BadInput as error:
                tally.faults.append(RowFault(row=number, field=error.where or "row", problem=error.what))
                if strict and len(tally.faults) == _SHOWN:
                    break
    if strict and tally.faults:
        raise _refusal(path, tally.faults)


def _record_row(door: Door, reader: RowReader, number: int, row: Row, *, tally: _Tally, dry: bool) -> None:
    raw, said = reader.read(number, row)
    if dry:  # one fault is known, so nothing will be kept: only look for more
        door.check(raw, said)
        return
    try:
        seq, subject, _ = door.append(raw, said, idempotency_key=f"{reader.sha256}#{number}")
    except Suppressed:
        tally.suppressed += 1
    else:
        tally.count(_WORDS[said.type], seq, subject)


def _left_over(reader: Reader, sha256: str, mapping: ColumnMap, tally: _Tally) -> set[int] | None:
    """The rows of this file that every import so far rejected; None where it was never imported."""
    left: set[int] | None = None
    for entry in reader.system_entries(_TYPE):
        if (entry.fields.get("file"), entry.fields.get("mapping")) != (sha256, mapping.sha256):
            continue
        rejects = entry.fields.get("rejects")
        rejected = set(json.loads(reader.document(rejects))) if isinstance(rejects, str) else set()
        left = rejected if left is None else left & rejected
        tally.skipped += int(str(entry.fields.get("rows", 0)))
        tally.suppressed_before += int(str(entry.fields.get("suppressed", 0)))
    return left


def _note(transaction: Transaction, sha256: str, mapping: ColumnMap, tally: _Tally) -> None:
    """The entry that makes the import repeatable without effect: counts and hashes, nobody's data."""
    rejected = json.dumps([fault.row for fault in tally.faults], separators=(",", ":")).encode()
    fields: dict[str, Json] = {
        "file": sha256,
        "mapping": mapping.sha256,
        "rows": tally.rows,
        **tally.states,
        "suppressed": tally.suppressed,
        "people": len(tally.people),
        "first": min(tally.seqs, default=None),
        "last": max(tally.seqs, default=None),
        "rejects": hashlib.sha256(rejected).hexdigest() if tally.faults else None,
    }
    transaction.append_system(_TYPE, fields, documents=(rejected,) if tally.faults else ())


def _refusal(path: Path, faults: list[RowFault]) -> BadInput:
    named = "; ".join(f"row {fault.row}, {fault.field}: {fault.problem}" for fault in faults)
    more = ", and perhaps more" if len(faults) == _SHOWN else ""
    return BadInput(
        f"nothing was imported: {named}{more}",
        where=str(path),
        mend="mend these rows, or leave faulty rows out: --rejects FILE",
    )


def _write_rejects(path: Path, faults: list[RowFault]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("row", "field", "problem"))
    writer.writerows((fault.row, fault.field, fault.problem) for fault in faults)
    try:
        write_atomically(path, text.getvalue().encode())
    except ImpError as error:
        raise BadInput(f"the rejects file {error.what}", where=str(path)) from None


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise BadInput("no such file", where=str(path)) from None
    except OSError as error:
        raise BadInput(f"the file cannot be read: {error.strerror}", where=str(path)) from None


@click.command("import", help=_HELP)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "map_path", type=click.Path(path_type=Path), help="A mapping of the file's columns, in TOML.")
@click.option(
    "--rejects", "rejects_path", type=click.Path(path_type=Path), help="Leave faulty rows out; list them here."
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
        if map_path is not None or rejects_path is not None:
            raise BadInput("--map and --rejects are for rows, not for records", where="--format")
        taken = import_records(ctx, file, format_=chosen, terms_path=terms)
        emit(taken, lambda: records_text(taken), as_json=as_json)
        return
    if terms is not None:
        raise BadInput("--terms goes with records", where="--terms", mend="add: --format records")
    done = import_file(ctx, file, map_path=map_path, rejects_path=rejects_path)
    emit(done, lambda: _text(done), as_json=as_json)


def _text(done: ImportResult) -> str:
    suppressed = f", {done.suppressed} of people who were erased left out" if done.suppressed else ""
    if done.first_seq is None and done.skipped:
        every = "" if suppressed else "all "
        return f"nothing new: {every}{done.skipped} rows of this file were imported before{suppressed}"
    if done.first_seq is None:
        return f"nothing recorded{suppressed}"
    skipped = f", {done.skipped} imported before" if done.skipped else ""
    rejected = f", {done.rejected} rejected" if done.rejected else ""
    return (
        f"entries {done.first_seq} to {done.last_seq}: {done.rows} rows about {done.people} people "
        f"({done.given} given, {done.refused} refused, {done.withdrawn} withdrawn){skipped}{rejected}{suppressed}"
    )
