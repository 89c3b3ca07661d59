"""The channel `file`: what it declares, and its one way in."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from imp_channel_file.read import read_events
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
    Support,
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
            supports={Capability.INGEST: Support.FULL, Capability.DELIVER: Support.NONE},
        )

    def check(self, ctx: ChannelContext) -> CheckResult:  # noqa: ARG002 (there are no settings and no peer)
        """Nothing can be out of order: there are no credentials and no peer."""
        return CheckResult(ok=True, detail="reads CSV, Parquet and JSON lines; connects to nothing")

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
