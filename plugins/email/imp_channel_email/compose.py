"""From a rendered message to the bytes that go over the wire.

Two steps, so that an address is needed only at the very end: `Composer.compose` makes everything but the recipient's
line, `Letter.addressed` puts that line in front and signs. Header fields with people's or authors' words (From,
Subject, Reply-To) are made by the standard library; the others are ASCII by construction and written as they are,
because the library folds a long address or URL into encoded words, which no receiver reads.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Final
from urllib.parse import quote

from imp_channel_email.faults import Unsendable
from imp_channel_email.mailbox import Mailbox
from imp_channel_email.settings import Settings
from imp_channel_email.sign import Signer
from imp_channel_email.template import Rendered
from imp_core.channel import Batch

__all__ = ["Composer", "Letter", "needs_link"]

# Seven bits only: a server without 8BITMIME would have to rewrite the body and break its signature.
_POLICY: Final = policy.SMTP.clone(cte_type="7bit")
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{1,400}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
# What may not stand in a text: control characters but tab and line ends, and halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_MAX_SUBJECT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message that lacks only its recipient."""

    data: bytes
    signer: Signer | None
    now_us: int

    def addressed(self, recipient: Mailbox) -> bytes:
        """The whole message, signed where there is a key."""
        data = f"To: {recipient.path}\r\n".encode() + self.data
        return data if self.signer is None else self.signer.sign(data, now_us=self.now_us)

    def __repr__(self) -> str:
        return "Letter(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """Makes the letters of one batch."""

    settings: Settings
    signer: Signer | None
    batch: Batch
    now_us: int

    def link(self, token: str) -> str:
        """The address that withdraws the purpose; empty where there is none and need be none.

        Raises:
            Unsendable: the purpose needs one, and settings or row lack it.
        """
        url = self.settings.unsubscribe_url
        if url is None or not token:
            if needs_link(self.batch.purpose):
                raise Unsendable("unsubscribe-missing")
            return ""
        if not _TOKEN.fullmatch(token):
            raise Unsendable("unsubscribe-token")
        return f"{url}{'&' if '?' in url else '?'}t={token}"

    def signed_off(self, rendered: Rendered) -> Rendered:
        """With the imprint at the end of each part."""
        imprint = self.settings.imprint
        if imprint is None:
            return rendered
        text = None if rendered.text is None else f"{rendered.text.rstrip()}\n\n-- \n{imprint}\n"
        html = None if rendered.html is None else _with_imprint(rendered.html, imprint)
        return replace(rendered, text=text, html=html)

    def compose(self, rendered: Rendered, *, key: str, link: str, token: str) -> Letter:
        """Put a message together: header fields, then text and HTML as alternatives.

        Raises:
            Unsendable: nothing is left of the subject.
        """
        message = EmailMessage(policy=_POLICY)
        message["From"] = _address(self.settings.sender, self.settings.sender_name)
        message["Subject"] = _subject(rendered.subject)
        if self.settings.reply_to:
            message["Reply-To"] = _address(self.settings.reply_to)
        _fill(message, rendered, key)
        head = "".join(f"{name}: {value}\r\n" for name, value in self._fields(key, link, token))
        return Letter(
            data=head.encode("ascii") + _LINE_END.sub(b"\r\n", message.as_bytes()),
            signer=self.signer,
            now_us=self.now_us,
        )

    def _fields(self, key: str, link: str, token: str) -> list[tuple[str, str]]:
        bulk = needs_link(self.batch.purpose)
        domain = self.settings.dkim_domain or self.settings.sender.domain
        fields = [
            # Python's own Message-ID would hold this machine's name, and another at every try.
            ("Message-ID", f"<{_digest('message', key)[:40]}@{domain}>"),
            ("Date", format_datetime(datetime.fromtimestamp(self.now_us // 1_000_000, UTC))),
            ("Auto-Submitted", "auto-generated"),  # RFC 3834: no answers by machines
        ]
        if bulk:
            fields.append(("Precedence", "bulk"))
        if link:
            # RFC 8058 section 3.1: one HTTPS URI, and the field that says that a POST to it is enough.
            fields.append(("List-Unsubscribe", f"<{link}>{self._mailto(token)}"))
            fields.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        if self.signer is not None:
            parts = (self.batch.campaign, self.batch.step, self.batch.purpose, domain[:15])
            fields.append(("Feedback-ID", ":".join(_plain(part) for part in parts)))
        return fields

    def _mailto(self, token: str) -> str:
        mailbox = self.settings.unsubscribe_mailto
        if mailbox is None:
            return ""
        return f",\r\n <mailto:{quote(mailbox.path, safe='@')}?subject=unsubscribe%20{token}>"


def needs_link(purpose: str) -> bool:
    """Whether messages for a purpose must offer a way out: all but what a contract needs (an order's receipt)."""
    return purpose != "essential" and not purpose.startswith("essential.")


def _fill(message: EmailMessage, rendered: Rendered, key: str) -> None:
    if rendered.text is not None:
        message.set_content(_printable(rendered.text))
    if rendered.html is None:
        return
    if rendered.text is None:
        message.set_content(_printable(rendered.html), subtype="html")
    else:
        message.add_alternative(_printable(rendered.html), subtype="html")
        message.set_boundary(f"=={_digest('boundary', key)[:24]}==")  # nobody who fills a field can guess it


def _digest(use: str, key: str) -> str:
    return hashlib.sha256(f"imp {use} {key}".encode()).hexdigest()


def _address(mailbox: Mailbox, name: str = "") -> Address:
    return Address(display_name=name, username=mailbox.local, domain=mailbox.domain)


def _subject(text: str) -> str:
    # One line whatever a field holds: the white space that would begin a new header field is a blank here.
    subject = " ".join(_printable(text).split())[:_MAX_SUBJECT]
    if not subject:
        raise Unsendable("subject-empty")
    return subject


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("", text)


def _with_imprint(html: str, imprint: str) -> str:
    footer = f"<p>{escape(imprint).replace(chr(10), '<br>')}</p>\n"
    ends = list(_BODY_END.finditer(html))
    at = ends[-1].start() if ends else len(html)
    return html[:at] + footer + html[at:]


def _plain(text: str) -> str:
    # A campaign may be named in any script; a report's column cannot.
    plain = _NOT_PLAIN.sub("", text)[:30]
    return plain if plain == text else hashlib.sha256(text.encode()).hexdigest()[:12]
