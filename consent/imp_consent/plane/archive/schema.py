"""The archive's columns: one table, typed, unused ones null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from imp_core.errors import PluginBroken

__all__ = ["FORMAT", "PLAIN", "SCHEMA", "arrow_rows"]

FORMAT: Final = 1
_INT32, _INT64, _STRING = pa.int32(), pa.int64(), pa.string()
_INTEGERS: Final = {
    **dict.fromkeys(("batch", "row", "phase"), _INT32),
    **dict.fromkeys(
        ("subject", "event_us", "received_us", "intake_seq", "basis_seq", "amount_micros", "quantity"), _INT64
    ),
}
_COLUMNS: Final = (
    "event_id", "batch", "row", "type", "subject", "event_us", "received_us", "intake_seq", "purpose", "basis_seq",
    "channel", "campaign", "content", "placement", "partner", "place", "name", "interaction", "stage", "session",
    "experiment", "phase", "variant", "unit_kind", "unit", "stratum", "cluster", "ref", "amount_micros", "currency",
    "quantity", "trait_key", "trait_value", "provenance", "props",
)  # fmt: skip
SCHEMA: Final = pa.schema([pa.field(name, _INTEGERS.get(name, _STRING)) for name in _COLUMNS])
# Keyed hashes differ in almost every row: a dictionary of them would only cost.
PLAIN: Final = ("event_id", "session", "unit", "ref")


def arrow_rows(columns: Mapping[str, Sequence[Any]], n: int) -> pa.RecordBatch:
    """`n` rows of the archive from Python values; a column that is not named is null.

    Raises:
        PluginBroken: a value is not of its column's type. The value is not repeated.
    """
    return pa.record_batch([_array(field, columns.get(field.name), n) for field in SCHEMA], schema=SCHEMA)


def _array(field: pa.Field, values: Sequence[Any] | None, n: int) -> pa.Array:
    if values is None:
        return pa.nulls(n, field.type)
    try:
        return pa.array(values, type=field.type)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise PluginBroken(
            f"an event's {field.name} is not {field.type}: {type(error).__name__}", mend="mend the channel's plugin"
        ) from None
