"""Files a command writes where its user says: never over the workspace, the keys, or what the command reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from imp_core.context import Context
from imp_core.errors import BadInput, WorkspaceMissing

__all__ = ["check_output"]


def check_output(ctx: Context, path: Path, *, inputs: Iterable[Path | None] = (), private: Iterable[Path] = ()) -> Path:
    """Where to write, links followed. `reports/` is the one folder of a workspace that takes a user's files.

    Args:
        ctx: whose workspace and keys (`IMP_KEYS`) are kept from being written over.
        path: where the user wants the file, relative to the command's folder.
        inputs: the files the command reads.
        private: further folders that take nothing, such as the keys' default one.

    Raises:
        BadInput: it is an input, a folder, or lies in the workspace or among the keys.
    """
    target = (ctx.directory / path).resolve()
    if any(target == (ctx.directory / read).resolve() for read in inputs if read is not None):
        raise BadInput("this would overwrite what is read", where=str(path), mend="name another file to write to")
    if target.is_dir():
        raise BadInput("a folder, not a file to write to", where=str(path))
    kept = [Path(folder) for folder in (ctx.environ.get("IMP_KEYS"), *private) if folder]
    try:
        workspace = ctx.workspace
    except WorkspaceMissing:
        pass  # then there is none to protect
    else:
        if not target.is_relative_to(workspace.reports.resolve()):
            kept.append(workspace.root)
    if any(target.is_relative_to(folder.resolve()) for folder in kept):
        mend = "name a file elsewhere, or in reports/"
        raise BadInput("this would write into the workspace or the keys", where=str(path), mend=mend)
    return target
