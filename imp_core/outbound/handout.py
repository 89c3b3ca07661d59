"""The context of `deliver`: hands out addresses one at a time, and hears what became of each row."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType

from imp_core.channel import ChannelContext, NotGranted, PersonRow, RowStatus
from imp_core.channel.context import Setting
from imp_core.errors import ImpError
from imp_core.event import RawId
from imp_core.outbound.answers import plain_row
from imp_core.wall.words import plain_text

__all__ = ["Handout"]


def _unheard(_: object) -> None:
    """Where nobody listens."""


class Handout:
    """A `DeliveryContext` for one batch; thread-safe.

    `addresses` by handle. `attempted` hears the row's key before its address is given, `settled` every new status:
    what they write is durable before the channel goes on. Both are called in the channel's thread, one at a time.
    """

    def __init__(
        self,
        context: ChannelContext,
        rows: Sequence[PersonRow],
        addresses: Mapping[str, RawId],
        *,
        purpose: str,
        granted: bool,
        fresh: Callable[[], bool],
        attempted: Callable[[str], None] = _unheard,
        settled: Callable[[RowStatus], None] = _unheard,
    ) -> None:
        self._context = context
        self._keys = {row.handle: row.key for row in rows}
        self._known = frozenset(row.key for row in rows)
        self._addresses = {handle: addresses[handle] for handle in self._keys if handle in addresses}
        self._purpose, self._granted, self._fresh = purpose, granted, fresh
        self._tell_attempted, self._tell_settled = attempted, settled
        self._attempted: set[str] = set()
        self._statuses: dict[str, RowStatus] = {}
        self._refusals = 0
        self._open = True
        self._failure: ImpError | None = None
        self._lock = threading.RLock()
        if not granted:
            # The channel reaches people by its own handles: from now on core cannot know whom it has not.
            for key in sorted(self._known):
                self._attempted.add(key)
                self._tell_attempted(key)

    def __repr__(self) -> str:
        return f"Handout({len(self._known)} rows)"

    @property
    def settings(self) -> Mapping[str, Setting]:
        """The channel's table in `imp.toml`."""
        return self._context.settings

    @property
    def now_us(self) -> int:
        """The present, in UTC microseconds."""
        return self._context.now_us

    @property
    def secrets(self) -> Mapping[str, str]:
        """The secrets the manifest names."""
        return self._context.secrets

    @property
    def attempted_keys(self) -> frozenset[str]:
        """The rows whose address was given and not renewed since."""
        with self._lock:
            return frozenset(self._attempted)

    @property
    def statuses(self) -> Mapping[str, RowStatus]:
        """What the channel has said of rows, by key."""
        with self._lock:
            return MappingProxyType(dict(self._statuses))

    @property
    def refusals(self) -> int:
        """How often an address was asked for and not given."""
        return self._refusals

    @property
    def failure(self) -> ImpError | None:
        """What broke while core wrote down an attempt or a status; the channel cannot hide it by going on."""
        return self._failure

    @property
    def values(self) -> Collection[str]:
        """What must not come out in any output of the call: addresses, and secrets."""
        texts = {address.value for address in self._addresses.values()} | set(self._context.secrets.values())
        return frozenset(text for text in texts if text)

    def resolve(self, handle: str, purpose: str) -> RawId:
        """The address behind a handle: once, while the batch is fresh, for its purpose.

        Raises:
            NotGranted: anything else; it is counted, and no reason is told.
        """
        name, wanted = plain_text(handle), plain_text(purpose)
        with self._lock:
            key = self._keys.get(name)
            address = self._addresses.get(name)
            if key is None or address is None or not self._may_have(key, wanted):
                self._refusals += 1
                raise NotGranted("no address was given")
            self._attempted.add(key)
            self._noted(lambda: self._tell_attempted(key))
            return address

    def settle(self, row: RowStatus) -> None:
        """Say what became of a row; written down before this returns.

        Raises:
            ValueError: no row of this batch, one settled otherwise before, or the batch is over.
        """
        status = plain_row(row)
        with self._lock:
            if not self._open or status.key not in self._known:
                raise ValueError("no row of this batch, or the batch is over")
            before = self._statuses.get(status.key)
            if before is not None:
                if before != status:
                    raise ValueError("settled otherwise before")
                return
            self._noted(lambda: self._tell_settled(status))
            self._statuses[status.key] = status

    def renew(self, keys: Collection[str]) -> None:
        """These rows were not taken: their addresses may be resolved once more."""
        with self._lock:
            if self._granted:
                self._attempted -= frozenset(keys)

    def close(self) -> None:
        """Let go of the addresses; whoever asks later gets none, and what is settled later does not count."""
        with self._lock:
            self._open = False
            self._addresses = {}

    def _may_have(self, key: str, purpose: str) -> bool:
        may = self._open and self._granted and self._failure is None and purpose == self._purpose
        return may and key not in self._attempted and key not in self._statuses and self._fresh()

    def _noted(self, write: Callable[[], None]) -> None:
        try:
            write()
        except ImpError as error:
            self._failure = self._failure or error
            raise
        except Exception as error:  # noqa: BLE001 (core's own callback: whatever it raised, the send must hear of it)
            self._failure = self._failure or ImpError(f"a status could not be written: {type(error).__name__}")
            raise self._failure from None
