"""Writing rows of consent as a table: CSV, JSON lines or Parquet. Every cell is text, the same in all of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from imp_consent.records.row import COLUMNS, RecordRow, format_row

__all__ = ["TABLES", "format_json_line", "write_table"]

_BATCH: Final = 8_192


def format_json_line(row: RecordRow) -> str:
    """One line of JSON with its end; what says nothing is left out."""
    cells = {name: cell for name, cell in format_row(row).items() if cell}
    return json.dumps(cells, ensure_ascii=False, separators=(",", ":")) + "\n"


def write_table(kind: str, path: Path, rows: Iterable[RecordRow]) -> int:
    """Write rows to a new file (0600) and return their number.

    Raises:
        OSError: it cannot be written.
    """
    path.touch(mode=0o600)
    return TABLES[kind](path, rows)


def _csv(path: Path, rows: Iterable[RecordRow]) -> int:
    number = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow(format_row(row).values())
            number += 1
    return number


def _json_lines(path: Path, rows: Iterable[RecordRow]) -> int:
    number = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for row in rows:
            file.write(format_json_line(row))
            number += 1
    return number


def _parquet(path: Path, rows: Iterable[RecordRow]) -> int:
    import pyarrow as pa  # noqa: PLC0415 (takes longer to import than a small table to write)
    import pyarrow.parquet as pq  # noqa: PLC0415 (as above)

    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    number = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        batch: list[Mapping[str, str]] = []
        for row in rows:
            batch.append(format_row(row))
            number += 1
            if len(batch) == _BATCH:
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                batch = []
        writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    return number


TABLES: Final[Mapping[str, Callable[[Path, Iterable[RecordRow]], int]]] = {
    "csv": _csv,
    "jsonl": _json_lines,
    "parquet": _parquet,
}
