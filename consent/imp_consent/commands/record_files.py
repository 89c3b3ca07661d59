"""Files of records of consent, read: tables, documents by ISO/IEC TS 27560, and the terms that lie beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from imp_consent.commands.rows import counted_in, read_placed
from imp_consent.records.document import parse_document
from imp_consent.records.graph import TERMS
from imp_consent.records.parse import Copies, is_record, parse_record
from imp_consent.records.row import COLUMNS, REQUIRED, RecordRow, parse_row
from imp_consent.records.terms import Terms, parse_terms
from imp_core.errors import BadInput

__all__ = ["RECORD_FORMATS", "RecordRead", "counted_in_records", "read_records", "read_terms_file"]

RECORD_FORMATS: Final = ("records", "27560")
_MAX_TERMS: Final = 1 << 26
_HEAD: Final = 4_096
_NO_RECORD: Final = (
    "it has no node of type dpv:ConsentRecord: name what imp consent export --format 27560 wrote; "
    "a table is read with --format records, purposes and notices with --terms"
)


class RecordRead(NamedTuple):
    """A row, or what is wrong with it: its number below a header (of a document, its node's), and its place there."""

    number: int
    place: int
    row: RecordRow | BadInput


@dataclass(frozen=True, slots=True)
class _Layout:
    """The columns of a table of records are its own, and all that it has."""

    encoding: str = "utf-8-sig"
    delimiter: str | None = None
    timezone: str | None = None
    declare_encoding: str | None = None
    asks_encoding: bool = False

    def choose(self, names: Iterable[str], *, where: str) -> dict[str, str]:
        """Field → column; raises BadInput where one is strange, missing or there twice."""
        columns = list(names)
        strange = [place for place, name in enumerate(columns, 1) if name not in COLUMNS]
        if strange:
            what = f"column {strange[0]} of the header is not one of a record's"
            raise BadInput(what, where=where, mend="a table of what people said is read without --format")
        for name in COLUMNS:
            if columns.count(name) > 1 or (name in REQUIRED and name not in columns):
                problem = "twice" if name in columns else "not"
                raise BadInput(
                    f"the header has the column {name} {problem}",
                    where=where,
                    mend="name every column once; imp consent export --format csv writes them all",
                )
        return {name: name for name in columns}

    def pick(self, row: Mapping[str, object]) -> dict[str, object] | str:
        """The cells of one JSON object; or what is wrong with it."""
        return dict(row) if set(row) <= set(COLUMNS) else "a key that is not a field of a record"


def read_records(path: Path, format_: str) -> Iterator[RecordRead]:
    """The rows of a file (of a 27560 document, of its nodes); or what is wrong with one.

    Raises:
        BadInput: on iteration, where the file as a whole cannot be read.
    """
    yield from _of_table(path) if _checked(format_) == "records" else _of_document(path)


def counted_in_records(path: Path, format_: str) -> str:
    """What the places of a file's rows count: "node" of a document, else "line" or "row" of a table.

    Raises:
        BadInput: the file is absent, empty or cannot be read.
    """
    return counted_in(path) if _checked(format_) == "records" else "node"


def _checked(format_: str) -> str:
    if format_ not in RECORD_FORMATS:
        raise BadInput("unknown format", where="--format", mend=f"one of {', '.join(RECORD_FORMATS)}")
    return format_


def _of_table(path: Path) -> Iterator[RecordRead]:
    read: RecordRow | BadInput
    for number, place, row in read_placed(path, _Layout()):
        try:
            read = BadInput(row, where="row") if isinstance(row, str) else parse_row(row)
        except BadInput as error:
            read = error
        yield RecordRead(number, place, read)


def _of_document(path: Path) -> Iterator[RecordRead]:
    where, found, copies = str(path), False, Copies()
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for number, node in enumerate(parse_document(stream), 1):
                if is_record(node):
                    found = True
                    yield from (
                        RecordRead(number, number, row) for row in _of_record(node) if not _is_copy(row, copies)
                    )
    except OSError as error:
        raise BadInput(
            f"the file cannot be read: {error.strerror}", where=where, mend="look at its name, whose it is and its mode"
        ) from None
    except UnicodeDecodeError:
        raise BadInput("not text in UTF-8", where=where, mend=_NO_RECORD) from None
    except BadInput as error:
        raise BadInput(error.what, where=f"{where}, {error.where}", mend=error.mend or _NO_RECORD) from None
    if not found:
        raise BadInput("no record of consent is in it", where=where, mend=_NO_RECORD)


def _is_copy(row: RecordRow | BadInput, copies: Copies) -> bool:
    return isinstance(row, RecordRow) and copies.has(row)


def _of_record(node: Mapping[str, object]) -> Iterator[RecordRow | BadInput]:
    try:
        rows = parse_record(node)
    except BadInput as error:
        yield error
    else:
        yield from rows


def read_terms_file(path: Path) -> Terms:
    """The terms in a file of their own, or in a 27560 export.

    Raises:
        BadInput: it cannot be read, or there are none in it.
    """
    where = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_TERMS + 1) if path.suffix != ".jsonld" else _terms_of_document(path)
    except OSError as error:
        raise BadInput(
            f"the terms cannot be read: {error.strerror}",
            where=where,
            mend="look at its name, whose it is and its mode",
        ) from None
    try:
        return parse_terms(data)
    except BadInput as error:
        raise BadInput(error.what, where=where, mend=_terms_mend(data)) from None


def _terms_mend(data: bytes) -> str:
    """What to do about a file that holds no terms: records by 27560 hold their own, whatever the file is called."""
    if b'"@context"' in data[:_HEAD] or b'"@graph"' in data[:_HEAD]:
        return "these are records by 27560, which hold their terms: imp consent import FILE --format 27560"
    return "name what imp consent export --terms wrote"


def _terms_of_document(path: Path) -> bytes:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for node in parse_document(stream):
                if node.get("@id") == TERMS and isinstance(node.get("imp:terms"), str):
                    return str(node["imp:terms"]).encode()
    except UnicodeDecodeError:
        raise BadInput("not text in UTF-8", where=str(path), mend="save it as UTF-8") from None
    raise BadInput("no terms are in it", where=str(path), mend="name what imp consent export wrote")
