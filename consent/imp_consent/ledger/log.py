"""The ledger as a whole: opened with its keys, read in snapshots, written in transactions, signed after each."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from imp_consent.identity.keys import Key, Keyring
from imp_consent.ledger.checkpoint import Checkpoint
from imp_consent.ledger.head import Head, HeadMemory, save_head
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.rewrap import rewrap_left
from imp_consent.ledger.sealed import Sealed
from imp_consent.ledger.settle import settle
from imp_consent.ledger.signer import SIGN_ENTRIES, SIGN_US, Signer, signing_key, signing_keys, verifier_keys
from imp_consent.ledger.standing import Standing, Watch
from imp_consent.ledger.store import Database, connect, create_database, sqlite_errors, transaction
from imp_consent.ledger.survivors import write_survivors
from imp_consent.ledger.transaction import Projection, Transaction
from imp_core.clock import Clock
from imp_core.errors import ImpError, KeysUnusable, LedgerBroken
from imp_core.ports import CheckpointInfo
from imp_core.randomness import Randomness

__all__ = ["Log", "create_log", "signing_key", "signing_keys", "verifier_keys"]

_logger = logging.getLogger(__name__)


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
        self._sql: Database = connect(path)
        self.keyring = keyring
        self.log_id = log_id
        self.clock = clock
        self.actor = actor
        self._randomness = randomness
        self._projection = projection
        self._current: Reader | None = None
        self._remembered = HeadMemory()
        self._signer = Signer(log_id, lambda: self.keyring)
        self._watch = Watch(self._sql, path, self._signer.files.checkpoint_file)
        self._signed_us = clock.now_us()
        self._unsigned: range = range(0)  # seqs committed here since

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
        with transaction(self._sql, write=False):
            head = self._snapshot_head()
            self._signer.refuse_rollback(self._sql, head, outside)
            self._current = Reader(self._sql, self.keyring, head)
            try:
                yield self._current
            finally:
                self._current = None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One write transaction, durable when the block ends, undone when it raises.

        A checkpoint is signed before this returns where somebody said no (`Transaction.restricting`): what a restore
        forgets of a yes is asked again, a no would be overridden. Else after the first commit of all, once
        `SIGN_ENTRIES` entries wait for one or the last was signed `SIGN_US` before, and when the log is closed; who
        needs one at once asks for it. So of other entries those committed since stay unsigned until this process writes
        again or ends, up to `SIGN_ENTRIES` of each process.

        Raises:
            LedgerBroken: the database is older than its checkpoint outside (it was rolled back), the head was
                changed by other hands, or another transaction is open on this ledger.
        """
        if self._current is not None:
            raise LedgerBroken("a transaction inside a transaction", where="ledger")
        if not self.keyring.settled:
            self.settle_keys()
        with transaction(self._sql, write=True):
            head = self._head()
            size, outside = head.frontier.size, self.outside()
            self._signer.refuse_rollback(self._sql, head, outside)
            current = Transaction(
                self._sql,
                self.keyring,
                head,
                clock=self.clock,
                randomness=self._randomness,
                actor=self.actor,
                projection=self._projection,
                remembered=self._remembered,
            )
            self._current = current
            try:
                yield current
                appended = current.finish()
            finally:
                self._current = None
        if appended:
            self._unsigned = range(self._unsigned.start if self._unsigned else size, current.size)
            waited = not 0 <= self.clock.now_us() - self._signed_us < SIGN_US
            if current.restricting or waited or outside is None or len(self._unsigned) >= SIGN_ENTRIES:
                self.sign_unsigned()

    def checkpoint(self, *, without_previous: bool = False) -> CheckpointInfo:
        """Sign what is committed, keep it in the database and, fsynced, outside of it.

        `without_previous` goes on where the checkpoint outside was lost: what was signed before can then no longer be
        compared with anything but copies kept elsewhere.

        Raises:
            LedgerBroken: the database is older than the checkpoint outside, disagrees with it, or there was one and
                it is gone.
        """
        # Under the write lock: of several processes none may put an older checkpoint in the place of a newer one.
        with transaction(self._sql, write=True):
            head = self._head()
            if not self.keyring.settled:  # what is signed names no key that its store does not know to be in use
                self.keyring.activate()
            checkpoint, note = self._signer.sign(self._sql, head, without_previous=without_previous)
        self._signed_us, self._unsigned = self.clock.now_us(), range(0)
        return CheckpointInfo(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root.hex(), note=note)

    def settle_commits(self) -> None:
        """Commit once more and change nothing: to be called before anything is destroyed that nothing names.

        A commit that failed at its fsync may stand in SQLite's write-ahead log all the same, and counts for whoever
        opens the database after a crash, until another one takes its place.

        Raises:
            LedgerBroken: the disk takes no commit, or another transaction is open.
        """
        with transaction(self._sql, write=True):
            self._sql.execute("PRAGMA user_version = 0")  # it is 0, but unlike an UPDATE this always writes a page

    def settle_keys(self) -> None:
        """Finish what a change of keys has to do once it is committed, or undo one that died before.

        Raises:
            KeysUnusable: the keys cannot be changed where they are kept, or one is missing.
            LedgerBroken: as `checkpoint`, or a person's row was changed by other hands.
        """
        self.settle_commits()  # else one that failed, and the key it names, might come back
        with transaction(self._sql, write=True):
            self.keyring = self.keyring.reload()
            head = self._head()
            rewrap_left(self._sql, self.keyring, head)  # committed before the key they were under is destroyed
        with transaction(self._sql, write=True):
            self.keyring = self.keyring.reload()
            head = self._head()
            self._sign_before_destroying(head)
            self.keyring = settle(self._sql, self.keyring, head)

    def forget_key(self, key: Key) -> None:
        """Destroy a retired key that the ledger says nothing needs any more.

        Backups need it: so what a restore takes in their rows' place is written outside first.

        Raises:
            KeysUnusable: the keys cannot be changed where they are kept.
            LedgerBroken: as `checkpoint`, or a person's row was changed by other hands.
            ImpError: the folder outside cannot be written to.
        """
        with transaction(self._sql, write=True):
            head = self._head()
            self._sign_before_destroying(head)
            sealed = Sealed(self._sql, self.keyring.active("row").secret, head.sums)
            write_survivors(sealed, self.keyring, size=head.frontier.size)
            self.keyring = self.keyring.forget(key)

    def outside(self) -> Checkpoint | None:
        """The checkpoint kept outside the database, its signature checked; None before the first.

        Raises:
            LedgerBroken: the file is not a checkpoint signed by this log's key.
        """
        return self._signer.outside()

    def compact(self) -> bool:
        """Rewrite the database without its free pages and empty the write-ahead log.

        Returns whether the log could be emptied; another reader may hold it, then a later call does it.

        Raises:
            LedgerBroken: the disk is full, or does not take it; the database is as it was.
        """
        with sqlite_errors():
            self._sql.be_patient()
            self._sql.execute("VACUUM")
            busy, _, _ = self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def close(self) -> None:
        """Sign what was committed and is not signed yet, and let go of the database."""
        if self._unsigned and self._current is None:
            self.sign_unsigned()
        self._sql.close()

    def standing(self) -> Standing | None:
        """Equal to an earlier one while nothing was committed since; None inside a transaction."""
        return self._watch.standing() if self._current is None else None

    @property
    def unsigned(self) -> int:
        """How many entries were committed here since the last checkpoint, as far as this process knows."""
        return len(self._unsigned)

    def sign_unsigned(self) -> None:
        """Sign what was committed here. Where that fails it is acknowledged all the same; the next write signs it."""
        try:
            outside = self.outside()
            if outside is None or outside.size < self._unsigned.stop:  # else another process signed it
                self.checkpoint()
            self._signed_us, self._unsigned = self.clock.now_us(), range(0)
        except ImpError as error:
            _logger.warning("committed, but not signed yet: %s", error)

    def _snapshot_head(self) -> Head:
        try:
            return self._head()
        except KeysUnusable:
            # keys changed after the snapshot began, and those it names are destroyed: a later one names others
            self._sql.execute("ROLLBACK")
            self._sql.execute("BEGIN")
            return self._head()

    def _head(self) -> Head:
        # another process may have changed keys: what the head names is read and written with
        head = self._remembered.load(self._sql, self._row_key)
        self.keyring = self.keyring.following(head.keys)
        if head.log_id != self.log_id:
            raise LedgerBroken("the database belongs to another log", mend="imp.toml and ledger.db must go together")
        return head

    def _row_key(self, in_use: Mapping[str, str]) -> bytes:
        self.keyring = self.keyring.following(in_use)
        return self.keyring.active("row").secret

    def _sign_before_destroying(self, head: Head) -> None:
        """Let the store and the signed log outside name the keys in use, before those they replace are destroyed.

        A restore follows the signed log: it must not lead to a key that is gone. After a hand-over of the signing key
        the first checkpoint bears both signatures.
        """
        self.keyring.activate()
        size, outside = head.frontier.size, self.outside()
        unsigned = size > 0 and (outside is None or outside.size < size)
        if unsigned or len(signing_keys(self.keyring, self.log_id)) > 1:
            self._signer.sign(self._sql, head, without_previous=False)
