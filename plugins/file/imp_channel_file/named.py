"""Mappings by name: those this package ships, and any file."""

from __future__ import annotations

import re
from pathlib import Path

from imp_core.errors import BadInput

__all__ = ["mapping_text", "shipped_names"]

_FOLDER = Path(__file__).with_name("mappings")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SUFFIX = ".toml"


def shipped_names() -> tuple[str, ...]:
    """The mappings that can be named without a file of one's own."""
    return tuple(sorted(path.stem for path in _FOLDER.glob(f"*{_SUFFIX}")))


def mapping_text(path: Path) -> tuple[str, str]:
    """A mapping's text and where it stands: a file's, or that of a shipped mapping by its bare name.

    Raises:
        BadInput: there is no such file and no mapping of this name, or it is not UTF-8.
    """
    where, found = str(path), path
    if not path.exists() and _NAME.fullmatch(where):
        if where not in shipped_names():
            raise BadInput(
                "there is no mapping of this name",
                where=where,
                mend=f"shipped: {', '.join(shipped_names())}; your own: mappings/{where}{_SUFFIX} in the workspace",
            )
        found = _FOLDER / f"{where}{_SUFFIX}"
    try:
        return found.read_bytes().decode("utf-8"), where
    except OSError as error:
        raise BadInput(f"the mapping cannot be read: {error.strerror}", where=where) from None
    except UnicodeDecodeError:
        raise BadInput("the mapping is not UTF-8", where=where) from None
