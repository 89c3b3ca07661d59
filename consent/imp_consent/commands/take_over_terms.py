"""The terms of an export taken over: purposes and notices that this workspace does not know."""

from __future__ import annotations

from collections.abc import Iterable

from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.notice import Notice, read_notices, register_notice
from imp_consent.policy.purpose import read_purposes, register_purposes
from imp_consent.records.terms import Terms

__all__ = ["take_over_terms"]


def take_over_terms(transaction: Transaction, terms: Terms) -> tuple[int, int]:
    """Register purposes and notices that are not known here, word for word; what is known stays as it is.

    Returns how many purposes and how many notices.
    """
    taken = 0
    known = read_purposes(transaction)
    new = [purpose for name, purpose in terms.purposes.items() if name not in known]
    if new:
        register_purposes(transaction, [*known.values(), *new])
    here = [found.notice for found in read_notices(transaction)]
    have = {notice.sha256 for notice in here}
    for sha256, notice in terms.notices.items():
        if sha256 not in have:
            register_notice(transaction, notice, material=_changed(notice, here))
            here.append(notice)
            taken += 1
    return len(new), taken


def _changed(new: Notice, here: Iterable[Notice]) -> tuple[str, ...] | None:
    """The purposes whose consent a notice from elsewhere ends; None: it is no newer one, or a translation.

    Nobody says what it changes, so it changes all that it and those before it ask for.
    """
    same = [notice for notice in here if notice.name == new.name]
    spoken = {notice.language.casefold() for notice in same if notice.version == new.version}
    newest = max((notice.version for notice in same), default=0)
    if not same or new.version < newest or (spoken and new.language.casefold() not in spoken):
        return None
    return tuple(sorted({name for notice in (new, *same) for name in notice.purposes}))
