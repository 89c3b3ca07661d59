"""What a restore has to reach: the checkpoint outside, and the copy of the leaves under it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.checkpoint import Checkpoint, open_checkpoint
from imp_consent.ledger.merkle import Frontier, leaf_hash
from imp_consent.ledger.outside import Outside
from imp_consent.ledger.signer import verifier_keys
from imp_core.counting import some
from imp_core.errors import LedgerBroken

__all__ = ["Signed", "read_signed", "tail_after"]


@dataclass(frozen=True, slots=True)
class Signed:
    """The newest checkpoint, opened, and the note it stood in."""

    checkpoint: Checkpoint
    note: str


def read_signed(keyring: Keyring) -> Signed:
    """The checkpoint beside the keys.

    Raises:
        LedgerBroken: there is none, or it is not signed by this ledger's keys.
    """
    path = Outside(keyring.folder).checkpoint_file
    try:
        note = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LedgerBroken(
            "there is no checkpoint outside the database to restore up to",
            where=str(path),
            mend="put it back from the keys' backup; if it is lost, copy the backup to ledger.db and run: "
            "imp audit checkpoint --without-previous",
        ) from None
    except (OSError, UnicodeDecodeError):
        raise LedgerBroken("the checkpoint cannot be read", where=str(path)) from None
    return Signed(open_checkpoint(note, *verifier_keys(keyring, keyring.log_id)), note)


def tail_after(sql: sqlite3.Connection, frontier: Frontier, keyring: Keyring, signed: Checkpoint) -> list[bytes]:
    """The leaves that were signed and that a backup lacks, from the copy outside.

    The backup's leaves are hashed anew on the way, and compared with the copy as far as both go.

    Raises:
        LedgerBroken: the backup is of another history, or changed; or the copy is not what was signed.
    """
    copy = Outside(keyring.folder).read_leaves()
    tree = _common(sql, frontier, copy, signed.size)
    tail: list[bytes] = []
    while tree.size < signed.size:
        leaf = next(copy, None)
        if leaf is None:
            raise LedgerBroken(
                f"the copy of leaves ends at {tree.size}, {some(signed.size, 'was', 'were')} signed",
                where=str(Outside(keyring.folder).leaves_file),
                mend="put it back from the keys' backup, or use a newer backup of the ledger",
            )
        tree.append(leaf_hash(leaf))
        tail.append(leaf)
    if tree.root() != signed.root:
        raise LedgerBroken("the copy of leaves is not what was signed", where=str(Outside(keyring.folder).leaves_file))
    return tail


def _common(sql: sqlite3.Connection, frontier: Frontier, copy: Iterator[bytes], signed: int) -> Frontier:
    """The tree of the leaves that both the backup and the signed copy hold; the backup's all hashed anew."""
    own, common = Frontier(), Frontier()
    for seq, leaf in sql.execute("SELECT seq, leaf FROM entry ORDER BY seq"):
        if seq != own.size or not isinstance(leaf, bytes):
            raise LedgerBroken("entries of the backup are missing or changed", where=f"entry {own.size}")
        hashed = leaf_hash(leaf)
        own.append(hashed)
        if common.size < signed:
            if next(copy, None) != leaf:
                raise _differs(seq)
            common.append(hashed)
    if (own.size, own.to_bytes()) != (frontier.size, frontier.to_bytes()):
        raise LedgerBroken("the backup's entries are not those of its head", where="entry", mend="use another backup")
    return common


def _differs(seq: int) -> LedgerBroken:
    return LedgerBroken(
        "the backup is not of this history: its entry is not the one that was signed",
        where=f"entry {seq}",
        mend="use a backup of this ledger, and its own keys folder",
    )
