"""A restore: the backup's copy is brought up to the newest checkpoint aside, in one transaction, and put in place.

The tree reaches what was signed, so every checkpoint, proof and receipt still holds. What people said after the backup
is lost, and whoever said something then is asked anew (`lost`). Whoever was erased since is erased again. A crash at
any point leaves the present database, or the restored one; a dry run does everything but the last step.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from imp_consent.ledger.head import Head
from imp_consent.ledger.store import transaction as in_transaction
from imp_consent.ledger.tombstones import Tombstones
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.restore.copy import copied, opened, put_in_place
from imp_consent.plane.restore.files import Files, register_files
from imp_consent.plane.restore.others import close_uses, doubt_messages, keep_checkpoint, take_documents
from imp_consent.plane.restore.outside import Signed, read_signed, tail_after
from imp_consent.plane.restore.people import check_tombstones, find_people, orphaned_leaves, settle_people
from imp_consent.plane.restore.present import fault_of
from imp_consent.plane.restore.result import Restored, Site
from imp_consent.policy.project import project
from imp_core.errors import CheckFailed

__all__ = ["restore"]


def restore(site: Site, backup: Path, *, execute: bool) -> Restored:
    """Put a backup in the place of a database that is lost, damaged or older than its checkpoint.

    Nothing else may use the workspace meanwhile. Without `execute` nothing changes.

    Raises:
        CheckFailed: the present database is sound; or nobody can tell who was erased since the backup.
        BadInput: the backup cannot be read.
        LedgerBroken: the backup is not of this ledger, or damaged; or what lies outside is.
        ImpError: a file cannot be written.
    """
    signed = read_signed(site.keyring)
    fault = fault_of(site.workspace, site.keyring, signed.checkpoint)
    if fault is None:
        raise CheckFailed(
            f"the present ledger is sound and holds all {signed.checkpoint.size} entries that were signed",
            where=str(site.workspace.database),
            mend="nothing is to be restored",
        )
    files = Files()
    try:
        with copied(site.workspace, backup) as path:
            with opened(path, site.keyring) as (sql, head):
                done = _Rebuild(site, sql, head, signed, files).run(fault, execute=execute)
            if execute:
                put_in_place(site.workspace, path)
    finally:
        for written in files.written:
            written.release()
    if execute:
        log = site.log()
        try:
            log.checkpoint()
            archive.remove_orphans(site.workspace, log)
        finally:
            log.close()
    return done


@dataclass(frozen=True, slots=True)
class _Rebuild:
    site: Site
    sql: sqlite3.Connection
    head: Head
    signed: Signed
    files: Files

    def run(self, fault: str, *, execute: bool) -> Restored:
        """Everything that a restore changes in the copy, in one transaction."""
        size = self.head.frontier.size
        tail = tail_after(self.sql, self.head.frontier, self.site.keyring, self.signed.checkpoint)
        tombstones = Tombstones(self.site.keyring.folder, self.site.keyring)
        buried = tombstones.read()
        check_tombstones(buried, tail)
        ring = self.site.keyring
        supp_id = self.head.keys.get("supp", ring.active("supp").id)
        self.head.keys = ring.in_use()
        with in_transaction(self.sql, write=True):
            transaction = self._transaction()
            found = find_people(transaction, tail, buried, backup_size=size, supp_id=supp_id)
            for leaf in tail:
                transaction.append_again(leaf)
            reached = transaction.size
            keep_checkpoint(transaction, self.signed)
            documents_lost = take_documents(transaction, self.site.keyring)
            leaves = orphaned_leaves(transaction, found)
            in_doubt = doubt_messages(transaction, backup_size=size)
            tokens = settle_people(transaction, self.site, found, buried)
            uses = close_uses(transaction)
            register_files(transaction, self.site.workspace, found.living, self.files, execute=execute)
            restored = Restored(
                fault=fault,
                backup_size=size,
                size=reached,
                people=len(found.living),
                people_lost=len(found.lost),
                people_erased=len(found.gone),
                leaves=leaves,
                rows=self.files.rows,
                files_found=self.files.found,
                batches_lost=tuple(self.files.lost),
                documents_lost=documents_lost,
                uses_closed=uses,
                messages_in_doubt=in_doubt,
                seq=transaction.size if execute else None,
            )
            self._say(transaction, restored)
            transaction.finish()
            if execute:
                # an erasure that was asked for and not finished has a tombstone; whoever restores again erases again
                tombstones.bury(found.gone)
                tombstones.suppress(token for token in tokens if token not in buried.suppressed)
        return restored

    def _transaction(self) -> Transaction:
        site = self.site
        return Transaction(
            self.sql,
            site.keyring,
            self.head,
            clock=site.clock,
            randomness=site.randomness,
            actor=site.actor,
            projection=project,
        )

    def _say(self, transaction: Transaction, restored: Restored) -> None:
        listing, lost = self.files.listing, self.files.lost_document
        transaction.append_system(
            "restore",
            {
                "from": restored.backup_size,
                "to": restored.size,
                "lost": restored.people_lost,
                "erased": restored.people_erased,
                "leaves": restored.leaves,
                "rows": restored.rows,
                "files": archive.sha256_of(listing),
                "batches_lost": archive.sha256_of(lost),
                "documents_lost": restored.documents_lost,
                "in_doubt": restored.messages_in_doubt,
            },
            documents=[listing, lost],
        )
