"""What a channel's inbox did not keep, by reason: one row, counted up until a compaction's `collect` entry tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from imp_consent.ledger.inbox import TALLY, open_event, seal_event, tally_id
from imp_consent.ledger.transaction import Transaction
from imp_core.errors import LedgerBroken

__all__ = ["Counts", "add_tally", "take_tally"]

_TABLE: Final = "inbox"
_DENIED: Final = "denied "  # before a reason, so that no reason is taken for another count


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Events denied by reason, duplicates, rows that could not be taken, and withdrawals written."""

    denied: Mapping[str, int] = field(default_factory=dict)
    duplicates: int = 0
    rejected: int = 0
    signals: int = 0

    def plain(self) -> Counter[str]:
        """As they are stored: what is none is left out."""
        counts = Counter({f"{_DENIED}{reason}": n for reason, n in self.denied.items()})
        counts.update({"duplicates": self.duplicates, "rejected": self.rejected, "signals": self.signals})
        return +counts


def add_tally(transaction: Transaction, channel: str, counts: Counts) -> None:
    """Add to a channel's counts.

    Raises:
        LedgerBroken: what is stored is no tally.
    """
    added = counts.plain()
    if not added:
        return
    key = tally_id(channel)
    known = _stored(transaction, key)
    if known is None:
        body = seal_event(key, {TALLY: dict(added)}, secrets=None, nonce=b"")
        transaction.sealed.insert(_TABLE, [(key, channel, None, transaction.now_us, body)])
        return
    body = seal_event(key, {TALLY: dict(known + added)}, secrets=None, nonce=b"")
    transaction.sealed.update(_TABLE, "event_id = ?", (key,), {"body": body})


def take_tally(transaction: Transaction, channel: str) -> Counts:
    """Take a channel's counts out of the inbox.

    Raises:
        LedgerBroken: what is stored is no tally.
    """
    key = tally_id(channel)
    stored = _stored(transaction, key) or Counter()
    transaction.sealed.delete(_TABLE, "event_id = ?", (key,))
    denied = {name.removeprefix(_DENIED): n for name, n in stored.items() if name.startswith(_DENIED)}
    return Counts(
        denied=denied, duplicates=stored["duplicates"], rejected=stored["rejected"], signals=stored["signals"]
    )


def _stored(transaction: Transaction, key: bytes) -> Counter[str] | None:
    for row in transaction.sealed.select(_TABLE, "event_id = ?", (key,)):
        body = row[4]
        counts = open_event(key, body, secrets=None).get(TALLY) if isinstance(body, bytes) else None
        if not isinstance(counts, dict) or not all(isinstance(n, int) for n in counts.values()):
            raise LedgerBroken("counts of no known form", where=_TABLE, mend="run: imp audit verify")
        return Counter(counts)
    return None
