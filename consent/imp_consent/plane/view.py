"""The only way to people's data for use: a use is marked in the ledger before anything is read.

Opening appends `use-open` with the state as of that entry, and yields native DuckDB relations of the rows that pass
the gate twice; closing appends `use-close` with the hash of what was computed, and refuses when an admitted person
withdrew or was erased in between (`DATA.md`, Readout), or when a file is no longer the one that was checked. The state
is read after the transaction that marks the use, as it was known then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import duckdb
import pyarrow as pa

from imp_consent.gate.frames import PERMITTED_SQL, rectangles
from imp_consent.gate.stage import not_covered, stage
from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.compact import collect_waiting
from imp_consent.plane.frames import CLOSED_SQL, HALF_UNITS_SQL, OF_UNITS, PERMITTED_TIMES_SQL, REFUSED_UNITS_SQL
from imp_core.clock import SECOND_US
from imp_core.errors import LedgerBroken
from imp_core.gate import Use
from imp_core.ports import EnrolmentCount, Json, Superseded
from imp_core.workspace import Workspace

__all__ = ["ConsentUse", "ConsentView"]

_LEASE_US = 3600 * SECOND_US
_SUBJECTS = 10_000


class ConsentView:
    """Core's View on a ledger and its archive."""

    def __init__(self, log: Log, workspace: Workspace) -> None:
        self._log = log
        self._workspace = workspace

    def open(
        self,
        use: Use,
        *,
        definition_seq: int | None = None,
        columns: Sequence[str] | None = None,
        with_permitted: bool = False,
    ) -> ConsentUse:
        """Mark the use, then yield what the gate lets through, as of now; what waits in the inbox is taken in before.

        `columns`, `with_permitted`: see `imp_core.ports.View`.

        Raises:
            LedgerBroken: a registered file is missing or changed, or the state was changed by other hands.
            Superseded: somebody was erased meanwhile; open it again.
        """
        collect_waiting(self._log, self._workspace)
        with self._log.write() as transaction:
            _close_expired(transaction)
            mark = _mark(transaction, use, definition_seq)
        opened = ConsentUse(self._log, use, seq=mark.seq, size=mark.size, as_of_us=mark.as_of_us)
        try:
            # Many rows, so not under the write lock: others may go on writing, and what they write is not known yet.
            with self._log.read() as reader:
                allowed = rectangles(reader, use.purpose, use.channel, size=mark.size)
            opened.files = [archive.checked_live(self._workspace, file) for file in mark.files]
            paths = [str(file.path) for file in opened.files]
            opened.attach(archive.scan(self._workspace, paths), allowed, columns, with_permitted=with_permitted)
        except (LedgerBroken, duckdb.Error) as error:
            if opened.abandon():
                raise (error if isinstance(error, LedgerBroken) else _unreadable(error)) from None
            # an erasure took the lease, and the files with it
            raise Superseded("somebody was erased while this was opened", mend="run it again") from None
        except BaseException:
            opened.abandon()
            raise
        return opened

    def enrolment(self, experiment: str) -> Sequence[EnrolmentCount]:
        """Counts of exposures by variant, day and reason; they hold nobody's data and never decrease."""
        with self._log.read() as reader:
            return [
                EnrolmentCount(
                    experiment=str(name), phase=int(str(phase)), variant=str(variant), day=int(str(day)),
                    reason=str(reason), n=int(str(n)),
                )
                for name, phase, variant, day, reason, n in reader.sealed.select(
                    "enrolment_count", "experiment = ? ORDER BY phase, variant, day, reason", (experiment,)
                )
            ]  # fmt: skip


class ConsentUse:
    """One opened use; see `imp_core.ports.OpenedUse` for its frames."""

    def __init__(self, log: Log, use: Use, *, seq: int, size: int, as_of_us: int) -> None:
        self._log = log
        self._use = use
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.seq = seq
        self.size = size
        self.as_of_us = as_of_us
        self.checkpoint = log.checkpoint().note
        self.files: Sequence[archive.CheckedFile] = ()  # what `events` reads, each time anew
        self.events: duckdb.DuckDBPyRelation
        self.closed: duckdb.DuckDBPyRelation
        self.permitted: duckdb.DuckDBPyRelation | None = None
        self.refused: duckdb.DuckDBPyRelation

    def attach(
        self,
        connection: duckdb.DuckDBPyConnection,
        allowed: object,
        columns: Sequence[str] | None = None,
        *,
        with_permitted: bool = False,
    ) -> None:
        """Put the gate between the archive and the reader: `connection` knows the table `archive_row`.

        What is handed out can be asked in SQL, so the connection forgets what did not pass and whatever names it.
        """
        self._connection = connection
        wanted = None if columns is None else (*columns, *OF_UNITS)
        staged = stage(connection, allowed, read_us=self.as_of_us, n=self.size, columns=wanted, explain=self._explain)
        connection.execute(HALF_UNITS_SQL)
        connection.execute(f"CREATE TEMP TABLE refused AS {REFUSED_UNITS_SQL}")
        connection.execute(f"CREATE TEMP TABLE closed AS {CLOSED_SQL}")
        if with_permitted:
            connection.execute(f"CREATE TEMP TABLE permitted AS {PERMITTED_TIMES_SQL}")
            self.permitted = connection.table("permitted")
        connection.execute("DROP VIEW consent_untested")
        staged.keep_passing(connection)
        rows = archive.rows_without_name(connection, [str(file.path) for file in self.files])
        # whose permission covers everything is read where it lies, and only what is asked for of it
        self.events = connection.sql(f"{staged.untested_sql(rows)} UNION ALL {PERMITTED_SQL}")
        self.refused = connection.table("refused")
        self.closed = connection.table("closed")

    def close(
        self,
        *,
        readout_sha256: str,
        counts: Mapping[str, int],
        proof_sha256: str | None = None,
        looks: Sequence[Mapping[str, Json]] = (),
    ) -> int:
        """Commit to what was computed; only then may it be shown. Returns the seq of `use-close`.

        Raises:
            Superseded: an admitted person withdrew or was erased since; the use is closed without a result.
            LedgerBroken: the archive's files cannot be read any more, or are not those that were checked at the open;
                it is closed likewise.
        """
        try:
            admitted = self._admitted()
            self._expect_unchanged()  # after the last row was read
        except (LedgerBroken, duckdb.Error) as error:
            if self.abandon():
                raise (error if isinstance(error, LedgerBroken) else _unreadable(error)) from None
            raise Superseded("somebody was erased meanwhile", mend="run it again") from None
        with self._log.write() as transaction:
            superseded, seq = self._superseded(transaction, admitted), None
            if not superseded:
                fields: dict[str, Json] = {
                    "use": self.seq, "readout": readout_sha256, "proof": proof_sha256, "counts": dict(counts),
                }  # fmt: skip
                if looks:
                    fields["looks"] = [dict(look) for look in looks]
                seq = transaction.append_system("use-close", fields)
                transaction.sealed.delete("lease", "id = ?", (self.seq,))
            else:
                _abandon(transaction, self.seq)
        self._disconnect()
        self._log.checkpoint()
        if seq is None:
            raise Superseded("an admitted person withdrew or was erased meanwhile", mend="run it again")
        return seq

    def abandon(self) -> bool:
        """Close the use without a result; the ledger says so. False where somebody else had closed it."""
        with self._log.write() as transaction:
            closed = _abandon(transaction, self.seq)
        self._disconnect()
        return closed

    def _admitted(self) -> set[int]:
        if self._connection is None:
            return set()  # it was closed before, and its lease is gone
        return {subject for (subject,) in self.events.select("subject").distinct().fetchall()}

    def _expect_unchanged(self) -> None:
        """Their bytes were held against their hashes when this was opened: whoever wrote to one since changed its mark.

        Not hashed again: that costs seconds for each GB, and would not see what was changed and put back meanwhile.
        """
        for file in self.files:
            if not file.is_unchanged():
                raise LedgerBroken(
                    "a file of the archive was changed while it was read",
                    where=file.path.name,
                    mend="run: imp audit verify; if that finds nothing, run it again",
                )

    def _superseded(self, transaction: Transaction, admitted: set[int]) -> bool:
        if not any(True for _ in transaction.sealed.select("lease", "id = ?", (self.seq,))):
            return True  # an erasure took the lease away (the files read are gone), or it expired
        changed = {
            subject
            for (subject,) in transaction.sql.execute("SELECT DISTINCT subject FROM payload WHERE seq > ?", (self.seq,))
        }
        if any(_newly_denied(transaction, self._use.purpose, subject, self.seq) for subject in admitted & changed):
            return True
        erased = any(entry.seq > self.seq for entry in transaction.system_entries("erased"))
        return erased and not _all_living(transaction, admitted)

    def _explain(self, subjects: list[int]) -> pa.Table:
        assert self._connection is not None  # noqa: S101 (asked of while it is attached)
        with self._log.read() as reader:
            return not_covered(reader, self._use.purpose, subjects, self._connection, size=self.size)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Mark(NamedTuple):
    """A use as it was marked: the seq of its `use-open`, the ledger's size and the time it is as of, and its files."""

    seq: int
    size: int
    as_of_us: int
    files: list[archive.LiveFile]


def _unreadable(error: duckdb.Error) -> LedgerBroken:
    # only the type: a driver's words may hold a row
    return LedgerBroken(f"the archive cannot be read: {type(error).__name__}", where="archive", mend="see: imp doctor")


def _mark(transaction: Transaction, use: Use, definition_seq: int | None) -> _Mark:
    rows = archive.live_batches(transaction)
    listing = json.dumps([[row.batch, row.version, row.sha256] for row in rows], separators=(",", ":"))
    size, now_us = transaction.size, transaction.now_us
    policies = [entry.seq for entry in transaction.system_entries("policy")]
    seq = transaction.append_system(
        "use-open",
        {
            "purpose": use.purpose,
            "channel": use.channel,
            "action": str(use.action),
            "definition": definition_seq,
            "n": size,
            "policy": policies[-1] if policies else None,
            "files": hashlib.sha256(listing.encode()).hexdigest(),
        },
    )
    batches = json.dumps([row.batch for row in rows])
    transaction.sealed.insert("lease", [(seq, seq, batches, now_us + _LEASE_US)])
    return _Mark(seq, size, now_us, archive.group_files(rows))


def _abandon(transaction: Transaction, use_seq: int) -> bool:
    """Close a use without a result, unless it is closed already: one use has one end."""
    if not transaction.sealed.delete("lease", "id = ?", (use_seq,)):
        return False
    transaction.append_system("use-close", {"use": use_seq, "abandoned": True})
    return True


def _newly_denied(transaction: Transaction, purpose: str, subject: int, seq: int) -> bool:
    found = transaction.sealed.select(
        "consent_state",
        "subject = ? AND purpose = ? AND NOT permit AND from_seq > ? AND from_us <= ?",
        (subject, purpose, seq, transaction.now_us),
    )
    return any(True for _ in found)


def _all_living(transaction: Transaction, subjects: set[int]) -> bool:
    ordered = sorted(subjects)
    for start in range(0, len(ordered), _SUBJECTS):
        chunk = ordered[start : start + _SUBJECTS]
        (found,) = transaction.sql.execute(
            "SELECT count(*) FROM subject_key WHERE subject IN (SELECT value FROM json_each(?))", (json.dumps(chunk),)
        ).fetchone()
        if found != len(chunk):
            return False
    return True


def _close_expired(transaction: Transaction) -> None:
    for row in list(transaction.sealed.select("lease", "expires_us < ?", (transaction.now_us,))):
        _abandon(transaction, int(str(row[1])))
