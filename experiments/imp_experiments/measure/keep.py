"""Rows that are read more than once, found once: DuckDB compiles a lazy frame anew wherever it stands in a query."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

import narwhals as nw

__all__ = ["keep"]

_NUMBERS: Final = count(1)  # a table's name is its own, whatever else lies on the connection

Frame = nw.LazyFrame[Any]


def keep(frame: Frame, beside: Frame) -> Frame:
    """Find the rows of a frame now, as every later query of the result reads them.

    On DuckDB they are a temporary table on the frame's own connection: it spills where that spills and goes when that
    is closed. On Polars they are in memory. Any other frame stays as lazy as it is. `beside` is a plain frame of the
    same connection: a relation remembers what it was made by, and this one is not to remember the way to its rows.
    """
    if frame.implementation.is_duckdb():
        name = f"imp_kept_{next(_NUMBERS)}"
        frame.to_native().query(f"{name}_rows", f"CREATE TEMP TABLE {name} AS FROM {name}_rows")
        kept: Frame = nw.from_native(beside.to_native().query(f"{name}_beside", f"FROM {name}")).lazy()
        return kept
    return frame.collect().lazy() if frame.implementation.is_polars() else frame
