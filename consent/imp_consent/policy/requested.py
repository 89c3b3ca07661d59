"""Noting a request: its clock in an open entry that names nobody, whose it is in the person's own, right before it.

Also the erasure that nobody has to ask for: regimes name the occasions that open one (`Rules.erase_on`, PIPL 47).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from imp_consent.ledger.entry import EVERY_PURPOSE, PersonEntry
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.rules import Rules
from imp_consent.policy.saying import Saying
from imp_core.context import Context
from imp_core.ports import Json

__all__ = ["OCCASIONS", "Noted", "note_request", "open_erase_task", "requester"]

# What may open an erasure by itself: a withdrawal does so here, retention when it is carried out, the third by command.
OCCASIONS: Final = ("withdrawal", "purpose-achieved", "retention-elapsed")
_ID_BYTES: Final = 8
_ERASE: Final = "erase"


class Noted(NamedTuple):
    """A request that was noted: id, entry, and its clock (UTC µs; None: no regime sets one)."""

    id: str
    seq: int
    due_us: int | None
    latest_us: int | None


def note_request(
    ctx: Context,
    transaction: Transaction,
    append: Callable[[int, Saying], object],
    subject: int | None,
    *,
    rules: Rules,
    said: Saying,
    kind: str,
    verified: str = "none",
    task: str | None = None,
) -> Noted:
    """Append a request: in the person's own words (`said`, of type "request") by `append`, then openly.

    `subject` None is nobody known: then only the open entry is appended. `said.more` is added to.
    """
    clock = rules.clock(kind)
    due_us = None if clock is None else clock.within.after(said.at_us)
    extension = None if clock is None else clock.extension
    latest_us = None if extension is None or due_us is None else extension.after(due_us)
    id_ = ctx.randomness.token(_ID_BYTES).hex()
    if subject is not None:
        own: dict[str, Json] = {"request": id_, "kind": kind, "verified": verified, "task": task}
        append(subject, replace(said, more={**said.more, **own}))
    fields: dict[str, Json] = {
        "id": id_,
        "kind": kind,
        "regime": list(rules.names),
        "received": said.at_us,
        "due": due_us,
        "latest": latest_us,
        "verified": verified,
    }
    seq = transaction.append_system("request", fields if task is None else {**fields, "task": task})
    return Noted(id_, seq, due_us, latest_us)


def open_erase_task(
    ctx: Context,
    transaction: Transaction,
    append: Callable[[int, Saying], object],
    subject: int,
    *,
    rules: Rules,
    occasion: str,
    at_us: int | None = None,
) -> Noted | None:
    """Open a person's erasure where their regimes want it on this occasion and none is open already.

    Its clock runs from `at_us`, when what gave the occasion was said or done (None: now), whenever that is recorded: so
    do those of an opt-out, and who writes late does not win time by it (PIPL 47: of one's own accord).

    Returns None where it is not wanted, or there is one.
    """
    if occasion not in rules.erase_on or _is_open(transaction, transaction.history(subject)):
        return None
    said = Saying(
        type="request",
        purpose=EVERY_PURPOSE,
        at_us=transaction.now_us if at_us is None else at_us,
        regimes=rules.names,  # and where the person is the door knows: what it follows on was recorded there
    )
    return note_request(ctx, transaction, append, subject, rules=rules, said=said, kind=_ERASE, task=occasion)


def requester(reader: Reader, seq: int, id_: str) -> int | None:
    """Whose the request is that an open entry tells of; None of somebody who was not known, or is no more."""
    found = reader.sql.execute("SELECT subject FROM payload WHERE seq = ?", (seq - 1,)).fetchone()
    if found is None:
        return None
    history = reader.history(int(found[0]))
    theirs = any(entry.seq == seq - 1 and entry.payload.get("request") == id_ for entry in history)
    return int(found[0]) if theirs else None


def _is_open(transaction: Transaction, history: list[PersonEntry]) -> bool:
    own = {
        str(entry.payload.get("request"))
        for entry in history
        if entry.statement.type == "request" and entry.payload.get("kind") == _ERASE
    }
    if own:  # most people ask for nothing: the answers are read only then
        own -= {
            str(entry.fields.get("request"))
            for entry in transaction.system_entries("answer")
            if entry.fields.get("outcome") != "extended"
        }
    return bool(own)
