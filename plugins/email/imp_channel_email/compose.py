"""From a rendered message to the bytes that go over the wire.

Two steps, so that an address is needed only at the very end: `Composer.compose` makes everything but the recipient's
line, `Letter.addressed` puts that line in front and signs. Header fields with people's or authors' words (From,
Subject, Reply-To) are folded by the standard library; the others are ASCII by construction and written as they are,
because the library folds a long address or URL into encoded words, which no receiver reads.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cached_property
from html import escape
from urllib.parse import quote

from imp_channel_email.faults import Unsendable
from imp_channel_email.mailbox import Mailbox
from imp_channel_email.mime import address_field, alternative, body_part, printable, subject_field
from imp_channel_email.settings import Settings
from imp_channel_email.sign import Signer
from imp_channel_email.template import Rendered
from imp_core.channel import Batch

__all__ = ["Composer", "Letter", "needs_link"]

_TOKEN = re.compile(r"[A-Za-z0-9._~-]{1,400}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
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


@dataclass(frozen=True, kw_only=True)  # without slots, which leave no place for what is made once
class Composer:
    """Makes the letters of one batch."""

    settings: Settings
    signer: Signer | None
    batch: Batch
    now_us: int
    _subjects: dict[str, bytes] = field(default_factory=dict, init=False, repr=False)

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
        fields = "".join(f"{name}: {value}\r\n" for name, value in self._fields(key, link, token))
        data = (self._sender, self._subject(rendered.subject), fields.encode("ascii"), _body(rendered, key))
        return Letter(data=b"".join(data), signer=self.signer, now_us=self.now_us)

    def _subject(self, text: str) -> bytes:
        # One line whatever a field holds: the white space that would begin a new header field is a blank here.
        subject = " ".join(printable(text).split())[:_MAX_SUBJECT]
        if not subject:
            raise Unsendable("subject-empty")
        if subject not in self._subjects:  # most of a batch's are alike, and folding takes longest of all
            self._subjects[subject] = subject_field(subject)
        return self._subjects[subject]

    @cached_property
    def _sender(self) -> bytes:
        settings = self.settings
        reply_to = b"" if settings.reply_to is None else address_field("Reply-To", settings.reply_to)
        return address_field("From", settings.sender, settings.sender_name) + reply_to

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


def _body(rendered: Rendered, key: str) -> bytes:
    kinds = ((rendered.text, "text/plain"), (rendered.html, "text/html"))
    parts = [body_part(text, kind) for text, kind in kinds if text is not None]
    return b"MIME-Version: 1.0\r\n" + (
        parts[0] if len(parts) == 1 else alternative(parts, f"=={_digest('boundary', key)[:24]}==")
    )


def _digest(use: str, key: str) -> str:
    return hashlib.sha256(f"imp {use} {key}".encode()).hexdigest()


def _with_imprint(html: str, imprint: str) -> str:
    footer = f"<p>{escape(imprint).replace(chr(10), '<br>')}</p>\n"
    ends = list(_BODY_END.finditer(html))
    at = ends[-1].start() if ends else len(html)
    return html[:at] + footer + html[at:]


def _plain(text: str) -> str:
    # A campaign may be named in any script; a report's column cannot.
    plain = _NOT_PLAIN.sub("", text)[:30]
    return plain if plain == text else hashlib.sha256(text.encode()).hexdigest()[:12]
