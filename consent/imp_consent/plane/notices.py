"""Recipients that have to be told of an erasure, a correction or a restriction (GDPR 17(2), 19), and the result.

Who is told by a person lies in the outbox beside what channels are told by `imp consent tell`: the recipient's name,
its own pseudonym of the person, what it has to be told and by when. Once it was told the rows go, and an `answer` entry
says whom, of what, of how many people and with what result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from imp_consent.identity.pseudonym import channel_pseudonym
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_core.clock import DAY_US
from imp_core.errors import BadInput, CheckFailed
from imp_core.ports import Json

__all__ = ["NOTIFIED_OF", "RESULTS", "DueNotice", "due_notices", "note_answer", "notice_recipients", "settle_notices"]

NOTIFIED_OF: Final = ("erase", "rectify", "restrict")
# What may come of telling somebody; "impossible" is what GDPR 19 excuses, disproportionate effort included.
RESULTS: Final = ("told", "refused", "impossible")
_TABLE: Final = "outbox"
_WITHIN_US: Final = 30 * DAY_US  # one month (GDPR 12(3)), in days so that the date is certain
_MOST: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class DueNotice:
    """A recipient that has to be told: of what, of how many people, the first by when (UTC µs), how many are late."""

    recipient: str
    what: str
    people: int
    due_us: int
    overdue: int


def notice_recipients(transaction: Transaction, subject: int, names: Iterable[str], what: str) -> int:
    """Leave word for each recipient unless it is there already; returns for how many."""
    key = transaction.keyring.active("channel").secret
    (last,) = transaction.sql.execute("SELECT coalesce(max(id), 0) FROM outbox").fetchone()
    due_us = transaction.now_us + _WITHIN_US
    rows: list[tuple[int | str | bytes, ...]] = []
    for name in dict.fromkeys(name[:_MOST] for name in names):
        pseudonym = channel_pseudonym(key, name, subject)
        where = "what = ? AND channel = ? AND pseudonym = ?"
        if not any(True for _ in transaction.sealed.select(_TABLE, where, (what, name, pseudonym))):
            rows.append((int(last) + 1 + len(rows), name, pseudonym, what, due_us, "due"))
    transaction.sealed.insert(_TABLE, rows)
    return len(rows)


def due_notices(reader: Reader, *, now_us: int) -> list[DueNotice]:
    """Who still has to be told of what, by name; what channels are told by `imp consent tell` is not among it.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    found: dict[tuple[str, str], list[int]] = {}
    marks = ", ".join("?" * len(NOTIFIED_OF))
    for row in reader.sealed.select(_TABLE, f"what IN ({marks}) AND state = 'due' ORDER BY channel, what", NOTIFIED_OF):
        found.setdefault((str(row[1]), str(row[3])), []).append(int(str(row[4])))
    return [
        DueNotice(
            recipient=name, what=what, people=len(times), due_us=min(times), overdue=sum(t < now_us for t in times)
        )
        for (name, what), times in found.items()
    ]


def settle_notices(transaction: Transaction, recipient: str, what: str, result: str) -> int:
    """Note that a recipient was told; returns the seq of the entry that says so.

    Raises:
        BadInput: nothing that anybody is told of, or no such result.
        CheckFailed: it does not have to be told of that.
    """
    if what not in NOTIFIED_OF or result not in RESULTS:
        raise BadInput("not a notice or result", mend=f"of {', '.join(NOTIFIED_OF)}; result {', '.join(RESULTS)}")
    n = transaction.sealed.delete(_TABLE, "what = ? AND channel = ? AND state = 'due'", (what, recipient))
    if not n:
        raise CheckFailed(
            "this recipient does not have to be told of that",
            where="recipient",
            mend="see: imp consent recipients list",
        )
    return note_answer(transaction, recipient, what, {result: n})


def note_answer(transaction: Transaction, recipient: str, what: str, counts: dict[str, int]) -> int:
    """Append what came of telling a recipient, in counts: it names nobody."""
    said: dict[str, Json] = {"recipient": recipient, "what": what, "counts": dict(sorted(counts.items()))}
    return transaction.append_system("answer", said)
