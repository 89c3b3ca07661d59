"""What a report says: bounces (RFC 3464, international ones RFC 6533) and complaints (ARF, RFC 5965). Pure.

Anybody can write to the mailbox that bounces go to. So a report is only ever a reason to write less.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from datetime import UTC
from email import policy
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from typing import Final

from imp_channel_email.mailbox import parse_mailbox
from imp_core.event import RawId, RowFault, Signal, SignalKind

__all__ = ["read_report"]

_STATUS_TYPES: Final = frozenset(("message/delivery-status", "message/global-delivery-status"))
_FEEDBACK_TYPE: Final = "message/feedback-report"
# Not "not-spam", nor what machines say of other machines (auth-failure, dmarc, virus).
_COMPLAINTS: Final = frozenset(("abuse", "fraud", "opt-out", "opt-out-list", "other"))
_PERMANENT = re.compile(r"5\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])")
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")  # RFC 6533 section 3
_BLANK = re.compile(rb"\r?\n(?:[ \t]*\r?\n)+")
_LINE_END = re.compile(rb"\r\n|\r")
_MAX_RECIPIENTS = 10_000
_MICROSECONDS = 1_000_000
_MALFORMED: Final = "the report is malformed"


def read_report(data: bytes, *, row: int, now_us: int) -> Iterator[Signal | RowFault]:
    """The signals of one message; nothing where it is no report, or one of delays and successes.

    What is malformed yields faults that name the message's number and never a word of it.
    """
    try:
        yield from list(_signals(data, row, now_us))
    except Exception:  # noqa: BLE001 (the library's parser raises whatever it stumbles over, on what strangers wrote)
        yield RowFault(row=row, field="message", problem=_MALFORMED)


def _signals(data: bytes, row: int, now_us: int) -> Iterator[Signal | RowFault]:
    # compat32 keeps fields as they are; the modern policies parse every one, and break on malformed ones.
    message = email.message_from_bytes(_LINE_END.sub(b"\n", data), policy=policy.compat32)
    if message.get_content_type() != "multipart/report":
        return
    kind = str(message.get_param("report-type", "")).lower()
    parts = [part for part in message.walk() if part is not message]
    if kind == "delivery-status":
        statuses = [part for part in parts if part.get_content_type() in _STATUS_TYPES]
        yield from _bounces(statuses, message, row, now_us)
    elif kind == "feedback-report":
        feedback = [part for part in parts if part.get_content_type() == _FEEDBACK_TYPE]
        yield from _complaints(feedback, message, row, now_us)


def _bounces(parts: list[Message], message: Message, row: int, now_us: int) -> Iterator[Signal | RowFault]:
    groups = _groups(parts[0]) if parts else []
    if len(groups) < 2:  # noqa: PLR2004 (RFC 3464 section 2.1: fields of the message, then of each recipient)
        yield RowFault(row=row, field="delivery-status", problem="the report names no recipient")
        return
    for group in groups[1:][:_MAX_RECIPIENTS]:
        if _field(group, "Action").lower() != "failed" or not _PERMANENT.match(_field(group, "Status")):
            continue
        recipient = _recipient(group, "Original-Recipient") or _recipient(group, "Final-Recipient")
        dates = (_field(group, "Last-Attempt-Date"), _field(groups[0], "Arrival-Date"), _field(message, "Date"))
        yield _signal(SignalKind.BOUNCE, recipient, "recipient", _time(dates, now_us), row)


def _complaints(parts: list[Message], message: Message, row: int, now_us: int) -> Iterator[Signal | RowFault]:
    groups = _groups(parts[0]) if parts else []
    if not groups or not _field(groups[0], "Feedback-Type"):
        yield RowFault(row=row, field="feedback-report", problem="the report says nothing")
        return
    group = groups[0]
    if _field(group, "Feedback-Type").lower() not in _COMPLAINTS:
        return
    named = [str(value) for value in group.get_all("Original-Rcpt-To", [])][:_MAX_RECIPIENTS]
    if not named:
        yield RowFault(row=row, field="Original-Rcpt-To", problem="the complaint does not say whose it is")
    when = _time((_field(group, "Received-Date"), _field(group, "Arrival-Date"), _field(message, "Date")), now_us)
    for value in named:
        yield _signal(SignalKind.COMPLAINT, _mailbox(value), "Original-Rcpt-To", when, row)


def _signal(kind: SignalKind, address: str | None, field: str, event_us: int, row: int) -> Signal | RowFault:
    if address is None:
        return RowFault(row=row, field=field, problem="not a mail address")
    return Signal(kind=kind, identifier=RawId("email", address), event_us=event_us, channel="email", row=row)


def _groups(part: Message) -> list[Message]:
    # The library knows one of these types and takes the others for a message, or for text: so, from the bytes.
    body = part.as_bytes(policy=policy.compat32).partition(b"\n\n")[2]
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding in ("base64", "quoted-printable"):
        holder = Message()
        holder["Content-Transfer-Encoding"] = encoding
        holder.set_payload(body)
        decoded = holder.get_payload(decode=True)
        body = decoded if isinstance(decoded, bytes) else b""
    parser = BytesHeaderParser(policy=policy.compat32)
    blocks = _BLANK.split(_LINE_END.sub(b"\n", body).strip())
    return [group for block in blocks if (group := parser.parsebytes(block)).items()]


def _field(group: Message, name: str) -> str:
    value = group.get(name)
    return "" if value is None else _decoded(str(value)).strip()


def _decoded(text: str) -> str:
    # compat32 keeps bytes beyond ASCII as lone surrogates; in these fields they are UTF-8 (RFC 6533).
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _recipient(group: Message, name: str) -> str | None:
    kind, semicolon, value = _field(group, name).partition(";")
    if not semicolon or kind.strip().lower() not in ("rfc822", "utf-8"):
        return None
    return _mailbox(_HEX.sub(lambda match: chr(int(match[1], 16)), value))


def _mailbox(text: str) -> str | None:
    value = text.strip()
    if value.startswith("<") and value.endswith(">"):
        value = value[1:-1]
    try:
        return parse_mailbox(value).path
    except ValueError:
        return None


def _time(dates: tuple[str, ...], now_us: int) -> int:
    for date in dates:
        try:
            moment = parsedate_to_datetime(date)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            found = round(moment.timestamp()) * _MICROSECONDS
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        if found >= 0:
            return min(found, now_us)
    return now_us
