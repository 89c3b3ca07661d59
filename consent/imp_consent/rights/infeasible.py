"""What is left where erasure cannot be done: storage and protection, and no other use (PIPL 47(2))."""

from __future__ import annotations

from imp_consent.ledger.entry import EVERY_PURPOSE
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.door import Door
from imp_consent.policy.saying import Saying
from imp_consent.rights.requests import Request, own_requests
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["keep_only_stored"]


def keep_only_stored(ctx: Context, transaction: Transaction, raw: RawId, request: Request) -> int:
    """Restrict the use of a person's data whose erasure is infeasible; returns the entry's seq.

    Raises:
        BadInput: the request is no erasure, or not this person's.
    """
    subject = transaction.find_subject(raw)
    if subject is None or request.id not in own_requests(transaction.history(subject)):
        raise BadInput("this person made no such request", where="--of", mend="see: imp consent requests list")
    if request.kind != "erase":
        raise BadInput("only a deletion can be infeasible", where="--outcome", mend="--outcome answered, or refused")
    said = Saying(
        type="restrict", purpose=EVERY_PURPOSE, at_us=transaction.now_us, more={"because_infeasible": request.id}
    )
    return Door(ctx, transaction, surface="command line").append(subject, said).seq
