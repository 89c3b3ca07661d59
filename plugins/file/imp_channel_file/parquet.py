"""Parquet, a batch of rows at a time. The only file that imports pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from imp_channel_file.fields import Unfit
from imp_channel_file.table import column_missing
from imp_core.errors import BadInput

__all__ = ["ParquetTable"]

_BATCH = 8_192


class ParquetTable:
    """A Parquet file. Timestamps with a zone are instants; those without one, and dates, cannot be times."""

    def __init__(self, path: Path) -> None:
        self._where = str(path)
        try:
            # Without pre-buffering a row group is not read whole before its first batch.
            self._file = pq.ParquetFile(path, pre_buffer=False)
            schema = self._file.schema_arrow
        except (pa.ArrowException, OSError):
            raise self._broken() from None
        self.columns: Sequence[str] = schema.names
        self._types = {field.name: field.type for field in schema}
        self.texts = frozenset(name for name, type_ in self._types.items() if _is_text(type_))
        self.instants = frozenset(
            name for name, type_ in self._types.items() if pa.types.is_timestamp(type_) and type_.tz is not None
        )

    def rows(self, wanted: Sequence[str]) -> Iterator[Sequence[object] | Unfit]:
        """The wanted columns' values."""
        for name in wanted:
            if name not in self._types:
                raise column_missing(name, where=self._where)
            if self.columns.count(name) > 1:
                raise BadInput(f"the file has the column {name} twice", where=self._where)
            if pa.types.is_timestamp(self._types[name]) and name not in self.instants:
                raise BadInput(
                    f"the column {name} holds times without a zone",
                    where=self._where,
                    mend="write it as timestamp with zone UTC, or as ISO 8601 text with an offset",
                )
        try:
            for batch in self._file.iter_batches(batch_size=_BATCH, columns=list(wanted)):
                values = [self._values(batch, name) for name in (*wanted, wanted[0])]
                yield from zip(*values, strict=True)
        except (pa.ArrowException, OSError):
            raise self._broken() from None

    def _values(self, batch: Any, name: str) -> list[object]:  # noqa: ANN401 (pyarrow has no types)
        column = batch.column(name)
        if name in self.instants:
            column = column.cast(pa.timestamp("us", self._types[name].tz), safe=False).cast(pa.int64())
        values: list[object] = column.to_pylist()
        return values

    def _broken(self) -> BadInput:
        return BadInput("the Parquet file is damaged or cut off", where=self._where, mend="fetch the file again")


def _is_text(type_: Any) -> bool:  # noqa: ANN401 (pyarrow has no types)
    held = type_.value_type if pa.types.is_dictionary(type_) else type_
    return bool(pa.types.is_string(held) or pa.types.is_large_string(held))
