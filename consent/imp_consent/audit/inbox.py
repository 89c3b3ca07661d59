"""What waits in the inbox: each event opens under its subject's key, and none of them is in the archive already.

Their rows' MACs are checked with all others; no entry names them before a compaction does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from imp_consent.audit.problem import Problems, row_place
from imp_consent.identity.keys import Keyring
from imp_consent.identity.secrets import KeyEncryption, SubjectSecrets
from imp_consent.ledger.inbox import TALLY, open_event, tally_id
from imp_core.errors import KeysUnusable, LedgerBroken

__all__ = ["check_inbox"]

_TABLE = "inbox"
_ROWS = (
    "SELECT i.event_id, i.channel, i.subject, i.body, k.wrapped, k.kek_id, d.event_id"
    " FROM inbox i LEFT JOIN subject_key k USING (subject) LEFT JOIN dedupe d ON d.event_id = i.event_id"
    " ORDER BY i.subject"
)


def check_inbox(sql: sqlite3.Connection, keyring: Keyring, problems: Problems, count: Callable[[int], None]) -> int:
    """Open every event; returns how many wait."""
    opener, waiting = _Opener(keyring), 0
    for event_id, channel, subject, body, wrapped, kek_id, taken in sql.execute(_ROWS):
        count(1)
        place = row_place(_TABLE, (event_id,))
        problems.expect(taken is None, "inbox.taken", place, "the event waits, and was taken before")
        try:
            row = open_event(event_id, body, secrets=opener.secrets(subject, wrapped, kek_id))
        except (LedgerBroken, TypeError, AttributeError):
            problems.report("inbox.closed", place, "the event does not open under its subject's key")
            continue
        tally = subject is None and event_id == tally_id(str(channel))
        problems.expect(tally == (TALLY in row), "inbox.form", place, "neither an event nor a channel's counts")
        waiting += not tally
    return waiting


class _Opener:
    """Subjects' secrets, one at a time: rows come in the order of their subjects."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._last: SubjectSecrets | None = None

    def secrets(self, subject: int | None, wrapped: bytes | None, kek_id: str | None) -> SubjectSecrets | None:
        if subject is None:
            return None
        if self._last is None or self._last.subject != subject:
            if wrapped is None or kek_id is None:
                raise LedgerBroken("a subject without a key", where="subject_key")
            try:
                kek = self._keyring.by_id("kek", kek_id)
            except KeysUnusable:
                raise LedgerBroken("a key that the ring does not hold", where="subject_key") from None
            self._last = SubjectSecrets(subject, KeyEncryption(kek.id, kek.secret).unwrap(wrapped))
        return self._last
