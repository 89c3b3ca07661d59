"""Write the folder of a new channel: all of it or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from imp_core import __version__
from imp_core.channel import SPEC_VERSION
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.scaffold.names import Names, check_kind, choose_names
from imp_core.scaffold.sources import checkout, sources_table, version_bounds

__all__ = ["Scaffold", "scaffold"]

# Where each template goes.
_FILES = {
    ".gitignore": "gitignore",
    "README.md": "README.md",
    "pyproject.toml": "pyproject.toml",
    "{package}/__init__.py": "init.py",
    "{package}/channel.py": "channel.py",
    "{package}/imp-plugin.toml": "imp-plugin.toml",
    "{package}/plugin.py": "plugin.py",
    "{package}/py.typed": None,
    "tests/test_conformance.py": "test_conformance.py",
}
_PURPOSES = {"email": "marketing.email", "phone": "marketing.sms"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaffold:
    """What was written: the plugin's name, its folder, the files in it, and the commands that come next."""

    name: str
    distribution: str
    folder: str
    files: tuple[str, ...]
    next: tuple[str, ...]


def scaffold(ctx: Context, name: str, *, kind: str, parent: Path | None = None) -> Scaffold:
    """Write `imp-channel-NAME` into `parent` (default: the current directory).

    Raises:
        BadInput: the name or kind cannot be one or is taken, the folder exists and is not empty, or cannot be written.
    """
    names, kind = choose_names(name), check_kind(kind)
    folder = ctx.directory / (parent or "") / names.distribution
    texts = _texts(names, kind)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput("it exists and is not empty", where=str(folder), mend="choose another name or --dir")
        _write(folder, texts)
    except OSError as error:
        raise BadInput(
            f"it cannot be written: {error.strerror}",
            where=str(folder),
            mend="name another folder, or look whose it is and its mode",
        ) from None
    return Scaffold(
        name=name,
        distribution=names.distribution,
        folder=str(folder),
        files=tuple(sorted(texts)),
        next=(
            f"cd {folder} && uv sync && uv run pytest",
            f"uv run imp plugin enable {name}    # in a workspace: imp init",
            f"uv run imp plugin check {name}     # with [channels.{name}] in imp.toml: see README.md",
        ),
    )


def _texts(names: Names, kind: str) -> dict[str, str]:
    values: dict[str, object] = {
        **asdict(names),
        "kind": kind,
        "purpose": _PURPOSES.get(kind, f"marketing.{kind}"),
        "spec_version": SPEC_VERSION,
        "bounds": version_bounds(__version__),
        "sources": sources_table(checkout()),
        **_by_kind(kind),
    }
    out = {}
    for path, template in _FILES.items():
        text = "" if template is None else Template(_template(template)).substitute(values)
        out[path.format(package=names.package)] = text.rstrip("\n") + "\n" if text else ""
    return out


def _by_kind(kind: str) -> Mapping[str, str]:
    mail = "_email" if kind == "email" else ""
    headers = '        mail_headers=lambda seen: json.loads(seen.body)["headers"],\n'
    return {
        "formats": _template(f"formats{mail}").rstrip("\n"),
        "message": _template(f"message{mail}").rstrip("\n"),
        "imports": "import json\n\n" if mail else "",
        "mail_headers": headers if mail else "",
    }


def _template(name: str) -> str:
    return files("imp_core.scaffold").joinpath("templates", f"{name}.tmpl").read_text(encoding="utf-8")


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the place it goes to, so that it is there as a whole or not at all.
    staged = Path(tempfile.mkdtemp(prefix=".imp-plugin-new-", dir=folder.parent))
    try:
        inner = staged / folder.name
        inner.mkdir()
        for name, text in texts.items():
            path = inner / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        inner.replace(folder)
    finally:
        shutil.rmtree(staged)
