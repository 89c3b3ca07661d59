"""A restore: the backup's copy is brought up to the newest checkpoint aside, in one transaction, and put in place.

The tree reaches what was signed, so every checkpoint, proof and receipt still holds. What people said after the backup
is lost, and whoever said something then is denied until they say yes again (`lost`). Whoever was erased since is erased
again. A crash at any point leaves the present database, or the restored one; a dry run does everything but the last
step.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.head import Head, HeadMemory
from imp_consent.ledger.store import SCHEMA_VERSION, Database
from imp_consent.ledger.store import transaction as in_transaction
from imp_consent.ledger.tombstones import Buried, Tombstones
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.restore.copy import copied, expect_backup, opened, put_in_place
from imp_consent.plane.restore.files import Files, register_files, remove_replaced
from imp_consent.plane.restore.keys import forget_unsigned, ring_after
from imp_consent.plane.restore.others import close_uses, doubt_messages, keep_checkpoint, take_documents
from imp_consent.plane.restore.outside import Signed, read_signed, tail_after
from imp_consent.plane.restore.people import (
    Found,
    check_tombstones,
    find_people,
    orphaned_leaves,
    settle_people,
    unexplained_leaves,
)
from imp_consent.plane.restore.present import fault_of
from imp_consent.plane.restore.result import Restored, Site
from imp_consent.policy.project import project, refold
from imp_core.clock import format_time
from imp_core.errors import CheckFailed

__all__ = ["restore"]


def restore(site: Site, backup: Path, *, execute: bool) -> Restored:
    """Put a backup in the place of a database that is lost, damaged or older than its checkpoint.

    Nothing else may use the workspace meanwhile. Without `execute` nothing changes.

    Raises:
        CheckFailed: the present database is sound; or nobody can tell who was erased since the backup, or open
            what is left of the others.
        BadInput: the backup cannot be read.
        KeysUnusable: keys are missing that the ledger uses.
        LedgerBroken: the backup is not of this ledger, or damaged; or what lies outside is.
        ImpError: a file cannot be written.
    """
    expect_backup(backup)
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
        with copied(site.workspace, backup) as (path, version):
            with opened(path, site.keyring) as (sql, head):
                rebuild = _Rebuild(site, sql, head, signed, files, older=version != SCHEMA_VERSION)
                done = rebuild.run(fault, execute=execute)
            if execute:
                stamp = re.sub("[^0-9TZ]", "", format_time(site.clock.now_us()))
                done = replace(done, replaced=put_in_place(site.workspace, path, stamp))
    finally:
        for written in files.written:
            written.release()
    if execute:
        _finish(site, files)
    return done


def _finish(site: Site, files: Files) -> None:
    log = site.log()
    try:
        log.checkpoint()
        remove_replaced(site.workspace, files)
        if not files.lost:  # else a file that no row names may be what is missed
            archive.remove_orphans(site.workspace, log)
    finally:
        log.close()


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known before anything is changed. `supp_id` is the suppression key that the backup was made under."""

    tail: list[bytes]
    ring: Keyring
    buried: Buried
    supp_id: str


@dataclass(frozen=True, slots=True)
class _Rebuild:
    site: Site
    sql: Database
    head: Head
    signed: Signed
    files: Files
    older: bool  # whether the backup is of an older imp, which folded entries by fewer rules

    def run(self, fault: str, *, execute: bool) -> Restored:
        """Everything that a restore changes in the copy, in one transaction."""
        tail = tail_after(self.sql, self.head.frontier, self.site.keyring, self.signed.checkpoint)
        ring = ring_after(self.site.keyring, self.head, tail)
        tombstones = Tombstones(ring.folder, ring)
        buried = tombstones.read()
        check_tombstones(buried, tail)
        known = _Known(tail, ring, buried, self.head.keys.get("supp", ring.active("supp").id))
        self.head.keys = ring.in_use()
        with in_transaction(self.sql, write=True):
            transaction = self._transaction(ring)
            restored, found, tokens = self._rebuild(transaction, known, fault, execute=execute)
            transaction.finish()
            if execute:
                # an erasure that was asked for and not finished has a tombstone; whoever restores again erases again
                tombstones.bury(found.gone)
                tombstones.suppress(token for token in tokens if token not in buried.suppressed)
                forget_unsigned(transaction, ring)
        return restored

    def _rebuild(
        self, transaction: Transaction, known: _Known, fault: str, *, execute: bool
    ) -> tuple[Restored, Found, list[bytes]]:
        size, unexplained = transaction.size, unexplained_leaves(transaction)
        found = find_people(transaction, known.tail, known.buried, backup_size=size, supp_id=known.supp_id)
        for leaf in known.tail:  # then the tree reaches the checkpoint
            transaction.append_again(leaf)
        keep_checkpoint(transaction, self.signed)
        missing = take_documents(transaction, known.ring)
        leaves = orphaned_leaves(transaction, found.covered) - unexplained
        in_doubt = doubt_messages(transaction, backup_size=size)
        tokens = settle_people(transaction, self.site, found, known.buried)
        if self.older:
            refold(transaction)
        uses = close_uses(transaction)
        missing = register_files(transaction, self.site.workspace, found.living, missing, self.files, execute=execute)
        restored = Restored(
            fault=fault,
            backup_size=size,
            size=size + len(known.tail),
            people=len(found.living),
            people_lost=len(found.lost),
            people_erased=len(found.gone),
            authorisations=found.authorisations,
            leaves=leaves,
            unexplained=unexplained,
            rows=self.files.rows,
            files_found=self.files.found,
            files_older=self.files.older,
            batches_lost=tuple(self.files.lost),
            documents_lost=tuple(sorted(missing)),
            uses_closed=uses,
            messages_in_doubt=in_doubt,
            seq=transaction.size if execute else None,
        )
        self._say(transaction, restored)
        return restored, found, tokens

    def _transaction(self, keyring: Keyring) -> Transaction:
        site = self.site
        return Transaction(
            self.sql,
            keyring,
            self.head,
            clock=site.clock,
            randomness=site.randomness,
            actor=site.actor,
            projection=project,
            remembered=HeadMemory(),
        )

    def _say(self, transaction: Transaction, restored: Restored) -> None:
        listing, lost = self.files.listing, self.files.lost_document
        documents = json.dumps(restored.documents_lost, separators=(",", ":")).encode()
        transaction.append_system(
            "restore",
            {
                "from": restored.backup_size,
                "to": restored.size,
                "lost": restored.people_lost,
                "erased": restored.people_erased,
                "authorisations": restored.authorisations,
                "leaves": restored.leaves,
                "rows": restored.rows,
                "files": archive.sha256_of(listing),
                "batches_lost": archive.sha256_of(lost),
                "documents_lost": len(restored.documents_lost),
                "documents": archive.sha256_of(documents),
                "in_doubt": restored.messages_in_doubt,
            },
            documents=[listing, lost, documents],
        )
