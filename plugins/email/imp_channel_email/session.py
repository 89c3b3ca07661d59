"""One connection to the mail server: opened, secured, logged in, and used for one transaction after the other.

smtplib's exceptions hold recipients and the server's words, so none of them gets out of this file, chained or not.
"""

from __future__ import annotations

import base64
import contextlib
import re
import smtplib
import socket
import ssl
from typing import Final

from imp_channel_email.faults import ConnectionLost, NotTaken, Unsendable
from imp_channel_email.mailbox import Mailbox
from imp_channel_email.reply import Reply, Stage, Verdict, judge
from imp_channel_email.settings import Security
from imp_channel_email.setup import Setup
from imp_core.channel import AuthInvalid, RateLimited, Retryable

__all__ = ["ADVICE", "Session"]

_LINE_DOT = re.compile(rb"(?m)^\.")
_FAULTS: Final = (OSError, smtplib.SMTPException, ValueError)
_CODES: Final = (
    (socket.gaierror, "host-unknown"),
    (TimeoutError, "timeout"),
    (ConnectionRefusedError, "connection-refused"),
    (ssl.SSLError, "tls-failed"),
)
ADVICE: Final = {
    "auth-missing": "the server offers neither AUTH PLAIN nor AUTH LOGIN: see its manual, and try another port",
    "connection-lost": "the server closed the connection: is it a mail server, and is security right for this port?",
    "connection-refused": "nothing answers there: look at host and port",
    "host-unknown": "no such host is known: look at host",
    "starttls-missing": 'the server offers no STARTTLS: try security = "tls", or another port',
    "timeout": "no answer in time: look at host and port, and at what stands between",
    "tls-certificate": "the server's certificate is not trusted for this host: look at host, and at ca_file",
    "tls-failed": "TLS could not be agreed on: is security right for this port?",
}
_LOST: Final = "connection-lost"
_CREDENTIALS: Final = "set IMP_EMAIL_USERNAME and IMP_EMAIL_PASSWORD to what the mail server knows"


class Session:
    """An open connection; use `Session.open`, and `close` it."""

    def __init__(self, smtp: smtplib.SMTP) -> None:
        self._smtp = smtp

    @classmethod
    def open(cls, setup: Setup) -> Session:
        """Connect, secure the connection as the settings say, and log in if there are credentials.

        Raises:
            AuthInvalid: the certificate is not trusted, TLS is not offered, or the credentials are not accepted.
            Retryable: there is no connection to be had now.
        """
        smtp = _connect(setup)
        try:
            _greet(smtp, setup)
            if setup.username is not None:
                _log_in(smtp, setup.username, setup.password)
        except BaseException:
            smtp.close()
            raise
        return cls(smtp)

    @property
    def closed(self) -> bool:
        """Whether the connection was closed; a server that closed it is noticed at the next exchange."""
        return self._smtp.sock is None

    @property
    def protection(self) -> str:
        """How the connection is protected, in words."""
        return self._smtp.sock.version() or "TLS" if isinstance(self._smtp.sock, ssl.SSLSocket) else "in the clear"

    def send(self, sender: Mailbox, recipient: Mailbox, message: bytes) -> str:
        """One transaction: the code with which the server took the message.

        Raises:
            Unsendable: only a server with SMTPUTF8 takes this address, and this one is none.
            NotTaken: the server did not take it; the session is ready for the next one.
            ConnectionLost: there was no answer; the session is closed.
        """
        options = ""
        if recipient.needs_utf8:
            if not self._smtp.has_extn("smtputf8"):
                raise Unsendable("smtputf8-missing")
            options = " SMTPUTF8"
        self._ask(Stage.MAIL, f"MAIL FROM:<{sender.path}>{options}")
        self._ask(Stage.RCPT, f"RCPT TO:<{recipient.path}>")
        self._ask(Stage.DATA, "DATA")
        return self._data(message)

    def noop(self) -> None:
        """Ask the server whether it is still there.

        Raises:
            ConnectionLost: it is not, or says so.
        """
        if judge(Stage.RCPT, self._exchange(b"NOOP\r\n")) is not Verdict.GO_ON:
            raise ConnectionLost(taken=False)

    def close(self) -> None:
        """Say goodbye, as far as anybody listens."""
        with contextlib.suppress(*_FAULTS):
            self._smtp.quit()
        self._smtp.close()

    def _ask(self, stage: Stage, command: str) -> None:
        reply = self._exchange(f"{command}\r\n".encode())
        self._judge(stage, reply)

    def _data(self, message: bytes) -> str:
        # The end is sent apart: until it is, whatever breaks, there is no whole message (RFC 5321 section 4.1.1.4).
        self._put(_LINE_DOT.sub(b"..", message), taken=False)
        reply = self._exchange(b".\r\n", taken=True)
        if reply.number // 100 not in (2, 4, 5):  # no answer at all in SMTP's sense
            self._drop()
            raise ConnectionLost(taken=True)
        self._judge(Stage.END, reply)
        return reply.code

    def _judge(self, stage: Stage, reply: Reply) -> None:
        verdict = judge(stage, reply)
        if verdict is Verdict.GO_ON:
            return
        if verdict in (Verdict.LIMITED, Verdict.BROKEN):
            self._drop()
        elif stage is not Stage.END:
            # Otherwise the next MAIL would be out of sequence. What breaks here, the next transaction finds broken.
            with contextlib.suppress(ConnectionLost):
                self._exchange(b"RSET\r\n")
        raise NotTaken(verdict, reply.code)

    def _exchange(self, line: bytes, *, taken: bool = False) -> Reply:
        self._put(line, taken=taken)
        try:
            number, text = self._smtp.getreply()
        except _FAULTS:
            self._drop()
            raise ConnectionLost(taken=taken) from None
        return Reply.read(number, text)

    def _put(self, data: bytes, *, taken: bool) -> None:
        try:
            self._smtp.send(data)
        except _FAULTS:
            self._drop()
            raise ConnectionLost(taken=taken) from None

    def _drop(self) -> None:
        with contextlib.suppress(*_FAULTS):
            self._smtp.close()


def _connect(setup: Setup) -> smtplib.SMTP:
    settings = setup.settings
    # Named: smtplib would ask the DNS for this machine's name, and tell it to the server.
    name, timeout = settings.sender.domain, settings.timeout
    try:
        if settings.security is Security.TLS:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, local_hostname=name, timeout=timeout, context=setup.tls
            )
        else:
            smtp = smtplib.SMTP(settings.host, settings.port, local_hostname=name, timeout=timeout)
    except _FAULTS as error:
        raise _failed(error) from None
    # The end of a message is a packet of its own: without this it would wait for the one before to be acknowledged.
    if smtp.sock is not None:
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return smtp


def _greet(smtp: smtplib.SMTP, setup: Setup) -> None:
    try:
        smtp.ehlo_or_helo_if_needed()
        if setup.settings.security is Security.STARTTLS:
            if not smtp.has_extn("starttls"):
                raise AuthInvalid("starttls-missing", mend=ADVICE["starttls-missing"])
            number, text = smtp.starttls(context=setup.tls)
            if number != 220:  # noqa: PLR2004 (RFC 3207 section 4)
                raise _refused(Reply.read(number, text))
            smtp.ehlo_or_helo_if_needed()
    except _FAULTS as error:
        raise _failed(error) from None


def _log_in(smtp: smtplib.SMTP, username: str, password: str) -> None:
    # Not smtplib's login: it takes no password beyond ASCII, and its exceptions hold the server's words.
    offered = smtp.esmtp_features.get("auth", "").upper().split()
    try:
        if "PLAIN" in offered:  # RFC 4616
            number, text = smtp.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{username}{chr(0)}{password}')}")
        elif "LOGIN" in offered:
            number, text = smtp.docmd("AUTH", f"LOGIN {_base64(username)}")
            if number == 334:  # noqa: PLR2004 (RFC 4954 section 4: go on)
                number, text = smtp.docmd(_base64(password))
        else:
            raise AuthInvalid("auth-missing", mend=ADVICE["auth-missing"])
    except _FAULTS as error:
        raise _failed(error) from None
    reply = Reply.read(number, text)
    if number // 100 == 2:  # noqa: PLR2004 (RFC 5321 section 4.2.1)
        return
    if number // 100 == 4:  # noqa: PLR2004 (RFC 4954 section 6: 454 is temporary)
        raise _refused(reply)
    raise AuthInvalid(reply.code, mend=_CREDENTIALS)


def _failed(error: Exception) -> AuthInvalid | Retryable:
    if isinstance(error, ssl.SSLCertVerificationError):
        # Never again without TLS: whoever breaks it wants just that.
        return AuthInvalid("tls-certificate", mend=ADVICE["tls-certificate"])
    if isinstance(error, smtplib.SMTPResponseException):
        return _refused(Reply.read(error.smtp_code, _bytes(error.smtp_error)))
    causes = (error, error.__context__)  # smtplib's own exceptions hide what they came from
    return Retryable(next((code for kind, code in _CODES if any(isinstance(c, kind) for c in causes)), _LOST))


def _refused(reply: Reply) -> Retryable | AuthInvalid:
    if judge(Stage.RCPT, reply) is Verdict.LIMITED:
        return RateLimited(reply.code)
    if reply.number // 100 == 5:  # noqa: PLR2004 (RFC 5321 section 4.2.1)
        return AuthInvalid(reply.code, mend="the server does not serve this machine: see its manual")
    return Retryable(reply.code)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("ascii", "replace")
