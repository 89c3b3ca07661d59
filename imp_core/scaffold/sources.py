"""Where a new plugin finds imp-core and imp-testkit: in this checkout while they are unpublished, else by version."""

from __future__ import annotations

import tomllib
from pathlib import Path

import imp_core
from imp_core.settings import quote

__all__ = ["checkout", "sources_table", "version_bounds"]

_MEMBERS = {"imp-consent": "consent", "imp-core": "", "imp-testkit": "plugins/testkit"}


def checkout(package: str | None = None) -> Path | None:
    """The root of the checkout that imp_core was imported from, or None where it is installed from a wheel."""
    root = Path(package or imp_core.__file__).resolve().parent.parent
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError):
        return None
    there = all((root / folder / "pyproject.toml").is_file() for folder in _MEMBERS.values())
    return root if project == "imp-core" and there else None


def sources_table(root: Path | None) -> str:
    """The table of `pyproject.toml` that names the checkout, empty where there is none."""
    if root is None:
        return ""
    lines = [f"{name} = {{ path = {quote(str(root / folder))}, editable = true }}" for name, folder in _MEMBERS.items()]
    return "\n".join(["", "# Until they are published.", "[tool.uv.sources]", *lines])


def version_bounds(version: str) -> str:
    """From this version up to the next that may break what is written for it."""
    major, minor, *_ = version.split(".")
    return f">={version},<{major}.{int(minor) + 1}"
