"""Mappings by name: the workspace's own, before those that a channel ships."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from imp_core.context import Context

__all__ = ["find_mapping"]

_FOLDER: Final = "mappings"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def find_mapping(ctx: Context, word: str | None) -> Path | None:
    """The mapping that `--map` names: `mappings/NAME.toml` of the workspace where it is there, else the word itself.

    A channel takes the word for a file, or, where there is none, for one of the mappings that it ships.
    """
    if word is None:
        return None
    own = ctx.workspace.root / _FOLDER / f"{word}.toml"
    return own if _NAME.fullmatch(word) and own.is_file() else Path(word)
