"""Prepare a DuckDB relation of the wanted columns: what cannot be taken becomes NaN, and is looked for only then.

Nothing is guessed from the values: what is not a number is a fault of its row. Errors name row and field, never a
value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb

from imp_core.errors import BadInput
from imp_experiments.measure.layout import Layout, Value

__all__ = [
    "NOT_A_FLAG",
    "NOT_A_NUMBER",
    "NO_VALUE",
    "NO_VARIANT",
    "VARIANT_SEPARATOR",
    "PreparedRelation",
    "mend_of",
    "prepare_relation",
]

# Between the levels of several factors in the prepared variant: no level holds it.
VARIANT_SEPARATOR: Final = "\x1f"
_NUMBERS: Final = ("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "U")
_WHOLE: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "U")
NOT_A_FLAG: Final = "the value is not 0, 1, true or false"
NOT_A_NUMBER: Final = "the value is not a finite number"
NO_VALUE: Final = "the value is missing"
NO_VARIANT: Final = "the variant is missing"
_MENDS: Final = {
    NOT_A_FLAG: "write 0 or 1, or name the column with --mean or --ratio",
    NOT_A_NUMBER: "write a number like 1234.5, with no thousands separator or currency",
    NO_VALUE: "write 0 where nothing happened; leave a row out only where that has nothing to do with its variant",
}
# How files write that a covariate is unknown.
_UNKNOWN: Final = "('', 'na', 'n/a', 'nan', 'null', 'none')"
_NAN: Final = "'nan'::DOUBLE"


@dataclass(frozen=True, slots=True)
class PreparedRelation:
    """`relation` has the columns variant, unit, stratum, cluster (if any) and value_0 and so on.

    NaN marks a value that cannot be taken; of a covariate a missing one, and infinity one that cannot be taken.

    `raw` is what they were made from, `problems` the condition of each fault by role and column, `source` how errors
    name the table.
    """

    relation: duckdb.DuckDBPyRelation
    raw: duckdb.DuckDBPyRelation
    problems: dict[str, tuple[str, str]]
    source: str | None

    def first_fault(self) -> BadInput | None:
        """The first row that cannot be taken, as an error naming row (the first of data is 1) and field."""
        numbered = self.raw.project("row_number() OVER () AS data_row, *")
        faulty = " OR ".join(f"({condition})" for condition, _ in self.problems.values())
        tests = ", ".join(f"({condition})" for condition, _ in self.problems.values())
        found = numbered.filter(faulty).project(f"data_row, {tests}").order("data_row").limit(1).fetchall()
        if not found:
            return None
        row, *wrongs = found[0]
        column, problem = next(
            (column, problem)
            for wrong, (column, (_, problem)) in zip(wrongs, self.problems.items(), strict=True)
            if wrong
        )
        place = f"row {row}, column {column.partition(' ')[2]}"
        where = place if self.source is None else f"{self.source}, {place}"
        return BadInput(problem, where=where, mend=f"{mend_of(problem)}; rows count from 1 without the header")


def prepare_relation(raw: duckdb.DuckDBPyRelation, layout: Layout, *, source: str | None) -> PreparedRelation:
    """Prepare a relation whose columns raw_0, raw_1 … are those of the layout, in its order.

    Raises:
        BadInput: a value column does not hold numbers.
    """
    place = {name: f"raw_{index}" for index, name in enumerate(layout.columns)}
    types = dict(zip(layout.columns, (str(kind) for kind in raw.types), strict=True))
    # keyed by role and column: a column may be asked for twice
    problems = {f"variant {name}": (_blank(place[name]), NO_VARIANT) for name in layout.variant}
    levels = [f"CAST({place[name]} AS VARCHAR)" for name in layout.variant]
    # not concat_ws, which passes over nulls
    projected = [f"{f' || chr({ord(VARIANT_SEPARATOR)}) || '.join(levels)} AS variant"]
    if layout.unit is not None:
        problems[f"unit {layout.unit}"] = (_blank(place[layout.unit]), "the unit is missing")
        projected.append(f"{place[layout.unit]} AS unit")
    for mark, name in layout.marks.items():
        problems[f"{mark} {name}"] = (_blank(place[name]), f"the {mark} is missing")
        projected.append(f"CAST({place[name]} AS VARCHAR) AS {mark}")
    for index, value in enumerate(layout.values):
        sql = _value(place[value.column], types[value.column], value, source=source)
        said = NOT_A_FLAG if value.kind == "flag" else NOT_A_NUMBER
        if not value.optional:
            problems[f"value {value.column}"] = (_blank(place[value.column]), NO_VALUE)
        problems[value.name] = (f"{'isinf' if value.optional else 'NOT isfinite'}({sql})", said)
        projected.append(f"{sql} AS value_{index}")
    return PreparedRelation(raw.project(", ".join(projected)), raw, problems, source)


def mend_of(problem: str) -> str:
    """What to do about a fault of a row."""
    return _MENDS.get(problem, "write it in every row, like (none)")


def _blank(column: str) -> str:
    return f"coalesce(trim(CAST({column} AS VARCHAR)), '') = ''"


def _value(column: str, type_: str, value: Value, *, source: str | None) -> str:
    """A DOUBLE, never NULL: NaN where the value cannot be taken (of a covariate: is missing, else infinite)."""
    text = type_ == "VARCHAR" or type_.startswith("ENUM")
    # a list of numbers is named like them
    if not text and (not type_.startswith(_NUMBERS) or type_.endswith("]")):
        place = f"column {value.column}"
        raise BadInput(
            "the column does not hold numbers",
            where=place if source is None else f"{source}, {place}",
            mend="name another column, or mend its values",
        )
    number = _number(column, text=text)
    if value.kind == "flag":
        return _flag(column, number, type_)
    if value.optional and text:
        missing = f"coalesce(lower(trim(CAST({column} AS VARCHAR))) IN {_UNKNOWN}, true)"
        return f"CASE WHEN {missing} THEN {_NAN} ELSE coalesce({number}, 'inf'::DOUBLE) END"
    return f"coalesce({number}, {_NAN})"


def _number(column: str, *, text: bool) -> str:
    if not text:
        return f"CAST({column} AS DOUBLE)"
    # TRY_CAST would read 1_000 as a thousand
    plain = f"CAST({column} AS VARCHAR)"
    return f"CASE WHEN contains({plain}, '_') THEN NULL ELSE TRY_CAST({plain} AS DOUBLE) END"


def _flag(column: str, number: str, type_: str) -> str:
    if type_ == "BOOLEAN":
        return f"coalesce({number}, {_NAN})"
    if type_.startswith(_WHOLE):
        # BETWEEN is a third of the price of IN
        return f"CASE WHEN {column} BETWEEN 0 AND 1 THEN {number} ELSE {_NAN} END"
    if type_.startswith(_NUMBERS):
        return f"CASE WHEN {number} = 0 OR {number} = 1 THEN {number} ELSE {_NAN} END"
    text = f"lower(trim(CAST({column} AS VARCHAR)))"
    true, false = f"{text} = 'true' OR ({number}) = 1", f"{text} = 'false' OR ({number}) = 0"
    return f"CASE WHEN {true} THEN 1.0 WHEN {false} THEN 0.0 ELSE {_NAN} END"
