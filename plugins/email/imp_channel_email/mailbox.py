"""A mail address in the form SMTP takes, without ever showing it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, final

import idna

__all__ = ["Mailbox", "parse_mailbox", "parse_named"]

_MAX_LOCAL, _MAX_DOMAIN = 64, 253  # octets, RFC 5321 section 4.5.3.1
_ATEXT: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~")
_DOMAIN = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_NAMED = re.compile(r"\s*(?:\"(?P<quoted>[^\"\\<>]*)\"|(?P<plain>[^\"<>]*?))\s*<(?P<address>[^<>]*)>\s*")


@final
class Mailbox:
    """A mail address: local part, and domain in A-labels (RFC 5890). Not a dataclass, so that nothing spells it out."""

    __slots__ = ("domain", "local")

    def __init__(self, local: str, domain: str) -> None:
        self.local = local
        self.domain = domain

    @property
    def path(self) -> str:
        """The address itself, as it stands between angle brackets in MAIL and RCPT."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_utf8(self) -> bool:
        """Whether only a server with SMTPUTF8 (RFC 6531) takes it: a local part has no ASCII form."""
        return not self.local.isascii()

    def __repr__(self) -> str:
        return "Mailbox(***)"


def parse_mailbox(text: str) -> Mailbox:
    """Read `local@domain`; an international domain becomes its A-labels.

    Raises:
        ValueError: it is no address that mail goes to. The text is not repeated, here or in a chained exception.
    """
    local, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    if not at or not _is_dot_atom(local):
        raise ValueError("not a mail address")
    if not _DOMAIN.fullmatch(domain):
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise ValueError("not a mail address") from None
    if len(domain) > _MAX_DOMAIN or not _DOMAIN.fullmatch(domain):
        raise ValueError("not a mail address")
    return Mailbox(local, domain)


def parse_named(text: str) -> tuple[str, Mailbox]:
    """Read `Name <local@domain>`, `"Name" <local@domain>` or `local@domain`: the name (may be empty) and the address.

    Raises:
        ValueError: it is not so, or the name has characters that do not print.
    """
    match = _NAMED.fullmatch(text)
    if match is None:
        return "", parse_mailbox(text)
    name = match["quoted"] if match["quoted"] is not None else match["plain"]
    if not name.isprintable():
        raise ValueError("not a name")
    return name, parse_mailbox(match["address"])


def _is_dot_atom(local: str) -> bool:
    # RFC 5322 section 3.2.3, with RFC 6532's characters; quoted local parts are nobody's but spammers'.
    try:
        if not 0 < len(local.encode()) <= _MAX_LOCAL:
            return False
    except UnicodeEncodeError:
        return False
    return all(atom and all(_is_atext(char) for char in atom) for atom in local.split("."))


def _is_atext(char: str) -> bool:
    return char in _ATEXT or (not char.isascii() and char.isprintable() and not char.isspace())
