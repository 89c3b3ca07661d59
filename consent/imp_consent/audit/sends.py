"""Messages against the entries that bind them: nobody was sent to whom no intent names, and no outcome was changed."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import Final

from imp_consent.audit.leaves import Leaves
from imp_consent.audit.problem import Problems, row_place
from imp_consent.audit.restored import Restores
from imp_core.ports import SystemEntry

__all__ = ["check_sends"]

_TABLE: Final = "delivery"
_OPEN: Final = "intended"
# What a message may come to, written out here: an audit shares no table with what it audits.
_STATUSES: Final = frozenset({"accepted", "delivered", "refused", "failed", "deferred", "in_doubt"})
# Sent to again, though an earlier attempt came to an end that allows no other.
_TWICE: Final = (
    "SELECT DISTINCT later.intent FROM delivery earlier JOIN delivery later"
    " ON earlier.key = later.key AND earlier.intent < later.intent"
    " WHERE earlier.status NOT IN ('deferred', 'failed', 'in_doubt') ORDER BY later.intent"
)


def check_sends(
    sql: sqlite3.Connection,
    leaves: Leaves,
    restores: Restores,
    *,
    problems: Problems,
    count: Callable[[int], None],
) -> None:
    """Each intent's rows against its `keys`; each closed one's outcomes against the `results` of its `send-close`.

    What `restores` account for has no rows, or outcomes that nobody knows.
    """
    intents = {entry.seq: entry for entry in leaves.of_type("send-intent")}
    closes: dict[object, SystemEntry] = {}
    for entry in leaves.of_type("send-close"):
        first = closes.setdefault(entry.fields.get("intent"), entry)
        problems.expect(first is entry, "send.closed", f"entry {entry.seq}", "it closes a send that was closed before")
        known = entry.fields.get("intent") in intents
        problems.expect(known, "send.closed", f"entry {entry.seq}", "it closes a send that no entry opened")
    met: set[object] = set()
    query = f"SELECT DISTINCT intent FROM {_TABLE} ORDER BY intent"  # noqa: S608 (the schema's own words)
    for (intent,) in sql.execute(query).fetchall():
        met.add(intent)
        if intent not in intents:
            problems.report("send.unnamed", row_place(_TABLE, [intent]), "messages that no send-intent names")
            continue
        close = closes.get(intent)
        if close is None or not restores.lost(close.seq):
            _check_one(sql, intents[intent], close, problems, count)
    for seq in sorted(seq for seq in intents.keys() - met if not restores.lost(seq)):
        problems.report("send.missing", f"entry {seq}", "the messages that it names are not there")
    for (intent,) in sql.execute(_TWICE).fetchall():
        problems.report("send.twice", row_place(_TABLE, [intent]), "it sends to somebody who had been sent to before")


def _check_one(
    sql: sqlite3.Connection,
    intent: SystemEntry,
    close: SystemEntry | None,
    problems: Problems,
    count: Callable[[int], None],
) -> None:
    place = f"entry {intent.seq}"
    rows = sql.execute("SELECT key, status, code FROM delivery WHERE intent = ? ORDER BY key", (intent.seq,)).fetchall()
    count(len(rows))
    if not all(isinstance(key, bytes) and isinstance(status, str) for key, status, _ in rows):
        problems.report("send.rows", place, "a message's row is not of its types")
        return
    keys = hashlib.sha256(b"".join(key for key, _, _ in rows)).hexdigest()
    named = keys == intent.fields.get("keys") and len(rows) == intent.fields.get("n")
    problems.expect(named, "send.keys", place, "its messages are not those it names")
    if close is None:
        unsettled = all(status == _OPEN for _, status, _ in rows)
        problems.expect(unsettled, "send.results", place, "its messages have outcomes, but no entry closes it")
        problems.note("send.open", place, "a send is under way, or was killed: the next one closes it")
        return
    counts = dict(Counter(status for _, status, _ in rows))
    agreed = counts == close.fields.get("counts") and close.fields.get("channel") == intent.fields.get("channel")
    known = counts.keys() <= _STATUSES
    problems.expect(agreed and known, "send.counts", f"entry {close.seq}", "its counts are not those of its messages")
    lines = "".join(f"{key.hex()} {status} {code or '-'}\n" for key, status, code in rows)
    results = hashlib.sha256(lines.encode(errors="replace")).hexdigest()
    same = results == close.fields.get("results")
    problems.expect(same, "send.results", f"entry {close.seq}", "what became of its messages is not what it says")
