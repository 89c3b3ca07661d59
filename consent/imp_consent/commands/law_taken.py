"""How a command says under which law something was recorded, and why under that one."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["law_text"]


def law_text(regimes: Sequence[str], jurisdiction: str | None, because: str | None) -> str:
    """The end of a line; empty where imp.toml's law holds and no place is known."""
    if jurisdiction is None and because is None:
        return ""
    place = f" for people in {jurisdiction}" if jurisdiction else ""
    return f"; under {'+'.join(regimes)}{place}" + (f" ({because})" if because else "")
