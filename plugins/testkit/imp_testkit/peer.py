"""The other side of a channel, as the kit needs it: a server on this machine that remembers, and fails on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from imp_core.channel.context import Setting

__all__ = ["Fault", "Peer", "Seen"]


class Fault(StrEnum):
    """How a peer fails.

    temporary: refuses for now. refuses: refuses one address for good. hangs: takes a message and never answers.
    credentials: does not take the credentials.
    """

    TEMPORARY = "temporary"
    REFUSES = "refuses"
    HANGS = "hangs"
    CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One message as it came to the peer.

    `text` is all of it, decoded: envelope, headers, body. `headers` are by names in small letters. `accepted`: whether
    the peer took it, as a message it did not have yet.
    """

    text: str
    accepted: bool
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Peer(Protocol):
    """A local server, ready between `__enter__` and `__exit__` of what `Fixtures.peer` returns."""

    @property
    def settings(self) -> Mapping[str, Setting]:
        """What the channel's table in `imp.toml` holds to reach this server."""
        ...

    @property
    def seen(self) -> Sequence[Seen]:
        """Every message so far, in order; questions that deliver nothing are none."""
        ...

    def fail(self, fault: Fault | None, *, times: int | None = None, address: str = "") -> None:
        """From now on fail so: for the next `times` messages (None: until told otherwise), or for one `address`.

        None mends it, and lets go of what hangs, unanswered. It is called while a message hangs, from another thread; a
        message that hangs is in `seen` already.
        """
        ...
