"""The rows of the inbox: read back as rows of the archive, and taken out."""

from __future__ import annotations

import secrets as os_secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from imp_consent.identity.secrets import SubjectSecrets
from imp_consent.ledger.inbox import NONCE_LENGTH, open_event, seal_event, tally_id
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_core.errors import LedgerBroken, PluginBroken

__all__ = ["Waiting", "channels_waiting", "insert", "own_waiting", "remove", "select_rows"]

_TABLE: Final = "inbox"
_IDS = 500  # deleted by one statement
# They stand beside the body, or are given at the compaction.
_BESIDE: Final = frozenset({"event_id", "subject", "batch", "row"})
_NAMES: Final = frozenset(archive.SCHEMA.names) - _BESIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Some rows of the inbox: their ids, and the same events as rows of the archive."""

    ids: list[bytes] = field(repr=False)
    rows: pa.RecordBatch = field(repr=False)


def channels_waiting(reader: Reader) -> dict[str, int]:
    """How many events wait in the inbox, by channel; a channel that has none, but counts to tell, is there too."""
    found = reader.sql.execute("SELECT channel, count(*) FROM inbox GROUP BY channel ORDER BY channel").fetchall()
    tallies = {row[0] for row in reader.sql.execute("SELECT event_id FROM inbox WHERE subject IS NULL")}
    return {str(channel): n - (tally_id(str(channel)) in tallies) for channel, n in found}


def insert(transaction: Transaction, channel: str, rows: pa.RecordBatch) -> int:
    """Put rows of the archive into a channel's inbox, each sealed under its subject's key; returns how many.

    Raises:
        LedgerBroken: a subject has no key.
    """
    keys = _Keys(transaction)
    sealed: list[tuple[bytes, str, int | None, int, bytes]] = []
    for row in rows.to_pylist():
        event_id, subject = bytes.fromhex(row["event_id"]), row["subject"]
        kept = {name: value for name, value in row.items() if value is not None and name in _NAMES}
        nonce = os_secrets.token_bytes(NONCE_LENGTH)
        body = seal_event(event_id, kept, secrets=keys.of(subject), nonce=nonce)
        sealed.append((event_id, channel, subject, transaction.now_us, body))
    return transaction.sealed.insert(_TABLE, sealed)


def select_rows(reader: Reader, channel: str, *, limit: int, size: int) -> Iterator[Waiting]:
    """The events that wait longest in a channel's inbox, `limit` at most, `size` at a time.

    Raises:
        LedgerBroken: a row was changed by other hands, or does not open.
    """
    where = "channel = ? AND event_id <> ? ORDER BY accepted_us, event_id LIMIT ?"
    found = reader.sealed.select(_TABLE, where, (channel, tally_id(channel), limit))
    while chunk := list(islice(found, size)):
        yield _waiting(reader, chunk)


def own_waiting(reader: Reader, subject: int) -> pa.RecordBatch:
    """The events of one person that wait, as rows of the archive.

    Raises:
        LedgerBroken: a row was changed by other hands, or does not open.
    """
    found = list(reader.sealed.select(_TABLE, "subject = ? ORDER BY accepted_us, event_id", (subject,)))
    return _waiting(reader, found).rows


def remove(transaction: Transaction, ids: Sequence[bytes]) -> int:
    """Take rows out of the inbox; returns how many of these were there.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    removed = 0
    for start in range(0, len(ids), _IDS):
        chunk = ids[start : start + _IDS]
        removed += transaction.sealed.delete(_TABLE, f"event_id IN ({', '.join('?' * len(chunk))})", chunk)
    return removed


class _Keys:
    """Subjects' secrets, each unwrapped once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[int, SubjectSecrets] = {}

    def of(self, subject: int | None) -> SubjectSecrets | None:
        if subject is None:
            return None
        if subject not in self._known:
            if isinstance(self._reader, Transaction):
                self._reader.subjects.flush(subject)  # it may have been created in this very transaction
            self._known[subject], _ = self._reader.subjects.secrets(subject)
        return self._known[subject]


def _waiting(reader: Reader, chunk: Sequence[Sequence[Any]]) -> Waiting:
    keys = _Keys(reader)
    ids: list[bytes] = []
    opened: list[Mapping[str, Any]] = []
    for event_id, _, subject, _, body in chunk:
        row = open_event(event_id, body, secrets=keys.of(subject))
        if not row.keys() <= _NAMES:
            raise LedgerBroken("an event of no known form", where=_TABLE, mend="run: imp audit verify")
        ids.append(event_id)
        opened.append({**row, "event_id": event_id.hex(), "subject": subject})
    columns = {name: [row.get(name) for row in opened] for name in archive.SCHEMA.names}
    try:
        return Waiting(ids=ids, rows=archive.arrow_rows(columns, len(opened)))
    except PluginBroken as error:
        raise LedgerBroken(error.what, where=_TABLE, mend="run: imp audit verify") from None
