"""The channel `file`: what it declares, and its two ways in: events and spend."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from imp_channel_file.named import shipped_names
from imp_channel_file.read import read_events
from imp_channel_file.report import SpendPages
from imp_core.channel import (
    Capability,
    ChannelContext,
    ChannelInfo,
    CheckResult,
    DeliveryReport,
    DeliveryStatus,
    IdentifierSpec,
    PeopleBatch,
    RowStatus,
    Source,
    SpendPage,
    Support,
    Window,
)
from imp_core.event import RawEvent, RowFault
from imp_core.gate import Action

__all__ = ["FileChannel"]

_KINDS = ("member", "email", "phone", "device", "idfa", "imei")


class FileChannel:
    """Reads files an operator names. It sends nothing, connects to nothing and keeps nothing."""

    def __init__(self) -> None:
        # Says what imp-plugin.toml says; a test compares the two.
        self.info = ChannelInfo(
            name="file",
            version=version("imp-channel-file"),
            purposes={Action.COLLECT: ("*",)},
            identifiers=tuple(IdentifierSpec(kind=kind) for kind in _KINDS),
            supports={
                Capability.INGEST: Support.FULL,
                Capability.REPORT: Support.FULL,
                Capability.DELIVER: Support.NONE,
            },
        )
        self._pages = SpendPages()

    def check(self, ctx: ChannelContext) -> CheckResult:  # noqa: ARG002 (there are no settings and no peer)
        """Nothing can be out of order: there are no credentials and no peer."""
        return CheckResult(ok=True, detail=f"connects to nothing; mappings: {', '.join(shipped_names())}")

    def forget(self, ctx: ChannelContext, batch: PeopleBatch) -> DeliveryReport:  # noqa: ARG002 (nothing is looked up)
        """Nothing was ever kept of anybody."""
        return DeliveryReport(rows=[RowStatus(key=row.key, status=DeliveryStatus.DELIVERED) for row in batch.rows])

    def ingest(self, ctx: ChannelContext, source: Source) -> Iterator[RawEvent | RowFault]:  # noqa: ARG002 (times come from the file)
        """Stream a file's events and the rows that cannot be taken; memory does not grow with the file.

        Raises:
            BadInput: on iteration, where the file or its mapping as a whole cannot be read. It may come after
                events were yielded (a damaged end): nothing of such a file should be kept.
        """
        return read_events(source.path, source.mapping)

    def report(self, ctx: ChannelContext, window: Window, cursor: str | None) -> SpendPage:
        """A page of a spend report's rows; the setting `tz` is the zone of its days where the mapping names none.

        Raises:
            BadInput: no file or mapping was named, or one of them as a whole cannot be read.
        """
        return self._pages.next(window, cursor, tz=str(ctx.settings.get("tz", "UTC")))
