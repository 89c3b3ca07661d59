"""From a file to events: open it, choose the mapping, number the rows, and say of each what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from imp_channel_file.build import Builder
from imp_channel_file.fields import Unfit
from imp_channel_file.mapping import plain_mapping, read_mapping
from imp_channel_file.opening import open_table
from imp_channel_file.table import ROWS_MEND
from imp_core.errors import BadInput
from imp_core.event import RawEvent, RowFault

__all__ = ["read_events"]


def read_events(path: Path, mapping_path: Path | None = None) -> Iterator[RawEvent | RowFault]:
    """Stream the events of a file; a row with any fault yields its faults and no event.

    Raises:
        BadInput: the file or its mapping as a whole cannot be read, or the file holds no row.
    """
    mapping = None if mapping_path is None else read_mapping(mapping_path)
    with ExitStack() as stack:
        if mapping is None:
            table = open_table(path, stack, mapped=False)
            mapping = plain_mapping(table.columns, where=str(path))
        else:
            table = open_table(path, stack, encodings=(mapping.encoding,), delimiter=mapping.delimiter)
        builder = Builder(mapping, table, file_sha256=partial(_sha256, path))
        number = 0
        for number, row in enumerate(table.rows(mapping.wanted), 1):
            if isinstance(row, Unfit):
                yield RowFault(row=number, field="row", problem=str(row))
            else:
                yield from builder.events(number, row)
        if not number:
            raise BadInput("the file holds no row", where=str(path), mend=ROWS_MEND)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
