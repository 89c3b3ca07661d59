"""Checkpoints: signed over what the database holds, kept in it and outside of it, and never behind one another."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.checkpoint import Checkpoint, open_checkpoint, origin_of, sign_checkpoint
from imp_consent.ledger.documents import KeptDocuments
from imp_consent.ledger.head import Head, save_head
from imp_consent.ledger.note import SigningKey, VerifierKey
from imp_consent.ledger.outside import Outside
from imp_consent.ledger.sealed import MODULUS, row_hmac
from imp_consent.ledger.tree import Prover
from imp_core.clock import SECOND_US
from imp_core.counting import some
from imp_core.errors import LedgerBroken

__all__ = ["SIGN_ENTRIES", "SIGN_US", "Signer", "signing_key", "signing_keys", "verifier_keys"]

_logger = logging.getLogger(__name__)
_Mark = tuple[int, int, int]  # of a file: another one in its place has another

# A checkpoint costs four fsyncs, as much as four commits. So a writer signs at once where somebody said no; else when
# it writes and this many entries wait for one, or the last is so old, on demand, and when it ends. A rollback of what
# no checkpoint covers yet is not noticed, and a restore does not know of it.
SIGN_ENTRIES: Final = 256
SIGN_US: Final = SECOND_US


def signing_key(keyring: Keyring, log_id: str) -> SigningKey:
    """The log's Ed25519 key under the log's name."""
    return SigningKey.from_seed(origin_of(log_id), keyring.active("sign").secret)


def signing_keys(keyring: Keyring, log_id: str) -> tuple[SigningKey, ...]:
    """Whose signatures a checkpoint bears: the active key's, and until it is destroyed that of the one before it."""
    seeds = [key.secret for key in keyring.every("sign") if key.secret]
    return tuple(SigningKey.from_seed(origin_of(log_id), seed) for seed in seeds)


def verifier_keys(keyring: Keyring, log_id: str) -> tuple[VerifierKey, ...]:
    """The public halves of every signing key the log had, newest first."""
    name = origin_of(log_id)
    return tuple(
        SigningKey.from_seed(name, key.secret).verifier if key.public is None else VerifierKey(name, key.public)
        for key in keyring.every("sign")
    )


class Signer:
    """The checkpoints of one open ledger. `keyring` answers with the keys in use now."""

    def __init__(self, log_id: str, keyring: Callable[[], Keyring]) -> None:
        self._log_id = log_id
        self._keyring = keyring
        self._files = Outside(keyring().folder)
        self._seen: tuple[_Mark, Checkpoint] | None = None
        self._followed: Checkpoint | None = None
        self._documents = KeptDocuments(keyring().folder)

    @property
    def files(self) -> Outside:
        """What is kept outside the database."""
        return self._files

    def outside(self) -> Checkpoint | None:
        """The checkpoint kept outside the database, its signature checked; None before the first.

        Raises:
            LedgerBroken: the file is not a checkpoint signed by one of this log's keys.
        """
        path = self.files.checkpoint_file
        try:
            seen = _mark(path)
            if self._seen is None or self._seen[0] != seen:  # a signature is checked once, not at every read
                self._seen = (seen, self._open(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            raise LedgerBroken("the checkpoint cannot be read", where=str(path)) from None
        return self._seen[1]

    def refuse_rollback(self, sql: sqlite3.Connection, head: Head, outside: Checkpoint | None) -> None:
        """Let only a database pass that goes on from the checkpoint outside.

        Raises:
            LedgerBroken: it is older, or another history; or there was a checkpoint outside, and it is gone.
        """
        path = self.files.checkpoint_file
        if outside is None:
            signed = sql.execute("SELECT 1 FROM checkpoint LIMIT 1").fetchone()
            if signed and self.outside() is None:
                raise LedgerBroken(
                    "the checkpoint outside the database is gone",
                    where=str(path),
                    mend="put it back from the keys' backup; if it is lost: imp audit checkpoint --without-previous",
                )
            return
        size = head.frontier.size
        if size < outside.size or (size == outside.size and head.frontier.root() != outside.root):
            raise LedgerBroken(
                f"the database holds {some(size, 'entry', 'entries')}, its checkpoint {outside.size:,}: "
                "it was rolled back or replaced",
                where=str(path),
                mend="put the newest database back, or restore with its erasures replayed: imp restore",
            )
        if outside != self._followed and Prover(sql, head.frontier).root(outside.size) != outside.root:
            raise LedgerBroken(
                f"the database's first {some(outside.size, 'entry is', 'entries are')} not those of its "
                "checkpoint: it was rewritten",
                where=str(path),
                mend="put the database back that was signed",
            )
        self._followed = outside

    def sign(self, sql: sqlite3.Connection, head: Head, *, without_previous: bool) -> tuple[Checkpoint, str]:
        """Sign the head inside a write transaction; returns the checkpoint and its note.

        First the leaves are copied outside, then the checkpoint over them, then it is kept in the database: whatever
        a crash leaves, the next signing goes on from.

        Raises:
            LedgerBroken: as `refuse_rollback`.
            ImpError: the folder outside cannot be written to.
        """
        outside, files = self.outside(), self.files
        if outside is not None or not without_previous:
            self.refuse_rollback(sql, head, outside)
        checkpoint = Checkpoint(origin_of(self._log_id), head.frontier.size, head.frontier.root())
        note = sign_checkpoint(checkpoint, *signing_keys(self._keyring(), self._log_id))
        if outside is None:
            files.set_aside()
        covered = 0 if outside is None else outside.size
        held = files.held(covered)
        if held < covered:
            _logger.warning(
                "the copy of leaves held %d of %d: the rest is copied anew, %s", held, covered, files.folder
            )
        if held < checkpoint.size:
            files.append(covered, _leaves(sql, held))
        self._documents.keep(sql)
        if outside != checkpoint:
            files.write_checkpoint(note)
            self._know_own(checkpoint)
        self._keep(sql, head, checkpoint, note)
        return checkpoint, note

    def _know_own(self, checkpoint: Checkpoint) -> None:
        """What was signed here need not be read, checked and compared with the tree again."""
        try:
            self._seen, self._followed = (_mark(self.files.checkpoint_file), checkpoint), checkpoint
        except OSError:  # somebody took it away again: whoever looks next says so
            self._seen = None

    def _keep(self, sql: sqlite3.Connection, head: Head, checkpoint: Checkpoint, note: str) -> None:
        key, row = self._keyring().active("row").secret, (checkpoint.size, checkpoint.root, note)
        kept = sql.execute("INSERT OR IGNORE INTO checkpoint (size, root, note) VALUES (?, ?, ?)", row)
        if kept.rowcount:
            added = int.from_bytes(row_hmac(key, "checkpoint", row), "big")
            head.sums["checkpoint"] = (head.sums.get("checkpoint", 0) + added) % MODULUS
            save_head(sql, key, head, was_size=head.frontier.size)

    def _open(self, note: str) -> Checkpoint:
        keyring = self._keyring()
        known = verifier_keys(keyring, self._log_id)
        try:
            return open_checkpoint(note, *known)
        except LedgerBroken:
            fresh = verifier_keys(keyring.reload(), self._log_id)  # another process may sign with a newer key
            if fresh == known:
                raise
            return open_checkpoint(note, *fresh)


def _mark(path: Path) -> _Mark:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _leaves(sql: sqlite3.Connection, start: int) -> Iterator[bytes]:
    for (leaf,) in sql.execute("SELECT leaf FROM entry WHERE seq >= ? ORDER BY seq", (start,)):
        yield leaf
