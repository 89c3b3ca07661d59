"""MIME (RFC 2045 to 2047): header fields folded, and texts as parts in seven bits.

The standard library folds the header fields. It would make the parts too, at 2 ms a message (measured: half of all the
time a message takes); there is so little to decide in ours that they are written here, and read again by the library in
the tests. Seven bits only: a server without 8BITMIME would have to rewrite the body and break its signature.
"""

from __future__ import annotations

import base64
import binascii
import re
from email import policy
from email.headerregistry import Address

from imp_channel_email.mailbox import Mailbox

__all__ = ["address_field", "alternative", "body_part", "printable", "subject_field"]

# What may not stand in a text: control characters but tab and line ends, and halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LINE_END = re.compile("\r\n|\r|\n")
_LONG_LINE = re.compile(rb"[^\r\n]{79}")
_CRLF = b"\r\n"
_ASCII = bytes(range(128))


def printable(text: str) -> str:
    """The text without what may not stand in one."""
    return _UNPRINTABLE.sub("", text)


def address_field(name: str, mailbox: Mailbox, display_name: str = "") -> bytes:
    """A header field that holds one address, such as From."""
    address = Address(display_name=display_name, username=mailbox.local, domain=mailbox.domain)
    return _folded(name, address)


def subject_field(text: str) -> bytes:
    """The field Subject; `text` is one line."""
    return _folded("Subject", text)


def body_part(text: str, kind: str) -> bytes:
    """A text as a part: its header fields, an empty line, its body. `kind` is text/plain or text/html."""
    data = _LINE_END.sub("\r\n", printable(text)).encode()
    if not data.endswith(_CRLF):
        data += _CRLF
    encoding, body = _encoded(data)
    head = f'Content-Type: {kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode("ascii") + body


def alternative(parts: list[bytes], boundary: str) -> bytes:
    """Parts as alternatives, the richest last; the boundary must be one that nobody who fills a field can guess."""
    line = f"--{boundary}".encode("ascii")
    head = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode("ascii")
    return head + b"".join(line + _CRLF + part + _CRLF for part in parts) + line + b"--\r\n"


def _encoded(data: bytes) -> tuple[str, bytes]:
    beyond = len(data.translate(None, _ASCII))
    if not beyond and not _LONG_LINE.search(data):
        return "7bit", data
    if beyond * 6 > len(data):  # where quoted-printable would be longer
        return "base64", base64.encodebytes(data).replace(b"\n", _CRLF)
    return "quoted-printable", binascii.b2a_qp(data, istext=True)


def _folded(name: str, value: object) -> bytes:
    made: str = policy.SMTP.header_factory(name, value).fold(policy=policy.SMTP)
    return made.encode("ascii")
