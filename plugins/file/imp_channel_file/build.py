"""From a row's values to its events. What can be known before the first row is worked out once; the rest is per row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from imp_channel_file.fields import FIELDS, Convert, Unfit, identifier_of_kind, text, times, truth
from imp_channel_file.mapping import EventMapping, FileMapping
from imp_channel_file.table import Table
from imp_core.event import EventType, RawEvent, RowFault

__all__ = ["Builder"]

# Files repeat their times, amounts and types; a memory of this many answers stays small whatever the file holds.
_REMEMBERED = 50_000
_LOOKED_UP = (str, float, Decimal)
_REQUIRED = {
    EventType.TOUCHPOINT: ("event_us", "purpose"),
    EventType.EXPOSURE: ("identifier", "event_us", "purpose", "experiment", "variant"),
    EventType.OUTCOME: ("identifier", "event_us", "purpose", "name"),
    EventType.TRAIT: ("identifier", "event_us", "purpose", "trait_key", "trait_value"),
}
_FIELD_OF = {field.attribute: name for name, field in FIELDS.items()}


class _Fault(Exception):
    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field, self.problem = field, problem


class _Memory(dict[object, object]):
    """A converter that remembers what it answered for texts."""

    def __init__(self, convert: Convert) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, value: object) -> object:
        answer = self._convert(value)
        if len(self) >= _REMEMBERED:
            self.clear()
        self[value] = answer
        return answer

    def convert(self, value: object) -> object:
        # Whole numbers and true are not looked up: as keys 1, 1.0 and true are one, as values they are not.
        return self[value] if type(value) in _LOOKED_UP else self._convert(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    template: Mapping[str, object]
    cells: Sequence[tuple[str, int, Convert | None, str]]
    props: Sequence[tuple[str, int]]
    when: tuple[int, Convert] | None
    suffix: str


class Builder:
    """Builds the events of rows that a `Table` yields in the order of `FileMapping.wanted`.

    Where no column holds an event's id, it is the SHA-256 of the file, the row's number and the type, so that the
    same file read again gives the same ids. Events that share a row's id add their place among its events.
    """

    def __init__(self, mapping: FileMapping, table: Table, *, file_sha256: Callable[[], str]) -> None:
        self._mapping, self._table = mapping, table
        self._places = {name: place for place, name in enumerate(mapping.wanted)}
        self._memories: dict[str, _Memory] = {}
        self._plans = [self._plan(event, place) for place, event in enumerate(mapping.events, 1)]
        derived = any("id" not in event.columns for event in mapping.events)
        self._file = file_sha256() if derived else ""

    def events(self, number: int, row: Sequence[object]) -> list[RawEvent] | list[RowFault]:
        """The events of a row, or, where one of them cannot be built, the row's faults and no event."""
        built: list[RawEvent] = []
        faults: dict[RowFault, None] = {}
        for plan in self._plans:
            try:
                if plan.when is None or _asked_for(plan.when, row):
                    built.append(self._event(plan, number, row))
            except _Fault as fault:
                faults[RowFault(row=number, field=fault.field, problem=fault.problem)] = None
        return list(faults) if faults else built

    def _event(self, plan: _Plan, number: int, row: Sequence[object]) -> RawEvent:
        values = dict(plan.template)
        for attribute, place, convert, field in plan.cells:
            value = row[place]
            if value is None or value == "":
                continue
            try:
                values[attribute] = value if convert is None else convert(value)
            except Unfit as problem:
                raise _Fault(field, str(problem)) from None
        _require(values)
        if plan.props:
            values["props"] = _props(plan.props, row)
        values["row"] = number
        values["message_id"] = self._message_id(plan, number, values)
        return RawEvent(**values)  # type: ignore[arg-type]  # each converter answers its attribute's type

    def _message_id(self, plan: _Plan, number: int, values: Mapping[str, object]) -> str:
        if "message_id" not in values:
            return f"{self._file}:{number}:{values['type']}{plan.suffix}"
        if values["message_id"] is None:
            raise _Fault("id", "missing")
        return f"{values['message_id']}{plan.suffix}"

    def _plan(self, event: EventMapping, place: int) -> _Plan:
        template: dict[str, object] = dict.fromkeys(("type", *_REQUIRED[EventType.EXPOSURE]))
        template |= dict.fromkeys(("name", "trait_key", "trait_value"))
        if "id" in event.columns:
            template["message_id"] = None
        cells = [
            (FIELDS[field].attribute, self._places[column], self._converter(field, column), field)
            for field, column in event.columns.items()
        ]
        when = None if event.when is None else (self._places[event.when], self._truth(event.when))
        return _Plan(
            template=template | dict(event.defaults),
            cells=cells,
            props=[(name, self._places[column]) for name, column in event.props.items()],
            when=when,
            suffix=f"#{place}" if event.shares_id else "",
        )

    def _converter(self, field: str, column: str) -> Convert | None:
        if column in self._table.instants:
            return None if field == "at" else _not_a_time
        if field == "identifier":
            return identifier_of_kind(self._mapping.identifier_kind)
        convert = times(self._mapping.time) if field == "at" else FIELDS[field].convert
        texts = column in self._table.texts
        if convert is text:
            return None if texts else text
        memory = self._memories.setdefault(field, _Memory(convert))
        return memory.__getitem__ if texts else memory.convert

    def _truth(self, column: str) -> Convert:
        # A time is there or is not; as a number it would be a no at midnight on 1 January 1970.
        return _there if column in self._table.instants else truth


def _require(values: Mapping[str, object]) -> None:
    type_ = values["type"]
    if not isinstance(type_, EventType):
        raise _Fault("type", "missing")
    for attribute in _REQUIRED[type_]:
        if values[attribute] is None:
            raise _Fault(_FIELD_OF[attribute], "missing")


def _asked_for(when: tuple[int, Convert], row: Sequence[object]) -> bool:
    place, convert = when
    value = row[place]
    return value is not None and bool(convert(value))


def _there(_: object) -> bool:
    return True


def _not_a_time(_: object) -> object:
    raise Unfit("a time where another value is wanted")


def _props(props: Sequence[tuple[str, int]], row: Sequence[object]) -> dict[str, str | int | bool] | None:
    out: dict[str, str | int | bool] = {}
    for name, place in props:
        value = row[place]
        if value is None or value == "":
            continue
        if not isinstance(value, str | int):
            raise _Fault(f"props.{name}", "not text, a whole number or true or false")
        out[name] = value
    return out or None
