"""A mail server on this machine that remembers and misbehaves on demand, and the channel driven as core drives it."""

from __future__ import annotations

import asyncio
import base64
import datetime
import email
import ipaddress
import os
import shutil
import ssl
import subprocess
import threading
from dataclasses import dataclass
from email import policy
from types import SimpleNamespace

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from imp_channel_email.channel import EmailChannel
from imp_core.channel import Batch, ChannelContext, Content, DeliveryStatus, Recipient
from imp_core.event import RawId
from imp_core.outbound.handout import Handout

NOW_US = 1_772_366_400_000_000  # 2026-03-01T12:00:00Z
LOCALHOST = "127.0.0.1"
TEXT = "Hello {{ first_name }},\n.spring is here.\n{{ unsubscribe_url }}\n"
HTML = '<html><body><p>Hello {{ first_name }}</p><a href="{{ unsubscribe_url }}">out</a></body></html>\n'


@dataclass(frozen=True)
class Arrived:
    """One message as the server took it."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    options: tuple[str, ...]
    user: object

    @property
    def message(self):
        """Read again by the standard library's modern parser."""
        return email.message_from_bytes(self.data, policy=policy.default)


class Misbehaving(SMTP):
    """Does at each stage what `sink.answers` says for the local part of the address."""

    def __init__(self, sink, **options):
        self.sink = sink
        self.whom, self.answer = "", None
        super().__init__(sink, hostname="sink.test", loop=sink.loop, **options)

    def connection_made(self, transport):
        super().connection_made(transport)
        self.sink.peers.add(transport.get_extra_info("peername"))  # twice the same where STARTTLS began anew

    async def smtp_DATA(self, arg):  # noqa: N802 (aiosmtpd's name)
        if self.answer == "drop in data":
            await self.push("354 go on")
            await self._reader.readuntil(b"\r\n")
            self.transport.abort()
            await asyncio.Event().wait()
        await super().smtp_DATA(arg)


class Sink:
    """The server. `answers` by local part: a reply, `drop`, `drop in data`, `drop after data`, or a list of these."""

    def __init__(self, **options):
        self.arrived = []
        self.answers = {}
        self.at_mail = {}
        self.commands = []
        self.peers = set()
        self.credentials = ("shop", "pässword")
        self.loop = asyncio.new_event_loop()
        self._options = options
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._open(), self.loop).result(5)

    @property
    def connections(self):
        return len(self.peers)

    async def _open(self):
        implicit = self._options.pop("implicit_tls", None)
        self._server = await self.loop.create_server(
            lambda: Misbehaving(self, authenticator=self.authenticate, **self._options), LOCALHOST, 0, ssl=implicit
        )
        return self._server.sockets[0].getsockname()[1]

    async def _close(self):
        self._server.close()
        others = [task for task in asyncio.all_tasks(self.loop) if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports that were aborted say so in the next turn

    def close(self):
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()

    def authenticate(self, _server, _session, _envelope, mechanism, data):
        if isinstance(self.answers.get("auth"), str):
            return AuthResult(success=False, handled=False, message=self.answers["auth"])
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.credentials, handled=False, auth_data=mechanism)

    async def handle_MAIL(self, _server, _session, envelope, address, options):  # noqa: N802 (aiosmtpd's name)
        if address in self.at_mail:
            return self.at_mail[address]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(self, server, _session, envelope, address, _options):  # noqa: N802 (aiosmtpd's name)
        server.whom = address.rpartition("@")[0]
        answer = self.answers.get(server.whom)
        if isinstance(answer, list):
            self.answers[server.whom] = answer[1:] or None
            answer = answer[0]
        server.answer = answer
        self.commands.append(answer or "ok")
        if answer == "drop":
            server.transport.abort()
            return "250 2.1.5 Ok"
        if answer and answer[0].isdigit():
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (aiosmtpd's name)
        answer = server.answer or ""
        if answer.startswith("at end: "):
            return answer.removeprefix("at end: ")
        if answer == "drop after data":
            server.transport.abort()
            return "250 2.0.0 Ok"
        self.arrived.append(
            Arrived(
                sender=envelope.mail_from,
                recipients=tuple(envelope.rcpt_tos),
                data=envelope.content,
                options=tuple(envelope.mail_options),
                user=session.auth_data,
            )
        )
        return "250 2.0.0 Ok: queued"


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A throw-away CA: `ca_file`, `server` (a context for 127.0.0.1) and `stranger` (one by nobody known)."""
    folder = tmp_path_factory.mktemp("authority")

    def issue(name, issuer=None, issuer_key=None):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        )
        if issuer is not None:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOCALHOST))])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(issuer_key or key, hashes.SHA256())
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / f"{name}.key").write_bytes(private)
        return subject, key

    def context(name):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
        return made

    for name in ("ours", "theirs"):
        issuer, key = issue(name)
        issue(f"{name}-server", issuer, key)
    return SimpleNamespace(
        ca_file=str(folder / "ours.pem"), server=context("ours-server"), stranger=context("theirs-server")
    )


@pytest.fixture
def open_sink(authority):
    """`open_sink("starttls" | "tls" | "none", stranger=False, **aiosmtpd's options)`: a running server."""
    opened = []

    def open_sink(security="starttls", *, stranger=False, **options):
        context = authority.stranger if stranger else authority.server
        clear = {"auth_require_tls": False}  # or, to aiosmtpd, TLS that began with the connection is none
        tls = {"starttls": {"tls_context": context}, "tls": {"implicit_tls": context, **clear}, "none": clear}[security]
        sink = Sink(enable_SMTPUTF8=options.pop("smtputf8", True), **tls, **options)
        opened.append(sink)
        sink.security = security
        return sink

    yield open_sink
    for sink in opened:
        sink.close()


@pytest.fixture
def settings_for(authority):
    """`settings_for(sink, **changes)`: a table `[channels.email]` that reaches it; a change to None leaves one out."""

    def settings_for(sink, **changes):
        table = {
            "host": LOCALHOST,
            "port": sink.port,
            "security": sink.security,
            "sender": "Shop <news@shop.example>",
            "unsubscribe_url": "https://shop.example/u",
            "connections": 1,
            "timeout": 5,
            "ca_file": authority.ca_file,
            **changes,
        }
        return {key: value for key, value in table.items() if value is not None}

    return settings_for


@pytest.fixture
def batch_of():
    """`batch_of("ann@example.com", …, parts={…}, **changes of the batch)`: a batch, and the addresses by handle."""

    def batch_of(*addresses, parts=None, fields=None, token="tok-{}", **changes):  # noqa: S107 (made up)
        rows = [
            Recipient(
                handle=f"h{number}",
                key=f"{number:064x}",
                content="plain",
                fields=fields or {"first_name": "Ann"},
                unsubscribe=token.format(number),
            )
            for number in range(len(addresses))
        ]
        content = Content(name="plain", parts=parts or {"subject": "Spring, {{ first_name }}", "text": TEXT})
        batch = Batch(
            id="b1",
            campaign=changes.get("campaign", "spring"),
            step="1",
            purpose=changes.get("purpose", "marketing.email"),
            contents={"plain": content},
            rows=rows,
            expires_us=NOW_US + 30_000_000,
        )
        return batch, {f"h{number}": RawId("email", address) for number, address in enumerate(addresses)}

    return batch_of


@pytest.fixture
def channel():
    return EmailChannel()


@pytest.fixture
def context_of():
    """`context_of(settings, **secrets)`."""

    def context_of(settings, **secrets):
        return ChannelContext(settings=settings, now_us=NOW_US, secrets=secrets)

    return context_of


@pytest.fixture
def deliver(channel, context_of):
    """`deliver(settings, batch_of(…), **secrets)`: delivers, and gives what became of each row, in order.

    The context is core's own; `deliver.handout` is the last one.
    """

    def deliver(settings, prepared, **secrets):
        batch, addresses = prepared
        deliver.handout = Handout(
            context_of(settings, **secrets),
            batch.rows,
            addresses,
            purpose=batch.purpose,
            granted=True,
            fresh=lambda: True,
        )
        report = channel.deliver(deliver.handout, batch)
        told = {row.key: row for row in report.rows}
        assert told == dict(deliver.handout.statuses)
        return [(told[row.key].status, told[row.key].code) for row in batch.rows]

    return deliver


@pytest.fixture(scope="session")
def dkim_key(tmp_path_factory):
    """A key pair: `path` of the private key's file, `public` key, and `dns`, which answers for its TXT record."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path_factory.mktemp("dkim") / "dkim.pem"
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)

    def dns(name, timeout=5):
        return record if name == b"s1._domainkey.shop.example." else None

    return SimpleNamespace(path=str(path), public=key.public_key(), dns=dns)


@pytest.fixture(scope="session")
def swaks():
    """The program swaks with TLS; a skip where it is missing, a failure under IMP_REQUIRE_PEERS."""
    program = shutil.which("swaks")
    if program:
        supported = subprocess.run([program, "--support"], capture_output=True, text=True, check=False, timeout=30)
        if "=== TLS supported" in supported.stdout + supported.stderr:
            return program
    reason = "no swaks with TLS: apt-get install swaks libnet-ssleay-perl"
    if os.environ.get("IMP_REQUIRE_PEERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def accepted():
    return (DeliveryStatus.ACCEPTED, "2.0.0")
