"""Global Privacy Control: the header field `Sec-GPC` (W3C GPC, section "The Sec-GPC Header Field for HTTP Requests").

Its value is the one character "1". A request with another value counts as one without the field; a request without it
says nothing, and never that somebody no longer objects.

    parse_gpc(format_gpc())  ──▶  True
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from imp_consent.signals.decode import Decoders, Undecodable
from imp_core.ports import Json

__all__ = ["DECODERS", "GPC", "HEADER", "GpcDecoder", "format_gpc", "parse_gpc"]

HEADER: Final = "Sec-GPC"
# The opt-out it stands for, by the name that regimes' signal_traits give it.
GPC: Final = "gpc"
_VALUE: Final = "1"


def format_gpc() -> str:
    """The only value the field has."""
    return _VALUE


def parse_gpc(value: str | None) -> bool:
    """Whether a field's value (None: the field is absent) asks for no sale and no sharing. Everything else does not.

    White space around it is the HTTP parser's to take off (RFC 9110 §5.5), and is not forgiven here.
    """
    return value == _VALUE


class GpcDecoder:
    """Reads the field's value."""

    name: Final = "gpc"
    version: Final = "1"

    def decode(self, raw: str) -> tuple[Mapping[str, Json], frozenset[str]]:
        """What it says.

        Raises:
            Undecodable: it is not "1".
        """
        if not parse_gpc(raw):
            raise Undecodable("not the value 1", where=HEADER)
        return {"gpc": True}, frozenset({GPC})


# What is read today: TC and GPP strings are kept, and say nothing.
DECODERS: Final = Decoders({GPC: GpcDecoder()})
