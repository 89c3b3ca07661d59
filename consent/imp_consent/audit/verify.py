"""The whole audit of a workspace: from the leaves' bytes and the checkpoint outside, to every row and every file.

It opens the database read-only, and rebuilds or repairs nothing. What it cannot see is what the operator never wrote:
events dropped before intake, and a rewrite of everything with the operator's own keys before anybody else kept a
checkpoint.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imp_consent.audit.checkpoints import (
    check_outside,
    check_pinned,
    check_stored,
    open_pinned,
    read_outside,
    stored_sizes,
)
from imp_consent.audit.documents import check_documents
from imp_consent.audit.erasures import check_erasures, check_kept_documents
from imp_consent.audit.files import check_files
from imp_consent.audit.identifiers import check_identifiers
from imp_consent.audit.inbox import check_inbox
from imp_consent.audit.keys import check_keys, follow_head, trust
from imp_consent.audit.leaves import Leaves, read_leaves
from imp_consent.audit.nodes import check_nodes
from imp_consent.audit.outside import check_copy
from imp_consent.audit.people import People, check_people
from imp_consent.audit.problem import Problem, Problems
from imp_consent.audit.restored import Restores, read_restores
from imp_consent.audit.rows import check_head, check_rows
from imp_consent.audit.schema import check_schema
from imp_consent.audit.sends import check_sends
from imp_consent.audit.snapshot import database_state, open_snapshot
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.checkpoint import Checkpoint
from imp_consent.ledger.outside import Outside
from imp_consent.ledger.signer import verifier_keys
from imp_core.errors import ImpError, LedgerBroken
from imp_core.workspace import Workspace

__all__ = ["Verification", "verify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was looked at and what was found.

    `size` and `root` (hex) are those of the leaves (None: they cannot be read, so that nothing is verified),
    `checkpoint_size` that of the checkpoint outside (None: there is none to go by), `after_checkpoint` how many entries
    no checkpoint outside covers yet. `persons_leaves` is how many
    leaves are people's, `living` how many subjects have a key, `orphaned_leaves` how many leaves belong to nobody
    living: those that erasures cut loose, and `lost_leaves`, for which a restore found nobody.
    `notes` are no problems: files of an intake or erasure that is at work or was killed.
    """

    ok: bool
    log_id: str
    size: int | None
    root: str | None
    checkpoint_size: int | None
    after_checkpoint: int
    persons_leaves: int
    orphaned_leaves: int
    lost_leaves: int
    living: int
    files: int
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...] = ()


def verify(
    workspace: Workspace,
    keyring: Keyring,
    *,
    pinned: Sequence[tuple[str, bytes]] = (),
    count: Callable[[int], None] = lambda _: None,
) -> Verification:
    """Check everything that can be checked on the operator's own premises; `count` hears of progress.

    `pinned` are checkpoints kept elsewhere, the name and the bytes of each: the log must begin with what they say.

    Raises:
        KeysUnusable: the keyring lacks a key that an untouched row names.
        ImpError: somebody wrote while this read, and what was found may be the writing.
    """
    problems = Problems()
    before = database_state(workspace.database)
    known = verifier_keys(keyring, workspace.log_id)
    outside = read_outside(keyring, known, problems)
    kept = open_pinned(pinned, known, problems)
    try:
        with open_snapshot(workspace) as sql:
            keyring = follow_head(sql, keyring, problems)
            audit = _Audit(sql, workspace, keyring, problems, count)
            audit.run(outside, kept)
    except LedgerBroken as error:
        problems.report("database.unusable", workspace.database.name, error.what, mend=error.mend)
        return _result(workspace, outside, _Seen(), problems)
    if problems.found and database_state(workspace.database) != before:
        raise ImpError(
            "the ledger was written to while it was verified", where=workspace.database.name, mend="verify it again"
        )
    return _result(workspace, outside, audit.seen, problems)


@dataclass(slots=True)
class _Seen:
    leaves: Leaves | None = None
    orphaned: int = 0
    lost: int = 0
    living: int = 0
    files: int = 0


class _Audit:
    def __init__(
        self,
        sql: sqlite3.Connection,
        workspace: Workspace,
        keyring: Keyring,
        problems: Problems,
        count: Callable[[int], None],
    ) -> None:
        self._sql = sql
        self._workspace = workspace
        self._keyring = keyring
        self._problems = problems
        self._count = count
        self.seen = _Seen()

    def run(self, outside: Checkpoint | None, pinned: Sequence[Checkpoint]) -> None:
        """Every check, each standing on what the ones before it established."""
        with self._problems.checking("database"):
            check_schema(self._sql, self._problems)
        with self._problems.checking("entry"):
            self._check_log(outside, pinned)
        if self.seen.leaves is not None:
            self._check_contents(self.seen.leaves, outside)

    def _check_log(self, outside: Checkpoint | None, pinned: Sequence[Checkpoint]) -> None:
        sizes = stored_sizes(self._sql) | {checkpoint.size for checkpoint in (outside, *pinned) if checkpoint}
        leaves = read_leaves(self._sql, sizes, self._problems, self._count)
        self.seen.leaves = leaves
        if outside is not None:
            check_outside(outside, leaves, self._sql, self._problems)
            check_copy(Outside(self._keyring.folder), outside, self._sql, self._problems)
        with self._problems.checking("node"):
            check_nodes(self._sql, leaves, self._problems)
        check_pinned(pinned, leaves, self._problems)
        check_stored(self._sql, trust(leaves, self._keyring, self._problems), leaves, self._problems)

    def _check_contents(self, leaves: Leaves, outside: Checkpoint | None) -> None:
        sql, problems, key = self._sql, self._problems, self._keyring.active("row").secret
        sums = None
        with problems.checking("log_state"):
            sums = check_head(sql, key, self._workspace.log_id, leaves, problems)
        check_rows(sql, key, sums, problems, self._count)
        with problems.checking("keys"):
            check_keys(sql, self._keyring, leaves, problems)
        people, documents, restores = People(), {}, Restores()
        with problems.checking("people"):
            restores = read_restores(leaves, problems)
            people = check_people(sql, self._keyring, leaves, restores, problems=problems, count=self._count)
            check_identifiers(sql, self._keyring, problems, self._count)
            self._check_balance(leaves, people, restores)
        with problems.checking("erasures"):
            check_erasures(sql, self._keyring, leaves, problems, self._count)
            covered = outside is not None and outside.size == leaves.size
            check_kept_documents(sql, self._keyring, leaves, problems, covered=covered)
        with problems.checking("documents"):
            documents = check_documents(sql, leaves, people.notices, problems)
        with problems.checking("delivery"):
            check_sends(sql, leaves, restores, problems=problems, count=self._count)
        with problems.checking("inbox"):
            check_inbox(sql, self._keyring, problems, self._count)
        with problems.checking("archive"):
            self.seen.files = check_files(sql, self._workspace, leaves, documents, problems=problems, count=self._count)

    def _check_balance(self, leaves: Leaves, people: People, restores: Restores) -> None:
        self.seen.living = people.living
        self.seen.orphaned = leaves.people - people.covered
        self.seen.lost = min(restores.leaves, self.seen.orphaned)
        published = restores.leaves + sum(int(str(entry.fields.get("leaves", 0))) for entry in leaves.of_type("erased"))
        self._problems.expect(
            self.seen.orphaned == published,
            "leaves.balance",
            "entry",
            f"{self.seen.orphaned} people's leaves belong to nobody living, "
            f"erasures and restores account for {published}",
        )


def _result(workspace: Workspace, outside: Checkpoint | None, seen: _Seen, problems: Problems) -> Verification:
    leaves = seen.leaves or Leaves()
    covered = outside.size if outside else 0
    return Verification(
        ok=not problems.found,
        log_id=workspace.log_id,
        size=leaves.size if seen.leaves is not None else None,
        root=leaves.frontier.root().hex() if seen.leaves is not None else None,
        checkpoint_size=outside.size if outside else None,
        after_checkpoint=max(leaves.size - covered, 0),
        persons_leaves=leaves.people,
        orphaned_leaves=seen.orphaned,
        lost_leaves=seen.lost,
        living=seen.living,
        files=seen.files,
        problems=tuple(problems.found),
        notes=tuple(problems.notes),
    )
