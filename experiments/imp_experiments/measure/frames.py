"""Prepare any native frame Narwhals knows (pandas, Polars, DuckDB, PyArrow, PySpark) as files are prepared.

A frame in memory goes to DuckDB as Arrow (no copy but for text), so that it is read as files are; a lazy frame stays
where it is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import narwhals as nw
import pyarrow as pa

from imp_core.errors import BadInput
from imp_experiments.measure.layout import Layout, Value
from imp_experiments.measure.near import near_name
from imp_experiments.measure.relation import (
    NO_VALUE,
    NOT_A_FLAG,
    NOT_A_NUMBER,
    VARIANT_SEPARATOR,
    mend_of,
    prepare_relation,
)
from imp_experiments.measure.table import Prepared

__all__ = ["open_frame"]

_FrameLike = nw.DataFrame[Any] | nw.LazyFrame[Any]


@contextmanager
def open_frame(native: Any, layout: Layout) -> Iterator[Prepared]:  # noqa: ANN401 (any native frame)
    """Pick and check the columns of a native frame; nothing is computed yet.

    Raises:
        BadInput: not a frame, a column is missing, or a value column does not hold numbers.
    """
    source = _frame(native)
    _check_schema(source.collect_schema(), layout)
    if isinstance(source, nw.LazyFrame):
        yield _prepare_lazy(source, layout)
        return
    table = _arrow(source, layout)
    with tempfile.TemporaryDirectory(prefix="imp-") as spill, duckdb.connect(config=_settings(spill)) as connection:
        prepared = prepare_relation(connection.from_arrow(table), layout, source=None)
        yield Prepared(nw.from_native(prepared.relation).lazy(), prepared.first_fault, None)


def _check_schema(schema: nw.Schema, layout: Layout) -> None:
    for name in layout.columns:
        if name not in schema:
            near = near_name(name, schema)
            mend = "look at the frame's columns" if near is None else f"did you mean {near!r}?"
            raise BadInput(f"there is no column {name!r}", mend=mend)
    for value in layout.values:
        dtype = schema[value.column]
        if not (dtype.is_numeric() or dtype == nw.Boolean):
            raise BadInput(
                "the column does not hold numbers",
                where=f"column {value.column}",
                mend="name another column, or turn its values into numbers",
            )


def _settings(spill: str) -> dict[str, str | bool | int | float | list[str]]:
    return {"autoinstall_known_extensions": "false", "temp_directory": spill}


def _frame(native: Any) -> _FrameLike:  # noqa: ANN401 (any native frame)
    try:
        source: _FrameLike = nw.from_native(native)
    except TypeError:
        raise BadInput(
            "not a path and not a data frame", mend="pass a file's path, or a pandas or Polars frame", where="data"
        ) from None
    except nw.exceptions.NarwhalsError:
        raise BadInput("two columns of the frame have one name", mend="give each its own", where="data") from None
    return source


def _arrow(source: nw.DataFrame[Any], layout: Layout) -> pa.Table:
    """The wanted columns, under the names raw_0, raw_1 and so on."""
    columns = []
    for name in layout.columns:
        try:
            columns.append(source.select(name).to_arrow()[name])
        except (pa.ArrowException, TypeError, ValueError):
            # the words of the error may hold a value
            raise BadInput(
                "the column holds values of several kinds", where=f"column {name}", mend="make it all numbers, or text"
            ) from None
    return pa.table(dict(zip((f"raw_{index}" for index in range(len(columns))), columns, strict=True)))


@dataclass(frozen=True, slots=True)
class _Faults:
    """Where a lazy frame's values cannot be taken."""

    source: nw.LazyFrame[Any]
    tests: dict[str, tuple[nw.Expr, str]]

    def first(self) -> BadInput | None:
        """The first column with a value that cannot be taken; a lazy frame has no first row."""
        for key, (expression, problem) in self.tests.items():
            if self.source.filter(expression).select(n=nw.len()).collect().item(0, "n"):
                return BadInput(problem, where=f"column {key.partition(' ')[2]}", mend=mend_of(problem))
        return None


def _prepare_lazy(source: nw.LazyFrame[Any], layout: Layout) -> Prepared:
    texts = [nw.col(name).cast(nw.String) for name in layout.variant]
    tests = {
        f"variant {name}": (_missing(text), "the variant is missing")
        for name, text in zip(layout.variant, texts, strict=True)
    }
    variant = texts[0] if len(texts) == 1 else nw.concat_str(*texts, separator=VARIANT_SEPARATOR)
    columns: dict[str, nw.Expr] = {"variant": variant}
    if layout.unit is not None:
        tests[f"unit {layout.unit}"] = (nw.col(layout.unit).is_null(), "the unit is missing")
        columns["unit"] = nw.col(layout.unit)
    for mark, name in layout.marks.items():
        columns[mark] = nw.col(name).cast(nw.String)
        tests[f"{mark} {name}"] = (_missing(columns[mark]), f"the {mark} is missing")
    for index, value in enumerate(layout.values):
        taken = _value(value)
        if not value.optional:
            tests[f"value {value.column}"] = (nw.col(value.column).is_null(), NO_VALUE)
        said = NOT_A_FLAG if value.kind == "flag" else NOT_A_NUMBER
        wrong = ~taken.is_finite() & ~taken.is_nan() if value.optional else ~taken.is_finite()
        tests[value.name] = (wrong, said)
        columns[f"value_{index}"] = taken
    return Prepared(source.select(**columns), _Faults(source, tests).first, None)


def _missing(text: nw.Expr) -> nw.Expr:
    return text.is_null() | (text.fill_null("").str.strip_chars() == "")


def _value(value: Value) -> nw.Expr:
    """The value as a float, never null: NaN where it cannot be taken, or a covariate is missing."""
    number = nw.col(value.column).cast(nw.Float64)
    filled = number.fill_null(float("nan"))
    if value.kind != "flag":
        return filled
    return nw.when((filled == 0.0) | (filled == 1.0)).then(filled).otherwise(nw.lit(float("nan")))
