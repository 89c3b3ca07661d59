"""Where things are: a workspace is a folder with `imp.toml`, found by walking up or by `IMP_HOME`."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imp_core.errors import BadInput, ImpError, WorkspaceMissing
from imp_core.settings import check_settings, replace_table, toml_mend

__all__ = ["CONFIG_NAME", "UNWRITABLE", "Workspace", "find_workspace", "sync", "write_atomically"]

CONFIG_NAME = "imp.toml"
# What to do where a file or folder cannot be written, whoever says so.
UNWRITABLE = "look whether the folder is there, whose it is and its mode, and at the disk's room; or name another place"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths and settings of one workspace. Reading it opens no database and no key."""

    root: Path
    config: Mapping[str, Any]

    @classmethod
    def load(cls, root: Path) -> Workspace:
        """Read `imp.toml`.

        Raises:
            WorkspaceMissing: there is no `imp.toml` in `root`.
            BadInput: it cannot be read, is not TOML, or one of core's own tables does not hold what it must.
        """
        path = root / CONFIG_NAME
        try:
            config = tomllib.loads(path.read_bytes().decode("utf-8"))
            check_settings(config)
        except (FileNotFoundError, NotADirectoryError):
            raise WorkspaceMissing("no workspace here", where=str(root), mend="create one with: imp init") from None
        except OSError as error:
            mend = "look whose the file is and its mode: it must be a file that you may read"
            raise BadInput(f"cannot be read: {error.strerror}", where=str(path), mend=mend) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            mend = toml_mend(error)
            raise BadInput(f"not a TOML file: {error}", where=str(path), mend=mend) from None
        except BadInput as error:
            where = f"{path}, {error.where}" if error.where else str(path)
            raise BadInput(error.what, where=where, mend=error.mend) from None
        return cls(root=root, config=config)

    @property
    def log_id(self) -> str:
        """The ledger's id; the checkpoint's origin is `imp.local/<log id>`."""
        return str(self.config["workspace"]["log_id"])

    @property
    def controller(self) -> str:
        """Who decides on the data (GDPR 4(7))."""
        return str(self.config["workspace"]["controller"])

    @property
    def timezone(self) -> str:
        """The IANA zone in which cohort days begin and end."""
        return str(self.config["workspace"].get("timezone", "UTC"))

    @property
    def k(self) -> int:
        """Cells of fewer than k people are not shown."""
        return int(self.config.get("privacy", {}).get("k", 10))

    @property
    def key_provider(self) -> str:
        """What keeps the ledger's keys: `folder`, `env`, or a name that a plugin registered."""
        return str(self.config.get("keys", {}).get("provider", "folder"))

    @property
    def database(self) -> Path:
        """The ledger's database."""
        return self.root / "ledger.db"

    @property
    def archive(self) -> Path:
        """The folder of registered Parquet files."""
        return self.root / "archive"

    @property
    def temporary(self) -> Path:
        """Where unfinished files and spills live (0700, cleared)."""
        return self.root / "tmp"

    @property
    def experiments(self) -> Path:
        """The folder of experiment files."""
        return self.root / "experiments"

    @property
    def reports(self) -> Path:
        """The folder of readouts."""
        return self.root / "reports"

    @property
    def plugin_pins(self) -> Mapping[str, Mapping[str, str]]:
        """What was enabled: name → version and manifest_sha256."""
        return dict(self.config.get("plugins", {}))

    def with_table(self, header: str, values: Mapping[str, str]) -> Workspace:
        """Write (or replace) one `[header]` table of strings in `imp.toml`, leaving every other line as it is.

        Raises:
            BadInput: the table stands there in a spelling that must be edited by hand.
        """
        return self._edited(header, values)

    def without_table(self, header: str) -> Workspace:
        """Remove one `[header]` table from `imp.toml`; raises as `with_table` does."""
        return self._edited(header, None)

    def _edited(self, header: str, values: Mapping[str, str] | None) -> Workspace:
        path = (self.root / CONFIG_NAME).resolve()
        try:
            text = replace_table(path.read_bytes().decode("utf-8"), header, values)
        except BadInput as error:
            raise BadInput(error.what, where=str(path), mend=error.mend) from None
        write_atomically(path, text.encode(), mode=stat.S_IMODE(path.stat().st_mode))
        return Workspace.load(self.root)


def find_workspace(start: Path, environ: Mapping[str, str]) -> Workspace:
    """The workspace named by `IMP_HOME`, else the nearest one from `start` upwards.

    Raises:
        WorkspaceMissing: there is none; nothing is created.
    """
    home = environ.get("IMP_HOME")
    if home:
        try:
            return Workspace.load(start / home)
        except WorkspaceMissing as error:
            mend = "set IMP_HOME to a workspace, or unset it to look from the present folder upwards; or: imp init"
            raise WorkspaceMissing(
                "no workspace in the folder that IMP_HOME names", where=error.where, mend=mend
            ) from None
    for folder in (start, *start.parents):
        if os.path.lexists(folder / CONFIG_NAME):
            return Workspace.load(folder)
    raise WorkspaceMissing(
        "no workspace here or in any folder above",
        where=str(start),
        mend="create one with: imp init, or set IMP_HOME",
    )


def sync(path: Path) -> None:
    """Make a folder's names, or a file's bytes, durable. OSError passes through."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that a crash leaves the old or the new one: temporary file, fsync, rename, fsync the folder.

    Raises:
        ImpError: the folder cannot be written to; the file is as it was.
    """
    # a name of its own: several processes may write at once, and a leftover may have another mode
    import secrets  # noqa: PLC0415 (`imp --help` needs it not, and it takes milliseconds)

    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ImpError(f"cannot be written: {error.strerror}", where=str(path), mend=UNWRITABLE) from None
