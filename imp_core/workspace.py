"""Where things are: a workspace is a folder with `imp.toml`, found by walking up or by `IMP_HOME`."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imp_core.errors import BadInput, WorkspaceMissing

__all__ = ["CONFIG_NAME", "Workspace", "drop_table", "find_workspace", "write_atomically"]

CONFIG_NAME = "imp.toml"
_TABLE = re.compile(r"^\s*\[")


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
            BadInput: it is not TOML, or its [workspace] table is incomplete.
        """
        path = root / CONFIG_NAME
        try:
            config = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise WorkspaceMissing("no workspace here", where=str(root), mend="create one with: imp init") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadInput(f"not a TOML file: {error}", where=str(path)) from None
        for key in ("log_id", "controller"):
            if not isinstance(config.get("workspace", {}).get(key), str):
                raise BadInput(f"[workspace] lacks {key}", where=str(path), mend="create workspaces with: imp init")
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
        """Write (or replace) one `[header]` table of strings in `imp.toml`, leaving every other line as it is."""
        text = drop_table((self.root / CONFIG_NAME).read_text(encoding="utf-8"), header)
        lines = [f"{key} = {_toml_string(value)}" for key, value in values.items()]
        return self._rewritten("\n".join([text.rstrip("\n"), "", f"[{header}]", *lines, ""]))

    def without_table(self, header: str) -> Workspace:
        """Remove one `[header]` table from `imp.toml`."""
        return self._rewritten(drop_table((self.root / CONFIG_NAME).read_text(encoding="utf-8"), header))

    def _rewritten(self, text: str) -> Workspace:
        tomllib.loads(text)
        write_atomically(self.root / CONFIG_NAME, text.encode())
        return Workspace.load(self.root)


def find_workspace(start: Path, environ: Mapping[str, str]) -> Workspace:
    """The workspace named by `IMP_HOME`, else the nearest one from `start` upwards.

    Raises:
        WorkspaceMissing: there is none; nothing is created.
    """
    home = environ.get("IMP_HOME")
    if home:
        return Workspace.load(Path(home))
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return Workspace.load(folder)
    raise WorkspaceMissing(
        "no workspace here or in any folder above",
        where=str(start),
        mend="create one with: imp init, or set IMP_HOME",
    )


def drop_table(text: str, header: str) -> str:
    """TOML text without the `[header]` table: from its header line to the next header line."""
    kept: list[str] = []
    inside = False
    for line in text.splitlines():
        if _TABLE.match(line):
            inside = line.split("#")[0].strip() == f"[{header}]"
        if not inside:
            kept.append(line)
    return "\n".join(kept).rstrip("\n") + "\n"


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that a crash leaves the old or the new one: temporary file, fsync, rename, fsync the folder."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _toml_string(value: str) -> str:
    escaped = "".join(
        f"\\u{ord(char):04x}" if ord(char) < 32 or ord(char) == 127 else char  # noqa: PLR2004 (control characters)
        for char in value.replace("\\", "\\\\").replace('"', '\\"')
    )
    return f'"{escaped}"'
