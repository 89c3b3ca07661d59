"""Messages by their idempotency keys: intended in one transaction with `send-intent`, concluded with `send-close`.

A key names nobody: it is a keyed hash of campaign, channel, step and subject. The entries bind the rows: `send-intent`
holds the SHA-256 of the keys, `send-close` that of what became of each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from imp_consent.ledger.layout import OPEN_DELIVERY
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_core.errors import LedgerBroken
from imp_core.ports import Json

__all__ = [
    "INTENDED",
    "Outcome",
    "conclude",
    "find_outcomes",
    "intend",
    "intended_keys",
    "keys_sha256",
    "open_intents",
    "results_sha256",
]

INTENDED: Final = "intended"
_TABLE: Final = "delivery"
_KEYS: Final = 500  # asked for in one statement


class Outcome(NamedTuple):
    """What became of a message: a `imp_core.channel.DeliveryStatus` (or `intended`) and the peer's code."""

    status: str
    code: str | None = None


def keys_sha256(keys: Iterable[bytes]) -> str:
    """Hex SHA-256 of the keys, sorted, one after the other."""
    return hashlib.sha256(b"".join(sorted(keys))).hexdigest()


def results_sha256(results: Mapping[bytes, Outcome]) -> str:
    """Hex SHA-256 of the lines `key status code`, sorted by key; the code is `-` where there is none."""
    lines = (f"{key.hex()} {outcome.status} {outcome.code or '-'}\n" for key, outcome in sorted(results.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def find_outcomes(reader: Reader, keys: Sequence[bytes]) -> dict[bytes, Outcome]:
    """The newest outcome of each of these messages that was ever intended.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    newest: dict[bytes, tuple[int, Outcome]] = {}
    for start in range(0, len(keys), _KEYS):
        chunk = keys[start : start + _KEYS]
        marks = ", ".join("?" * len(chunk))
        for key, intent, status, code in reader.sealed.select(_TABLE, f"key IN ({marks})", chunk):
            row = (int(str(intent)), Outcome(str(status), None if code is None else str(code)))
            newest[bytes(key)] = max(newest.get(bytes(key), row), row)  # type: ignore[arg-type]  # the column's type
    return {key: outcome for key, (_, outcome) in newest.items()}


def open_intents(reader: Reader) -> list[int]:
    """The intents whose chunk was never closed: under way, or left by something that died."""
    query = f"SELECT DISTINCT intent FROM {_TABLE} WHERE {OPEN_DELIVERY} ORDER BY intent"  # noqa: S608 (the schema's own words)
    return [int(row[0]) for row in reader.sql.execute(query)]


def intended_keys(reader: Reader, intent: int) -> list[bytes]:
    """The keys an open intent names."""
    rows = reader.sealed.select(_TABLE, f"intent = ? AND {OPEN_DELIVERY}", (intent,))
    return [bytes(row[0]) for row in rows]  # type: ignore[arg-type]  # the column's type


def intend(transaction: Transaction, keys: Sequence[bytes], fields: Mapping[str, Json], *, document: bytes) -> int:
    """Append `send-intent` and the rows it binds; returns its seq. `document` is what `fields["definition"]` names."""
    bound = {**fields, "n": len(keys), "keys": keys_sha256(keys)}
    seq = transaction.append_system("send-intent", bound, documents=[document])
    transaction.sealed.insert(_TABLE, [(key, seq, INTENDED, None) for key in sorted(keys)])
    return seq


def conclude(
    transaction: Transaction,
    intent: int,
    results: Mapping[bytes, Outcome],
    *,
    channel: str,
    recovered: bool,
) -> int:
    """Append `send-close` with what became of every message of an intent; returns its seq.

    `recovered` is whether a journal told it after a kill.

    Raises:
        LedgerBroken: the results are not those of the intent's open rows.
    """
    if set(intended_keys(transaction, intent)) != set(results):
        raise LedgerBroken("results of other messages than the intent names", where=f"entry {intent}")
    transaction.sealed.delete(_TABLE, "intent = ?", (intent,))
    transaction.sealed.insert(
        _TABLE, [(key, intent, outcome.status, outcome.code) for key, outcome in sorted(results.items())]
    )
    counts: dict[str, int] = {}
    for outcome in results.values():
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
    fields: dict[str, Json] = {
        "intent": intent,
        "channel": channel,
        "counts": dict(sorted(counts.items())),
        "results": results_sha256(results),
        "recovered": recovered,
    }
    return transaction.append_system("send-close", fields)
