"""What a plugin prints, logs and warns about goes to standard error, line by line, without what must not come out."""

from __future__ import annotations

import io
import sys
from collections.abc import Collection
from typing import Any, TextIO

from imp_core.wall.kin import Ear, current, speaker
from imp_core.wall.words import MOST_SHOWN, Cleaner, masked, plain_text, shown_text, type_name

__all__ = ["Hush", "hush_logging", "restore_streams", "route_streams", "said", "said_whole"]

_MOST_CHARS = 262_144
_LONGEST_LINE = 8_192
_LONGEST_ADDRESS = 512


class Hush:
    """Hears one call: whole lines, cleaned, up to 256 Ki characters."""

    def __init__(self, stream: TextIO | None, secrets: Collection[str] = ()) -> None:
        self._stream = stream
        self._cleaner = Cleaner(secrets)
        self._line = ""
        self._left = _MOST_CHARS

    def write(self, text: str) -> None:
        """Some text; what ends a line is shown."""
        if self._left <= 0:
            return
        first, *lines = text[: self._left].split("\n")
        self._left -= len(text)
        self._add(first)
        for line in lines:
            self._end_line()
            self._add(line)
        if self._left <= 0:
            self._end_line()
            self._show("(the plugin printed more than is shown)")

    def clean(self, text: str) -> str:
        """A text without what must not come out, cut where it is too long to be shown."""
        if len(text) > _LONGEST_LINE:
            text = text[: _LONGEST_LINE - _LONGEST_ADDRESS].rpartition(" ")[0] + " (cut)"
        return "\n".join(map(self._cleaner.clean, text.split("\n")))

    def clean_whole(self, text: str) -> str:
        """The same of a text that must not be cut."""
        return self._cleaner.clean(text)

    def finish(self) -> None:
        """The call is over: show what has no end of line."""
        if self._line:
            self._end_line()
        self._left = 0

    def _add(self, text: str) -> None:
        self._line = (self._line + text)[: _LONGEST_LINE + 1]

    def _end_line(self) -> None:
        line, self._line = self._line, ""
        if len(line) > _LONGEST_LINE:
            # Half an address would not be known as one: the cut goes where it cannot have begun.
            line = line[: _LONGEST_LINE - _LONGEST_ADDRESS].rpartition(" ")[0] + " (cut)"
        self._show(line)

    def _show(self, line: str) -> None:
        if self._stream is not None:
            self._stream.write(self._cleaner.clean(line) + "\n")
            self._stream.flush()


def said(value: object, *, most: int = MOST_SHOWN) -> str:
    """What a plugin answers in words, in its call: fit to be shown, without the call's secrets or any address.

    Raises:
        TypeError: not a text.
    """
    text, ear = plain_text(value), _ear()
    # Cleaned before it is cut: half a secret would not be known as one.
    return shown_text(masked(text) if ear is None else ear.clean(text), most=most)


def said_whole(value: object) -> str:
    """The same of a text that stays as it is otherwise, lines and all.

    Raises:
        TypeError: not a text.
    """
    text, ear = plain_text(value), _ear()
    return masked(text) if ear is None else ear.clean_whole(text)


def _ear() -> Ear | None:
    family = current()
    return None if family is None else family.ear


class _Routed(io.TextIOBase):
    """A standard stream that is the real one for core's threads, and an ear for a plugin's."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def stream(self) -> TextIO:
        """The real one."""
        return self._stream

    def write(self, text: str, /) -> int:
        family = speaker()
        if family is None:
            return self._stream.write(text)
        if family.ear is not None:
            family.ear.write(plain_text(text))
        return len(text)

    @property
    def buffer(self) -> Any:  # noqa: ANN401 (as the real one's)
        """Bytes, for those who ask for them."""
        return self._stream.buffer if speaker() is None else _Bytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute there
        """As the real one."""
        return self._stream.encoding

    def flush(self) -> None:
        if speaker() is None:
            self._stream.flush()

    def close(self) -> None:
        """Nobody closes a standard stream: it is not theirs, and it is called when this object goes."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


class _Bytes(io.RawIOBase):
    def __init__(self, text: _Routed) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:  # noqa: ANN401 (any buffer)
        view = bytes(data)
        self._text.write(view.decode("utf-8", "replace"))
        return len(view)


def route_streams() -> TextIO | None:
    """Put routed streams in the place of the standard ones; returns where a plugin's words go."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, _Routed):
            setattr(sys, name, _Routed(stream))
    return sys.stderr.stream if isinstance(sys.stderr, _Routed) else None


def restore_streams() -> None:
    """Take them out again."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, _Routed):
            setattr(sys, name, stream.stream)


_hushed: list[bool] = []


def hush_logging() -> None:
    """From now on a record that a plugin's thread logs is cleaned before any handler gets it, files included."""
    if _hushed:
        return
    _hushed.append(True)
    import logging  # noqa: PLC0415 (`imp --help` logs nothing)

    handle = logging.Logger.handle
    known = frozenset(vars(logging.makeLogRecord({})))

    def cleaned(self: logging.Logger, record: logging.LogRecord) -> None:
        family = speaker()
        if family is not None:
            if family.ear is None:
                return
            _clean_record(record, family.ear.clean, known)
        handle(self, record)

    logging.Logger.handle = cleaned  # type: ignore[method-assign]  # handlers are many, and plugins bring their own


def _clean_record(record: Any, clean: Any, known: Collection[str]) -> None:  # noqa: ANN401 (a log record)
    try:
        message = record.getMessage()
    except Exception as error:  # noqa: BLE001 (a stranger's objects are formatted)
        message = f"a message that cannot be formatted: {type_name(error)}"
    raised = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    suffix = f" ({type_name(raised)})" if isinstance(raised, BaseException) else ""
    record.msg, record.args = clean(plain_text(message)) + suffix, ()
    record.exc_info = record.exc_text = record.stack_info = None
    for name in vars(record).keys() - known:
        vars(record)[name] = clean(str(vars(record)[name]))
