"""The methods of a channel. Core calls them on one plugin at a time, each with a deadline, and awaits the awaitable."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Iterable
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar, runtime_checkable

if TYPE_CHECKING:  # `imp --help` loads entry points, and those name `Channel`
    from imp_core.channel.batch import Batch, ConversionBatch, ExposureBatch, PeopleBatch
    from imp_core.channel.context import ChannelContext, DeliveryContext
    from imp_core.channel.inbound import Source, SpendPage, Window
    from imp_core.channel.info import ChannelInfo
    from imp_core.channel.report import CheckResult, DeliveryReport, JobRef, JobStatus, Plan
    from imp_core.event import RawEvent, RowFault, Signal

__all__ = [
    "Channel",
    "Delivers",
    "HearsExposures",
    "HearsWithdrawals",
    "Ingests",
    "Polls",
    "Reports",
    "SendsConversions",
    "SyncsAudience",
]

T = TypeVar("T")
# A method may be `async`: core awaits what is awaitable.
Maybe: TypeAlias = T | Awaitable[T]
Inbound: TypeAlias = "RawEvent | Signal | RowFault"


@runtime_checkable
class Channel(Protocol):
    """A medium: what every channel has. `info` is read before anything is called."""

    info: ChannelInfo

    def check(self, ctx: ChannelContext) -> Maybe[CheckResult]:
        """Say whether credentials and peers are in order, without sending anything to anybody (since 0.1)."""
        ...

    def forget(self, ctx: ChannelContext, batch: PeopleBatch) -> Maybe[DeliveryReport]:
        """Forget people who were erased: whatever was kept under their handles (since 0.1).

        Called again until every row is answered with accepted, delivered or refused; doing it twice must do no harm.
        """
        ...


class Delivers(Protocol):
    """Capability `deliver`."""

    def plan(self, ctx: ChannelContext, batch: Batch) -> Maybe[Plan]:
        """Say what delivering a batch would take: counts, cost, previews; no address and no network (since 0.1).

        Raises:
            PayloadInvalid: a content cannot be sent.
        """
        ...

    def deliver(self, ctx: DeliveryContext, batch: Batch) -> Maybe[DeliveryReport]:
        """Deliver a batch and say what became of every row (since 0.1).

        Raises:
            Retryable: nothing of the rows not yet settled was taken (`RateLimited` too).
            Permanent: the peer never will.
            PayloadInvalid: a content cannot be sent.
            AuthInvalid: the peer does not accept the credentials.
        """
        ...


class SyncsAudience(Protocol):
    """Capability `sync_audience`."""

    def sync_audience(self, ctx: DeliveryContext, add: PeopleBatch, remove: PeopleBatch) -> Maybe[DeliveryReport]:
        """Add people to a list at the partner and take others off it; `remove` is never gated (since 0.1)."""
        ...


class SendsConversions(Protocol):
    """Capability `send_conversions`."""

    def send_conversions(self, ctx: DeliveryContext, batch: ConversionBatch) -> Maybe[DeliveryReport]:
        """Tell the partner what people did (since 0.1)."""
        ...


class Polls(Protocol):
    """Capability `poll`."""

    def poll(self, ctx: ChannelContext, job: JobRef) -> Maybe[JobStatus]:
        """Ask for a job that went on after its call (since 0.1)."""
        ...


class Ingests(Protocol):
    """Capability `ingest`."""

    def ingest(self, ctx: ChannelContext, source: Source) -> Iterable[Inbound] | AsyncIterable[Inbound]:
        """Read what happened: events, signals that reduce permission, and the rows that cannot be read (since 0.1).

        Raises:
            BadInput: the source as a whole cannot be read (no such file, wrong header, wrong encoding).
        """
        ...


class Reports(Protocol):
    """Capability `report`."""

    def report(self, ctx: ChannelContext, window: Window, cursor: str | None) -> Maybe[SpendPage]:
        """Report what was spent, page by page: the first call has cursor None (since 0.1).

        Raises:
            BadInput: the source as a whole cannot be read.
        """
        ...


class HearsWithdrawals(Protocol):
    """Capability `withdrawn`."""

    def withdrawn(self, ctx: ChannelContext, batch: PeopleBatch) -> Maybe[DeliveryReport]:
        """Hear whose permission for `batch.purpose` ended, to stop what is queued at the partner (since 0.1).

        The manifest asks for it (`withdrawals = true`): while a no is written, core looks there and not at the code.
        """
        ...


class HearsExposures(Protocol):
    """Capability `exposed`."""

    def exposed(self, ctx: ChannelContext, batch: ExposureBatch) -> Maybe[None]:
        """Hear who met which variant, for analytics that the manifest was granted (since 0.1)."""
        ...
