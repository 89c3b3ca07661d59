"""Opt-outs reach everybody known under another spelling of an identifier; consents reach nobody but their own.

`jane.doe+news@example.com` and `janedoe@example.com` may be one person under two subjects. So what one of them takes
back is taken back for the other, who is there already (`pass_on`) or comes later (`take_over`), with the same words
and the same event time. Who shares nothing but the loosest spelling may be denied for another's sake: that is the
restrictive side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from imp_consent.ledger.alike import subjects_alike
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.envelope import envelope
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.ports import Json

__all__ = ["pass_on", "take_over"]

# What is passed on: what a person takes back by an act of their own.
OPT_OUTS: Final = frozenset({"withdraw", "object", "limit-sensitive"})
_PERMITTING: Final = frozenset({"grant", "basis"})
_MARK: Final = "other_spelling"


def pass_on(
    ctx: Context, transaction: Transaction, who: RawId, subject: int, said: Statement, *, surface: str
) -> list[int]:
    """Append an opt-out of somebody for everybody alike; returns the seqs. Nothing is appended of other types."""
    if said.type not in OPT_OUTS:
        return []
    return [
        _append(ctx, transaction, other, said, surface)
        for other in subjects_alike(transaction, who)
        if other != subject and not any(entry.statement == said for entry in transaction.history(other))
    ]


def take_over(ctx: Context, transaction: Transaction, who: RawId, subject: int, *, surface: str) -> list[int]:
    """Append, for somebody who is about to say yes for the first time, the opt-outs of those alike; returns seqs."""
    if who.kind != "email":
        return []
    own = transaction.history(subject)
    if any(entry.statement.type in _PERMITTING for entry in own):
        return []
    held = {entry.statement for entry in own}
    found: dict[Statement, None] = {}
    for other in subjects_alike(transaction, who):
        for entry in transaction.history(other):
            if entry.statement.type in OPT_OUTS and entry.statement not in held:
                found.setdefault(entry.statement)
    return [_append(ctx, transaction, subject, said, surface) for said in found]


def _append(ctx: Context, transaction: Transaction, subject: int, said: Statement, surface: str) -> int:
    more: Mapping[str, Json] = {_MARK: True, "steps": 0} if said.type == "withdraw" else {_MARK: True}
    body = envelope(
        ctx,
        type_=said.type,
        event_us=said.at_us,
        purpose=said.purpose,
        channel=said.channel,
        recorded_us=transaction.now_us,
        surface=surface,
        more=more,
    )
    return transaction.append_person(subject, said, body)
