"""How the columns of a consent file are read: its own names, or a mapping file's.

```
[identifier]                 # without it, the column identifier holds kind:value
kind = "member"
column = "customer_id"
[columns]                    # field = column of the file
at = "signed_at"
[defaults]                   # field = constant; it also fills an empty value
purpose = "marketing.email"
[states]                     # the file's word = given, refused, withdrawn or basis
yes = "given"
no = "refused"
[file]                       # each may be left out
encoding = "utf-8"           # or one of imp_core.encodings
delimiter = ","
dates = "%d.%m.%Y %H:%M"     # else ISO 8601
timezone = "Europe/Berlin"   # of times that name no zone
unread = ["comment"]         # columns that are not read, and not warned of
```
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from imp_consent.commands.local_times import LocalTimes, check_pattern, check_zone
from imp_consent.commands.states import IMPORTED
from imp_core.encodings import ENCODINGS
from imp_core.errors import BadInput

__all__ = ["FIELDS", "REQUIRED", "ColumnMap", "choose_columns", "read_map"]

REQUIRED: Final = ("identifier", "purpose", "state", "at")
FIELDS: Final = (
    *REQUIRED, "channel", "notice", "action", "evidence", "valid_for", "language", "steps", "consent", "bundled",
    "informed", "by", "basis", "grounds", "regime", "jurisdiction",
)  # fmt: skip
_LATER: Final = (
    "dates",
    "timezone",
    "unread",
)  # what mappings had nothing of before: left out, they are the mappings they were
_TABLES: Final = {
    "identifier": ("kind", "column"),
    "columns": FIELDS,
    "defaults": FIELDS[1:],  # a person's identifier does not belong in a mapping file
    "states": None,
    "file": ("encoding", "delimiter", *_LATER),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """Which column fills which field, what is constant, and what the file's words for states mean.

    `kind` None: identifiers are written kind:value. `given` is whether a mapping file was given at all,
    `asks_encoding` whether it says nothing of the encoding, which changes nothing in how a file is read.
    """

    kind: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8-sig"
    delimiter: str | None = None
    given: bool = False
    dates: str | None = None
    timezone: str | None = None
    unread: frozenset[str] = frozenset()
    asks_encoding: bool = True

    @property
    def sha256(self) -> str:
        """A hash of the whole mapping: equal mappings, equal hashes."""
        said = {name: value for name, value in asdict(self).items() if name not in _LATER or value}
        said.pop("asks_encoding")
        said |= {"unread": sorted(self.unread)} if self.unread else {}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    @property
    def declare_encoding(self) -> str:
        """How to say in which encoding a file is."""
        return 'in the mapping: [file] encoding = "{}"'

    @property
    def times(self) -> LocalTimes:
        """How times are written."""
        return LocalTimes(self.dates, self.timezone)


def read_map(path: Path | None) -> ColumnMap:
    """Read a mapping file; None is the file's own names.

    Raises:
        BadInput: it cannot be read, is not TOML, or names something unknown.
    """
    if path is None:
        return ColumnMap()
    where = str(path)
    try:
        tables = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise BadInput(
            f"the mapping cannot be read: {error.strerror}",
            where=where,
            mend="look at its name, whose it is and its mode",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise BadInput("the mapping is not TOML in UTF-8", where=where, mend="see: imp consent import --help") from None
    _check(tables, where)
    identifier, columns, file = tables.get("identifier", {}), dict(tables.get("columns", {})), tables.get("file", {})
    if "column" in identifier:
        columns["identifier"] = identifier["column"]
    _check_read(columns.values(), file.get("unread", ()), where)
    return ColumnMap(
        kind=identifier.get("kind"),
        columns=columns,
        defaults={name: _constant(value) for name, value in tables.get("defaults", {}).items()},
        states=tables.get("states", {}),
        encoding=ENCODINGS[file.get("encoding", "utf-8")],
        asks_encoding="encoding" not in file,
        delimiter=file.get("delimiter"),
        given=True,
        dates=file.get("dates"),
        timezone=file.get("timezone"),
        unread=frozenset(file.get("unread", ())),
    )


def choose_columns(mapping: ColumnMap, names: Iterable[str], *, where: str) -> dict[str, str]:
    """Field → column, for a file that has these columns.

    Raises:
        BadInput: a column is missing, named twice, or (without a mapping) not a field: a misspelt `channel` would
            turn a yes for one channel into a yes for all.
    """
    columns = list(names)
    for place, name in enumerate(columns, 1):
        if name not in FIELDS and not mapping.given:
            # by its place: a file without a header must not show its first row
            raise BadInput(
                f"column {place} of the header is not known",
                where=where,
                mend=f"name the columns {', '.join(FIELDS)}, or give a mapping: --map FILE",
            )
    chosen = {name: mapping.columns.get(name, name) for name in FIELDS}
    for name, column in chosen.items():
        if columns.count(column) > 1:
            raise BadInput(
                f"the header has the column {column} twice",
                where=where,
                mend="leave each column once, or give the other a name of its own",
            )
        if column not in columns and (name in mapping.columns or (name in REQUIRED and name not in mapping.defaults)):
            mend = "compare the mapping with the header" if mapping.given else "or give a mapping: --map FILE"
            raise BadInput(f"the header lacks the column {column}", where=where, mend=mend)
    return {name: column for name, column in chosen.items() if column in columns}


def _check(tables: Mapping[str, Any], where: str) -> None:
    for name, table in tables.items():
        if name not in _TABLES:
            raise BadInput(f"unknown table in the mapping: [{name}]", where=where, mend=f"known: {', '.join(_TABLES)}")
        if not isinstance(table, dict):
            raise BadInput(
                f"{name} in the mapping must be a table",
                where=where,
                mend=f"write it as a line [{name}] with its entries below it",
            )
        known = _TABLES[name]
        for key, value in table.items():
            if known is not None and key not in known:
                raise BadInput(f"unknown key in the mapping: {name}.{key}", where=where, mend=", ".join(known))
            if key == "unread" and name == "file":
                _check_names(value, where)
            elif not isinstance(value, str) and not (name == "defaults" and isinstance(value, datetime)):
                raise BadInput(f"{name}.{key} in the mapping must be a text", where=where, mend="write it in quotes")
    _check_words(tables, where)


def _check_names(value: object, where: str) -> None:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        mend = 'write it like: unread = ["comment", "score"]'
        raise BadInput("file.unread in the mapping must be a list of columns", where=where, mend=mend)


def _check_read(columns: Iterable[str], unread: Iterable[str], where: str) -> None:
    both = sorted(set(columns) & set(unread))
    if both:
        what = f"the mapping names {', '.join(both)} as a column to read, and says that it is not read"
        raise BadInput(what, where=where, mend="leave it out of [columns] and [identifier], or of [file] unread")


def _check_words(tables: Mapping[str, Any], where: str) -> None:
    for word, state in tables.get("states", {}).items():
        if state not in IMPORTED:
            raise BadInput(
                f"states.{word} in the mapping must be one of {', '.join(IMPORTED)}",
                where=where,
                mend='write it like: yes = "given"',
            )
    file = tables.get("file", {})
    if file.get("encoding", "utf-8") not in ENCODINGS:
        raise BadInput(
            f"file.encoding in the mapping must be one of {', '.join(ENCODINGS)}",
            where=where,
            mend="write it in quotes, as one of these",
        )
    if len(file.get("delimiter", ",")) != 1 or file.get("delimiter", ",") in '"\r\n':
        raise BadInput(
            "file.delimiter in the mapping must be one character", where=where, mend='write it like: delimiter = ";"'
        )
    _check_times(file.get("dates"), file.get("timezone"), where)


def _check_times(dates: str | None, timezone: str | None, where: str) -> None:
    try:
        if timezone is not None:
            check_zone(timezone)
        if dates is not None:
            check_pattern(dates, zoned=timezone is not None)
    except BadInput as error:
        raise BadInput(error.what, where=where, mend=error.mend) from None


def _constant(value: str | datetime) -> str:
    return value.isoformat() if isinstance(value, datetime) else value
