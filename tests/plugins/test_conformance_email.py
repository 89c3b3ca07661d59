"""The channel `email` keeps the contract of channels, held against a real mail server on this machine."""

from __future__ import annotations

import asyncio
import email
import threading
from email import policy

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from imp_channel_email.channel import EmailChannel
from imp_core.event import SignalKind
from imp_testkit import Fault, Fixtures, Inbound, Seen, conformance
from imp_testkit.people import shows

pytestmark = [pytest.mark.enable_socket]

SECRETS = {"username": "kit-shop-user", "password": "kit-shop-password"}
SETTINGS = {"sender": "Shop <news@shop.example>", "unsubscribe_url": "https://shop.example/u"}
PARTS = {
    "subject": "A made-up subject",
    "text": "A made-up text {{ unsubscribe_url }}",
    "html": '<p>A made-up html <a href="{{ unsubscribe_url }}">out</a></p>',
}
HERE = "127.0.0.1"


class MailPeer:
    """An SMTP server that takes mail with the right credentials, and fails on demand."""

    def __enter__(self):
        self.seen, self._fault, self._times, self._address = [], None, None, ""
        self._loop = asyncio.new_event_loop()
        self._release = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.settings = {"host": HERE, "port": self._run(self._open()), "security": "none"}
        return self

    def __exit__(self, *_):
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def fail(self, fault, *, times=None, address=""):
        self._run(self._play(fault, times, address))

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _open(self):
        def serve():
            return SMTP(
                self,
                hostname="sink.example",
                loop=self._loop,
                authenticator=self._authenticate,
                auth_require_tls=False,
            )

        self._server = await self._loop.create_server(serve, HERE, 0)
        return self._server.sockets[0].getsockname()[1]

    async def _close(self):
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports that were aborted say so in the next turn

    async def _play(self, fault, times, address):
        self._fault, self._times, self._address = fault, times, address
        self._release.set()
        self._release = asyncio.Event()

    def _authenticate(self, _server, _session, _envelope, _mechanism, data):
        known = (data.login.decode(), data.password.decode()) == (SECRETS["username"], SECRETS["password"])
        return AuthResult(success=known and self._fault is not Fault.CREDENTIALS, handled=False)

    def _plays(self, fault, text):
        if self._fault is not fault or self._times == 0 or (self._address and not shows(text, self._address)):
            return False
        self._times = None if self._times is None else self._times - 1
        return True

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 (aiosmtpd's name)
        if self._plays(Fault.TEMPORARY, address):
            return f"451 4.3.0 <{address}> try again later"
        if self._plays(Fault.REFUSES, address):
            return f"550 5.1.1 <{address}> no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802 (aiosmtpd's name)
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        headers = {name.lower(): str(value) for name, value in message.items()}
        parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
        text = "\n".join([envelope.mail_from, *envelope.rcpt_tos, *headers.values(), *parts])
        hangs = self._plays(Fault.HANGS, text)
        self.seen.append(Seen(text=text, accepted=not hangs, headers=headers, body=envelope.content))
        if hangs:
            await self._release.wait()
            server.transport.abort()
        return "250 2.0.0 Ok"


BOUNCE = b"""\
From: MAILER-DAEMON@sink.example
To: news@shop.example
Subject: Undelivered
Date: Sun, 01 Mar 2026 12:00:00 +0000
Message-ID: <bounce-1@sink.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; sink.example

Final-Recipient: rfc822; ann@shop.example
Action: failed
Status: 5.1.1

--b--
"""


TestEmail = conformance(
    EmailChannel,
    fixtures=Fixtures(
        package="imp_channel_email",
        peer=MailPeer,
        settings=SETTINGS,
        secrets=SECRETS,
        parts=PARTS,
        identity_of=lambda seen: seen.headers["message-id"],
        withdrawal=lambda seen: seen.text[seen.text.rindex("A made-up text") :],
        inbound=[Inbound(name="bounce.eml", content=BOUNCE, expects=[SignalKind.BOUNCE])],
    ),
)
