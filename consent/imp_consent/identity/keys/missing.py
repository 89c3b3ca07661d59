"""What to say of a key that is missing: which of the two is the older one, the keys or the database that names it."""

from __future__ import annotations

from typing import Final

from imp_core.errors import KeysUnusable

__all__ = ["DESTROYED", "NEWEST", "missing_key"]

# Destroyed once nothing is under them any more, at the end of an erasure or of a rotation.
DESTROYED: Final = ("kek", "row")
NEWEST: Final = "restore the keys from their newest backup"
_OLDER: Final = (
    "if the database is a copy from before an erasure or a change of keys, it is the older one, and no backup of the "
    "keys mends it: move it away, and see with imp restore FILE what it lacks of the checkpoint outside, before you "
    f"restore it with --execute. Else {NEWEST}"
)


def missing_key(purpose: str, key_id: str, *, place: str, used: bool = False) -> KeysUnusable:
    """The error of a key that its store does not hold; `used`: the ledger's head names it as the one in use."""
    what = f"the ledger uses the {purpose} key {key_id}, which is missing" if used else None
    mend = _OLDER if purpose in DESTROYED else NEWEST
    return KeysUnusable(what or f"the {purpose} key {key_id} is missing", where=place, mend=mend)
