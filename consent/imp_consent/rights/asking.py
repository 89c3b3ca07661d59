"""A request as it comes in: noted with its clock, and, where the person is known, in an entry of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imp_consent.ledger.entry import EVERY_PURPOSE
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.door import Door
from imp_consent.policy.requested import note_request, requester
from imp_consent.policy.saying import Saying
from imp_consent.rights.law import rules_for
from imp_consent.rights.requests import Request, find_request, read_requests
from imp_consent.rights.verification import KINDS, Verification
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["Asked", "answered_by", "open_request"]

_MAX_WORDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked: the kind, when it came in (UTC µs; None: now), and under whose law (None: imp.toml's)."""

    kind: str
    received_us: int | None = None
    regimes: Sequence[str] | None = None
    jurisdiction: str | None = None
    shown: Verification = Verification()  # noqa: RUF009 (frozen)
    words: str | None = None


def open_request(
    ctx: Context, transaction: Transaction, who: RawId | int, asked: Asked, *, task: str | None = None
) -> Request:
    """Note a request, with the clock it starts. Nobody is created: a request is no consent.

    Its `words`, one line, go into the person's own entry and nowhere else. `task`: nobody asked, the law does.

    Raises:
        BadInput: no such kind or regime, a time to come, words that are not one line, or a malformed identifier.
    """
    received_us = transaction.now_us if asked.received_us is None else asked.received_us
    if asked.kind not in KINDS:
        raise BadInput("not a kind of request", where="kind", mend=f"one of {', '.join(KINDS)}")
    if not 0 <= received_us <= transaction.now_us:
        raise BadInput("a time to come, or before 1970", where="--received", mend="say when the request came in")
    if asked.words is not None and not (asked.words.isprintable() and 0 < len(asked.words) <= _MAX_WORDS):
        raise BadInput("not one line of at most 300 characters", where="--words")
    rules = rules_for(ctx, transaction, asked.regimes, asked.jurisdiction)
    subject = who if isinstance(who, int) else transaction.find_subject(who)
    said = Saying(
        type="request",
        purpose=EVERY_PURPOSE,
        at_us=received_us,
        evidence=asked.shown.method,
        regimes=rules.names,
        jurisdiction=rules.jurisdiction,
        more={"words": asked.words},
    )
    door = Door(ctx, transaction, surface="command line")
    noted = note_request(
        ctx,
        transaction,
        door.append,
        subject,
        rules=rules,
        said=said,
        kind=asked.kind,
        verified=asked.shown.level,
        task=task,
    )
    return Request(
        id=noted.id,
        seq=noted.seq,
        kind=asked.kind,
        regimes=rules.names,
        received_us=received_us,
        due_us=noted.due_us,
        latest_us=noted.latest_us,
        verified=asked.shown.level,
        task=task,
    )


def answered_by(reader: Reader, who: RawId, id_: str, kind: str) -> Request:
    """The request that an answer is for: of this kind, and of this person, or of nobody known where they are not.

    Raises:
        BadInput: there is no such request, or it is of another kind or of somebody else.
    """
    request = find_request(read_requests(reader), id_)
    if request.kind != kind or requester(reader, request.seq, request.id) != reader.find_subject(who):
        what = "a request of another kind" if request.kind != kind else "this person made no such request"
        raise BadInput(what, where="--request", mend="see: imp consent requests list")
    return request
