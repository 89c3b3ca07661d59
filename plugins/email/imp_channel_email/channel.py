"""The channel `email`: what it declares, and its ways out and in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version

from imp_channel_email.check import check_server
from imp_channel_email.deliver import Delivery
from imp_channel_email.preview import plan_batch
from imp_channel_email.read import read_reports
from imp_channel_email.settings import MAX_CONNECTIONS
from imp_channel_email.setup import read_setup
from imp_channel_email.template import FORMATS, Message, compile_message
from imp_core.channel import (
    Batch,
    BatchLimit,
    Capability,
    ChannelContext,
    ChannelInfo,
    CheckResult,
    DeliveryContext,
    DeliveryReport,
    DeliveryStatus,
    IdentifierSpec,
    PayloadInvalid,
    PeopleBatch,
    Plan,
    RowStatus,
    Source,
    Support,
)
from imp_core.event import RowFault, Signal
from imp_core.gate import Action

__all__ = ["EmailChannel"]


class EmailChannel:
    """Sends by one mail server; reads the reports that come back. It keeps nothing of anybody."""

    def __init__(self) -> None:
        # Says what imp-plugin.toml says; a test compares the two.
        self.info = ChannelInfo(
            name="email",
            version=version("imp-channel-email"),
            purposes={Action.ACTIVATE: ("essential", "marketing.*")},
            identifiers=(IdentifierSpec(kind="email"),),
            content_formats=FORMATS,
            batch=BatchLimit(rows=500, connections=MAX_CONNECTIONS),
            hosts=("{host}",),
            supports={
                **dict.fromkeys(Capability, Support.NONE),
                Capability.DELIVER: Support.FULL,
                Capability.INGEST: Support.FULL,
            },
        )
        self._limited: frozenset[str] = frozenset()

    def check(self, ctx: ChannelContext) -> CheckResult:
        """Whether settings, server, TLS and credentials are in order; sends nothing to anybody."""
        return check_server(ctx)

    def plan(self, ctx: ChannelContext, batch: Batch) -> Plan:
        """What a batch would look like, with made-up fields.

        Raises:
            BadInput: a setting or a secret is not what it must be.
            PayloadInvalid: a content cannot be sent.
        """
        return plan_batch(read_setup(ctx), batch, _messages(batch), now_us=ctx.now_us)

    def deliver(self, ctx: DeliveryContext, batch: Batch) -> DeliveryReport:
        """Send a batch: each address is asked for right before its transaction and settled right after.

        Raises:
            BadInput: a setting or a secret is not what it must be.
            PayloadInvalid: a content cannot be sent.
            AuthInvalid: the server does not accept the credentials or the sender, or is not who it should be.
            Retryable: there is no connection to be had now (`RateLimited`: the server asks for fewer messages).
        """
        delivery = Delivery(read_setup(ctx), ctx, batch, _messages(batch), self._limited)
        try:
            delivery.run()
        finally:
            self._limited = delivery.limited
        return DeliveryReport(rows=delivery.rows)

    def ingest(self, ctx: ChannelContext, source: Source) -> Iterator[Signal | RowFault]:
        """Read bounces and complaints from a message, an mbox, a Maildir or a folder of messages.

        Raises:
            BadInput: on iteration, where the source as a whole cannot be read.
        """
        return read_reports(source.path, now_us=ctx.now_us)

    def forget(self, ctx: ChannelContext, batch: PeopleBatch) -> DeliveryReport:  # noqa: ARG002 (nothing is looked up)
        """Nothing was ever kept of anybody."""
        return DeliveryReport(rows=[RowStatus(key=row.key, status=DeliveryStatus.DELIVERED) for row in batch.rows])


def _messages(batch: Batch) -> Mapping[str, Message]:
    if not {row.content for row in batch.rows} <= batch.contents.keys():
        raise PayloadInvalid("content-unknown", mend="a row names a content that the batch does not have")
    return {name: compile_message(content) for name, content in batch.contents.items()}
