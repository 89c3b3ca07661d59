"""Who else is known under another spelling of an identifier: an opt-out reaches all of them, a consent only its own.

`Jane.Doe+news@gmail.com` and `janedoe@gmail.com` may be two subjects and one person. Their rows hold the same token of
the loosest spelling, which is all that anybody needs to find them.
"""

from __future__ import annotations

from imp_consent.identity.normalize import normalise
from imp_consent.ledger.reader import Reader
from imp_core.event import RawId

__all__ = ["subjects_alike", "subjects_alike_to"]


def subjects_alike(reader: Reader, raw: RawId) -> list[int]:
    """The subjects of every spelling of an identifier, its own among them, in no telling order.

    Raises:
        BadInput: the identifier is malformed.
        LedgerBroken: a mapping was changed by other hands.
    """
    return sorted(reader.subjects.find_alike(normalise(raw)))


def subjects_alike_to(reader: Reader, subject: int) -> list[int]:
    """The other subjects known under a spelling of one of a subject's e-mail addresses.

    Raises:
        LedgerBroken: a mapping was changed by other hands.
    """
    tokens = reader.subjects.tokens_of(subject)
    return sorted(reader.subjects.find_by_tokens(tokens) - {subject}) if tokens else []
