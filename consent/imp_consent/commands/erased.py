"""What an erasure says of itself: whom it reached, and by which identifiers nobody is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from imp_consent.plane.remove import Erased
from imp_core.counting import some

__all__ = ["erased_text", "unknown_text"]

_SHOWN: Final = 20


def erased_text(done: Erased) -> str:
    """How many people were erased; of a `--resume` that erased nobody, what else it finished."""
    if done.people:
        return (
            f"erased {some(done.people, 'person', 'people')}: {some(done.leaves, 'entry', 'entries')} can no longer be "
            f"linked to anyone, {some(done.rows, 'row')} removed from {some(done.files, 'file')}"
        )
    if done.out_of_backups:
        before = some(done.out_of_backups, "person", "people")
        return f"{before} erased before can no longer be read from backups either"
    return "there was no erasure to resume: nobody waits for one"


def unknown_text(unknown: Sequence[int], of: int) -> str:
    """A line to append: the places of identifiers that nobody is known by; empty where all are, or one alone is."""
    if not unknown or of == 1:
        return ""
    named = ", ".join(map(str, unknown[:_SHOWN])) + (" …" if len(unknown) > _SHOWN else "")
    return f"\nnobody is known by {len(unknown)} of the {of} identifiers, by place: {named}"
