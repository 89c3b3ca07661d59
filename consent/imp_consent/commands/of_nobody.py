"""Requests of whom nothing is held: which ones may be meant where none is named, and what then answers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from imp_consent.identity.normalize import normalise
from imp_consent.ledger.log import Log
from imp_consent.ledger.suppression import is_suppressed
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.strangers import Forgotten, Strangers, forget_strangers
from imp_consent.rights.asking import Asked, open_request
from imp_consent.rights.erasures import answer_all, answer_in, open_of_nobody
from imp_consent.rights.requests import Request
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId

__all__ = [
    "NOBODY",
    "answered_text",
    "forget_nobody",
    "is_known",
    "left_open_text",
    "maybe_meant",
    "maybe_meant_text",
    "nothing_to_erase",
]

NOBODY: Final = "nobody is known by this identifier"
_LOOK_AGAIN: Final = "look at its kind and spelling, or name another identifier of theirs: each kind is known by itself"
_ERASED_BEFORE: Final = "they were erased before; what an interrupted erasure left: imp consent erase --resume"


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
    ctx: Context, log: Log, strangers: Strangers, asked: Asked | None, waiting: Request | None
) -> tuple[Forgotten, tuple[str, ...]]:
    """Where nobody is known by what was named: take guardians out of others' entries, and answer the request.

    The request that this answers is `waiting`, or one noted now where there is something to take out, in the same
    transaction: whoever sees them gone sees it answered.
    """
    answers = [] if waiting is None else [waiting.id]

    def answer(transaction: Transaction) -> None:
        if asked is not None and not answers:
            answers.append(open_request(ctx, transaction, strangers.raw_ids[0], asked).id)
        answer_in(transaction, answers)

    done = forget_strangers(log, strangers, besides=answer)
    if done.seq is None:
        answer_all(log, answers)
    else:
        log.compact()  # what they were named by is not left in free pages; a crash before it leaves it to --resume
    return done, tuple(answers)


def nothing_to_erase(log: Log, raw_ids: Sequence[RawId], asked: Asked | None) -> CheckFailed:
    """The refusal of an erasure of whom nobody knows, and what may have been meant."""
    mend = maybe_meant_text(maybe_meant(log, asked, known=False)).strip() if asked else ""
    with log.read() as reader:
        before = any(is_suppressed(reader.sealed, reader.keyring, normalise(raw)) for raw in raw_ids)
    mends = [*filter(None, [mend, _ERASED_BEFORE if before else ""])] or [_LOOK_AGAIN]
    return CheckFailed(f"{NOBODY}: there is nothing to erase", mend="; ".join(mends), where="identifier")


def answered_text(id_: str, *, would: bool = False) -> str:
    """That a request for an erasure was answered, or would be, by there being nothing to erase."""
    said = f"run again with --execute to answer request {id_} so" if would else f"request {id_} is answered so"
    return f"{NOBODY}: nothing is held; {said}"


def left_open_text(ids: Sequence[str]) -> str:
    """What else somebody asked whom an erasure makes nobody; empty where there is nothing."""
    return f"\nopen requests of theirs, which this does not answer: {', '.join(ids)}" if ids else ""
