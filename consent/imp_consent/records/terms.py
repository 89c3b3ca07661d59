r"""The purposes and notices that records refer to, so that another workspace can take them over word for word.

    {"format":"imp-terms/1","notices":["{…}"],"purposes":"format = …"}

Both lie in it as the canonical text that the ledger keeps by hash: the SHA-256 of a notice's text here is the hash that
grants name, and an auditor reproduces from it exactly what a person was shown (GDPR 7(1)).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from imp_consent.ledger.reader import Reader
from imp_consent.policy.notice import Notice, parse_notice, read_notices
from imp_consent.policy.purpose import format_purposes, parse_purposes, purposes_over_time, read_purposes
from imp_core.errors import BadInput, LedgerBroken
from imp_core.gate import Purpose

__all__ = ["Terms", "format_terms", "parse_terms", "read_terms"]

_FORMAT: Final = "imp-terms/1"
_FIELDS: Final = {"format", "notices", "purposes"}
_WHERE: Final = "terms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Purposes by name, notices by SHA-256 (oldest first) and their canonical texts.

    `set_at` are the purposes as they were set, each from an entry of the ledger on, oldest first; a document has none.
    """

    purposes: Mapping[str, Purpose] = field(default_factory=dict)
    notices: Mapping[str, Notice] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    set_at: Sequence[tuple[int, Mapping[str, Purpose]]] = field(default=(), compare=False, repr=False)

    def purposes_at(self, seq: int | None) -> Mapping[str, Purpose]:
        """The purposes as they were when an entry was recorded; none where that is not known."""
        return next((named for since, named in reversed(self.set_at) if seq is not None and since < seq), {})

    def notice_of(self, purpose: str) -> str | None:
        """The hash of the newest notice that names a purpose; for every purpose, of the newest."""
        named = (key for key, found in self.notices.items() if purpose == "*" or purpose in found.purposes)
        return next(reversed(list(named)), None)


def read_terms(reader: Reader) -> Terms:
    """The terms of a ledger.

    Raises:
        LedgerBroken: a document is missing, changed or malformed.
    """
    found = read_notices(reader)
    return Terms(
        purposes=read_purposes(reader),
        set_at=purposes_over_time(reader),
        notices={item.sha256: item.notice for item in found},
        texts={item.sha256: reader.notice(item.sha256).decode() for item in found},
    )


def format_terms(terms: Terms) -> bytes:
    """The document, which ends with a line's end; equal terms give equal bytes."""
    document = {
        "format": _FORMAT,
        "notices": list(terms.texts.values()),
        "purposes": format_purposes(terms.purposes.values()).decode(),
    }
    return (json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n").encode()


def parse_terms(data: bytes) -> Terms:
    """Read `format_terms`.

    Raises:
        BadInput: it is not such a document.
    """
    try:
        document = json.loads(data.decode())
        if not isinstance(document, dict) or set(document) != _FIELDS or document["format"] != _FORMAT:
            raise BadInput("not a document of purposes and notices", where=_WHERE)
        texts = [text.encode() for text in document["notices"]]
        notices = {hashlib.sha256(text).hexdigest(): parse_notice(text) for text in texts}
        purposes = parse_purposes(document["purposes"].encode())
    except LedgerBroken as error:
        raise BadInput(error.what, where=_WHERE) from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise BadInput("not a document of purposes and notices", where=_WHERE) from None
    return Terms(
        purposes={purpose.name: purpose for purpose in purposes},
        notices=notices,
        texts={hashlib.sha256(text).hexdigest(): text.decode() for text in texts},
    )
