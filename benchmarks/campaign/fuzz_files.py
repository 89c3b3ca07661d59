"""The files that come from outside, for the fuzz campaign: rows of consent, mappings, records, terms, settings.

Each is read as its command reads it, up to the door of the ledger: file, header, rows, values.
"""

from __future__ import annotations

import atexit
import gzip
import io
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from imp_consent.commands.columns import ColumnMap, read_map
from imp_consent.commands.reading import RowReader
from imp_consent.commands.record_files import read_records, read_terms_file
from imp_consent.commands.rows import read_rows
from imp_consent.ledger.entry import Statement
from imp_consent.policy.notice import default_notice, format_notice
from imp_consent.records.document import format_document
from imp_consent.records.facts import Facts, read_facts
from imp_consent.records.graph import record_nodes, shared_nodes, terms_node
from imp_consent.records.row import COLUMNS, RecordRow, format_row
from imp_consent.records.table import format_json_line
from imp_consent.records.terms import Terms, format_terms
from imp_core.errors import BadInput

__all__ = ["FILES"]

_NOTICE: Final = default_notice("Shop Ltd")
_ROWS: Final = (
    b"identifier,purpose,state,at,channel,valid_for\n"
    b"member:1,analytics,given,2026-01-01T10:00:00Z,email,180d\n"
    b'"email:ann@example.com",marketing.email,refused,2026-01-01T10:00:00+08:00,,\n'
)
_LINES: Final = (
    b'{"identifier":"member:1","purpose":"analytics","state":"given","at":"2026-01-01T10:00:00Z","steps":2}\n'
    b'{"identifier":17,"purpose":"analytics","state":"withdrawn","at":"2026-01-01T10:00:00Z"}\n'
)
_MAP: Final = b'[identifier]\nkind = "member"\ncolumn = "id"\n[columns]\nat = "when"\n[states]\nyes = "given"\n'
_SAID: Final = Statement(
    type="grant", purpose="analytics", channel="email", at_us=1_770_000_000_000_000, notice=_NOTICE.sha256
)
_RECORDS: Final = (
    RecordRow(person="member:1", position=1, statement=_SAID, action="click", details={"steps": 2}),
    RecordRow(person="export:12", position=1, statement=Statement(type="object", purpose="*", channel="", at_us=0)),
)
_TERMS: Final = Terms(notices={_NOTICE.sha256: _NOTICE}, texts={_NOTICE.sha256: format_notice(_NOTICE).decode()})
_FACTS: Final = Facts(
    name="Shop Ltd", address="1 High Street", contact="a@shop.example", storage=("IE",), retention="P3Y",
    rights="a@shop.example", jurisdiction="IE",
)  # fmt: skip
_SETTINGS: Final = (
    b'[policy]\njurisdiction = "IE"\n[records]\naddress = "x"\ncontact = "y"\nstorage = ["IE"]\nretention = "P3Y"\n'
)


def _document() -> bytes:
    nodes = [*record_nodes(_RECORDS, _FACTS, _TERMS, lambda _: "0195f0a4"), *shared_nodes(_FACTS, _TERMS)]
    return "".join(format_document([*nodes, terms_node(_TERMS)])).encode()


def _parquet(rows: list[dict[str, str]]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


def _csv() -> bytes:
    lines = [COLUMNS, *(format_row(row).values() for row in _RECORDS)]
    return "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in lines).replace('""', '"').encode()


class _Place:
    """One file in memory's own folder where there is one, written anew for each input."""

    def __init__(self) -> None:
        room = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
        self._folder = Path(tempfile.mkdtemp(dir=room if room.is_dir() else None))
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)

    def read(self, suffix: str, parse: Callable[[Path], object]) -> Callable[[bytes], object]:
        """A parser of bytes, which reads them as a file of this name."""
        path = self._folder / f"input{suffix}"

        def parsed(data: bytes) -> object:
            path.write_bytes(data)
            return parse(path)

        return parsed


def _said(path: Path) -> int:
    """How many rows of what people said can be taken."""
    reader, taken = RowReader(ColumnMap(), "0" * 64, 0), 0
    for number, row in read_rows(path, ColumnMap()):
        try:
            reader.read(number, row)
        except BadInput:
            continue
        taken += 1
    return taken


def _recorded(format_: str) -> Callable[[Path], object]:
    return lambda path: [number for number, _, row in read_records(path, format_) if isinstance(row, RecordRow)]


def _settings(path: Path) -> object:
    try:
        config = tomllib.loads(path.read_bytes().decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise BadInput("not TOML") from None  # as the workspace says
    return read_facts(config, "Shop Ltd")


_PLACE: Final = _Place()
_ROW: Final = {"identifier": "member:1", "purpose": "analytics", "state": "given", "at": "2026-01-01T10:00:00Z"}

# Name → parser and sound examples.
FILES: Final[Mapping[str, tuple[Callable[[bytes], object], tuple[bytes, ...]]]] = {
    "consent rows, CSV": (_PLACE.read(".csv", _said), (_ROWS,)),
    "consent rows, packed": (_PLACE.read(".csv.gz", _said), (gzip.compress(_ROWS, mtime=0),)),
    "consent rows, JSON lines": (_PLACE.read(".jsonl", _said), (_LINES,)),
    "consent rows, Parquet": (_PLACE.read(".parquet", _said), (_parquet([_ROW]),)),
    "mapping": (_PLACE.read(".toml", read_map), (_MAP,)),
    "records, CSV": (_PLACE.read(".csv", _recorded("records")), (_csv(),)),
    "records, JSON lines": (
        _PLACE.read(".jsonl", _recorded("records")),
        ("".join(format_json_line(row) for row in _RECORDS).encode(),),
    ),
    "records, Parquet": (
        _PLACE.read(".parquet", _recorded("records")),
        (_parquet([format_row(row) for row in _RECORDS]),),
    ),
    "records, 27560": (_PLACE.read(".jsonld", _recorded("27560")), (_document(),)),
    "terms": (_PLACE.read(".json", read_terms_file), (format_terms(_TERMS),)),
    "terms of a document": (_PLACE.read(".jsonld", read_terms_file), (_document(),)),
    "facts in settings": (_PLACE.read(".toml", _settings), (_SETTINGS,)),
}
