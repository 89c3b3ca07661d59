"""What the documents ask of uv, without a network: `uv sync` and `uv run` in the folder of a plugin.

hatchling makes the plugin's metadata, as it does for uv; its code is used where it lies. What it depends on is there
already, beside the tests. (That uv itself installs such a plugin is a test of the scaffold's.)
"""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from pathlib import Path


def sync(project: Path) -> Path:
    """Put the plugin's metadata where `run` finds it; returns the place."""
    site = project / ".venv" / "site"
    from hatchling.build import build_wheel  # noqa: PLC0415 (`run` has no time for it)

    here = Path.cwd()
    os.chdir(project)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(Path(folder, build_wheel(folder))) as wheel:
        wheel.extractall(site, [name for name in wheel.namelist() if ".dist-info/" in name])
    os.chdir(here)
    return site


def run(project: Path, words: list[str]) -> None:
    """Become the command, with the plugin installed."""
    site = project / ".venv" / "site"
    path = os.pathsep.join([str(site if site.is_dir() else sync(project)), str(project)])
    os.execvpe(words[0], words, {**os.environ, "PYTHONPATH": path})  # noqa: S606 (as uv does)


def main() -> None:
    """Do what was asked."""
    here = Path.cwd()
    project = next(folder for folder in (here, *here.parents) if (folder / "pyproject.toml").is_file())
    match sys.argv[1:]:
        case ["sync"]:
            sync(project)
        case ["run", *words] if words:
            run(project, words)
        case _:
            raise SystemExit("the documents ask for `uv sync` and `uv run` only")


main()
