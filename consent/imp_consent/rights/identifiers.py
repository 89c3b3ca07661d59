"""Which identifiers lead to a person: a new address is linked, one that was wrong or is no longer theirs is unlinked.

The person's own entries say that it was done and of which kind the identifier is, never which. What they said no to
outlives the unlinking: the identifier's keyed token is then suppressed, so that no import takes it up as somebody new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imp_consent.ledger.entry import EVERY_PURPOSE
from imp_consent.ledger.suppression import suppress
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.door import Door
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import DENYING
from imp_consent.rights.asking import Asked, law_of, open_request, take_up
from imp_consent.rights.requests import Request, answer_request
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId

__all__ = ["Linked", "link_identifier", "unlink_identifier"]

_SURFACE: Final = "rectification"
_KNOWN_FIRST: Final = "name the identifier that is known first, then the new one"
_LOOK: Final = "look at how it is written: nothing leads to anybody by it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """The entry that says so, whose, the request; `suppressed`: the tokens that keep a no of theirs in force."""

    seq: int
    subject: int
    request: Request
    suppressed: tuple[bytes, ...] = ()


def link_identifier(ctx: Context, transaction: Transaction, raw: RawId, other: RawId, asked: Asked) -> Linked:
    """Let another identifier lead to a person as well; with its other spellings they share what either said no to.

    Raises:
        CheckFailed: it is not known surely enough who asks, nobody is known by the first, or somebody by the other.
        Suppressed: the person of the other was erased.
        BadInput: an identifier is malformed, or it is not clear which open request this answers.
    """
    waiting = take_up(ctx, transaction, raw, asked)
    subject = transaction.find_subject(raw)
    if subject is None:
        raise CheckFailed("nobody is known by the first identifier", where="identifier", mend=_KNOWN_FIRST)
    transaction.subjects.link(other, subject)
    Door(ctx, transaction, surface=_SURFACE).share(other, subject)
    return _noted(ctx, transaction, subject, asked, waiting, said=("link", other.kind))


def unlink_identifier(ctx: Context, transaction: Transaction, raw: RawId, asked: Asked) -> Linked:
    """Let an identifier lead to its person no more; the person has others.

    Raises:
        CheckFailed: it is not known surely enough who asks; nobody is known by it, or they are by no other.
        BadInput: the identifier is malformed, or it is not clear which open request this answers.
    """
    waiting = take_up(ctx, transaction, raw, asked)
    subject = transaction.find_subject(raw)
    if subject is None:
        raise CheckFailed("nobody is known by this identifier", where="identifier", mend=_LOOK)
    if transaction.subjects.identifiers_of(subject) == 1:
        raise CheckFailed(
            "it is the only identifier of this person: nobody could find them any more",
            where="identifier",
            mend="link the right one first: imp consent link; or erase them: imp consent erase",
        )
    said_no = any(entry.statement.type in DENYING for entry in transaction.history(subject))
    tokens = transaction.subjects.unlink(raw)
    kept = suppress(transaction.sealed, tokens) if said_no else []
    done = _noted(ctx, transaction, subject, asked, waiting, said=("unlink", raw.kind))
    return Linked(seq=done.seq, subject=subject, request=done.request, suppressed=tuple(kept))


def _noted(
    ctx: Context,
    transaction: Transaction,
    subject: int,
    asked: Asked,
    waiting: Request | None,
    *,
    said: tuple[str, str],
) -> Linked:
    """Note it in the person's entries, under the law of theirs, and in the request that it answers."""
    asked = law_of(transaction, subject, asked, waiting)
    request = waiting or open_request(ctx, transaction, subject, asked)
    type_, kind = said
    entry = Saying(
        type=type_,
        purpose=EVERY_PURPOSE,
        at_us=transaction.now_us,
        regimes=None if asked.regimes is None else tuple(asked.regimes),
        jurisdiction=asked.jurisdiction,
        more={"identifier_kind": kind, "request": request.id},
    )
    done = Door(ctx, transaction, surface=_SURFACE).append(subject, entry)
    answered = answer_request(transaction, request, outcome="answered")
    return Linked(seq=done.seq, subject=subject, request=answered)
