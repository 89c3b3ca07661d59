"""What core hands a channel at each call besides its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from imp_core.channel.report import RowStatus
from imp_core.event import RawId

__all__ = ["ChannelContext", "DeliveryContext", "Setting"]

Setting: TypeAlias = str | int | float | bool | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelContext:
    """The channel's settings from `imp.toml`, the secrets its manifest names, and the present.

    A secret `password` of the channel `email` comes from the environment variable `IMP_EMAIL_PASSWORD`; one that is not
    set is not there.
    """

    settings: Mapping[str, Setting]
    now_us: int
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


class DeliveryContext(Protocol):
    """The context of `deliver`: a `ChannelContext` that also hands out addresses, one at a time, and hears of each row.

    Whoever is resolved and not settled when a process dies is in doubt: resolve a row right before it is sent, settle
    it right after. Both may be called from several threads. Where the manifest asks for no addresses, every row counts
    as resolved from the start of the call, so each is settled as soon as it is known.
    """

    @property
    def settings(self) -> Mapping[str, Setting]:
        """The channel's table in `imp.toml`."""
        ...

    @property
    def now_us(self) -> int:
        """The present, in UTC microseconds."""
        ...

    @property
    def secrets(self) -> Mapping[str, str]:
        """The secrets the manifest names."""
        ...

    def resolve(self, handle: str, purpose: str) -> RawId:
        """The address behind a handle of this batch: once, while the batch is fresh, for its purpose (since 0.1).

        Raises:
            NotGranted: the manifest does not ask for addresses, or the handle is another batch's, was resolved
                before, came too late, or for another purpose. It is noted, and nothing is told.
        """
        ...

    def settle(self, row: RowStatus) -> None:
        """Say what became of a row as soon as it is known; written down before this returns (since 0.1).

        Raises:
            ValueError: no row of this batch, or one settled otherwise before.
        """
        ...
