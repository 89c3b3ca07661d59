"""A well-behaved channel with every capability: the base that each deliberately bad one spoils in one place."""

# ruff: noqa: ARG002 (a channel takes the arguments of the contract)
from __future__ import annotations

import asyncio
import csv
import json
from decimal import Decimal, InvalidOperation
from http.client import HTTPConnection, HTTPException

from imp_core.channel import (
    AuthInvalid,
    BatchLimit,
    Capability,
    ChannelInfo,
    CheckResult,
    ContentFormat,
    DeliveryReport,
    DeliveryStatus,
    IdentifierSpec,
    JobRef,
    JobState,
    JobStatus,
    PayloadInvalid,
    Plan,
    Preview,
    RateLimited,
    Retryable,
    RowStatus,
    SpendPage,
    SpendRow,
    Support,
)
from imp_core.errors import BadInput
from imp_core.event import EventType, RawEvent, RawId, RowFault, Signal, SignalKind
from imp_core.gate import Action
from imp_testkit import Fixtures, HttpSink, Inbound

JOB = JobRef(id="job-1")
INFO = {
    "name": "stranger-mail",
    "version": "1.0",
    "purposes": {Action.COLLECT: ("analytics", "marketing.email"), Action.ACTIVATE: ("marketing.email",)},
    "identifiers": (IdentifierSpec(kind="email"),),
    "content_formats": (
        ContentFormat(name="subject", required=True, max_chars=100),
        ContentFormat(name="text", required=True),
        ContentFormat(name="html"),
    ),
    "batch": BatchLimit(rows=8, connections=2),
    "hosts": ("{host}",),
    "supports": dict.fromkeys(Capability, Support.FULL),
}


class Mail:
    info = ChannelInfo(**INFO)
    seconds = 5.0

    def check(self, ctx):
        try:
            code = self.call(ctx, "GET", "/status")
        except Retryable:
            return CheckResult(ok=False, detail="nothing answers")
        return CheckResult(ok=code == 200, detail=f"http-{code}")

    def plan(self, ctx, batch):
        for content in batch.contents.values():
            for part in self.info.content_formats:
                text = content.parts.get(part.name, "")
                if part.required and not text:
                    raise PayloadInvalid(f"no-{part.name}")
                if part.max_chars is not None and len(text) > part.max_chars:
                    raise PayloadInvalid(f"{part.name}-too-long")
        previews = [Preview(content=name, parts=content.parts) for name, content in batch.contents.items()]
        cost = Decimal("0.01") * len(batch.rows)
        return Plan(messages=len(batch.rows), cost=cost, currency="EUR", previews=previews)

    @property
    def kept(self):
        return self.__dict__.setdefault("_kept", {})

    def deliver(self, ctx, batch):
        for row in batch.rows:
            self.kept[row.handle] = row.key
            self.settle(ctx, self.send(ctx, batch, row))
        return DeliveryReport(rows=[], job=JOB)

    def send(self, ctx, batch, row):
        address = self.address(ctx, batch, row)
        message = self.message(ctx, batch, row)
        try:
            code = self.call(ctx, "POST", "/messages", {"to": address, **message}, self.identity(row))
        except (OSError, HTTPException):
            return self.unanswered(row)
        return self.status(row, code)

    def address(self, ctx, batch, row):
        return ctx.resolve(row.handle, batch.purpose).value

    def message(self, ctx, batch, row):
        link = f"https://shop.example/u/{row.unsubscribe}"
        parts = batch.contents[row.content].parts
        return {
            "text": f"{parts['text']}\n{link}",
            "subject": parts["subject"],
            "headers": {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        }

    def identity(self, row):
        return row.key

    def settle(self, ctx, status):
        ctx.settle(status)

    def unanswered(self, row):
        return RowStatus(key=row.key, status=DeliveryStatus.IN_DOUBT, code="no-answer")

    def status(self, row, code):
        if code == 401:
            raise AuthInvalid("http-401")
        if code == 429:
            raise RateLimited("http-429")
        if code >= 500:
            raise Retryable(f"http-{code}")
        done = DeliveryStatus.ACCEPTED if code == 200 else DeliveryStatus.REFUSED
        return RowStatus(key=row.key, status=done, code=f"http-{code}")

    def call(self, ctx, method, path, message=None, key="", host=None):
        connection = HTTPConnection(host or ctx.settings["host"], ctx.settings["port"], timeout=self.seconds)
        try:
            try:
                connection.connect()
            except OSError:
                raise Retryable("unreachable") from None
            body = None if message is None else json.dumps(message).encode()
            connection.request(method, path, body, {"Idempotency-Key": key} if key else {})
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    def answered(self, rows):
        return DeliveryReport(rows=[RowStatus(key=row.key, status=DeliveryStatus.ACCEPTED) for row in rows])

    def sync_audience(self, ctx, add, remove):
        return self.answered([*add.rows, *remove.rows])

    def send_conversions(self, ctx, batch):
        return self.answered(batch.rows)

    def poll(self, ctx, job):
        return JobStatus(job=job, state=JobState.DONE)

    def ingest(self, ctx, source):
        for number, line in enumerate(lines(source), 1):
            try:
                found = json.loads(line)
                yield self.inbound(RawId("email", str(found["email"])), number, found)
            except (ValueError, KeyError, TypeError):
                yield RowFault(row=number, field="row", problem=self.problem(line))

    def inbound(self, person, number, found):
        if found["kind"] == "visit":
            return RawEvent(
                type=EventType.TOUCHPOINT,
                identifier=person,
                event_us=int(found["at"]),
                purpose=self.collected(),
                message_id=f"{number}",
                row=number,
            )
        kind = SignalKind(found["kind"])
        return Signal(kind=kind, identifier=person, event_us=int(found["at"]), channel=self.info.name, row=number)

    def collected(self):
        return "analytics"

    def problem(self, line):
        return "not a line of the feed"

    def report(self, ctx, window, cursor):
        rows, faults = [], []
        for number, row in enumerate(csv.reader(lines(window.source)), 1):
            try:
                day, campaign, cost = row
                rows.append(SpendRow(day=day, campaign=campaign, cost=self.cost(cost), currency="EUR", row=number))
            except (ValueError, InvalidOperation):
                faults.append(RowFault(row=number, field="cost", problem="not a row of three"))
        return SpendPage(rows=rows, faults=faults)

    def cost(self, text):
        return Decimal(text)

    def withdrawn(self, ctx, batch):
        return self.answered(batch.rows)

    def exposed(self, ctx, batch):
        return None

    def forget(self, ctx, batch):
        for row in batch.rows:
            self.kept.pop(row.handle, None)
        return self.answered(batch.rows)


class AsyncMail(Mail):
    """The same, awaited."""

    async def check(self, ctx):
        await asyncio.sleep(0)
        return super().check(ctx)

    async def plan(self, ctx, batch):
        await asyncio.sleep(0)
        return super().plan(ctx, batch)

    async def deliver(self, ctx, batch):
        await asyncio.sleep(0)
        return super().deliver(ctx, batch)

    async def ingest(self, ctx, source):
        for item in super().ingest(ctx, source):
            await asyncio.sleep(0)
            yield item

    async def forget(self, ctx, batch):
        await asyncio.sleep(0)
        return super().forget(ctx, batch)


def lines(source):
    try:
        return source.path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise BadInput("not UTF-8 text", where=str(source.path)) from None
    except OSError as error:
        raise BadInput(f"it cannot be read: {error.strerror}", where=str(source.path)) from None


FEED = b"""\
{"kind": "visit", "email": "ann@shop.example", "at": 1772366400000000}
{"kind": "unsubscribe", "email": "bob@shop.example", "at": 1772366400000001}
{"kind": "bounce", "email": "cem@shop.example", "at": 1772366400000002}
{"kind": "subscribe", "email": "dee@shop.example", "at": 1772366400000003}
"""
FIXTURES = Fixtures(
    package="stranger_mail",
    peer=HttpSink,
    secrets={"api_key": "kit-secret-7f31"},
    identity_of=lambda seen: seen.headers["idempotency-key"],
    withdrawal=lambda seen: json.loads(seen.body)["text"],
    mail_headers=lambda seen: json.loads(seen.body)["headers"],
    remembers=lambda channel: channel.kept,
    inbound=[
        Inbound(
            name="feed.jsonl",
            content=FEED,
            expects=[EventType.TOUCHPOINT, SignalKind.UNSUBSCRIBE, SignalKind.BOUNCE],
            faults=1,
        )
    ],
    spend=[Inbound(name="spend.csv", content=b"2026-03-01,spring,12.50\n2026-03-02,spring,0.1\n")],
    deadline=0.05,
)
