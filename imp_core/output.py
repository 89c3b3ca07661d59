"""Files and folders a command writes where its user says: never over the workspace, the keys, or what it reads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from imp_core.context import Context
from imp_core.errors import BadInput, WorkspaceMissing
from imp_core.workspace import CONFIG_NAME

__all__ = ["check_output"]

# What a workspace lives on; beside it a user may put what they like.
_OURS = (
    CONFIG_NAME, "metrics.toml", "ledger.db", "ledger.db-wal", "ledger.db-shm", "archive", "tmp", "experiments",
    "campaigns", "mappings", "sending",
)  # fmt: skip
# Where keys are kept by default only their own plugin knows; one of them beside the target tells it to everybody.
_KEY = "kek-*.key"


def check_output(
    ctx: Context,
    path: Path,
    *,
    inputs: Iterable[Path | None] = (),
    private: Iterable[Path] = (),
    folder: bool = False,
) -> Path:
    """Where to write, links followed.

    Args:
        ctx: whose workspace and keys (`IMP_KEYS`) are kept from being written over.
        path: where the user wants the file, relative to the command's folder.
        inputs: the files the command reads.
        private: further folders that take nothing, such as the keys' default one.
        folder: whether it is a folder that is written.

    Raises:
        BadInput: it is an input, a folder (or none), a device, one of the workspace's own files or folders, or lies
            among the keys.
    """
    target = (ctx.directory / path).resolve()
    if any(target == (ctx.directory / read).resolve() for read in inputs if read is not None):
        raise BadInput("this would overwrite what is read", where=str(path), mend="name another file to write to")
    if folder and target.exists() and not target.is_dir():
        raise BadInput("not a folder to write to", where=str(path))
    if not folder and target.is_dir():
        raise BadInput("a folder, not a file to write to", where=str(path))
    if not folder and target.exists() and not target.is_file():
        raise BadInput("a device or the like, not a file to write to", where=str(path), mend="name a file")
    kept = [Path(folder) for folder in (ctx.environ.get("IMP_KEYS"), *private) if folder]
    with contextlib.suppress(WorkspaceMissing):  # then there is none to protect
        kept += [ctx.workspace.root / name for name in _OURS]
    if any(target.is_relative_to(place.resolve()) for place in kept) or any(target.parent.glob(_KEY)):
        mend = f"name a {'folder' if folder else 'file'} elsewhere, or in reports/"
        raise BadInput("this would write over the workspace or the keys", where=str(path), mend=mend)
    return target
