"""What an answer says of the consent that a material change ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

__all__ = ["dry_run_option", "ended_text"]

F = TypeVar("F", bound=Callable[..., Any])


def dry_run_option(function: F) -> F:
    """Add --dry-run."""
    said = "Write nothing; say what would change, and how many people would have to be asked anew."
    return click.option("--dry-run", is_flag=True, help=said)(function)


def ended_text(material: Sequence[str] | None, anew: Mapping[str, int], *, dry_run: bool) -> str:
    """Words to append: for what consent ends, and how many people have to be asked anew; empty where none does."""
    if not material:
        return ""
    ends = "would no longer cover" if dry_run else "no longer covers"
    text = f"; consent given before {ends} {', '.join(material)}"
    if not anew:
        return f"{text}, which nobody permits now"
    have = "would have" if dry_run else "has" if list(anew.values()) == [1] else "have"
    counts = [f"{number} {'person' if number == 1 else 'people'} for {purpose}" for purpose, number in anew.items()]
    return f"{text}\n{', '.join(counts)} {have} to be asked anew"
