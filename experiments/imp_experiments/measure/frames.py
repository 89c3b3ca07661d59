"""Prepare any native frame Narwhals knows (pandas, Polars, DuckDB, PyArrow, PySpark) as files are prepared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw

from imp_core.errors import BadInput
from imp_experiments.measure.table import Layout

__all__ = ["PreparedFrame", "prepare_frame"]


@dataclass(frozen=True, slots=True)
class PreparedFrame:
    """`frame` has the columns variant, unit (if any), value_0 … and fault; `source` is what they were made from."""

    frame: nw.LazyFrame[Any]
    source: nw.DataFrame[Any] | nw.LazyFrame[Any]
    faults: dict[str, tuple[nw.Expr, str]]

    def first_fault(self) -> BadInput:
        """The first value that cannot be taken, by field, and by row where the frame has an order."""
        for key, (expression, problem) in self.faults.items():
            column = key.partition(" ")[2]
            if isinstance(self.source, nw.DataFrame):
                wrong = self.source.select(wrong=expression)["wrong"]
                if wrong.any():
                    return BadInput(problem, where=f"row {int(wrong.arg_max() or 0) + 1}, column {column}")
            elif self.source.filter(expression).select(n=nw.len()).collect().item(0, "n"):
                return BadInput(problem, where=f"column {column}")
        return BadInput("a row cannot be taken")


def prepare_frame(native: Any, layout: Layout) -> PreparedFrame:  # noqa: ANN401 (any native frame)
    """Pick and check the columns of a native frame; nothing is computed yet.

    Raises:
        BadInput: not a frame, a column is missing, or a value column does not hold numbers.
    """
    try:
        source = nw.from_native(native)
    except TypeError:
        raise BadInput(
            "not a path and not a data frame", mend="pass a file's path, or a pandas or Polars frame", where="data"
        ) from None
    schema = source.collect_schema()
    for name in layout.columns:
        if name not in schema:
            raise BadInput(f"there is no column {name!r}", mend="look at the frame's columns")
    variant = nw.col(layout.variant).cast(nw.String)
    faults = {f"variant {layout.variant}": (_missing(variant), "the variant is missing")}
    columns: dict[str, nw.Expr] = {"variant": variant}
    if layout.unit is not None:
        faults[f"unit {layout.unit}"] = (nw.col(layout.unit).is_null(), "the unit is missing")
        columns["unit"] = nw.col(layout.unit)
    for index, (name, kind) in enumerate(layout.metrics):
        value, wrong = _value(name, schema[name], kind)
        said = "the value is not 0, 1, true or false" if kind == "proportion" else "the value is not a finite number"
        faults[f"{kind} {name}"] = (wrong, said)
        columns[f"value_{index}"] = nw.when(~wrong).then(value).otherwise(nw.lit(0.0))
    any_fault = nw.lit(value=False)
    for expression, _ in faults.values():
        any_fault = any_fault | expression
    frame = source.lazy().select(**columns, fault=nw.when(any_fault).then(nw.lit(1)).otherwise(nw.lit(0)))
    return PreparedFrame(frame, source, faults)


def _missing(text: nw.Expr) -> nw.Expr:
    return text.is_null() | (text.fill_null("").str.strip_chars() == "")


def _value(name: str, dtype: nw.dtypes.DType, kind: str) -> tuple[nw.Expr, nw.Expr]:
    """The value as a float, and whether it cannot be taken."""
    if not (dtype.is_numeric() or dtype == nw.Boolean):
        raise BadInput(
            "the column does not hold numbers", where=f"column {name}", mend="name another column, or mend its values"
        )
    value = nw.col(name).cast(nw.Float64)
    wrong = value.is_null() | ~value.fill_null(0.0).is_finite()
    if kind == "proportion":
        wrong = wrong | ~value.fill_null(0.0).is_in([0.0, 1.0])
    return value, wrong
