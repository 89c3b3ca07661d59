"""The mapping file: which column fills which field, and what is constant.

```
time = "iso"                     # or "unix_s", "unix_ms"
[file]                           # both may be left out
encoding = "utf-8"               # or "gb18030", "utf-16", "cp1252", …
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
from typing import Any

from imp_channel_file.fields import FIELDS, TimeFormat, Unfit, times
from imp_channel_file.keys import UTF_8, choice, delimiter, encoding, known, refuse, strings, table
from imp_channel_file.named import mapping_text
from imp_core.errors import BadInput

__all__ = ["EventMapping", "FileMapping", "parse_mapping", "plain_mapping", "read_mapping"]

_TOP = ("time", "file", "identifier", "defaults", "columns", "props", "event")
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
    """Read a mapping file, or the shipped mapping of this name.

    Raises:
        BadInput: no such file, not TOML, an unknown key or field, a constant that does not fit, or a field every
            event needs that nothing fills.
    """
    text, where = mapping_text(path)
    return parse_mapping(text, where=where)


def parse_mapping(toml: str, *, where: str) -> FileMapping:
    """Read a mapping from its text; see `read_mapping`."""
    try:
        found = tomllib.loads(toml, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"the mapping is not TOML: {error}", where=where) from None
    if "spend" in found:
        raise BadInput("this mapping is for spend", where=where, mend="see: imp spend import --help")
    known(found, _TOP, where)
    form = choice(found.get("time", "iso"), {str(item): item for item in TimeFormat}, "time", where)
    file = table(found, "file", where)
    known(file, ("encoding", "delimiter"), where, "file.")
    identifier = strings(found, "identifier", where)
    known(identifier, ("kind", "column"), where, "identifier.")
    return FileMapping(
        events=_events(found, identifier, form, where),
        identifier_kind=identifier.get("kind"),
        time=form,
        encoding=encoding(file.get("encoding", "utf-8"), where),
        delimiter=delimiter(file.get("delimiter"), where),
    )


def _events(
    found: Mapping[str, Any], identifier: Mapping[str, str], form: TimeFormat, where: str
) -> tuple[EventMapping, ...]:
    parts = found.get("event", [{}])
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        refuse("event", "write each as a table [[event]]", where)
    columns = _fields(strings(found, "columns", where), "columns.", where)
    if identifier:
        if "column" not in identifier:
            refuse("identifier.column", "[identifier] needs a column", where)
        if "identifier" in columns:
            refuse("columns.identifier", "the identifier is already named in [identifier]", where)
        columns = {**columns, "identifier": identifier["column"]}
    defaults = _constants(table(found, "defaults", where), form, "defaults.", where)
    props = strings(found, "props", where)
    events = []
    for part in parts:
        known(part, ("when", "defaults", "columns", "props"), where, "event.")
        own = _fields(strings(part, "columns", where), "event.columns.", where)
        when = part.get("when")
        if when is not None and not isinstance(when, str):
            refuse("event.when", "name one column", where)
        event = EventMapping(
            defaults={**defaults, **_constants(table(part, "defaults", where), form, "event.defaults.", where)},
            columns={**columns, **own},
            props={**props, **strings(part, "props", where)},
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


def _constants(given: Mapping[str, object], form: TimeFormat, prefix: str, where: str) -> dict[str, object]:
    out: dict[str, object] = {}
    for name, value in _fields(given, prefix, where).items():
        if name in _NEVER_CONSTANT:
            refuse(prefix + name, _NEVER_CONSTANT[name], where)
        # A constant time may be a TOML date-time whatever the file's own times are.
        convert = times(form) if name == "at" and isinstance(value, int) else FIELDS[name].convert
        try:
            out[FIELDS[name].attribute] = convert(value)
        except Unfit as problem:
            refuse(prefix + name, str(problem), where)
    return out


def _fields(given: Mapping[str, Any], prefix: str, where: str) -> dict[str, Any]:
    known(given, FIELDS.keys(), where, prefix)
    return dict(given)
