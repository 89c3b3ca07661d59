"""What a channel really does: its answers and errors before core translates them, and all it prints or logs."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any, BinaryIO

from imp_core.channel import METHODS, Channel, ChannelInfo
from imp_core.wall.kin import current

__all__ = ["Watched", "listening"]

_METHODS = frozenset({"check", "forget", *(name for names in METHODS.values() for name in names)})


class Watched:
    """Stands before a channel and remembers: `answers` by method, and what was `raised`."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.answers: list[tuple[str, Any]] = []
        self.raised: list[BaseException] = []
        self.ear: io.StringIO | None = None

    @property
    def info(self) -> ChannelInfo:
        """The channel's own."""
        return self.channel.info

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the channel has)
        found = getattr(self.channel, name)
        return partial(self._called, name, found) if name in _METHODS and callable(found) else found

    def _called(self, name: str, method: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 (its answer)
        with self._noting():
            answer = method(*arguments)
        if inspect.isawaitable(answer):
            return self._awaited(name, answer)
        if isinstance(answer, AsyncIterable):
            return self._each_later(answer)
        if isinstance(answer, Iterator):
            return self._each(answer)
        self.answers.append((name, answer))
        return answer

    async def _awaited(self, name: str, answer: Awaitable[Any]) -> Any:  # noqa: ANN401 (its answer)
        with self._noting():
            found = await answer
        if isinstance(found, AsyncIterable):
            return self._each_later(found)
        self.answers.append((name, found))
        return found

    def _each(self, items: Iterator[object]) -> Iterator[object]:
        with self._noting():
            yield from items

    async def _each_later(self, items: AsyncIterable[object]) -> AsyncIterator[object]:
        with self._noting():
            async for item in items:
                yield item

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            if self.ear is not None:  # here, and not outside the call: core cleans what it hears
                stack.enter_context(contextlib.redirect_stdout(self.ear))
                stack.enter_context(contextlib.redirect_stderr(self.ear))
            try:
                yield
            except GeneratorExit:
                raise
            except BaseException as error:
                self.raised.append(error)
                raise


class _Heard:
    """Everything that was said while somebody listened."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @property
    def text(self) -> str:
        return "\n".join(self.said)


@contextlib.contextmanager
def listening(watched: Watched) -> Iterator[_Heard]:
    """Hear what a channel says before core cleans it: output, log records of every level, warnings.

    Output by the file descriptor too, past Python's streams. `text` is complete after the block.
    """
    heard, out = _Heard(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_descriptors(heard))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(out))
        stack.enter_context(_records(heard))
        caught = stack.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        watched.ear = out
        try:
            yield heard
        finally:
            watched.ear = None
            heard.said += [out.getvalue(), *(str(warning.message) for warning in caught)]


@contextlib.contextmanager
def _records(heard: _Heard) -> Iterator[None]:
    root, make = logging.getLogger(), logging.getLogRecordFactory()
    level = root.level

    def note(*args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401 (as logging calls it)
        record = make(*args, **kwargs)
        if current() is None:
            return record  # no thread of the channel's: the peer may log what it is sent
        heard.said.append(record.getMessage())
        if record.exc_info:
            heard.said += traceback.format_exception(record.exc_info[1])
        return record

    root.setLevel(1)
    logging.setLogRecordFactory(note)
    try:
        yield
    finally:
        logging.setLogRecordFactory(make)
        root.setLevel(level)


@contextlib.contextmanager
def _descriptors(heard: _Heard) -> Iterator[None]:
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(_descriptor(number)) for number in (1, 2)]
        yield
        for file in files:
            file.seek(0)
            heard.said.append(file.read().decode("utf-8", "replace"))


@contextlib.contextmanager
def _descriptor(number: int) -> Iterator[BinaryIO]:
    kept = os.dup(number)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), number)
        try:
            yield file
        finally:
            os.dup2(kept, number)
            os.close(kept)
