"""Requests of people and their clocks, as the ledger has them: opened, extended once, answered.

A system entry `request` holds id, kind, regime, when it came in and by when it is to be answered, and nobody's name;
`answer` names the id and what became of it. Whose it is only the person's own entry `request` says, which holds the id
and is encrypted. The person's entry stands right before the system entry (`imp_consent.plane.retention`).

A *task* is a request that nobody made: an erasure that the law asks for by itself (PIPL 47).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_core.errors import BadInput, CheckFailed
from imp_core.ports import Json, SystemEntry

__all__ = [
    "EXTENSIONS",
    "OUTCOMES",
    "REFUSALS",
    "Request",
    "answer_request",
    "expect_open",
    "extend_request",
    "find_request",
    "own_requests",
    "read_requests",
]

# What may become of a request; the words stand in the open log, so that they are few and name nobody.
OUTCOMES: Final = ("answered", "refused", "infeasible")
REFUSALS: Final = (
    "identity-not-verified", "manifestly-unfounded", "excessive", "legal-obligation", "legal-claims",
    "rights-of-others", "nobody-known",
)  # fmt: skip
_ANSWER: Final = "answer it, by the command of its kind or with: imp consent requests answer"
EXTENSIONS: Final = ("complexity", "number-of-requests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as the ledger has it. Times in UTC µs; `due_us` None: no regime in force sets a clock.

    `latest_us` is the furthest an extension may move it to, None where it cannot be extended (any more). `outcome` is
    None while it is open, `late` whether it was answered after it was due. `task`: why it was opened without being
    asked for, None where a person asked.
    """

    id: str
    seq: int
    kind: str
    regimes: tuple[str, ...]
    received_us: int
    due_us: int | None
    latest_us: int | None = None
    verified: str = "none"
    task: str | None = None
    extended: str | None = None
    outcome: str | None = None
    answered_us: int | None = None
    reason: str | None = None

    @property
    def late(self) -> bool:
        """Whether it was answered after it was due."""
        return self.answered_us is not None and self.due_us is not None and self.answered_us > self.due_us

    def overdue(self, now_us: int) -> bool:
        """Whether it is open and its time has passed."""
        return self.outcome is None and self.due_us is not None and now_us > self.due_us


def read_requests(reader: Reader) -> list[Request]:
    """Every request that the ledger has, oldest first, with what became of it."""
    found: dict[str, Request] = {}
    for entry in reader.system_entries("request"):
        request = _opened(entry)
        found.setdefault(request.id, request)
    for entry in reader.system_entries("answer"):
        id_ = str(entry.fields.get("request"))
        if id_ in found:
            found[id_] = _answered(found[id_], entry)
    return list(found.values())


def find_request(requests: Iterable[Request], id_: str) -> Request:
    """A request by its id, or the first four or more characters of it.

    Raises:
        BadInput: there is none, or several begin so.
    """
    least = 4
    found = [request for request in requests if request.id == id_ or (len(id_) >= least and request.id.startswith(id_))]
    if len(found) != 1:
        what = "several requests begin so" if found else "there is no such request"
        raise BadInput(what, where="request", mend="see: imp consent requests list")
    return found[0]


def own_requests(history: Sequence[PersonEntry]) -> tuple[str, ...]:
    """The ids of the requests that a person's own entries name."""
    ids = (entry.payload.get("request") for entry in history if entry.statement.type == "request")
    return tuple(id_ for id_ in ids if isinstance(id_, str))


def answer_request(transaction: Transaction, request: Request, *, outcome: str, reason: str | None = None) -> Request:
    """Append what became of a request.

    Raises:
        BadInput: no such outcome, or a refusal without one of the reasons, or a reason without a refusal.
        CheckFailed: it was answered before.
    """
    if outcome not in OUTCOMES:
        raise BadInput("not an outcome", where="--outcome", mend=f"one of {', '.join(OUTCOMES)}")
    if (outcome == "refused") != (reason in REFUSALS):
        mend = f"a refusal has one of these, nothing else has any: {', '.join(REFUSALS)}"
        raise BadInput("not a reason for this outcome", where="--because", mend=mend)
    expect_open(request)
    fields: dict[str, Json] = {"request": request.id, "kind": request.kind, "outcome": outcome}
    transaction.append_system("answer", fields if reason is None else {**fields, "reason": reason})
    return replace(request, outcome=outcome, reason=reason, answered_us=transaction.now_us)


def extend_request(transaction: Transaction, request: Request, *, reason: str) -> Request:
    """Move a request's due time to the furthest its regimes allow, once, while it is not over (GDPR 12(3)).

    Raises:
        BadInput: not a reason the law knows.
        CheckFailed: it is answered, overdue, was extended, or no regime in force lets it be.
    """
    if reason not in EXTENSIONS:
        raise BadInput("not a reason to extend", where="--because", mend=f"one of {', '.join(EXTENSIONS)}")
    expect_open(request)
    if request.extended is not None or request.latest_us is None or request.latest_us == request.due_us:
        what = "it was extended before" if request.extended else "no law it is under lets it be extended"
        raise CheckFailed(f"this request cannot be extended: {what}", where=f"request {request.id}", mend=_ANSWER)
    if request.overdue(transaction.now_us):
        raise CheckFailed(
            "too late to extend: the person has to be told within the first period (GDPR 12(3))",
            where=f"request {request.id}",
            mend=_ANSWER,
        )
    fields: dict[str, Json] = {
        "request": request.id,
        "kind": request.kind,
        "outcome": "extended",
        "due": request.latest_us,
        "reason": reason,
    }
    transaction.append_system("answer", fields)
    return replace(request, due_us=request.latest_us, extended=reason)


def expect_open(request: Request) -> None:
    """Expect that nobody answered a request yet.

    Raises:
        CheckFailed: it was answered before.
    """
    if request.outcome is not None:
        mend = "see what became of it: imp consent requests list --all"
        raise CheckFailed("this request was answered before", where=f"request {request.id}", mend=mend)


def _opened(entry: SystemEntry) -> Request:
    said = entry.fields
    regimes = said.get("regime")
    return Request(
        id=str(said.get("id")),
        seq=entry.seq,
        kind=str(said.get("kind")),
        regimes=tuple(str(name) for name in regimes) if isinstance(regimes, list | tuple) else (),
        received_us=_time(said.get("received")) or entry.at_us,
        due_us=_time(said.get("due")),
        latest_us=_time(said.get("latest")),
        verified=str(said.get("verified")),
        task=str(said["task"]) if said.get("task") else None,
    )


def _answered(request: Request, entry: SystemEntry) -> Request:
    outcome, reason = str(entry.fields.get("outcome")), entry.fields.get("reason")
    said = str(reason) if reason is not None else None
    if outcome == "extended":
        return replace(request, due_us=_time(entry.fields.get("due")) or request.due_us, extended=said)
    if request.outcome is not None:
        return request
    return replace(request, outcome=outcome, reason=said, answered_us=entry.at_us)


def _time(value: object) -> int | None:
    return value if isinstance(value, int) else None
