"""The ledger as a whole: opened with its keys, read in snapshots, written in transactions, signed after each."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.checkpoint import Checkpoint, open_checkpoint, origin_of, sign_checkpoint
from imp_consent.ledger.head import Head, keys_named, load_head, save_head
from imp_consent.ledger.note import SigningKey, VerifierKey
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.sealed import MODULUS, row_hmac
from imp_consent.ledger.store import connect, create_database, sqlite_errors, transaction
from imp_consent.ledger.transaction import Projection, Transaction
from imp_core.clock import Clock
from imp_core.errors import ImpError, LedgerBroken
from imp_core.ports import CheckpointInfo
from imp_core.randomness import Randomness
from imp_core.workspace import write_atomically

__all__ = ["Log", "create_log", "signing_key", "signing_keys", "verifier_keys"]

_logger = logging.getLogger(__name__)


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


def create_log(path: Path, keyring: Keyring, log_id: str) -> None:
    """Create an empty log.

    Raises:
        LedgerBroken: there is a database already.
    """
    create_database(path)
    sql = connect(path)
    try:
        with transaction(sql, write=True):
            save_head(sql, keyring.active("row").secret, Head(log_id=log_id, keys=keyring.in_use()), was_size=None)
    finally:
        sql.close()


class Log:
    """One open ledger, for one thread. `read` and `write` are transactions; inside one, `read` joins it."""

    def __init__(
        self,
        path: Path,
        keyring: Keyring,
        *,
        log_id: str,
        clock: Clock,
        randomness: Randomness,
        actor: str,
        projection: Projection,
    ) -> None:
        self._sql: sqlite3.Connection = connect(path)
        self.keyring = keyring
        self.log_id = log_id
        self.clock = clock
        self.actor = actor
        self._randomness = randomness
        self._projection = projection
        self._current: Reader | None = None
        self._outside: tuple[tuple[int, int, int], Checkpoint] | None = None

    @property
    def size(self) -> int:
        """The number of entries committed now."""
        with self.read() as reader:
            return reader.size

    @property
    def verifier_key(self) -> str:
        """The public key that verifies this log's checkpoints, as `<name>+<hash>+<key>` (C2SP signed-note)."""
        return signing_key(self.keyring, self.log_id).verifier.format()

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """One snapshot.

        Raises:
            LedgerBroken: the head was changed by other hands or belongs to another log, or the database is older
                than its checkpoint outside (a withdrawal since then would be forgotten).
        """
        if self._current is not None:
            yield self._current
            return
        # read before the snapshot begins: what others sign after that is no rollback of ours
        outside = self.outside()
        with sqlite_errors(), transaction(self._sql, write=False):
            head = self._head()
            self._refuse_rollback(head, outside)
            self._current = Reader(self._sql, self.keyring, head)
            try:
                yield self._current
            finally:
                self._current = None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One write transaction, durable when the block ends, undone when it raises; then a checkpoint is signed.

        Raises:
            LedgerBroken: the database is older than its checkpoint outside (it was rolled back), the head was
                changed by other hands, or another transaction is open on this ledger.
        """
        if self._current is not None:
            raise LedgerBroken("a transaction inside a transaction", where="ledger")
        with sqlite_errors(), transaction(self._sql, write=True):
            head = self._head()
            self._refuse_rollback(head, self.outside())
            current = Transaction(
                self._sql,
                self.keyring,
                head,
                clock=self.clock,
                randomness=self._randomness,
                actor=self.actor,
                projection=self._projection,
            )
            self._current = current
            try:
                yield current
                appended = current.finish()
            finally:
                self._current = None
        if appended:
            self._sign_or_warn()

    def checkpoint(self, *, without_previous: bool = False) -> CheckpointInfo:
        """Sign what is committed, keep it in the database and, fsynced, outside of it.

        `without_previous` goes on where the checkpoint outside was lost: what was signed before can then no longer be
        compared with anything but copies kept elsewhere.

        Raises:
            LedgerBroken: the database is older than the checkpoint outside, disagrees with it, or there was one and
                it is gone.
        """
        # Under the write lock: of several processes none may put an older checkpoint in the place of a newer one.
        with sqlite_errors(), transaction(self._sql, write=True):
            head = self._head()
            outside = self.outside()
            if outside is not None or not without_previous:
                self._refuse_rollback(head, outside)
            checkpoint = Checkpoint(origin_of(self.log_id), head.frontier.size, head.frontier.root())
            note = sign_checkpoint(checkpoint, *signing_keys(self.keyring, self.log_id))
            if outside != checkpoint:
                write_atomically(self.keyring.checkpoint_file, note.encode())
            self._keep(head, checkpoint, note)
        return CheckpointInfo(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root.hex(), note=note)

    def outside(self) -> Checkpoint | None:
        """The checkpoint kept outside the database, its signature checked; None before the first.

        Raises:
            LedgerBroken: the file is not a checkpoint signed by this log's key.
        """
        path = self.keyring.checkpoint_file
        try:
            status = path.stat()
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
            if self._outside is None or self._outside[0] != seen:  # a signature is checked once, not at every read
                note = path.read_text(encoding="utf-8")
                self._outside = (seen, self._open_checkpoint(note))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            raise LedgerBroken("the checkpoint cannot be read", where=str(path)) from None
        return self._outside[1]

    def compact(self) -> bool:
        """Rewrite the database without its free pages and empty the write-ahead log.

        Returns whether the log could be emptied; another reader may hold it, then a later call does it.
        """
        self._sql.execute("VACUUM")
        busy, _, _ = self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def close(self) -> None:
        """Let go of the database."""
        self._sql.close()

    def _head(self) -> Head:
        # another process may have changed keys: what the head names is read and written with
        self.keyring = self.keyring.following(keys_named(self._sql))
        head = load_head(self._sql, self.keyring.active("row").secret)
        if head.log_id != self.log_id:
            raise LedgerBroken("the database belongs to another log", mend="imp.toml and ledger.db must go together")
        return head

    def _open_checkpoint(self, note: str) -> Checkpoint:
        try:
            return open_checkpoint(note, *verifier_keys(self.keyring, self.log_id))
        except LedgerBroken:
            fresh = self.keyring.reload()  # another process may sign with a newer key
            known = verifier_keys(fresh, self.log_id)
            if known == verifier_keys(self.keyring, self.log_id):
                raise
            return open_checkpoint(note, *known)

    def _keep(self, head: Head, checkpoint: Checkpoint, note: str) -> None:
        key, row = self.keyring.active("row").secret, (checkpoint.size, checkpoint.root, note)
        kept = self._sql.execute("INSERT OR IGNORE INTO checkpoint (size, root, note) VALUES (?, ?, ?)", row)
        if kept.rowcount:
            added = int.from_bytes(row_hmac(key, "checkpoint", row), "big")
            head.sums["checkpoint"] = (head.sums.get("checkpoint", 0) + added) % MODULUS
            save_head(self._sql, key, head, was_size=head.frontier.size)

    def _sign_or_warn(self) -> None:
        """Sign after a commit. What was committed is acknowledged all the same; the next write signs it too."""
        try:
            self.checkpoint()
        except ImpError as error:
            _logger.warning("committed, but not signed yet: %s", error)

    def _refuse_rollback(self, head: Head, outside: Checkpoint | None) -> None:
        if outside is None:
            signed = self._sql.execute("SELECT 1 FROM checkpoint LIMIT 1").fetchone()
            if signed and self.outside() is None:
                raise LedgerBroken(
                    "the checkpoint outside the database is gone",
                    where=str(self.keyring.checkpoint_file),
                    mend="put it back from the keys' backup; if it is lost: imp audit checkpoint --without-previous",
                )
            return
        size = head.frontier.size
        if size < outside.size or (size == outside.size and head.frontier.root() != outside.root):
            raise LedgerBroken(
                f"the database holds {size} entries, its checkpoint {outside.size}: it was rolled back or replaced",
                where=str(self.keyring.checkpoint_file),
                mend="put the newest database back, or restore with its erasures replayed",
            )
