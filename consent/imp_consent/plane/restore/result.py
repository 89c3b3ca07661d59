"""What a restore works with, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.log import Log
from imp_consent.policy.project import project
from imp_core.clock import Clock
from imp_core.ports import Json
from imp_core.randomness import Randomness
from imp_core.workspace import Workspace

__all__ = ["Restored", "Site"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where to restore, with which keys, and who does it. `envelope` answers with what each `lost` entry holds."""

    workspace: Workspace
    keyring: Keyring = field(repr=False)
    clock: Clock
    randomness: Randomness
    actor: str
    envelope: Callable[[], Mapping[str, Json]]

    def log(self) -> Log:
        """The ledger that stands in the workspace; the caller closes it."""
        return Log(
            self.workspace.database,
            self.keyring,
            log_id=self.workspace.log_id,
            clock=self.clock,
            randomness=self.randomness,
            actor=self.actor,
            projection=project,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did, or would do.

    `fault` is why the present database cannot be used. The backup held `backup_size` entries, the newest checkpoint
    covers `size`: of those between only the leaves are known, what people said in them is lost. `people` live on,
    `people_lost` of them have lost something they said and are denied until they say yes again, `people_erased` were
    erased since the backup and are again, with `leaves` entries that no longer belong to anybody and `rows` of the
    archive. Guardians who were erased since are taken out of `authorisations` in others' entries. `unexplained` entries
    belong to nobody in the backup already, and no erasure in it accounts for them: the restore does not either,
    and the audit goes on saying so. `files_found` are batches that were written or rewritten since and found;
    `files_older` have an older file than the newest, which is not there; `batches_lost` have none.
    `documents_lost` are the SHA-256 of purposes, notices or lists that entries name and that are found nowhere.
    `uses_closed` were open, of `messages_in_doubt` it is unknown what became of them. `replaced` is the folder in which
    the database that was there is kept: it may hold people who were erased, and is to be deleted. `seq` is the
    `restore` entry's. Both are None in a dry run.
    """

    fault: str
    backup_size: int
    size: int
    people: int
    people_lost: int
    people_erased: int
    leaves: int
    unexplained: int
    rows: int
    files_found: int
    files_older: int
    batches_lost: Sequence[int]
    documents_lost: Sequence[str]
    uses_closed: int
    messages_in_doubt: int
    replaced: str | None = None
    authorisations: int = 0
    seq: int | None = None
