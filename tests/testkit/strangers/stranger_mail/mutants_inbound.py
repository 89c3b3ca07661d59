"""Deliberately bad channels, of those told about people and of those that take in: each breaks one rule."""

# ruff: noqa: ARG002 (a channel takes the arguments of the contract, some print)
from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from stranger_mail.good import FIXTURES, Mail
from stranger_mail.registry import fails

from imp_core.channel import (
    DeliveryReport,
    DeliveryStatus,
    JobRef,
    JobState,
    JobStatus,
    RowStatus,
    SpendPage,
)
from imp_core.event import EventType, RawEvent, RowFault, Signal


@fails("test_forget_answers_every_row_and_may_be_repeated")
class ForgetsOnce(Mail):
    def __init__(self):
        self.forgotten = set()

    def forget(self, ctx, batch):
        super().forget(ctx, batch)
        rows = [row for row in batch.rows if row.handle not in self.forgotten]
        self.forgotten |= {row.handle for row in rows}
        return self.answered(rows)


@fails("test_forget_answers_every_row_and_may_be_repeated")
class ForgetsLater(Mail):
    def forget(self, ctx, batch):
        super().forget(ctx, batch)
        return DeliveryReport(rows=[RowStatus(key=row.key, status=DeliveryStatus.DEFERRED) for row in batch.rows])


@fails("test_forget_leaves_no_handle_behind")
class KeepsTheForgotten(Mail):
    def forget(self, ctx, batch):
        return self.answered(batch.rows)


@fails("test_forget_leaves_no_handle_behind")
class ForgetsTheFirst(Mail):
    def forget(self, ctx, batch):
        super().forget(ctx, replace(batch, rows=batch.rows[:1]))
        return self.answered(batch.rows)


@fails("test_forget_leaves_no_handle_behind")
def sees_nothing():
    return Mail, replace(FIXTURES, remembers=lambda _: ())


@fails("test_withdrawn_answers_every_row_and_may_be_repeated")
class HearsTheFirst(Mail):
    def withdrawn(self, ctx, batch):
        return self.answered(batch.rows[:1])


@fails("test_adding_people_to_an_audience_answers_every_row")
class AddsByHandle(Mail):
    def sync_audience(self, ctx, add, remove):
        return self.answered([replace(row, key=row.handle) for row in add.rows] + list(remove.rows))


@fails("test_taking_people_off_an_audience_answers_every_row_and_may_be_repeated")
class NeverTakesOff(Mail):
    def sync_audience(self, ctx, add, remove):
        return self.answered(add.rows)


@fails("test_conversions_answer_every_row")
class OrdersWithAmountAlone(Mail):
    def send_conversions(self, ctx, batch):
        return self.answered([row for row in batch.rows if row.amount_micros is not None])


@fails("test_poll_answers_for_the_job_it_is_asked_for")
class PollsAnother(Mail):
    def poll(self, ctx, job):
        return JobStatus(job=JobRef(id="another"), state=JobState.RUNNING)


@fails("test_exposed_takes_a_batch_and_answers_nothing")
class CountsExposures(Mail):
    def exposed(self, ctx, batch):
        return len(batch.rows)


@fails("test_inbound_yields_what_its_source_holds")
class SkipsBadRows(Mail):
    def ingest(self, ctx, source):
        return (item for item in super().ingest(ctx, source) if not isinstance(item, RowFault))


@fails("test_inbound_signals_only_reduce_permission")
class SpeaksForAnother(Mail):
    def inbound(self, person, number, found):
        item = super().inbound(person, number, found)
        return replace(item, channel="sms") if isinstance(item, Signal) else item


@fails("test_inbound_events_are_for_purposes_and_identifiers_its_manifest_asks_for")
class CollectsMore(Mail):
    def collected(self):
        return "profiling"


@fails("test_inbound_events_are_for_purposes_and_identifiers_its_manifest_asks_for")
class KnowsDevices(Mail):
    def inbound(self, person, number, found):
        item = super().inbound(person, number, found)
        if isinstance(item, RawEvent) and item.type is EventType.TOUCHPOINT:
            return replace(item, identifier=type(person)("device", "D-1"))
        return item


@fails("test_a_malformed_source_is_refused_and_breaks_nothing")
class ReadsAsItComes(Mail):
    def ingest(self, ctx, source):
        source.path.read_bytes().decode()
        return super().ingest(ctx, source)


@fails("test_no_fault_repeats_what_could_not_be_read")
class RepeatsTheLine(Mail):
    def problem(self, line):
        return f"not a line of the feed: {line}"


@fails("test_spend_pages_are_of_the_declared_types_and_come_to_an_end")
class NeverEnds(Mail):
    def report(self, ctx, window, cursor):
        return replace(super().report(ctx, window, cursor), cursor="more")


@fails("test_spend_pages_are_of_the_declared_types_and_come_to_an_end")
class CostsInFloats(Mail):
    def cost(self, text):
        return float(Decimal(text))


@fails("test_a_malformed_spend_file_is_refused_and_breaks_nothing")
class SpendAsItComes(Mail):
    def report(self, ctx, window, cursor):
        window.source.path.read_bytes().decode()
        return SpendPage(rows=super().report(ctx, window, cursor).rows)
