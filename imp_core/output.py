"""Files and folders a command writes where its user says: never over the workspace, the keys, or what it reads.

Nor over anything else that is there: a file is replaced with `--force` only, and a folder is new or empty. What is
written is its owner's to read, and nobody else's.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterable
from pathlib import Path

from imp_core.context import Context
from imp_core.errors import BadInput, WorkspaceMissing
from imp_core.workspace import CONFIG_NAME, write_atomically

__all__ = ["check_output", "write_output"]

# What a workspace lives on; beside it a user may put what they like.
_OURS = (
    CONFIG_NAME, "metrics.toml", "ledger.db", "ledger.db-wal", "ledger.db-shm", "archive", "tmp", "experiments",
    "campaigns", "mappings", "sending",
)  # fmt: skip
# Where keys are kept by default only their own plugin knows; one of them beside the target tells it to everybody.
_KEY = "kek-*.key"
_OWNER = 0o600
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def check_output(
    ctx: Context,
    path: Path,
    *,
    inputs: Iterable[Path | None] = (),
    private: Iterable[Path] = (),
    folder: bool = False,
    force: bool = False,
) -> Path:
    """Where to write, links followed.

    Args:
        ctx: whose workspace and keys (`IMP_KEYS`) are kept from being written over.
        path: where the user wants the file, relative to the command's folder.
        inputs: the files the command reads.
        private: further folders that take nothing, such as the keys' default one.
        folder: whether it is a folder that is written.
        force: whether a file that is there may be replaced. Of a folder it is never asked.

    Raises:
        BadInput: it is an input, a folder (or none), a device, one of the workspace's own files or folders, lies among
            the keys or in a folder that is not there or takes nothing, or there is something already.
    """
    target = (ctx.directory / path).resolve()
    if any(target == (ctx.directory / read).resolve() for read in inputs if read is not None):
        raise BadInput("this would overwrite what is read", where=str(path), mend="name another file to write to")
    if folder and target.exists() and not target.is_dir():
        raise BadInput("not a folder to write to", where=str(path), mend="name a folder that is new or empty")
    if not folder and target.is_dir():
        raise BadInput("a folder, not a file to write to", where=str(path), mend="name a file in it")
    if not folder and target.exists() and not target.is_file():
        raise BadInput("a device or the like, not a file to write to", where=str(path), mend="name a file")
    kept = [Path(folder) for folder in (ctx.environ.get("IMP_KEYS"), *private) if folder]
    with contextlib.suppress(WorkspaceMissing):  # then there is none to protect
        kept += [ctx.workspace.root / name for name in _OURS]
    if any(target.is_relative_to(place.resolve()) for place in kept) or any(target.parent.glob(_KEY)):
        mend = f"name a {'folder' if folder else 'file'} elsewhere, or in reports/"
        raise BadInput("this would write over the workspace or the keys", where=str(path), mend=mend)
    _check_free(path, target, folder=folder, force=force)
    return target


def write_output(target: Path, data: bytes) -> None:
    """Write a file that `check_output` let pass, readable by its owner only, whole or not at all.

    Raises:
        ImpError: it cannot be written.
    """
    write_atomically(target, data, mode=_OWNER)


def _check_free(path: Path, target: Path, *, folder: bool, force: bool) -> None:
    if not target.parent.is_dir():
        raise BadInput("there is no such folder", where=str(path.parent), mend="make it first, or name another one")
    if folder and target.is_dir() and any(target.iterdir()):
        raise BadInput("there is something already", where=str(path), mend="name a folder that is new or empty")
    if not folder and not force and target.exists():
        raise BadInput("there is a file already", where=str(path), mend="name another one, or replace it with --force")
    _check_taken(path, target if target.is_dir() else target.parent)


def _check_taken(path: Path, folder: Path) -> None:
    """Try it before there is anything to lose: many a command has done its work by the time it writes."""
    import tempfile  # noqa: PLC0415 (only where something is written)

    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        if error.errno in _NO_ROOM:
            return  # nothing that the command line could have said better
        raise BadInput(
            f"nothing can be written there: {error.strerror}",
            where=str(path),
            mend="name another place, or look whose the folder is and its mode",
        ) from None
