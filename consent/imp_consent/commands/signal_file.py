"""A file of signals: identifier (kind:value), kind, at (ISO 8601), and where it has them channel, raw and purpose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imp_consent.commands.aside import Fault
from imp_consent.commands.rows import Instant, Row, counted_in, read_placed
from imp_core.clock import parse_time
from imp_core.encodings import ENCODINGS
from imp_core.errors import BadInput
from imp_core.event import RawId, Signal, SignalKind
from imp_core.near import did_you_mean

__all__ = ["FIELDS", "SignalFile", "check_heard", "fault_of", "read_signals"]

FIELDS: Final = ("identifier", "kind", "at", "channel", "raw", "purpose")
_NEEDED: Final = ("identifier", "kind", "at")
_KINDS: Final = {str(kind): kind for kind in SignalKind}
_LIMIT: Final = 100_000  # rows in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalFile:
    """What was read of a file: its signals, what is wrong with the other rows, and what places count, such as "line".

    A signal's `row` is its place: where it stands as who opens the file finds it.
    """

    signals: tuple[Signal, ...]
    faults: tuple[Fault, ...]
    counted: str


def read_signals(path: Path, *, channel: str | None = None, encoding: str | None = None) -> SignalFile:
    """The signals of a file; `channel` is where those were heard that do not say it.

    A row that cannot be read is a fault and holds nobody else's up; so is where a file breaks off after some rows.

    Raises:
        BadInput: the file as a whole cannot be read, or there are too many rows. No value is repeated.
    """
    signals: list[Signal] = []
    faults: list[Fault] = []
    layout = _Layout() if encoding is None else _Layout(encoding=ENCODINGS[encoding], asks_encoding=False)
    counted, place, number = counted_in(path), 0, 0
    try:
        for number, place, row in read_placed(path, layout, by_line=True):
            if number > _LIMIT:
                break
            try:
                signals.append(_signal(place, row, channel))
            except BadInput as error:
                faults.append(fault_of(place, error))
    except BadInput as error:
        if not signals and not faults:
            raise
        broken = f"nothing after it could be read: {error.what}; {error.mend}"
        faults.append(Fault(number=place, place=place, mark=place, field="file", problem=broken))
    if number > _LIMIT:
        raise BadInput(f"more than {_LIMIT:,} rows", where=str(path), mend="split the file")
    return SignalFile(signals=tuple(signals), faults=tuple(faults), counted=counted)


def fault_of(place: int, error: BadInput) -> Fault:
    """What is wrong with the row at a place."""
    return Fault(number=place, place=place, mark=place, field=error.where or "row", problem=error.what)


def _signal(place: int, row: Row, channel: str | None) -> Signal:
    if isinstance(row, str):
        raise BadInput(row, where="row")
    kind = _KINDS.get(_text(row, "kind").casefold())
    if kind is None:
        raise BadInput(f"not a kind of signal: one of {', '.join(_KINDS)}", where="kind")
    where = _text(row, "channel") or channel
    if not where:
        raise BadInput("empty", where="channel")
    try:
        identifier = RawId.parse(_text(row, "identifier"))
    except BadInput as error:
        raise BadInput(error.what, where="identifier") from None
    signal = Signal(
        kind=kind,
        identifier=identifier,
        event_us=_time(row),
        channel=where,
        purpose=_text(row, "purpose") or None,
        row=place,
        raw=_raw(row),
    )
    check_heard(signal)
    return signal


def check_heard(signal: Signal) -> None:
    """Refuse a GPC of which nobody says the field's value: without the field there is no signal (W3C GPC).

    Raises:
        BadInput: it has none.
    """
    if signal.kind is SignalKind.GPC and signal.raw is None:
        raise BadInput("the value of the field Sec-GPC is missing", where="raw", mend="say what was heard: --raw 1")


def _raw(row: Mapping[str, object]) -> str | None:
    """What was heard; a number is as it is written, such as the 1 of a GPC. What is no text may be a no all the same.

    Raises:
        BadInput: it is neither.
    """
    value = row.get("raw")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise BadInput("not a text", where="raw")
    return value


def _time(row: Mapping[str, object]) -> int:
    value = row.get("at")
    if isinstance(value, Instant):
        return value.us
    try:
        return parse_time(_text(row, "at"))
    except BadInput as error:
        raise BadInput(error.what, where="at") from None


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        raise BadInput("not a text", where=name)
    return (value or "").strip()


@dataclass(frozen=True, slots=True)
class _Layout:
    encoding: str = "utf-8-sig"
    delimiter: str | None = None
    timezone: str | None = None
    declare_encoding: str | None = "--encoding {}"
    asks_encoding: bool = True

    def choose(self, names: Iterable[str], *, where: str) -> dict[str, str]:
        columns = list(names)
        for place, name in enumerate(columns, 1):
            if name not in FIELDS or columns.count(name) > 1:
                names = f"name the columns {', '.join(FIELDS)}, each once"
                mend = names if name in FIELDS else did_you_mean(name.casefold(), FIELDS, names)
                problem = "there twice" if name in FIELDS else "not known"
                raise BadInput(f"column {place} of the header is {problem}", where=where, mend=mend)
        for name in _NEEDED:
            if name not in columns:
                raise BadInput(f"the header lacks the column {name}", where=where, mend="name it so in the first row")
        return {name: name for name in columns}

    def pick(self, row: Mapping[str, object]) -> dict[str, object] | str:
        return dict(row) if row.keys() <= set(FIELDS) else "a key that is not a field of signals"
