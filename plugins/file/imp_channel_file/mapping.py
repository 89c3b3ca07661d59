"""The mapping file: which column fills which field, and what is constant.

```
time = "iso"                     # or "unix_s", "unix_ms"
[file]                           # both may be left out
encoding = "utf-8"               # or "gb18030", "utf-16"
delimiter = ","
[identifier]
kind = "member"                  # without it the column holds kind:value
column = "customer_id"
[defaults]                       # field = constant; it also fills an empty value
purpose = "analytics"
[columns]                        # field = column
at = "sent_at"
[props]                          # property = column
device = "device"
[[event]]                        # several events of one row: each adds to what stands above
when = "visit"                   # only where this column says yes
defaults = { type = "outcome", name = "visit" }
columns = { at = "visited_at" }
```
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from imp_channel_file.fields import FIELDS, TimeFormat, Unfit, times
from imp_core.errors import BadInput

__all__ = ["UTF_8", "EventMapping", "FileMapping", "parse_mapping", "plain_mapping", "read_mapping"]

_TOP = ("time", "file", "identifier", "defaults", "columns", "props", "event")
UTF_8 = "utf-8-sig"  # a byte-order mark is let pass
_ENCODINGS = {"utf-8": UTF_8, "gb18030": "gb18030", "gbk": "gb18030", "utf-16": "utf-16"}
_NEVER_CONSTANT = {
    "identifier": "a person's identifier does not belong in a mapping file",
    "id": "an id is different for every event",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMapping:
    """One event of a row: constants by attribute of `RawEvent`, columns by field and by property, its condition.

    `shares_id` is set where several events of a row take their id from one column: each then adds its place.
    """

    defaults: Mapping[str, object]
    columns: Mapping[str, str]
    props: Mapping[str, str]
    when: str | None = None
    shares_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """How a file is read: its times, its text, and the events of each row. `delimiter` None: by the file's name."""

    events: Sequence[EventMapping]
    identifier_kind: str | None = None
    time: TimeFormat = TimeFormat.ISO
    encoding: str = UTF_8
    delimiter: str | None = None

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every column that is read, each once."""
        names: dict[str, None] = {}
        for event in self.events:
            names.update(dict.fromkeys((*event.columns.values(), *event.props.values())))
            if event.when is not None:
                names[event.when] = None
        return tuple(names)


def plain_mapping(columns: Sequence[str], *, where: str) -> FileMapping:
    """The mapping of a file whose columns are called like the fields.

    Raises:
        BadInput: a column is no field (named by its place: a file without a header must not show its first row),
            or a field every event needs has no column.
    """
    for place, name in enumerate(columns, 1):
        if name not in FIELDS:
            mend = f"name the columns like the fields ({', '.join(FIELDS)}), or give a mapping: --map FILE"
            raise BadInput(f"column {place} is not a field of an event", where=where, mend=mend)
    event = EventMapping(defaults={}, columns={name: name for name in columns}, props={})
    _complete(event, where)
    return FileMapping(events=(event,))


def read_mapping(path: Path) -> FileMapping:
    """Read a mapping file.

    Raises:
        BadInput: no such file, not TOML, an unknown key or field, a constant that does not fit, or a field every
            event needs that nothing fills.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"the mapping cannot be read: {error.strerror}", where=str(path)) from None
    try:
        return parse_mapping(data.decode("utf-8"), where=str(path))
    except UnicodeDecodeError:
        raise BadInput("the mapping is not UTF-8", where=str(path)) from None


def parse_mapping(toml: str, *, where: str) -> FileMapping:
    """Read a mapping from its text; see `read_mapping`."""
    try:
        table = tomllib.loads(toml, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"the mapping is not TOML: {error}", where=where) from None
    _known(table, _TOP, where)
    form = _choice(table.get("time", "iso"), {str(item): item for item in TimeFormat}, "time", where)
    file = _table(table, "file", where)
    _known(file, ("encoding", "delimiter"), where, "file.")
    identifier = _strings(table, "identifier", where)
    _known(identifier, ("kind", "column"), where, "identifier.")
    return FileMapping(
        events=_events(table, identifier, form, where),
        identifier_kind=identifier.get("kind"),
        time=form,
        encoding=_choice(file.get("encoding", "utf-8"), _ENCODINGS, "file.encoding", where),
        delimiter=_delimiter(file.get("delimiter"), where),
    )


def _events(
    table: Mapping[str, Any], identifier: Mapping[str, str], form: TimeFormat, where: str
) -> tuple[EventMapping, ...]:
    parts = table.get("event", [{}])
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        _refuse("event", "write each as a table [[event]]", where)
    columns = _fields(_strings(table, "columns", where), "columns.", where)
    if identifier:
        if "column" not in identifier:
            _refuse("identifier.column", "[identifier] needs a column", where)
        if "identifier" in columns:
            _refuse("columns.identifier", "the identifier is already named in [identifier]", where)
        columns = {**columns, "identifier": identifier["column"]}
    defaults = _constants(_table(table, "defaults", where), form, "defaults.", where)
    props = _strings(table, "props", where)
    events = []
    for part in parts:
        _known(part, ("when", "defaults", "columns", "props"), where, "event.")
        own = _fields(_strings(part, "columns", where), "event.columns.", where)
        when = part.get("when")
        if when is not None and not isinstance(when, str):
            _refuse("event.when", "name one column", where)
        event = EventMapping(
            defaults={**defaults, **_constants(_table(part, "defaults", where), form, "event.defaults.", where)},
            columns={**columns, **own},
            props={**props, **_strings(part, "props", where)},
            when=when,
            shares_id=len(parts) > 1 and "id" not in own,
        )
        _complete(event, where)
        events.append(event)
    return tuple(events)


def _complete(event: EventMapping, where: str) -> None:
    for name in ("type", "at", "purpose", "identifier"):
        if name not in event.columns and FIELDS[name].attribute not in event.defaults:
            if name == "identifier" and event.defaults.get("type") == "touchpoint":
                continue  # a contextual touchpoint is nobody's
            raise BadInput(
                f"nothing fills the field {name}",
                where=where,
                mend="name its column, or give it a constant in the mapping's [defaults]"
                if name not in _NEVER_CONSTANT
                else "name its column",
            )


def _constants(table: Mapping[str, object], form: TimeFormat, prefix: str, where: str) -> dict[str, object]:
    out: dict[str, object] = {}
    for name, value in _fields(table, prefix, where).items():
        if name in _NEVER_CONSTANT:
            _refuse(prefix + name, _NEVER_CONSTANT[name], where)
        # A constant time may be a TOML date-time whatever the file's own times are.
        convert = times(form) if name == "at" and isinstance(value, int) else FIELDS[name].convert
        try:
            out[FIELDS[name].attribute] = convert(value)
        except Unfit as problem:
            _refuse(prefix + name, str(problem), where)
    return out


def _fields(table: Mapping[str, Any], prefix: str, where: str) -> dict[str, Any]:
    _known(table, FIELDS.keys(), where, prefix)
    return dict(table)


def _known(table: Mapping[str, object], names: frozenset[str] | Any, where: str, prefix: str = "") -> None:  # noqa: ANN401 (sets and key views)
    for name in table:
        if name not in names:
            raise BadInput(
                f"unknown key in the mapping: {prefix}{name}", where=where, mend=f"known: {', '.join(names)}"
            )


def _table(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        _refuse(key, "must be a table", where)
    return value


def _strings(table: Mapping[str, Any], key: str, where: str) -> dict[str, str]:
    value = _table(table, key, where)
    for name, item in value.items():
        if not isinstance(item, str) or not item:
            _refuse(f"{key}.{name}", "must be a text", where)
    return dict(value)


def _choice(value: object, allowed: Mapping[str, Any], key: str, where: str) -> Any:  # noqa: ANN401 (one of the values of `allowed`)
    if not isinstance(value, str) or value not in allowed:
        _refuse(key, f"must be one of {', '.join(allowed)}", where)
    return allowed[value]


def _delimiter(value: object, where: str) -> str | None:
    if value is not None and (not isinstance(value, str) or len(value) != 1 or value in '"\r\n'):
        _refuse("file.delimiter", "must be one character", where)
    return value


def _refuse(key: str, problem: str, where: str) -> NoReturn:
    raise BadInput(f"{key} in the mapping: {problem}", where=where)
