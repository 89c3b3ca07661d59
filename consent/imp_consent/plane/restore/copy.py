"""A backup as it is taken into the workspace: a copy aside, checked, in which everything else is done."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from imp_consent.audit.problem import Problems
from imp_consent.audit.rows import check_rows
from imp_consent.audit.schema import check_schema
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.head import Head, keys_named, load_head
from imp_consent.ledger.store import Database, connect, sqlite_errors, upgrade_database
from imp_core.errors import BadInput, ImpError, LedgerBroken
from imp_core.hold import held_folder
from imp_core.workspace import Workspace, sync

__all__ = ["copied", "expect_backup", "opened", "put_in_place"]

_MEND: Final = "use another backup"
_ASIDE: Final = "replaced"


def expect_backup(backup: Path) -> None:
    """Look whether there is a file at all, before anything else is looked at.

    Raises:
        BadInput: there is none.
    """
    if not backup.is_file():
        what = "a folder, not a backup" if backup.is_dir() else "there is no such backup"
        raise BadInput(what, where=str(backup), mend="name the file that imp backup wrote")


@contextmanager
def copied(workspace: Workspace, backup: Path) -> Iterator[tuple[Path, str]]:
    """A copy of a backup inside the workspace, of this version's schema, and the version that the backup has.

    The copy is removed at the end unless it was moved away.

    Raises:
        BadInput: the backup cannot be read.
        LedgerBroken: it is not a ledger of imp, or of a version this one does not know.
        ImpError: the workspace takes no copy.
    """
    expect_backup(backup)
    try:
        workspace.temporary.mkdir(mode=0o700, exist_ok=True)
        folder, hold = held_folder(workspace.temporary, "restore-")
    except OSError as error:
        raise ImpError(f"cannot be written: {error.strerror}", where=str(workspace.temporary)) from None
    try:
        path = folder / workspace.database.name
        try:
            for end in ("", "-wal"):  # a plain copy of a database may have come with its write-ahead log
                source = backup.with_name(backup.name + end)
                if source.is_file():
                    shutil.copyfile(source, path.with_name(path.name + end))
            path.chmod(0o600)
        except OSError as error:
            raise BadInput(
                f"cannot be read or copied: {error.strerror}",
                where=str(backup),
                mend="look at its name, whose it is and its mode",
            ) from None
        with sqlite_errors():
            version = upgrade_database(path)
        yield path, version
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # what cannot be removed now is nobody's, and the next sweep's
        hold.release()


@contextmanager
def opened(path: Path, keyring: Keyring) -> Iterator[tuple[Database, Head]]:
    """The copy's connection and head, every row checked against its MAC and every table against its sum.

    At the end it is one file again, without a write-ahead log.

    Raises:
        LedgerBroken: the backup was changed, is of another ledger, or under a row key that was destroyed.
    """
    with closing(connect(path)) as sql, sqlite_errors():
        named = keys_named(sql).get("row", keyring.active("row").id)
        if not keyring.has("row", named):
            raise LedgerBroken(
                f"the backup was made under the row key {named}, which was destroyed: nobody can tell whether it was "
                "changed",
                where="log_state",
                mend="use a backup made since the key was changed",
            )
        key = keyring.by_id("row", named)  # staged, where a change of keys was committed and then died
        head = load_head(sql, key.secret)
        if head.log_id != keyring.log_id:
            raise LedgerBroken("the backup is of another ledger", where="log_state", mend=_MEND)
        problems = Problems()
        check_schema(sql, problems)
        check_rows(sql, key.secret, head.sums, problems, lambda _: None)
        if problems.found:
            first = problems.found[0]
            raise LedgerBroken(f"the backup is damaged: {first.sentence}", where=first.place, mend=_MEND)
        yield sql, head
        sql.execute("PRAGMA journal_mode = DELETE")


def put_in_place(workspace: Workspace, path: Path, stamp: str) -> str | None:
    """Move the finished copy to where the ledger is, durably, and what was there into a private folder of its own.

    `stamp` names that folder, which is returned; None where there was nothing.

    Raises:
        ImpError: it cannot be moved; the ledger is as it was, or lies in that folder.
    """
    database = workspace.database
    # The database goes first: without it nobody opens a write-ahead log that is left; and with the new one in place
    # that of another would be taken for its own.
    old = [database.with_name(database.name + end) for end in ("", "-wal", "-shm")]
    old = [file for file in old if file.is_symlink() or file.exists()]
    try:
        sync(path)
        aside = _set_aside(workspace, old, stamp) if old else None
        path.replace(database)
        sync(database.parent)
    except OSError as error:
        raise ImpError(
            f"the ledger cannot be put in its place: {error.strerror}",
            where=str(database),
            mend=f"run it again; what was there is as it was, or in {_ASIDE}-{stamp}",
        ) from None
    return aside


def _set_aside(workspace: Workspace, files: Sequence[Path], stamp: str) -> str:
    for file in files:
        if not file.is_symlink():
            file.chmod(0o600)
    folder = workspace.root / f"{_ASIDE}-{stamp}"
    for number in count(2):
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:  # of a restore that was killed
            folder = workspace.root / f"{_ASIDE}-{stamp}-{number}"
        else:
            break
    sync(workspace.root)
    for file in files:
        file.replace(folder / file.name)
    sync(folder)
    sync(workspace.root)
    return folder.name
