"""Host names and addresses, each in one spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imp_core.wall.words import masked

if TYPE_CHECKING:
    import ipaddress

__all__ = ["host_text", "is_literal", "normal_host", "shown_host"]

_MOST_SHOWN = 100


def host_text(name: object) -> str | None:
    """A host as it was asked for; None stands for this machine where it listens."""
    if isinstance(name, bytes | bytearray):
        name = bytes(name).decode("ascii", "replace")
    return None if name is None else normal_host(name)


def normal_host(host: object) -> str:
    """Small letters, no final dot, no brackets, IDNA; one spelling of an address."""
    text = str(host).strip().lower().rstrip(".").removeprefix("[").removesuffix("]")
    address = _address(text.partition("%")[0])
    if address is None:
        return text if text.isascii() else _idna(text)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def is_literal(host: str) -> bool:
    """Whether it is an address rather than a name."""
    return _address(host) is not None


def shown_host(host: str) -> str:
    """A host as it may be shown: it is a stranger's word too."""
    return masked("".join(char for char in host[:_MOST_SHOWN] if char.isprintable()))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    import ipaddress  # noqa: PLC0415 (`imp --help` asks for no host)

    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _idna(text: str) -> str:
    try:
        return text.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return text
