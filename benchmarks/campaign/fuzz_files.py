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

from imp_consent.commands.aside import ReadRow
from imp_consent.commands.columns import ColumnMap, read_map
from imp_consent.commands.imported import Earlier
from imp_consent.commands.importer import read_said
from imp_consent.commands.reading import RowReader
from imp_consent.commands.record_files import read_records, read_terms_file
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
_MAP: Final = (
    b'[identifier]\nkind = "member"\ncolumn = "id"\n[columns]\nat = "when"\n[states]\nyes = "given"\n'
    b'[file]\nencoding = "cp1252"\ndates = "%d.%m.%Y %H:%M"\ntimezone = "Europe/Berlin"\nunread = ["comment"]\n'
)
_NOW_US: Final = 1_772_366_400_000_000  # 2026-03-01T12:00:00Z
# How a file is written, and rows of it: a pattern with times and of days alone, zones, and encodings of their own.
_WRITTEN: Final = {
    "patterns": (
        ColumnMap(given=True, dates="%d.%m.%Y %H:%M", timezone="Europe/Berlin", states={"ja": "given"}),
        "identifier,purpose,state,at\nmember:1,analytics,ja,05.01.2026 09:30\n"
        "member:2,analytics,refused,26.10.2025 02:30\nmember:3,analytics,ja,2025-10-26T02:30:00+01:00\n",
    ),
    "days": (
        ColumnMap(given=True, dates="%Y年%m月%d日", timezone="Asia/Shanghai", encoding="gb18030"),
        "identifier,purpose,state,at\nmember:张伟,analytics,given,2026年01月05日\n"
        "member:张伟,analytics,withdrawn,2026-01-05+08:00\n",
    ),
    "zones": (
        ColumnMap(given=True, timezone="America/Asuncion", encoding="cp1252", unread=frozenset({"comment"})),
        "identifier;purpose;state;at;comment\nmember:Müller;analytics;withdrawn;2024-03-23;x\n"
        'member:1;analytics;given;2026-01-05 09:30;"two\nlines"\nmember:2;analytics;refused;2026-W04-3;\n',
    ),
    "wide": (
        ColumnMap(given=True, timezone="UTC", encoding="utf-16", kind="member", columns={"identifier": "id"}),
        "id\tpurpose\tstate\tat\n김철수\tanalytics\tgiven\t2026-01-05\n",
    ),
    "Japanese": (
        ColumnMap(given=True, dates="%m/%d/%Y %I:%M %p", timezone="Asia/Tokyo", encoding="cp932"),
        "identifier,purpose,state,at\nmember:山田,analytics,given,01/05/2026 09:30 PM\n",
    ),
}
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


def _said(path: Path, mapping: ColumnMap = ColumnMap()) -> int:  # noqa: B008 (it is frozen)
    """How many rows of what people said can be taken."""
    reader = RowReader(mapping, "0" * 64, _NOW_US)
    return sum(isinstance(row, ReadRow) for row in read_said(path, reader, [], Earlier()))


def _as_written(mapping: ColumnMap) -> Callable[[Path], int]:
    return lambda path: _said(path, mapping)


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
    **{
        f"consent rows, {name}": (_PLACE.read(".csv", _as_written(mapping)), (text.encode(mapping.encoding),))
        for name, (mapping, text) in _WRITTEN.items()
    },
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
