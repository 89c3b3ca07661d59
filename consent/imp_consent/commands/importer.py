"""`imp consent import`: consent from a file, in one transaction: all rows, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import click

from imp_consent.commands.aside import Fault, ReadRow
from imp_consent.commands.columns import read_map
from imp_consent.commands.columns_read import ColumnsRead
from imp_consent.commands.import_mends import TIMES
from imp_consent.commands.import_records import import_records, records_source, records_text
from imp_consent.commands.import_tried import tried, tried_text
from imp_consent.commands.import_warnings import warn, warn_of_long
from imp_consent.commands.imported import Earlier, check_rejects, file_sha256
from imp_consent.commands.reading import RowReader
from imp_consent.commands.record_files import RECORD_FORMATS
from imp_consent.commands.rows import counted_in, read_placed
from imp_consent.commands.states import IMPORTED
from imp_consent.commands.taking import take_in
from imp_consent.commands.tally import Source
from imp_consent.commands.tasks_opened import tasks_text
from imp_consent.policy.scope import DENYING
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import some, span
from imp_core.errors import BadInput, CheckFailed

__all__ = ["ImportResult", "import_command", "import_file", "read_said", "rows_source"]

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
[file]                       # each may be left out
encoding = "utf-8"           # or "gb18030", "utf-16", "cp1252" (a Western spreadsheet's), "cp1251", "euc-kr", …
delimiter = ","              # left out: what the header shows
dates = "%d.%m.%Y %H:%M"     # left out: ISO 8601; with an offset that is read beside the pattern too
timezone = "Europe/Berlin"   # of times that name no zone; one that its clocks skip, or show twice, is a fault
unread = ["comment"]         # columns that nobody reads: others are warned of, or refused if they look like a field

Of a day without a time ("%d.%m.%Y", 2026-03-01, or 2026-03-01+01:00) a yes and a basis count from its first moment,
refused and withdrawn at its last (of today: now), so that no yes of that day outlives them: until then it counts.
Refused and withdrawn are taken whatever stands in a column that means nothing for them; that is warned of, and so is
each one left out as faulty. The first days of 1970 are no time.

Errors, warnings and rejects name a row by the line of the file in which it begins, as an editor counts lines (of
Parquet by the row). The same file again, or saved again, or by another mapping, records only what is not recorded as it
reads now; rows that --rejects left out are tried again. --dry-run
reads and judges all rows as the import does, keeps nothing, and exits with 1 where the import would be refused. The
file is read before the ledger is locked; while its rows are judged and recorded, with --dry-run too, who else writes
has to wait, and gives up after half a minute. So record more than some ten thousand rows --in-parts: a withdrawal gets
through between two of them; what was recorded stays, and the same command goes on after it where it was stopped. All
rows of a person are in one part, that of the first, so that no yes stands that the file takes back further down. A dry
run judges the file as one, without --in-parts. What imp consent export wrote is read back with --format and --terms.

\b
Example: imp consent import newsletter.csv.gz --map newsletter.toml --dry-run
         imp consent import newsletter.csv.gz --map newsletter.toml
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What was recorded: rows by state, distinct people, and the first and last entry (None: nothing was new).

    `skipped` rows had been imported from the same file before; `repeated` rows say what another import recorded, of
    this file saved again or read by another mapping; `rejected` rows are faulty and left out; `suppressed`
    rows, now or when the same file was imported before, are about people who were erased: they stay erased, whatever
    the file says, and where they came back since, what they gave before counts no more. `older_than_notice` rows given
    are older than every notice registered here, and name none by its hash: they rest on the oldest text.
    `unknown_acts` rows given name the act in a word that is none that is known, `unnamed_recipients` rest on a notice
    that leaves out a recipient of the purpose. `warnings` say what these are and where the first of them stand.
    `erasures` were opened without being asked for, where the law wants one.
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
    repeated: int = 0
    older_than_notice: int = 0
    unknown_acts: int = 0
    unnamed_recipients: int = 0
    warnings: tuple[str, ...] = ()
    erasures: int = 0


def import_file(
    ctx: Context,
    path: Path,
    *,
    map_path: Path | None = None,
    rejects_path: Path | None = None,
    in_parts: bool = False,
    at_once: Callable[[int], object] = lambda _: None,
) -> ImportResult:
    """Record every row of a file in one transaction; a row imported from the same file before is skipped.

    With `rejects_path` faulty rows are left out and written there, by line, field and problem, never their values.
    With `in_parts` too some rows are recorded at a time, and what was recorded stays whatever becomes of the rest;
    without it `at_once` hears how many rows others wait for.

    Raises:
        BadInput: the file or its mapping cannot be read, or a row is faulty and no rejects file was asked for, or
            every row is faulty; nothing is recorded then.
    """
    rejects_path = check_rejects(ctx, rejects_path, (path, map_path))
    _check_parts(in_parts=in_parts, rejects=rejects_path is not None)
    source = rows_source(path, map_path, now_us=ctx.clock.now_us())
    tally = take_in(ctx, source, rejects_path=rejects_path, in_parts=in_parts, at_once=at_once)
    return ImportResult(
        file=str(path),
        sha256=source.sha256,
        rows=tally.rows,
        **{state: tally.types[type_] for state, type_ in IMPORTED.items()},
        people=len(tally.people),
        rejected=len(tally.faults),
        suppressed=tally.suppressed + tally.earlier.suppressed,
        skipped=tally.skipped,
        first_seq=tally.first,
        last_seq=tally.last,
        repeated=tally.repeated,
        older_than_notice=tally.warned.older,
        unknown_acts=tally.warned.acts,
        unnamed_recipients=tally.warned.unnamed,
        warnings=(*source.noted, *tally.warnings(source.counted)),
        erasures=tally.erasures,
    )


def _check_parts(*, in_parts: bool, rejects: bool, dry_run: bool = False) -> None:
    if in_parts and dry_run:
        what = "a dry run judges the file as one, and keeps no part that the next could be judged after"
        raise BadInput(what, where="--dry-run", mend="leave out --in-parts, and record the file with it afterwards")
    if in_parts and not rejects:
        what = "in parts a faulty row cannot refuse the whole file: rows before it are recorded by then"
        raise BadInput(what, where="--in-parts", mend="say where to list faulty rows: --rejects FILE")


def rows_source(path: Path, map_path: Path | None, *, now_us: int) -> Source:
    """A file of rows, as it is imported; `now_us` is the present.

    Raises:
        BadInput: the file or its mapping cannot be read.
    """
    mapping = read_map(map_path)
    sha256, noted = file_sha256(path), list[str]()
    return Source(
        path=path,
        sha256=sha256,
        mapping=mapping.sha256,
        counted=counted_in(path),
        read=partial(read_said, path, RowReader(mapping, sha256, now_us), noted),
        language=_LANGUAGE,
        states=IMPORTED,
        mends={"at": TIMES} if mapping.dates is None else {},
        names_people=True,
        noted=noted,
    )


def read_said(path: Path, reader: RowReader, noted: list[str], earlier: Earlier) -> Iterator[ReadRow | Fault]:
    """What each row of a file says that is still to be recorded, or what is wrong with it; `noted` what all lack.

    Raises:
        BadInput: the file cannot be read, or its columns may be meant otherwise.
    """
    columns, noes, yeses = ColumnsRead(reader.mapping, reader.says_no), False, False
    for number, place, row in read_placed(path, columns):
        if not earlier.is_left(number):
            noes = True  # as it was then, the file was taken
            continue
        try:
            read = reader.read(number, columns.bare(row))
        except BadInput as error:
            field, says_no = error.where or "row", reader.says_no(row)
            noes = noes or says_no is True
            yield Fault(number=number, place=place, mark=number, field=field, problem=error.what, says_no=says_no)
        else:
            noes, yeses = (True, yeses) if read.said.type in DENYING else (noes, True)
            yield ReadRow(number, place, number, read.raw, read.said, read.noted)
    columns.check(where=str(path), noes_alone=noes and not yeses)
    noted[:] = columns.texts()


@click.command("import", help=_HELP)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "map_path", type=click.Path(path_type=Path), help="A mapping of the file's columns, in TOML.")
@click.option(
    "--rejects",
    "rejects_path",
    type=click.Path(path_type=Path),
    help="Leave faulty rows out; list them here, each by its line of FILE, with field and problem.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["rows", *RECORD_FORMATS]),
    help="What FILE holds: rows as above (default), records that imp consent export wrote, or 27560 (.jsonld).",
)
@click.option("--terms", type=click.Path(path_type=Path), help="Take over purposes and notices of an export first.")
@click.option("--in-parts", is_flag=True, help="Record some rows at a time, so that others can write between.")
@click.option("--dry-run", is_flag=True, help="Read and judge every row as the import does, and keep nothing.")
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
    in_parts: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Record consent from FILE: CSV or JSON lines (also gzipped) or Parquet. All rows are recorded, or none.

    Example: imp consent import newsletter.csv.gz --map newsletter.toml
    """
    chosen = format_ or ("27560" if file.suffix == ".jsonld" else "rows")
    if chosen != "rows" and map_path is not None:
        raise BadInput("--map is for rows, not for records", where="--map", mend="leave it out, or --format")
    if chosen == "rows" and terms is not None:
        raise BadInput("--terms goes with records", where="--terms", mend="add: --format records")
    if chosen != "rows" and in_parts:
        raise BadInput("--in-parts is for rows, not for records", where="--in-parts", mend="leave it out")
    if dry_run:
        _check_parts(in_parts=in_parts, rejects=rejects_path is not None, dry_run=True)
        rejects_path = check_rejects(ctx, rejects_path, (file, map_path, terms))
        now_us = ctx.clock.now_us()
        source = rows_source(file, map_path, now_us=now_us) if chosen == "rows" else records_source(file, chosen, terms)
        options = {"--map": map_path, "--format": None if chosen == "rows" else chosen, "--terms": terms}
        found = tried(ctx, source, options=options, rejects_path=rejects_path)
        warn(found.warnings)
        emit(found, lambda: tried_text(found), as_json=as_json)
        if found.refused:
            raise click.exceptions.Exit(CheckFailed.exit_code)
    elif chosen != "rows":
        long = partial(warn_of_long, parted=False)
        taken = import_records(ctx, file, format_=chosen, terms_path=terms, rejects_path=rejects_path, at_once=long)
        warn(taken.warnings)
        emit(taken, lambda: records_text(taken), as_json=as_json)
    else:
        long = partial(warn_of_long, parted=True)
        done = import_file(ctx, file, map_path=map_path, rejects_path=rejects_path, in_parts=in_parts, at_once=long)
        warn(done.warnings)
        emit(done, lambda: _text(done), as_json=as_json)


def _text(done: ImportResult) -> str:
    suppressed = f", {done.suppressed} of people who were erased left out" if done.suppressed else ""
    rejected = f", {done.rejected} faulty and left out" if done.rejected else ""
    earlier = done.skipped + done.repeated
    if done.first_seq is None:
        if not earlier:
            return f"nothing recorded{rejected}{suppressed}"
        every = "" if suppressed or rejected else "all "
        before = some(earlier, "row of this file was", "rows of this file were")
        return f"nothing new: {every}{before} imported before{rejected}{suppressed}"
    skipped = f", {earlier} imported before" if earlier else ""
    people = some(done.people, "person", "people")
    counts = ", ".join(f"{getattr(done, state)} {state}" for state in IMPORTED if state != "basis" or done.basis)
    return (
        f"{span(done.first_seq, done.last_seq or 0)}: {some(done.rows, 'row')} about {people} ({counts})"
        f"{skipped}{rejected}{suppressed}{tasks_text(done.erasures)}"
    )
