"""One channel on the bench: its peer, the batches core would hand it, and the eyes on it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, cast

from imp_core.channel import (
    Batch,
    Channel,
    ChannelContext,
    ChannelInfo,
    Content,
    DeliveryStatus,
    PeopleBatch,
    Recipient,
    RowStatus,
    Source,
)
from imp_core.errors import BadInput, ImpError, PluginBroken
from imp_core.event import RawId
from imp_core.gate import Action
from imp_core.manifest import Addresses, Manifest, read_manifest
from imp_core.outbound.backoff import Backoff
from imp_core.outbound.bucket import TokenBucket
from imp_core.outbound.deliver import Delivered, deliver
from imp_core.outbound.handout import Handout
from imp_core.outbound.open import resolved_hosts
from imp_core.outbound.runner import ChannelRunner
from imp_core.randomness import SeededRandomness
from imp_core.stopwatch import SimulatedStopwatch
from imp_testkit.fixtures import Fixtures, Inbound
from imp_testkit.peer import Peer, Seen
from imp_testkit.people import Person, made_up, shows
from imp_testkit.watch import Watched

__all__ = ["NOW_US", "TAKEN", "Bench", "Witness", "is_marketing", "told"]

# 2026-03-01T12:00:00Z, and as long as a permission is fresh.
NOW_US: Final = 1_772_366_400_000_000
_FRESH_US = 30_000_000
_ENOUGH = 10.0
_HERE: Final = ("127.0.0.1", "localhost", "::1")
TAKEN: Final = frozenset({DeliveryStatus.ACCEPTED, DeliveryStatus.DELIVERED})


class Witness(Handout):
    """Core's own handout of addresses, that also remembers what was asked for, and how many rows hung at once."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:  # noqa: ANN401 (as `Handout`)
        super().__init__(*arguments, **keywords)
        self.asked: list[str] = []
        self.most_unsettled = 0
        self._watch = threading.Lock()

    @property
    def values(self) -> frozenset[str]:
        """Nothing: what the channel prints is not masked here, it is looked at."""
        return frozenset()

    def resolve(self, handle: str, purpose: str) -> RawId:
        """As `Handout.resolve`, remembered."""
        with self._watch:
            self.asked.append(handle)
        address = super().resolve(handle, purpose)
        with self._watch:
            unsettled = len(self.attempted_keys - self.statuses.keys())
            self.most_unsettled = max(self.most_unsettled, unsettled)
        return address


class Bench:
    """Made anew for each check; use it in a `with` block. `folder` is where sources are written."""

    def __init__(self, make: Callable[[], Channel], fixtures: Fixtures, folder: Path) -> None:
        self.fixtures, self.folder = fixtures, folder
        self.watched = Watched(make())
        self.peer: Peer | None = None
        # What `deliver` raised that is no error of the contract, and where.
        self.broke: str | None = None
        self._stack = ExitStack()
        self._stopwatch = SimulatedStopwatch()
        self._runners: list[ChannelRunner] = []
        self._key = 0

    def __enter__(self) -> Bench:
        if self.fixtures.peer is not None:
            self.peer = self._stack.enter_context(self.fixtures.peer())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.peer is not None:
            self.peer.fail(None)
        for runner in self._runners:
            runner.close()
        self._stack.close()

    def stop_peer(self) -> None:
        """Nothing answers any more where the peer was; what the channel is told stays the same."""
        _ = self.context
        self._stack.close()
        self.peer = None

    @property
    def info(self) -> ChannelInfo:
        """What the channel declares."""
        return self.watched.info

    @property
    def the_peer(self) -> Peer:
        """The peer, for checks that apply only where there is one."""
        if self.peer is None:
            raise RuntimeError("this check needs a peer")
        return self.peer

    @cached_property
    def manifest(self) -> Manifest | None:
        """The manifest of the fixtures' package; None where there is none."""
        return read_manifest(self.fixtures.package)

    @cached_property
    def context(self) -> ChannelContext:
        """What every call gets."""
        peers = self.peer.settings if self.peer is not None else {}
        settings = {**self.fixtures.settings, **peers}
        return ChannelContext(settings=settings, now_us=NOW_US, secrets=self.secrets)

    @cached_property
    def secrets(self) -> Mapping[str, str]:
        """The fixtures' secrets that the manifest names: core hands over no others."""
        try:
            named = self.manifest.secrets if self.manifest is not None else ()
        except ImpError:  # a check of its own says so
            named = ()
        return {name: value for name, value in self.fixtures.secrets.items() if name in named}

    @cached_property
    def runner(self) -> ChannelRunner:
        """Core's own, which also lets the channel connect to this machine: one check alone holds it to its hosts."""
        return self.open_runner(*_HERE)

    def open_runner(self, *further_hosts: str) -> ChannelRunner:
        """A runner that holds the channel to its declared hosts and these."""
        try:
            declared = resolved_hosts(self.info.hosts, self.context.settings, channel=self.info.name)
        except BadInput:
            declared = ()
        hosts = (*declared, *self.fixtures.hosts, *further_hosts)
        runner = ChannelRunner(cast("Channel", self.watched), hosts=hosts, package=self.fixtures.package)
        self._runners.append(runner)
        return runner

    def call(self, method: str, *arguments: object, connect: bool = True, seconds: float = _ENOUGH) -> Any:  # noqa: ANN401 (what the method answers)
        """The channel's answer, called as core calls it, not yet read into core's types.

        Raises:
            As `ChannelRunner.call`.
        """
        return self.runner.call(method, *arguments, connect=connect, seconds=seconds)

    @cached_property
    def purpose(self) -> str:
        """What is delivered for: marketing where that is declared, for it asks the most of a message."""
        declared = sorted(self.info.purposes.get(Action.ACTIVATE, ()), key=lambda name: not is_marketing(name))
        chosen = self.fixtures.purpose or next(iter(declared), "*")
        return chosen.replace("*", "kit") if chosen != "*" else "marketing.kit"

    def people(self, n: int, *, first: int = 0) -> list[Person]:
        """So many made-up people (as many as a batch holds), each in a row with a key of its own."""
        kind = self.info.identifiers[0].kind if self.info.identifiers else "member"
        most = max(1, min(n, self.info.batch.rows))
        return [self._person(kind, number) for number in range(first, first + most)]

    def again(self, people: Sequence[Person]) -> list[Person]:
        """The same people in rows that were not there before: another message to them."""
        return [replace(person, row=replace(person.row, key=self._next_key())) for person in people]

    @cached_property
    def parts(self) -> Mapping[str, str]:
        """The message, part by part."""
        given = self.fixtures.parts
        if given is not None:
            return given
        return {part.name: f"A made-up {part.name}" for part in self.info.content_formats}

    def batch(
        self, people: Sequence[Person], *, contents: Mapping[str, Mapping[str, str]] | None = None, number: int = 1
    ) -> Batch:
        """People to deliver to; `contents`: parts by content, where not the fixtures' one message."""
        found = {"message": self.parts} if contents is None else contents
        return Batch(
            id=f"kit-{number}",
            campaign="kit",
            step="1",
            purpose=self.purpose,
            contents={name: Content(name=name, parts=parts) for name, parts in found.items()},
            rows=[person.row for person in people],
            expires_us=NOW_US + _FRESH_US,
        )

    def people_batch(self, people: Sequence[Person]) -> PeopleBatch:
        """The same people as rows without addresses or content."""
        return PeopleBatch(id="kit", rows=[person.row for person in people], purpose=self.purpose, audience="kit")

    def handout(self, people: Sequence[Person], *, granted: bool = True) -> Witness:
        """Addresses of these people, where the manifest asks for them."""
        asks = self.manifest is not None and self.manifest.addresses is Addresses.RESOLVE
        return Witness(
            self.context,
            [person.row for person in people],
            {person.row.handle: person.address for person in people},
            purpose=self.purpose,
            granted=granted and asks,
            fresh=lambda: True,
        )

    def deliver(
        self,
        people: Sequence[Person],
        *,
        batch: Batch | None = None,
        handout: Handout | None = None,
        seconds: float = _ENOUGH,
    ) -> Delivered:
        """Deliver to people as core does: paced, retried (its waits take no time), every row answered."""
        TokenBucket(self.info.rate, self._stopwatch).take(len(people))
        delivered = deliver(
            self.runner,
            handout or self.handout(people),
            batch or self.batch(people),
            seconds_left=lambda: seconds,
            stopwatch=self._stopwatch,
            backoff=Backoff(SeededRandomness(1)),
        )
        if delivered.problem is not None and delivered.problem.startswith("the plugin raised ") and self.watched.raised:
            said = delivered.problem.replace("the plugin", "the channel", 1)
            self.broke = f"{said}: {self.watched.raised[-1]!r}"
        return delivered

    def seen_of(self, person: Person) -> list[Seen]:
        """The messages at the peer that show a person's address."""
        return [seen for seen in self.the_peer.seen if shows(seen.text, person.address.value)]

    def accepted_of(self, person: Person) -> int:
        """How many messages to a person the peer took."""
        return sum(seen.accepted for seen in self.seen_of(person))

    def source(self, inbound: Inbound, content: bytes | None = None) -> Source:
        """An inbound file, written with its own content or another."""
        path = self.folder / inbound.name
        path.write_bytes(inbound.content if content is None else content)
        mapping = None
        if inbound.mapping is not None:
            mapping = self.folder / f"{inbound.name}.toml"
            mapping.write_bytes(inbound.mapping)
        return Source(path=path, mapping=mapping)

    def _person(self, kind: str, number: int) -> Person:
        row = Recipient(
            handle=_digest("handle", number),
            key=self._next_key(),
            content="message",
            fields=self.fixtures.fields,
            unsubscribe=f"kit-token-{_digest('token', number)}",
        )
        value = (self.fixtures.addresses or made_up)(kind, number)
        return Person(row=row, address=RawId(kind, value))

    def _next_key(self) -> str:
        self._key += 1
        return _digest("key", self._key)

    def why(self, error: object) -> str:
        """An error of core's, and what the channel raised beneath it: here everything is made up."""
        if isinstance(error, PluginBroken) and self.watched.raised:
            return f"{error.what}: {self.watched.raised[-1]!r}"
        return str(error)


def told(delivered: Delivered, person: Person) -> RowStatus:
    """What became of a person's row."""
    return delivered.statuses[person.row.key]


def is_marketing(purpose: str) -> bool:
    """Whether a declared purpose is, or takes in, what a person can withdraw from by a message."""
    return purpose == "*" or purpose.startswith("marketing.")


def _digest(word: str, number: int) -> str:
    return hashlib.sha256(f"kit {word} {number}".encode()).hexdigest()
