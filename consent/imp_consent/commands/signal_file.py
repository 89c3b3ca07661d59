"""A file of signals: identifier (kind:value), kind, at (ISO 8601), and where it has them channel, raw and purpose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imp_consent.commands.rows import Instant, Row, read_rows
from imp_core.clock import parse_time
from imp_core.counting import rows_told
from imp_core.errors import BadInput
from imp_core.event import RawId, Signal, SignalKind

__all__ = ["FIELDS", "check_heard", "read_signals"]

FIELDS: Final = ("identifier", "kind", "at", "channel", "raw", "purpose")
_NEEDED: Final = ("identifier", "kind", "at")
_KINDS: Final = {str(kind): kind for kind in SignalKind}
_SHOWN: Final = 10  # faults named before the file is given up
_LIMIT: Final = 100_000  # rows in one transaction


def read_signals(path: Path, *, channel: str | None = None) -> list[Signal]:
    """The signals of a file; `channel` is where those were heard that do not say it.

    Raises:
        BadInput: the file or one of its rows cannot be read, or there are too many. No value is repeated.
    """
    signals: list[Signal] = []
    faults: list[str] = []
    for number, row in read_rows(path, _Layout()):
        if number > _LIMIT:
            raise BadInput(f"more than {_LIMIT:,} rows", where=str(path), mend="split the file")
        try:
            signals.append(_signal(number, row, channel))
        except BadInput as error:
            faults.append(f"row {number}, {error.where}: {error.what}")
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise BadInput(
            f"nothing was recorded: {'; '.join(faults[:_SHOWN])}{more}",
            where=str(path),
            mend=f"mend these rows, then import it again{rows_told(path.name)}",
        )
    return signals


def _signal(number: int, row: Row, channel: str | None) -> Signal:
    if isinstance(row, str):
        raise BadInput(row, where="row")
    kind = _KINDS.get(_text(row, "kind"))
    if kind is None:
        raise BadInput("not a kind of signal", where="kind", mend=f"one of {', '.join(_KINDS)}")
    where = _text(row, "channel") or channel
    if not where:
        raise BadInput("empty", where="channel")
    raw = row.get("raw")
    if raw is not None and not isinstance(raw, str):
        raw = str(raw) if isinstance(raw, int) else None
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
        row=number,
        raw=raw,
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
    declare_encoding: str | None = None

    def choose(self, names: Iterable[str], *, where: str) -> dict[str, str]:
        columns = list(names)
        for place, name in enumerate(columns, 1):
            if name not in FIELDS or columns.count(name) > 1:
                mend = f"name the columns {', '.join(FIELDS)}, each once"
                raise BadInput(f"column {place} of the header is not known, or is there twice", where=where, mend=mend)
        for name in _NEEDED:
            if name not in columns:
                raise BadInput(f"the header lacks the column {name}", where=where, mend="name it so in the first row")
        return {name: name for name in columns}

    def pick(self, row: Mapping[str, object]) -> dict[str, object] | str:
        return dict(row) if row.keys() <= set(FIELDS) else "a key that is not a field of signals"
