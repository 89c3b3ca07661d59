"""Calls one channel's methods: contained, awaited, with a deadline, guarded and hushed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from imp_core.channel import Channel, Source, Window
from imp_core.errors import ImpError, PluginBroken
from imp_core.outbound.faults import translated
from imp_core.outbound.worker import DeadlinePassed, Outcome, Worker, take_some
from imp_core.wall.egress import Egress
from imp_core.wall.hush import hush_logging
from imp_core.wall.walled import walled
from imp_core.wall.words import Cleaner

__all__ = ["ChannelRunner", "DeadlinePassed"]

CALL_SECONDS: Final = 60.0
ROWS_SECONDS: Final = 600.0
_CLOSE_SECONDS = 5.0
_ROWS = 1_000
_CHUNK_SECONDS = 0.5


class ChannelRunner:
    """Calls one channel's methods in a worker thread of its own.

    `hosts` are the host names (lower case) it may connect to; `secret` are texts that must not come out in any call: in
    what it prints, logs, says in an error, or answers in words where `take` reads them (`outbound.answers`).
    Whatever a plugin raises becomes one of core's errors, which says where within its `package` that was.
    After `DeadlinePassed` its thread is abandoned and the next call gets a new one. Not for use by several threads.
    """

    def __init__(
        self, channel: Channel, *, hosts: Collection[str], secret: Collection[str] = (), package: str = ""
    ) -> None:
        self._channel = channel
        self._egress = Egress(hosts)
        self._secret = frozenset(secret)
        self._package = package
        self._name = _name_of(channel)
        self._worker: Worker | None = None
        hush_logging()

    @property
    def name(self) -> str:
        """The channel's name."""
        return self._name

    def call(
        self,
        method: str,
        *arguments: object,
        seconds: float = CALL_SECONDS,
        connect: bool = True,
        secret: Collection[str] = (),
        take: Callable[[Any], Any] | None = None,
    ) -> Any:  # noqa: ANN401 (what the method answers)
        """The method's answer, awaited where it is awaitable.

        `connect=False`: to no host at all. `secret`: further texts that must not come out of this call. `take`
        reads the answer into core's own types, in the channel's thread and within the deadline (`outbound.answers`).

        Raises:
            ChannelError: the channel raised it.
            BadInput: the channel raised it: the source as a whole cannot be read.
            NotGranted: the channel asked for an address it was not given, and did not catch it.
            PluginBroken: the channel raised anything else, has no such method, answered something else than `take`
                takes, or tried to connect to a host it did not declare.
            DeadlinePassed: it did not answer within `seconds`.
        """

        def work(worker: Worker) -> Any:  # noqa: ANN401 (what the method answers)
            answer = worker.awaited(getattr(self._channel, method)(*arguments))
            return answer if take is None else take(answer)

        return self._run(work, arguments, seconds=seconds, connect=connect, secret=secret)

    def iterate(self, method: str, *arguments: object, seconds: float = ROWS_SECONDS) -> Iterator[object]:
        """What a method yields, from iterables and async iterables alike; `seconds` is the longest wait for a row.

        Raises:
            As `call`; what was yielded before came first.
        """
        run = partial(self._run, arguments=arguments, seconds=seconds, connect=True, secret=())
        rows = run(lambda worker: _begun(worker, getattr(self._channel, method)(*arguments)))
        try:
            while True:
                found: list[object] = []
                broke = run(partial(_fill, rows, found, self._translated(arguments)))
                yield from found
                if broke is not None:
                    raise broke from None
                if not found:
                    return
        finally:
            self._run_quietly(partial(_ended, rows))

    def close(self) -> None:
        """Let the worker thread end."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
            worker.thread.join(_CLOSE_SECONDS)

    def _run(
        self,
        work: Callable[[Worker], Any],
        arguments: tuple[object, ...],
        *,
        seconds: float,
        connect: bool,
        secret: Collection[str],
    ) -> Any:  # noqa: ANN401 (what the work gives)
        egress, secret = self._egress if connect else Egress(), self._secret.union(secret)
        outcome = self._outcome(work, egress, seconds, secret=secret, translate=self._translated(arguments))
        refused, egress.refused = egress.refused, None
        if refused is not None:  # also where the plugin swallowed the error it got
            raise PluginBroken(
                f"the plugin {Cleaner(secret).clean(refused)}", where=self._name, mend="see: imp plugin show"
            )
        if outcome.error is not None:
            raise outcome.error from None
        return outcome.value

    def _outcome(
        self,
        work: Callable[[Worker], Any],
        egress: Egress,
        seconds: float,
        *,
        secret: Collection[str],
        translate: Callable[[BaseException], ImpError],
    ) -> Outcome:
        worker = self._worker = self._worker or Worker(self._name)

        def contained(worker: Worker) -> Outcome:
            # Looking at what a stranger raised runs a stranger's code: here, and not in the caller's thread.
            try:
                return Outcome(value=work(worker))
            except BaseException as error:  # noqa: BLE001 (SystemExit too: a plugin does not end imp)
                return Outcome(error=translate(error))

        try:
            with walled(worker.family, egress, secret=secret, thread=worker.thread):
                outcome: Outcome = worker.run(contained, seconds).value
        except DeadlinePassed as passed:
            self._abandon()
            raise DeadlinePassed(passed.what, where=self._name, mend="see: imp doctor") from None
        except BaseException:  # the operator's ^C: what the plugin is at goes on without us
            self._abandon()
            raise
        return outcome

    def _abandon(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()

    def _run_quietly(self, work: Callable[[Worker], Any]) -> None:
        if self._worker is not None:
            try:
                self._outcome(work, self._egress, _CLOSE_SECONDS, secret=self._secret, translate=self._translated(()))
            except DeadlinePassed:
                return  # the thread was abandoned: there is nothing more to end

    def _translated(self, arguments: tuple[object, ...]) -> Callable[[BaseException], ImpError]:
        sources = [str(path) for argument in arguments for path in _paths(argument)]
        return partial(translated, where=self._name, sources=sources, package=self._package)


def _fill(
    rows: Any,  # noqa: ANN401 (an iterator or an async iterator)
    found: list[object],
    translate: Callable[[BaseException], ImpError],
    worker: Worker,
) -> ImpError | None:
    try:
        take_some(worker, rows, found, most=_ROWS, seconds=_CHUNK_SECONDS)
    except BaseException as error:  # noqa: BLE001 (SystemExit too: a plugin does not end imp)
        return translate(error)
    return None


def _begun(worker: Worker, answer: object) -> Any:  # noqa: ANN401 (an iterator or an async iterator)
    rows: Any = worker.awaited(answer)
    return aiter(rows) if hasattr(rows, "__aiter__") else iter(rows)


def _ended(rows: Any, worker: Worker) -> None:  # noqa: ANN401 (an iterator or an async iterator)
    for name in ("close", "aclose"):
        end = getattr(rows, name, None)
        if end is not None:
            worker.awaited(end())


def _paths(argument: object) -> list[Path]:
    source = argument.source if isinstance(argument, Window) else argument
    if not isinstance(source, Source):
        return []
    return [path for path in (source.path, source.mapping) if path is not None]


def _name_of(channel: Channel) -> str:
    name: object = channel.info.name
    if not isinstance(name, str):
        raise PluginBroken("a channel without a name")
    return name
