"""One-click unsubscription (RFC 8058): what a request to the address in List-Unsubscribe asks for.

POST /u?t=TOKEN   List-Unsubscribe=One-Click   ──▶  Click(token): withdraw, with no login, cookie or further step
GET  /u?t=TOKEN                                ──▶  Page(token): show a button; a link that is merely followed,
                                                    as mail scanners do, changes nothing (RFC 8058 §1)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

from imp_core.errors import BadInput

__all__ = ["BODY", "Click", "Page", "format_one_click", "parse_one_click"]

_NAME: Final = "List-Unsubscribe"
_VALUE: Final = "One-Click"
BODY: Final = f"{_NAME}={_VALUE}"
_PARAMETER: Final = "t"
_MAX_BODY: Final = 10_000
_MAX_FIELDS: Final = 20


@dataclass(frozen=True, slots=True)
class Click:
    """A request that withdraws what the token says."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """A request that may be shown a page with a button, and changes nothing."""

    token: str = field(repr=False)


def format_one_click() -> tuple[str, bytes]:
    """The content type and the body that a mail program posts (RFC 8058 §3.1)."""
    return "application/x-www-form-urlencoded", BODY.encode()


def parse_one_click(method: str, target: str, *, content_type: str = "", body: bytes = b"") -> Click | Page:
    """What a request asks for. Cookies, credentials and further fields are not looked at.

    Raises:
        BadInput: it holds no token, is of another method, or a POST without the one field. Nothing of it is repeated.
    """
    token = _token(target)
    if method in ("GET", "HEAD"):
        return Page(token)
    if method != "POST":
        raise BadInput(
            "neither a GET nor a POST", where="method", mend="name the method of the request that came: GET or POST"
        )
    if (_NAME.lower(), _VALUE.lower()) not in [
        (name.lower(), value.lower()) for name, value in _fields(content_type, body)
    ]:
        raise BadInput("a POST that does not say List-Unsubscribe=One-Click", where="body", mend=f"its body is {BODY}")
    return Click(token)


def _token(target: str) -> str:
    try:
        found = parse_qs(urlsplit(target).query, max_num_fields=_MAX_FIELDS).get(_PARAMETER, [])
    except ValueError:
        found = []
    if len(found) != 1:
        raise BadInput("a link without one token in it: …?t=TOKEN", where="target", mend="copy the whole link")
    return found[0]


def _fields(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """The fields of a form in either of its two types (RFC 8058 §3.2); none where they cannot be read."""
    if len(body) > _MAX_BODY:
        return []
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _parts(content_type, body)
    try:
        return parse_qsl(body.decode("ascii").strip(), max_num_fields=_MAX_FIELDS)
    except ValueError:
        return []


def _parts(content_type: str, body: bytes) -> list[tuple[str, str]]:
    try:
        head = f"Content-Type: {content_type}\r\n\r\n".encode("ascii")
        message = message_from_bytes(head + body, policy=policy.compat32)
        return [
            (str(part.get_param("name", "", "content-disposition")), str(part.get_payload()).strip())
            for part in message.walk()
            if part is not message and not part.is_multipart()
        ]
    except Exception:  # noqa: BLE001 (the library's parser raises whatever it stumbles over, on what strangers sent)
        return []
