"""`imp consent export`: records of consent to take elsewhere, as a table or by ISO/IEC TS 27560."""

from __future__ import annotations

import hashlib
import secrets as os_secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final

import click

from imp_consent.commands.arguments import read_identifier
from imp_consent.commands.audience import AudienceLayout, read_audience
from imp_consent.commands.nobody import expect_known
from imp_consent.commands.verified import check_asks, verified_options
from imp_consent.identity.keys import keys_folder
from imp_consent.ledger.reader import Reader
from imp_consent.policy.cuts import cuts_in
from imp_consent.records.document import format_document
from imp_consent.records.facts import Facts, read_facts
from imp_consent.records.graph import record_nodes, shared_nodes, terms_node
from imp_consent.records.row import RecordRow
from imp_consent.records.select import Naming, rows_of
from imp_consent.records.table import TABLES, write_table
from imp_consent.records.terms import Terms, format_terms, read_terms
from imp_consent.rights.verification import Verification
from imp_consent.runtime import open_log
from imp_core.command import emit, force_option, json_option, pass_context, progress
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import BadInput, ImpError
from imp_core.event import RawId, RowFault
from imp_core.hold import beside
from imp_core.output import check_output, write_output
from imp_core.ports import Json
from imp_core.workspace import UNWRITABLE, sync

__all__ = ["FORMATS", "RecordsExport", "export_command", "export_records"]

_ISO: Final = "27560"
FORMATS: Final = (*TABLES, _ISO)
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsExport:
    """What was written: people and rows (entries), and the SHA-256 of the file.

    `seq` is the entry that says so, `size` the ledger's size that was read. `named`: the rows bear identifiers that the
    operator gave; else pseudonyms of this export alone. `left_out` are people whose erasure was asked for, `unknown`
    the identifiers given of whom the ledger holds nothing. `terms` is where purposes and notices were written (None:
    nowhere).
    """

    file: str
    format: str
    people: int
    rows: int
    left_out: int
    unknown: int
    named: bool
    sha256: str
    size: int
    seq: int
    terms: str | None


@dataclass(slots=True, kw_only=True)
class _Written:
    """One export as it is written: whose, as what, and how much it came to."""

    format_: str
    facts: Facts | None
    people: Iterable[RawId] | None
    naming: Naming = field(default_factory=lambda: Naming(os_secrets.token_bytes(_KEY_BYTES)))
    terms: Terms = field(default_factory=Terms)
    size: int = 0
    counted: int = 0
    rows: int = 0
    left_out: int = 0
    unknown: int = 0
    sha256: str = ""
    seen: set[int] = field(default_factory=set)

    def write(self, path: Path, reader: Reader) -> None:
        """Write one snapshot to a new file (0600). OSError passes through."""
        self.size, self.terms = reader.size, read_terms(reader)
        rows = self._every_row(reader)
        if self.facts is None:
            write_table(self.format_, path, rows)
        else:
            path.touch(mode=0o600)
            with path.open("w", encoding="utf-8", newline="") as file:
                records = record_nodes(rows, self.facts, self.terms, self._record_id)
                shared = shared_nodes(self.facts, self.terms)
                file.writelines(format_document(chain(records, shared, [terms_node(self.terms)])))
        with path.open("rb") as data:
            self.sha256 = hashlib.file_digest(data, "sha256").hexdigest()

    def _record_id(self, rows: Sequence[RecordRow]) -> str:
        said = rows[0].statement
        return self.naming.record(rows[0].person, said.purpose, said.channel)

    def _every_row(self, reader: Reader) -> Iterator[RecordRow]:
        chosen = _everybody(reader) if self.people is None else self._found(reader, self.people)
        cuts = cuts_in(chain(reader.system_entries("notice"), reader.system_entries("policy")))
        with progress("people") as shown:
            for subject, identifier in chosen:
                history = reader.history(subject)
                rows = rows_of(history, self.naming, subject=subject, identifier=identifier, cuts=cuts)
                self.left_out += rows is None
                self.counted += bool(rows)
                self.rows += len(rows or ())
                shown.advance()
                yield from rows or ()

    def _found(self, reader: Reader, people: Iterable[RawId]) -> Iterator[tuple[int, str]]:
        """Those of whom the ledger holds something, each once, under the first identifier given."""
        for raw in people:
            subject = reader.find_subject(raw)
            if subject is None:
                self.unknown += 1
            elif subject not in self.seen:
                self.seen.add(subject)
                yield subject, f"{raw.kind}:{raw.value}"


def _everybody(reader: Reader) -> Iterator[tuple[int, None]]:
    """Every living subject, by number, which was drawn at random: the order tells nothing of who came when."""
    last = -1
    while found := reader.sql.execute(
        "SELECT subject FROM subject_key WHERE subject > ? ORDER BY subject LIMIT 1000", (last,)
    ).fetchall():
        for (last,) in found:
            yield last, None


def export_records(
    ctx: Context,
    path: Path,
    *,
    format_: str,
    people: Iterable[RawId] | None = None,
    access: bool = False,
    terms_path: Path | None = None,
    force: bool = False,
) -> RecordsExport:
    """Write the records of everybody, or of the people named, to a file (0600); `force` replaces one that is there.

    The ledger says that it was exported before the file is there. `access` is whether one person asked for theirs: then
    it says that, and not whose.

    Raises:
        BadInput: the format is unknown, an identifier malformed, the place not one to write to, or taken, or a record
            by ISO/IEC TS 27560 would lack what imp.toml does not say.
        ImpError: the file cannot be written.
        LedgerBroken: an entry does not open.
    """
    if format_ not in FORMATS:
        raise BadInput("unknown format", where="--format", mend=f"one of {', '.join(FORMATS)}")
    private = (keys_folder(ctx.environ, ctx.workspace.log_id),)
    target = check_output(ctx, path, private=private, force=force)
    terms_target = None
    if terms_path is not None:
        terms_target = check_output(ctx, terms_path, inputs=(path,), private=private, force=force)
    facts = read_facts(ctx.workspace.config, ctx.workspace.controller) if format_ == _ISO else None
    written = _Written(format_=format_, facts=facts, people=people)
    try:
        with beside(target) as aside:
            with open_log(ctx).read() as reader:
                written.write(aside, reader)
            if terms_target is not None:
                write_output(terms_target, format_terms(written.terms))
            seq = _note(ctx, written, access=access)
            aside.replace(target)
            sync(target.parent)
    except OSError as error:
        raise ImpError(f"cannot be written: {error.strerror}", where=str(path), mend=UNWRITABLE) from None
    return _result(written, seq, path, terms_path)


def _note(ctx: Context, written: _Written, *, access: bool) -> int:
    """The entry that says so: of one person who asked, not whose; of many, what was written."""
    with open_log(ctx).write() as transaction:
        if access:
            return transaction.append_system("access-request", {"scope": "records"})
        fields: dict[str, Json] = {
            "what": "consent-records",
            "format": written.format_,
            "entries": written.size,
            "people": written.counted,
            "rows": written.rows,
            "named": written.people is not None,
            "sha256": written.sha256,
        }
        return transaction.append_system("export", fields)


def _result(written: _Written, seq: int, path: Path, terms_path: Path | None) -> RecordsExport:
    return RecordsExport(
        file=str(path),
        format=written.format_,
        people=written.counted,
        rows=written.rows,
        left_out=written.left_out,
        unknown=written.unknown,
        named=written.people is not None,
        sha256=written.sha256,
        size=written.size,
        seq=seq,
        terms=None if terms_path is None else str(terms_path),
    )


def _identifiers(path: Path) -> Iterator[RawId]:
    for row in read_audience(path, AudienceLayout(kinds=(), fields=(), addressed=False)):
        if isinstance(row, RowFault):
            raise BadInput(f"row {row.row}, {row.field}: {row.problem}", where=str(path))
        yield row.person


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "format_", required=True, type=click.Choice(FORMATS), help="What the file is to be.")
@click.option("--person", metavar="KIND:VALUE|-", help="Only this person, who asked for it, under this identifier.")
@click.option(
    "--identifiers",
    type=click.Path(path_type=Path),
    metavar="FILE2",
    help="Only the people in its column identifier (kind:value), under these identifiers.",
)
@click.option("--terms", type=click.Path(path_type=Path), metavar="FILE3", help="Write purposes and notices here too.")
@force_option
@verified_options
@json_option
@pass_context
def export_command(
    ctx: Context,
    file: Path,
    *,
    format_: str,
    person: str | None,
    identifiers: Path | None,
    terms: Path | None,
    force: bool,
    shown: Verification,
    as_json: bool,
) -> None:
    """Write what people said about the use of their data to FILE: a table, or records by ISO/IEC TS 27560 (JSON-LD).

    The ledger knows nobody by name. Without --person or --identifiers every person has a pseudonym of this export
    alone, and nothing that was written in free words goes along; who holds the file still holds personal data. Another
    workspace reads it with: imp consent import FILE --format records (or 27560) --terms FILE3. The ledger notes that
    it was exported. With --person nothing is disclosed before you know who asks: without --verified it is refused; and
    where nobody is known by it, nothing is written.

    Example: imp consent export consent-2026-03.csv --format csv --terms terms-2026-03.json
    """
    if person is not None and identifiers is not None:
        raise BadInput("--person and --identifiers both say whose", where="--person", mend="give one of them")
    people = None if identifiers is None else _identifiers(identifiers)
    if person is not None:
        one = read_identifier(person)
        check_asks(ctx, shown)
        expect_known(ctx, one, where="--person")
        people = iter([one])
    alone = person is not None
    done = export_records(ctx, file, format_=format_, people=people, access=alone, terms_path=terms, force=force)
    emit(done, lambda: _text(done), as_json=as_json)


def _text(done: RecordsExport) -> str:
    whose = "under the identifiers given" if done.named else "under pseudonyms of this export"
    more = f"; {some(done.unknown, 'identifier')} of nobody the ledger knows" if done.unknown else ""
    more += f"; {some(done.left_out, 'person', 'people')} left out whose erasure was asked for" if done.left_out else ""
    terms = f"; purposes and notices in {done.terms}" if done.terms else ""
    return (
        f"entry {done.seq}: {some(done.rows, 'entry', 'entries')} of "
        f"{some(done.people, 'person', 'people')}, {whose}, in {done.file}{more}{terms}"
    )
