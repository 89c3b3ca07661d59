"""Whether the key-encryption key is to be ratcheted: people were erased whom a backup may still hold."""

from __future__ import annotations

from typing import Final

from imp_consent.ledger.reader import Reader

__all__ = ["erased_since_ratchet"]

# System entries that say how many people were erased, and the field that does.
_ERASED: Final = {"erased": "people", "restore": "erased"}


def erased_since_ratchet(reader: Reader) -> int:
    """How many people were erased since the key that wraps everybody's keys was last changed."""
    changed = (entry.seq for entry in reader.system_entries("key") if entry.fields.get("purpose") == "kek")
    last = max(changed, default=-1)
    return sum(
        int(str(entry.fields.get(field, 0)))
        for type_, field in _ERASED.items()
        for entry in reader.system_entries(type_)
        if entry.seq > last
    )
