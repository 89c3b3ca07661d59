"""Deliberately bad channels: each breaks one rule of the contract, and is named for the check that must find it."""

# ruff: noqa: ARG002, T201 (a channel takes the arguments of the contract, some print)
from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from dataclasses import replace
from types import MappingProxyType

from stranger_mail.good import FIXTURES, INFO, Mail
from stranger_mail.registry import fails

from imp_core.channel import (
    Capability,
    ChannelInfo,
    CheckResult,
    DeliveryReport,
    DeliveryStatus,
    NotGranted,
    Permanent,
    Plan,
    Retryable,
    RowStatus,
    Support,
)


def declares(**changes):
    return ChannelInfo(**{**INFO, **changes})


def spoiled_info(name, /, **changes):
    return type(name, (Mail,), {"info": declares(**changes)})


@fails("test_it_is_a_channel")
class InfoIsATable(Mail):
    info = MappingProxyType(INFO)


@fails("test_it_is_a_channel")
class ForgetsToForget(Mail):
    forget = None


for name, changes in {
    "StageIsAText": {"stages": "awareness"},
    "NoVersion": {"version": " "},
    "TooManyRows": {"batch": replace(INFO["batch"], rows=501)},
    "SupportsByWord": {"supports": {**INFO["supports"], "deliver": "full"}},
    "PartTwice": {"content_formats": (*INFO["content_formats"], INFO["content_formats"][0])},
}.items():
    fails("test_what_it_declares_is_of_the_declared_types_and_within_bounds")(spoiled_info(name, **changes))

for name, changes in {
    "HostUnshown": {"hosts": ("{host}", "stats.example")},
    "PurposeShownAlone": {"purposes": {**INFO["purposes"], "collect": ("analytics",)}},
    "PurposeUnshown": {"purposes": {**INFO["purposes"], "activate": ("marketing.email", "marketing.sms")}},
    "IdentifierUnshown": {"identifiers": (*INFO["identifiers"], replace(INFO["identifiers"][0], kind="phone"))},
    "AnotherName": {"name": "stranger-post"},
}.items():
    fails("test_its_manifest_says_what_the_channel_says")(spoiled_info(name, **changes))


@fails("test_its_manifest_says_what_the_channel_says")
class HearsOfNoWithdrawalAndAsksForThem(Mail):
    info = declares(supports={**INFO["supports"], Capability.WITHDRAWN: Support.NONE})
    withdrawn = None


@fails("test_every_declared_capability_has_its_methods")
class PollIsMissing(Mail):
    poll = None


@fails("test_every_method_belongs_to_a_declared_capability")
class ConversionsUndeclared(Mail):
    info = declares(supports={**INFO["supports"], Capability.SEND_CONVERSIONS: Support.NONE})


@fails("test_the_fixtures_bring_what_the_checks_need")
def no_peer():
    return Mail, replace(FIXTURES, peer=None)


@fails("test_the_fixtures_bring_what_the_checks_need")
def no_inbound():
    return Mail, replace(FIXTURES, inbound=())


@fails("test_check_answers_and_delivers_nothing")
class ChecksByAMessage(Mail):
    def check(self, ctx):
        self.call(ctx, "POST", "/messages", {"to": "postmaster"})
        return super().check(ctx)


@fails("test_check_answers_and_delivers_nothing")
class ChecksWithATruth(Mail):
    def check(self, ctx):
        return CheckResult(ok=super().check(ctx).ok, detail=200)


@fails("test_check_says_no_where_the_peer_cannot_be_used")
class AlwaysFine(Mail):
    def check(self, ctx):
        return CheckResult(ok=True, detail="fine")


@fails("test_a_plan_is_of_the_declared_types")
class CostWithoutCurrency(Mail):
    def plan(self, ctx, batch):
        return replace(super().plan(ctx, batch), currency=None)


@fails("test_a_plan_is_of_the_declared_types")
class CostAsAFloat(Mail):
    def plan(self, ctx, batch):
        plan = super().plan(ctx, batch)
        return Plan(messages=plan.messages, cost=float(plan.cost), currency="EUR")


@fails("test_a_dry_run_connects_to_nothing")
class PlansByAsking(Mail):
    def plan(self, ctx, batch):
        self.call(ctx, "GET", "/prices")
        return super().plan(ctx, batch)


@fails("test_a_part_that_is_too_long_is_refused_in_the_plan")
class CutsOff(Mail):
    def plan(self, ctx, batch):
        contents = {
            name: replace(content, parts={key: text[:100] for key, text in content.parts.items()})
            for name, content in batch.contents.items()
        }
        return super().plan(ctx, replace(batch, contents=contents))


@fails("test_a_message_without_a_required_part_is_refused_in_the_plan")
class NoSubject(Mail):
    def plan(self, ctx, batch):
        contents = {
            name: replace(content, parts={"subject": "(none)", "text": "(none)", **content.parts})
            for name, content in batch.contents.items()
        }
        return super().plan(ctx, replace(batch, contents=contents))


@fails("test_every_row_is_accepted_and_reaches_the_peer_once")
class LosesTheLastOfFive(Mail):
    def send(self, ctx, batch, row):
        if len(batch.rows) == 5 and row is batch.rows[-1]:
            return RowStatus(key=row.key, status=DeliveryStatus.ACCEPTED)
        return super().send(ctx, batch, row)


@fails("test_statuses_are_of_the_declared_types")
class StatusByWord(Mail):
    def deliver(self, ctx, batch):
        told = []
        super().deliver(_Deaf(ctx, told), batch)
        return DeliveryReport(rows=[RowStatus(key=row.key, status=str(row.status), code=row.code) for row in told])


class _Deaf:
    def __init__(self, ctx, told):
        self.settings, self._ctx, self._told = ctx.settings, ctx, told

    def resolve(self, handle, purpose):
        return self._ctx.resolve(handle, purpose)

    def settle(self, row):
        self._told.append(row)
        self._ctx.settle(row)


@fails("test_every_row_is_answered_once_by_its_key")
class SaysItTwiceOtherwise(Mail):
    def deliver(self, ctx, batch):
        super().deliver(ctx, batch)
        return DeliveryReport(rows=[RowStatus(key=row.key, status=DeliveryStatus.DELIVERED) for row in batch.rows])


@fails("test_every_row_is_answered_once_by_its_key")
class ForgetsABatchOfOne(Mail):
    def deliver(self, ctx, batch):
        return super().deliver(ctx, batch) if len(batch.rows) > 1 else DeliveryReport(rows=[])


@fails("test_every_row_gets_the_content_it_names")
class OneContentForAll(Mail):
    def message(self, ctx, batch, row):
        return super().message(ctx, batch, replace(row, content="message"))


@fails("test_a_row_keeps_its_identity_when_it_is_delivered_again")
class NewIdentityEachTime(Mail):
    count = 0

    def identity(self, row):
        NewIdentityEachTime.count += 1
        return f"message-{NewIdentityEachTime.count}"


@fails("test_a_row_keeps_its_identity_when_it_is_delivered_again")
class PersonAsIdentity(Mail):
    def identity(self, row):
        return row.handle


@fails("test_it_takes_as_many_rows_as_it_declares")
class SixAtMost(Mail):
    def deliver(self, ctx, batch):
        report = super().deliver(ctx, replace(batch, rows=batch.rows[:6]))
        rest = [RowStatus(key=row.key, status=DeliveryStatus.DEFERRED) for row in batch.rows[6:]]
        return replace(report, rows=rest)


@fails("test_no_more_rows_are_unsettled_than_it_declares_connections")
class AllAddressesFirst(Mail):
    def deliver(self, ctx, batch):
        self.known = {row.handle: ctx.resolve(row.handle, batch.purpose).value for row in batch.rows}
        return super().deliver(ctx, batch)

    def address(self, ctx, batch, row):
        return self.known.pop(row.handle)


@fails("test_it_connects_to_declared_hosts_alone")
class TellsAnother(Mail):
    def deliver(self, ctx, batch):
        with contextlib.suppress(OSError):
            self.call(ctx, "GET", "/pixel", host="localhost")
        return super().deliver(ctx, batch)


@fails("test_rows_end_accepted_once_after_a_temporary_fault")
class GivesUp(Mail):
    def status(self, row, code):
        if code == 503:
            return RowStatus(key=row.key, status=DeliveryStatus.REFUSED, code="http-503")
        return super().status(row, code)


@fails("test_rows_end_accepted_once_after_a_temporary_fault")
class PutsOffForEver(Mail):
    def __init__(self):
        self.put_off = set()

    def send(self, ctx, batch, row):
        if row.key in self.put_off:
            return RowStatus(key=row.key, status=DeliveryStatus.DEFERRED)
        return super().send(ctx, batch, row)

    def status(self, row, code):
        if code == 503:
            self.put_off.add(row.key)
            return RowStatus(key=row.key, status=DeliveryStatus.DEFERRED)
        return super().status(row, code)


@fails("test_a_row_the_peer_refuses_costs_no_other")
class OneRefusedAllRefused(Mail):
    def status(self, row, code):
        if code == 422:
            raise Permanent("http-422")
        return super().status(row, code)


@fails("test_a_peer_that_hangs_costs_its_batch_alone")
class HoldsALock(Mail):
    def __init__(self):
        self.lock = threading.Lock()

    def call(self, ctx, method, path, message=None, key="", host=None):
        if not self.lock.acquire(blocking=False):
            raise Retryable("busy")
        code = super().call(ctx, method, path, message, key, host)
        self.lock.release()
        return code


@fails("test_credentials_that_are_not_taken_stop_the_send")
class BlamesThePeople(Mail):
    def status(self, row, code):
        return super().status(row, 422 if code == 401 else code)


@fails("test_it_asks_for_handles_of_its_own_batch_alone")
class AsksForThoseLeftBehind(Mail):
    def __init__(self):
        self.left = set()

    def deliver(self, ctx, batch):
        for handle in self.left - {row.handle for row in batch.rows}:
            try:
                ctx.resolve(handle, batch.purpose)
            except NotGranted:
                continue
        self.left |= {row.handle for row in batch.rows}
        report = super().deliver(ctx, batch)
        self.left -= {row.handle for row in batch.rows}
        return report


@fails("test_it_asks_for_handles_of_its_own_batch_alone")
class AsksForTheErased(Mail):
    erased = ()

    def forget(self, ctx, batch):
        self.erased = [row.handle for row in batch.rows]
        return super().forget(ctx, batch)

    def deliver(self, ctx, batch):
        for handle in self.erased:
            try:
                ctx.resolve(handle, batch.purpose)
            except NotGranted:
                continue
        return super().deliver(ctx, batch)


@fails("test_it_asks_for_an_address_once_and_for_the_purpose_of_its_batch")
class TriesAnotherPurpose(Mail):
    def address(self, ctx, batch, row):
        try:
            return ctx.resolve(row.handle, "analytics").value
        except NotGranted:
            return super().address(ctx, batch, row)


@fails("test_an_address_it_is_not_granted_never_reaches_the_peer")
class RemembersAddresses(Mail):
    def __init__(self):
        self.book = {}

    def address(self, ctx, batch, row):
        try:
            self.book[row.handle] = super().address(ctx, batch, row)
        except NotGranted:
            if row.handle not in self.book:
                raise
        return self.book[row.handle]


@fails("test_no_address_or_secret_is_printed_or_logged")
class Prints(Mail):
    def address(self, ctx, batch, row):
        address = super().address(ctx, batch, row)
        print("sending to", address)
        return address


@fails("test_no_address_or_secret_is_printed_or_logged")
class LogsWhatFails(Mail):
    def send(self, ctx, batch, row):
        self.last = None
        status = super().send(ctx, batch, row)
        if status.status is DeliveryStatus.REFUSED:
            logging.getLogger("stranger.mail").debug("refused: %s", self.last)
        return status

    def address(self, ctx, batch, row):
        self.last = super().address(ctx, batch, row)
        return self.last


@fails("test_no_address_or_secret_is_printed_or_logged")
class WarnsOfTheKey(Mail):
    def deliver(self, ctx, batch):
        warnings.warn(f"deprecated key {ctx.secrets['api_key']}", DeprecationWarning, stacklevel=1)
        return super().deliver(ctx, batch)


@fails("test_no_identifier_that_comes_in_is_printed_or_logged")
class PrintsWhatItReads(Mail):
    def inbound(self, person, number, found):
        print("read", person.value, flush=True)
        return super().inbound(person, number, found)


@fails("test_no_identifier_that_comes_in_is_printed_or_logged")
class LogsWhatItCannotRead(Mail):
    def problem(self, line):
        logging.getLogger("stranger.mail").info("skipped %r", line)
        return super().problem(line)


@fails("test_no_address_or_secret_is_in_a_report_an_error_or_a_repr")
class ShowsTheLast(Mail):
    last = ""

    def address(self, ctx, batch, row):
        self.last = super().address(ctx, batch, row)
        return self.last

    def __repr__(self):
        return f"Mail(last={self.last})"


@fails("test_no_address_or_secret_is_in_a_report_an_error_or_a_repr")
class MendsWithTheAddress(Mail):
    def deliver(self, ctx, batch):
        addresses = []
        self.address = lambda ctx, batch, row: addresses.append(Mail.address(self, ctx, batch, row)) or addresses[-1]
        try:
            return super().deliver(ctx, batch)
        except Retryable as error:
            error.mend = f"{addresses[-1]} was put off"
            raise


@fails("test_a_person_can_withdraw_from_every_message")
class NoWayOut(Mail):
    def message(self, ctx, batch, row):
        message = super().message(ctx, batch, row)
        return {**message, "text": batch.contents[row.content].parts["text"]}


@fails("test_a_person_can_withdraw_from_every_message")
def a_stop_word_nobody_hears():
    return NoWayOut, replace(FIXTURES, stop_word="A made-up text")


@fails("test_mail_carries_the_one_click_headers_of_rfc_8058")
class TwoClicks(Mail):
    def message(self, ctx, batch, row):
        message = super().message(ctx, batch, row)
        message["headers"].pop("List-Unsubscribe-Post")
        return message


@fails("test_mail_carries_the_one_click_headers_of_rfc_8058")
class SignedInPart(Mail):
    def message(self, ctx, batch, row):
        message = super().message(ctx, batch, row)
        message["headers"]["DKIM-Signature"] = "v=1; h=From:List-Unsubscribe; bh=x; b=y"
        return message
