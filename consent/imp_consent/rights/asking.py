"""A request as it comes in: noted with its clock, and, where the person is known, in an entry of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from imp_consent.ledger.entry import EVERY_PURPOSE
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.asked_law import at_place
from imp_consent.policy.door import Door
from imp_consent.policy.recorded import Law, recorded_law
from imp_consent.policy.regime import Regimes, read_regimes
from imp_consent.policy.requested import note_request, requester
from imp_consent.policy.rules import Rules
from imp_consent.policy.saying import Saying
from imp_consent.rights.law import rules_for
from imp_consent.rights.requests import Request, expect_open, find_request, own_requests, read_requests
from imp_consent.rights.verification import KINDS, LEVELS, Verification, check_requester
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["NEW", "Asked", "law_of", "open_ones", "open_request", "take_up"]

NEW: Final = "new"  # in the place of an id: none that is open is meant
_MAX_WORDS: Final = 300
_ONE_LINE: Final = "write it in one line, and shorter"
_LISTED: Final = 5
_TAKES_AWAY: Final = frozenset({"object", "restrict", "limit", "erase"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked: the kind, when it came in (UTC µs; None: now), and under whose law (None: `law_of`).

    `request` is the id of the open request that is meant, or "new": none of those. None: the person's only open one of
    the kind, or, where none is open, a new one.
    """

    kind: str
    received_us: int | None = None
    regimes: Sequence[str] | None = None
    jurisdiction: str | None = None
    shown: Verification = Verification()  # noqa: RUF009 (frozen)
    words: str | None = None
    request: str | None = None


def open_request(
    ctx: Context,
    transaction: Transaction,
    who: RawId | int,
    asked: Asked,
    *,
    task: str | None = None,
    rules: Rules | None = None,
) -> Request:
    """Note a request, with the clock it starts, under the law of `law_of`. Nobody is created: it is no consent.

    Its `words`, one line, go into the person's own entry and nowhere else. `task`: nobody asked, the law does. `rules`
    are those of a no, which meets the strictest where the law named is none (`rules_of_no`).

    Raises:
        BadInput: no such kind or regime, a time to come, words that are not one line, or a malformed identifier.
    """
    received_us = transaction.now_us if asked.received_us is None else asked.received_us
    if asked.kind not in KINDS:
        raise BadInput("not a kind of request", where="kind", mend=f"one of {', '.join(KINDS)}")
    if not 0 <= received_us <= transaction.now_us:
        raise BadInput("a time to come, or before 1970", where="--received", mend="say when the request came in")
    if asked.words is not None and not (asked.words.isprintable() and 0 < len(asked.words) <= _MAX_WORDS):
        raise BadInput("not one line of at most 300 characters", where="--words", mend=_ONE_LINE)
    subject = who if isinstance(who, int) else transaction.find_subject(who)
    if rules is None:
        asked = law_of(transaction, subject, asked)
        rules = rules_for(ctx, transaction, asked.regimes, asked.jurisdiction)
    said = Saying(
        type="request",
        purpose=EVERY_PURPOSE,
        at_us=received_us,
        evidence=asked.shown.method,
        regimes=rules.names,
        jurisdiction=asked.jurisdiction or rules.jurisdiction,
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


def take_up(ctx: Context, reader: Reader, who: RawId, asked: Asked) -> Request | None:
    """The open request that is being answered: the one named, else the person's only open one of the kind.

    None: none is open, or a new one is wanted. Below the level that the kind needs nothing is looked up: it counts as
    said now, or, of a request that is named, as noted when it was opened. What takes something away is never refused
    because several are open: it answers the oldest, or a new one where another's words or time are said.

    Raises:
        CheckFailed: it is not known surely enough who asks, or the request named was answered before.
        BadInput: there is no such request, or it is of another kind or of somebody else; or, of what only discloses or
            mends, several are open and none is named, or one is, and when another came in or what it asked is said.
    """
    if asked.request is not None and asked.request != NEW:
        return _named(ctx, reader, who, asked, asked.request)
    check_requester(ctx.workspace.config, asked.kind, asked.shown)
    waiting = [] if asked.request == NEW else open_ones(reader, who, asked.kind)
    told = "--received" if asked.received_us is not None else "--words" if asked.words is not None else None
    if asked.kind in _TAKES_AWAY:
        return waiting[0] if waiting and told is None else None
    if len(waiting) > 1:
        ids = " or ".join(request.id for request in waiting[:_LISTED])
        mend = f"say which one this answers, --request {ids}; or, for another one, --request {NEW}"
        raise BadInput(f"{len(waiting)} requests of this kind by this person are open", where="--request", mend=mend)
    if waiting and told is not None:
        mend = f"to answer the open one leave {told} away; for another one add --request {NEW}"
        raise BadInput("the person has an open request of this kind, noted when it came in", where=told, mend=mend)
    return waiting[0] if waiting else None


def law_of(reader: Reader, subject: int | None, asked: Asked, request: Request | None = None) -> Asked:
    """What is asked, under the law that its request was noted under or else the person's entries, if none is named.

    Where the law alone is named, it is where the person is, if it may hold there. Of somebody of whom nothing is known
    it stays open, so that imp.toml's holds, and so where a jurisdiction is named
    in which the law of the entries does not hold; where it does, it is with the law at home there. Of older entries'
    place and law what cannot hold any more is left out.
    """
    if asked.regimes is not None and asked.jurisdiction is None and subject is not None:
        known, place = read_regimes(reader), recorded_law(reader.history(subject), asked.regimes).jurisdiction
        return replace(asked, jurisdiction=place) if _may_hold(known, Law(tuple(asked.regimes)), place) else asked
    if asked.regimes is not None or subject is None:
        return asked if request is None or asked.regimes is not None else replace(asked, regimes=request.regimes)
    history = reader.history(subject)
    noted = [] if request is None else [entry for entry in history if entry.payload.get("request") == request.id]
    regimes = read_regimes(reader)
    law = recorded_law(noted or history, regimes.texts)
    if not noted and asked.jurisdiction is not None:
        there = law.regimes is not None and _may_hold(regimes, law, asked.jurisdiction)
        return replace(asked, regimes=at_place(regimes, asked.jurisdiction, law.regimes or ())) if there else asked
    if not _may_hold(regimes, law, law.jurisdiction):
        law = _still_held(regimes, law)
    return replace(asked, regimes=law.regimes, jurisdiction=asked.jurisdiction or law.jurisdiction)


def _still_held(regimes: Regimes, law: Law) -> Law:
    """Of a law and a place that do not go together: the place, where there is such a one, else the law."""
    known = _may_hold(regimes, Law(), law.jurisdiction)
    return Law(jurisdiction=law.jurisdiction) if known else Law(regimes=law.regimes)


def _may_hold(regimes: Regimes, law: Law, jurisdiction: str | None) -> bool:
    try:
        regimes.check(law.regimes or (), jurisdiction)
    except BadInput:  # what is wrong with a jurisdiction is said where it is used
        return False
    return True


def open_ones(reader: Reader, who: RawId, kind: str) -> list[Request]:
    """The requests of a kind by a person that nobody answered yet, oldest first."""
    subject = reader.find_subject(who)
    own = () if subject is None else own_requests(reader.history(subject))
    if not own:  # most people ask for nothing: the requests are read only then
        return []
    return [one for one in read_requests(reader) if one.id in own and one.kind == kind and one.outcome is None]


def _named(ctx: Context, reader: Reader, who: RawId, asked: Asked, id_: str) -> Request:
    request = find_request(read_requests(reader), id_)
    if request.kind != asked.kind or requester(reader, request.seq, request.id) != reader.find_subject(who):
        what = "a request of another kind" if request.kind != asked.kind else "this person made no such request"
        raise BadInput(what, where="--request", mend="see: imp consent requests list")
    level = max(asked.shown.level, request.verified, key=LEVELS.index)
    method = asked.shown.method if level == asked.shown.level else "noted with the request"
    check_requester(ctx.workspace.config, asked.kind, Verification(level=level, method=method or "as before"))
    expect_open(request)
    return request
