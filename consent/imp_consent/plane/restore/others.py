"""What else a restore has to settle: the checkpoint's row, documents, uses that were open, messages on their way."""

from __future__ import annotations

import hashlib

from imp_consent.audit.documents import names_of
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.documents import KeptDocuments
from imp_consent.ledger.entry import SYSTEM_TYPES
from imp_consent.ledger.sealed import MODULUS, row_hmac
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.restore.outside import Signed

__all__ = ["close_uses", "doubt_messages", "keep_checkpoint", "take_documents"]


def keep_checkpoint(transaction: Transaction, signed: Signed) -> None:
    """Know the checkpoint outside: the database reaches it now."""
    row = (signed.checkpoint.size, signed.checkpoint.root, signed.note)
    kept = transaction.sql.execute("INSERT OR IGNORE INTO checkpoint (size, root, note) VALUES (?, ?, ?)", row)
    if kept.rowcount:
        added = int.from_bytes(row_hmac(transaction.keyring.active("row").secret, "checkpoint", row), "big")
        sums = transaction.sealed.sums
        sums["checkpoint"] = (sums["checkpoint"] + added) % MODULUS


def take_documents(transaction: Transaction, keyring: Keyring) -> set[str]:
    """Store the documents that entries name and the backup lacks; returns those that are found nowhere."""
    wanted = {
        (table, str(name))
        for type_ in SYSTEM_TYPES
        for entry in transaction.system_entries(type_)
        for table, name in names_of(entry)
    }
    missing = {(table, name) for table, name in wanted if not _stored(transaction, table, name)}
    for table, name, body in KeptDocuments(keyring.folder).read():
        if (table, name) in missing and hashlib.sha256(body).hexdigest() == name:
            transaction.sql.execute(f"INSERT INTO {table} (sha256, body) VALUES (?, ?)", (name, body))  # noqa: S608 (one of two names)
            missing.discard((table, name))
    return {name for _, name in missing}


def close_uses(transaction: Transaction) -> int:
    """Close every use that was open: what it read is not there any more. Returns how many."""
    transaction.sealed.delete("lease", "1", ())
    closed = {entry.fields.get("use") for entry in transaction.system_entries("use-close")}
    open_ = [entry.seq for entry in transaction.system_entries("use-open") if entry.seq not in closed]
    for seq in open_:
        transaction.append_system("use-close", {"use": seq, "abandoned": True})
    return len(open_)


def doubt_messages(transaction: Transaction, *, backup_size: int) -> int:
    """What became of messages is unknown where the entry that told it came after the backup; returns how many.

    Those of an intent that came after it too have no row at all: they are counted by what the intent says.
    """
    n = 0
    for entry in transaction.system_entries("send-intent"):
        if entry.seq >= backup_size:
            n += int(str(entry.fields.get("n", 0)))
    for entry in transaction.system_entries("send-close"):
        intent = entry.fields.get("intent")
        if entry.seq >= backup_size and isinstance(intent, int) and intent < backup_size:
            n += transaction.sealed.update("delivery", "intent = ?", (intent,), {"status": "in_doubt", "code": None})
    return n


def _stored(transaction: Transaction, table: str, name: str) -> bool:
    return bool(transaction.sql.execute(f"SELECT 1 FROM {table} WHERE sha256 = ?", (name,)).fetchone())  # noqa: S608 (one of two names)
