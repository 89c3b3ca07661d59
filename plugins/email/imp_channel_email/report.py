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

# The library takes apart what is message/* as if it were a message; as text these parts are left as they are.
_TYPES = re.compile(
    rb"^(content-type:\s*)message/(delivery-status|global-delivery-status|feedback-report)\b", re.I | re.M
)
_STATUS_TYPES: Final = frozenset(("text/x-delivery-status", "text/x-global-delivery-status"))
_FEEDBACK_TYPE: Final = "text/x-feedback-report"
# Not "not-spam", nor what machines say of other machines (auth-failure, dmarc, virus).
_COMPLAINTS: Final = frozenset(("abuse", "fraud", "opt-out", "opt-out-list", "other"))
_PERMANENT = re.compile(r"5\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])")
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")  # RFC 6533 section 3
_BLANK = re.compile(rb"\n(?:[ \t]*\n)+")
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
    plain = _TYPES.sub(rb"\1text/x-\2", _LINE_END.sub(b"\n", data))
    message = email.message_from_bytes(plain, policy=policy.compat32)
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
    # Fields of the message come first, then of each recipient (RFC 3464 section 2.1); some forget the line between.
    people = [group for group in groups if _field(group, "action")]
    if not people:
        yield RowFault(row=row, field="delivery-status", problem="the report names no recipient")
    for group in people[:_MAX_RECIPIENTS]:
        if _word(group, "action") != "failed" or not _PERMANENT.match(_field(group, "status")):
            continue
        recipient = _recipient(group, "original-recipient") or _recipient(group, "final-recipient")
        dates = (_field(group, "last-attempt-date"), _field(groups[0], "arrival-date"), _field(message, "date"))
        yield _signal(SignalKind.BOUNCE, recipient, "recipient", _time(dates, now_us), row)


def _complaints(parts: list[Message], message: Message, row: int, now_us: int) -> Iterator[Signal | RowFault]:
    groups = _groups(parts[0]) if parts else []
    if not groups or not _word(groups[0], "feedback-type"):
        yield RowFault(row=row, field="feedback-report", problem="the report says nothing")
        return
    group = groups[0]
    if _word(group, "feedback-type") not in _COMPLAINTS:
        return
    named = _fields(group, "original-rcpt-to")[:_MAX_RECIPIENTS]
    if not named:
        yield RowFault(row=row, field="Original-Rcpt-To", problem="the complaint does not say whose it is")
    when = _time((_field(group, "received-date"), _field(group, "arrival-date"), _field(message, "date")), now_us)
    for value in named:
        yield _signal(SignalKind.COMPLAINT, _mailbox(value), "Original-Rcpt-To", when, row)


def _signal(kind: SignalKind, address: str | None, field: str, event_us: int, row: int) -> Signal | RowFault:
    if address is None:
        return RowFault(row=row, field=field, problem="not a mail address")
    return Signal(kind=kind, identifier=RawId("email", address), event_us=event_us, channel="email", row=row)


def _groups(part: Message) -> list[Message]:
    body = part.get_payload(decode=True)
    parser = BytesHeaderParser(policy=policy.compat32)
    blocks = _BLANK.split(_LINE_END.sub(b"\n", body).strip()) if isinstance(body, bytes) else []
    return [group for block in blocks if (group := parser.parsebytes(block)).items()]


def _fields(group: Message, name: str) -> list[str]:
    # As they came: bytes beyond ASCII are lone surrogates here, and in these fields they are UTF-8 (RFC 6533).
    found = [str(value) for key, value in group.raw_items() if key.lower() == name]
    return [value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip() for value in found]


def _field(group: Message, name: str) -> str:
    return next(iter(_fields(group, name)), "")


def _word(group: Message, name: str) -> str:
    return _field(group, name).partition("(")[0].strip().lower()


def _recipient(group: Message, name: str) -> str | None:
    kind, semicolon, value = _field(group, name).partition(";")
    if not semicolon or kind.partition("(")[0].strip().lower() not in ("rfc822", "utf-8"):
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
