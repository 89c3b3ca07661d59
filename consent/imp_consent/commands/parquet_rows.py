"""A Parquet file of people as rows. Times and days stay numbers: one that is absurd is the fault of its row alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, BinaryIO, Final, TypeVar

from imp_consent.commands.layout import Layout, Row
from imp_core.errors import BadInput

__all__ = ["Day", "Instant", "LocalMoment", "read_parquet"]

T = TypeVar("T")
_BATCH: Final = 8_192
_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Instant:
    """A time that a typed file holds as such, in UTC microseconds."""

    us: int


@dataclass(frozen=True, slots=True)
class LocalMoment:
    """What a clock showed somewhere, in microseconds since it showed the first moment of 1970."""

    us: int

    def read(self) -> datetime:
        """The same without a zone.

        Raises:
            BadInput: no calendar has it.
        """
        return _in_calendar(lambda: datetime(1970, 1, 1) + timedelta(microseconds=self.us))  # noqa: DTZ001 (its zone is named elsewhere)


@dataclass(frozen=True, slots=True)
class Day:
    """A day, counted from 1970-01-01."""

    days: int

    def read(self) -> date:
        """The same as a date.

        Raises:
            BadInput: no calendar has it.
        """
        return _in_calendar(lambda: date(1970, 1, 1) + timedelta(days=self.days))


def _in_calendar(read: Callable[[], T]) -> T:
    try:
        return read()
    except OverflowError:
        raise BadInput("a time outside the calendar", mend="name a time from the year 1 to the year 9999") from None


def read_parquet(content: BinaryIO, layout: Layout, where: str) -> Iterator[Row]:
    """The rows of a file. Timestamps are an `Instant`, without a zone a `LocalMoment`, and dates a `Day`.

    Raises:
        BadInput: it is damaged, or a column of times has no zone and none is named for it.
    """
    import pyarrow as pa  # noqa: PLC0415 (takes longer to import than a small CSV to read)
    import pyarrow.parquet as pq  # noqa: PLC0415 (as above)

    try:
        file = pq.ParquetFile(content, pre_buffer=False)
        chosen = layout.choose(file.schema_arrow.names, where=where)
        _check_zones(file.schema_arrow, chosen, where, local=layout.timezone is not None)
        for batch in file.iter_batches(batch_size=_BATCH, columns=list(dict.fromkeys(chosen.values()))):
            values = {name: _values(pa, batch.column(column)) for name, column in chosen.items()}
            for row in zip(*values.values(), strict=True):
                yield dict(zip(values, row, strict=True))
    except (pa.ArrowException, OSError, ValueError, OverflowError):  # text that is not UTF-8, among others
        raise BadInput("the Parquet file is damaged or cut off", where=where, mend="fetch the file again") from None


def _check_zones(schema: Any, chosen: dict[str, str], where: str, *, local: bool) -> None:  # noqa: ANN401 (pyarrow has no types)
    for column in chosen.values():
        type_ = schema.field(column).type
        if str(type_).startswith("timestamp") and type_.tz is None and not local:
            raise BadInput(
                f"the column {column} holds times without a zone",
                where=where,
                mend="write it as timestamp with zone UTC, or as ISO 8601 text with an offset",
            )


def _values(pa: Any, column: Any) -> list[object]:  # noqa: ANN401 (pyarrow has no types)
    """The values of a column; times and days by their numbers, of which Python's own types hold only some."""
    name = str(column.type)
    if name.startswith("timestamp"):
        per_second, kind = _PER_SECOND[column.type.unit], LocalMoment if column.type.tz is None else Instant
        return [None if n is None else kind(n * _US // per_second) for n in column.cast(pa.int64()).to_pylist()]
    if name.startswith("date"):
        return [None if n is None else Day(n) for n in column.cast(pa.date32()).cast(pa.int32()).to_pylist()]
    found = list(column.to_pylist())
    # many tools write texts as bytes, without saying that they are texts
    return [_as_text(value) if isinstance(value, bytes) else value for value in found] if "binary" in name else found


def _as_text(value: bytes) -> str | bytes:
    """The text that bytes are in UTF-8; what is none stays bytes, which whoever reads the row refuses."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
