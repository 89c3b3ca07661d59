"""Who else is known under another spelling of an identifier: an opt-out reaches all of them, a consent only its own.

`Jane.Doe+news@gmail.com` and `janedoe@gmail.com` may be two subjects and one person. Their rows hold the same token of
the loosest spelling, which is all that anybody needs to find them.
"""

from __future__ import annotations

from imp_consent.identity.normalize import normalise
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.suppression import loose_tokens
from imp_core.errors import LedgerBroken
from imp_core.event import RawId

__all__ = ["subjects_alike", "subjects_alike_to"]

_TABLE = "identifier"
_SUBJECT, _LOOSE, _KEK = 3, 4, 6


def subjects_alike(reader: Reader, raw: RawId) -> list[int]:
    """The subjects of every spelling of an identifier, its own among them, in no telling order.

    Raises:
        BadInput: the identifier is malformed.
        LedgerBroken: a mapping was changed by other hands.
    """
    return _by_tokens(reader, loose_tokens(reader.keyring, normalise(raw)))


def subjects_alike_to(reader: Reader, subject: int) -> list[int]:
    """The other subjects known under a spelling of one of a subject's identifiers.

    Raises:
        LedgerBroken: a mapping was changed by other hands.
    """
    keys = [key for key in reader.keyring.keys if key.purpose == "kek"]
    own = [reader.subjects.encryption(key.id).seal_subject(subject) for key in keys]
    tokens = [row[_LOOSE] for row in reader.sealed.select(_TABLE, f"subject IN ({_marks(len(own))})", own)]
    return [found for found in _by_tokens(reader, [_bytes(token) for token in tokens]) if found != subject]


def _by_tokens(reader: Reader, tokens: list[bytes]) -> list[int]:
    if not tokens:
        return []
    rows = reader.sealed.select(_TABLE, f"loose IN ({_marks(len(tokens))})", tokens)
    return sorted({_subject(reader, row[_SUBJECT], row[_KEK]) for row in rows})


def _subject(reader: Reader, sealed: object, kek_id: object) -> int:
    if not isinstance(kek_id, str):
        raise LedgerBroken("a mapping of the wrong type", where=_TABLE)
    return reader.subjects.encryption(kek_id).open_subject(_bytes(sealed))


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise LedgerBroken("a mapping of the wrong type", where=_TABLE)
    return value


def _marks(n: int) -> str:
    return ", ".join("?" * n)
