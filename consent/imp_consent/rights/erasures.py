"""Requests for erasure that an erasure answers: found before the person's entries are gone, answered once they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.requested import requester
from imp_consent.rights.requests import answer_request, own_requests, read_requests

__all__ = ["answer_all", "answer_in", "open_besides", "open_erasures", "open_of_nobody"]

_ERASE = "erase"


def open_erasures(reader: Reader, subjects: Iterable[int]) -> tuple[str, ...]:
    """The ids of these people's open requests for erasure, tasks included."""
    theirs = {id_ for subject in subjects for id_ in own_requests(reader.history(subject))}
    if not theirs:
        return ()
    return tuple(
        request.id
        for request in read_requests(reader)
        if request.id in theirs and request.kind == _ERASE and request.outcome is None
    )


def open_besides(reader: Reader, subjects: Iterable[int]) -> tuple[str, ...]:
    """The ids of what else these people asked and nobody answered: an erasure answers none of it."""
    theirs = {id_ for subject in subjects for id_ in own_requests(reader.history(subject))}
    if not theirs:
        return ()
    return tuple(
        one.id for one in read_requests(reader) if one.id in theirs and one.kind != _ERASE and one.outcome is None
    )


def open_of_nobody(reader: Reader, kind: str) -> tuple[str, ...]:
    """The ids of the open requests of a kind of which nothing says any more, or ever said, whose they are."""
    waiting = (one for one in read_requests(reader) if one.kind == kind and one.outcome is None)
    return tuple(one.id for one in waiting if requester(reader, one.seq, one.id) is None)


def answer_all(log: Log, ids: Collection[str]) -> None:
    """Note that these requests are answered, those that another did meanwhile excepted."""
    if not ids:
        return
    with log.write() as transaction:
        answer_in(transaction, ids)


def answer_in(transaction: Transaction, ids: Collection[str]) -> None:
    """The same in a transaction that does more."""
    for request in read_requests(transaction):
        if request.id in ids and request.outcome is None:
            answer_request(transaction, request, outcome="answered")
