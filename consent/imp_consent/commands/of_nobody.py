"""Requests of whom nothing is held: which ones may be meant where none is named, and what then answers them."""

from __future__ import annotations

from collections.abc import Sequence

from imp_consent.ledger.log import Log
from imp_consent.plane.guardians import forget_strangers
from imp_consent.rights.asking import Asked, open_request
from imp_consent.rights.erasures import answer_all, open_of_nobody
from imp_consent.rights.requests import Request
from imp_core.context import Context
from imp_core.event import RawId

__all__ = ["answered_text", "forget_nobody", "is_known", "left_open_text", "maybe_meant", "maybe_meant_text"]


def is_known(log: Log, raw: RawId) -> bool:
    """Whether anybody is known by an identifier."""
    with log.read() as reader:
        return reader.find_subject(raw) is not None


def maybe_meant(log: Log, asked: Asked, *, known: bool) -> tuple[str, ...]:
    """The open requests of the kind of which nobody can tell whose they are, where none of them was named.

    They came in for an identifier by which nobody was known, or of somebody who was erased since.
    """
    if known or asked.request is not None:
        return ()
    with log.read() as reader:
        return open_of_nobody(reader, asked.kind)


def maybe_meant_text(ids: Sequence[str]) -> str:
    """Words to append; empty where there is none."""
    if not ids:
        return ""
    return f"\nopen, of people of whom nothing is held: {', '.join(ids)}; if this answers one, name it: --request ID"


def forget_nobody(
    ctx: Context, log: Log, raw_ids: Sequence[RawId], asked: Asked | None, waiting: Request | None
) -> tuple[int, tuple[str, ...]]:
    """Where nobody is known by any of these: take guardians out of others' entries, and answer the request.

    Returns how many entries there were, and the request that this answers: `waiting`, or one noted now where there
    was something to take out. Both are nothing where somebody is known.
    """
    if not raw_ids or any(is_known(log, raw) for raw in raw_ids):
        return 0, ()
    n = forget_strangers(log, raw_ids)
    if n:
        log.compact()  # what they were named by is not left in free pages
    if n and asked is not None and waiting is None:
        with log.write() as transaction:
            waiting = open_request(ctx, transaction, raw_ids[0], asked)
    answers = () if waiting is None else (waiting.id,)
    answer_all(log, answers)
    return n, answers


def answered_text(id_: str, *, would: bool = False) -> str:
    """That a request for an erasure was answered, or would be, by there being nothing to erase."""
    said = f"run again with --execute to answer request {id_} so" if would else f"request {id_} is answered so"
    return f"nobody is known by this identifier: nothing is held; {said}"


def left_open_text(ids: Sequence[str]) -> str:
    """What else somebody asked whom an erasure makes nobody; empty where there is nothing."""
    return f"\nopen requests of theirs, which this does not answer: {', '.join(ids)}" if ids else ""
