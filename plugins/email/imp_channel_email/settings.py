"""The channel's table `[channels.email]` in `imp.toml`, checked."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import urlsplit

from imp_channel_email.mailbox import Mailbox, parse_mailbox, parse_named
from imp_core.errors import BadInput

__all__ = ["MAX_CONNECTIONS", "WHERE", "Security", "Settings", "read_settings"]

MAX_CONNECTIONS = 8
WHERE: Final = "imp.toml [channels.email]"
_KNOWN: Final = (
    "host", "port", "security", "sender", "reply_to", "bounces", "unsubscribe_url", "unsubscribe_mailto", "imprint",
    "dkim_domain", "dkim_selector", "connections", "timeout", "ca_file",
)  # fmt: skip
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9a-fA-F:]+")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_URL = re.compile(r"[!-;=?-~]+")  # printable ASCII without < and >
_MAX_IMPRINT, _MAX_URL, _MAX_SECONDS = 2_000, 500, 300


class Security(StrEnum):
    """How the connection is protected: upgraded by STARTTLS, TLS from the first byte, or (loopback only) not at all."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


_PORTS: Final = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings as the rest of the channel takes them. `timeout` is in seconds, for each answer of the server.

    `bounces` is the envelope's sender, to which bounces come back. `dkim_domain` and `dkim_selector` are both set or
    both None.
    """

    host: str
    port: int
    security: Security
    sender_name: str
    sender: Mailbox
    reply_to: Mailbox | None
    bounces: Mailbox
    unsubscribe_url: str | None
    unsubscribe_mailto: Mailbox | None
    imprint: str | None
    dkim_domain: str | None
    dkim_selector: str | None
    connections: int
    timeout: float
    ca_file: Path | None


def read_settings(table: Mapping[str, object]) -> Settings:
    """Check every setting.

    Raises:
        BadInput: a setting is unknown, missing or not what it must be.
    """
    unknown = sorted(set(table) - set(_KNOWN))
    if unknown:
        raise BadInput(
            f"the channel knows no setting {unknown[0]!a}", where=WHERE, mend=f"it knows: {', '.join(_KNOWN)}"
        )
    host = _host(table)
    security = _security(table, host)
    name, sender = _sender(table)
    domain, selector = _dkim(table)
    return Settings(
        host=host,
        port=_whole(table, "port", _PORTS[security], 1, 65_535),
        security=security,
        sender_name=name,
        sender=sender,
        reply_to=_mailbox(table, "reply_to"),
        bounces=_mailbox(table, "bounces") or sender,
        unsubscribe_url=_url(table),
        unsubscribe_mailto=_mailbox(table, "unsubscribe_mailto"),
        imprint=_imprint(table),
        dkim_domain=domain,
        dkim_selector=selector,
        connections=_whole(table, "connections", 4, 1, MAX_CONNECTIONS),
        timeout=_seconds(table),
        ca_file=_file(table, "ca_file"),
    )


def _host(table: Mapping[str, object]) -> str:
    host = _text(table, "host")
    if host is None:
        _refuse("host", "is missing", mend='the name of your mail server: host = "smtp.shop.example"')
    if not _HOST.fullmatch(host):
        _refuse("host", "is not the name or the address of a host")
    return host


def _security(table: Mapping[str, object], host: str) -> Security:
    value = table.get("security", "starttls")
    if not isinstance(value, str) or value not in tuple(Security):
        _refuse("security", f"must be one of {', '.join(Security)}")
    security = Security(value)
    if security is Security.NONE and not _is_loopback(host):
        _refuse(
            "security",
            "may be none only for a server on this machine: addresses and credentials would travel in the clear",
            mend='security = "starttls" or "tls"',
        )
    return security


def _is_loopback(host: str) -> bool:
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _sender(table: Mapping[str, object]) -> tuple[str, Mailbox]:
    text = _text(table, "sender")
    if text is None:
        _refuse("sender", "is missing", mend='sender = "Shop <news@shop.example>"')
    try:
        name, sender = parse_named(text)
    except ValueError:
        _refuse("sender", "is not written like Shop <news@shop.example>")
    return name, _ascii(sender, "sender")


def _mailbox(table: Mapping[str, object], key: str) -> Mailbox | None:
    text = _text(table, key)
    if text is None:
        return None
    try:
        return _ascii(parse_mailbox(text), key)
    except ValueError:
        _refuse(key, "is not a mail address")


def _ascii(mailbox: Mailbox, key: str) -> Mailbox:
    # A sender with SMTPUTF8 could not write to most of the world's servers.
    if mailbox.needs_utf8:
        _refuse(key, "has characters before the @ that most mail servers do not take")
    return mailbox


def _url(table: Mapping[str, object]) -> str | None:
    url = _text(table, "unsubscribe_url")
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname) and not parts.fragment and parts.port != 0
    except ValueError:
        usable = False
    # RFC 8058 section 3.1: the List-Unsubscribe header must contain one HTTPS URI.
    if not usable or len(url) > _MAX_URL or not _URL.fullmatch(url):
        _refuse(
            "unsubscribe_url",
            "must be an https address in plain ASCII, without a fragment",
            mend='unsubscribe_url = "https://shop.example/u"',
        )
    return url


def _imprint(table: Mapping[str, object]) -> str | None:
    text = _text(table, "imprint", lines=True)
    if text is not None and len(text) > _MAX_IMPRINT:
        _refuse("imprint", f"is longer than {_MAX_IMPRINT} characters")
    return text


def _dkim(table: Mapping[str, object]) -> tuple[str | None, str | None]:
    domain, selector = _text(table, "dkim_domain"), _text(table, "dkim_selector")
    if (domain is None) != (selector is None):
        _refuse("dkim_domain and dkim_selector", "must both be set, or neither")
    for key, value in (("dkim_domain", domain), ("dkim_selector", selector)):
        if value is not None and not _NAME.fullmatch(value):
            _refuse(key, "is not a name of the DNS in ASCII")
    return domain, selector


def _file(table: Mapping[str, object], key: str) -> Path | None:
    text = _text(table, key)
    if text is None:
        return None
    path = Path(text)
    if not path.is_file():
        _refuse(key, "names no file")
    return path


def _text(table: Mapping[str, object], key: str, *, lines: bool = False) -> str | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        _refuse(key, "must be a text that is not empty")
    if not "".join(value.split("\n") if lines else [value]).isprintable():
        _refuse(key, "has characters that do not print")
    return value.strip()


def _whole(table: Mapping[str, object], key: str, default: int, least: int, most: int) -> int:
    value = table.get(key, default)
    if type(value) is not int or not least <= value <= most:
        _refuse(key, f"must be a whole number from {least} to {most}")
    return value


def _seconds(table: Mapping[str, object]) -> float:
    value = table.get("timeout", 30)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= _MAX_SECONDS:
        _refuse("timeout", f"must be seconds, more than 0 and at most {_MAX_SECONDS}")
    return float(value)


def _refuse(key: str, problem: str, *, mend: str | None = None) -> NoReturn:
    raise BadInput(f"{key} {problem}", where=WHERE, mend=mend)
