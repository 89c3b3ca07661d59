"""Compute a lazy frame once where a plan uses it several times: the engines do not see that it is the same."""

from __future__ import annotations

from typing import Any, Final

import duckdb
import narwhals as nw

__all__ = ["hold"]

_ITSELF: Final = "imp_itself"


def hold(frame: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
    """The same rows, computed now and kept by the frame's engine: in DuckDB as a temporary table of this name.

    A table of that name is replaced: a frame held before under it must not be used any more. Engines that compute
    elsewhere (PySpark) keep nothing: the frame comes back as it is.
    """
    native = nw.to_native(frame)
    if isinstance(native, duckdb.DuckDBPyRelation):
        # on the relation's own connection, which only it knows
        native.query(_ITSELF, f'CREATE OR REPLACE TEMP TABLE "imp_{name}" AS SELECT * FROM {_ITSELF}')  # noqa: S608 (our names)
        held = native.query(_ITSELF, f'SELECT * FROM "imp_{name}"')  # noqa: S608 (our name)
        if held is not None:  # it is None for statements only
            return nw.from_native(held).lazy()
    if frame.implementation.is_polars():
        return frame.collect().lazy()
    return frame
