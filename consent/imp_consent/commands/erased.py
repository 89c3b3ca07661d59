"""What an erasure says of itself: whom it reached, and by which identifiers nobody is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from imp_consent.plane.remove import Erased
from imp_core.counting import some

__all__ = ["authorised_text", "erased_text", "in_backups_text", "notify_text", "unknown_text"]

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
    if done.authorisations:
        return "an erasure of guardians that was interrupted is finished"
    return "there was no erasure to resume: nobody waits for one"


def unknown_text(unknown: Sequence[int], of: int) -> str:
    """A line to append: the places of identifiers that nobody is known by; empty where all are, or one alone is."""
    if not unknown or of == 1:
        return ""
    named = ", ".join(map(str, unknown[:_SHOWN])) + (" …" if len(unknown) > _SHOWN else "")
    return f"\nnobody is known by {len(unknown)} of the {of} identifiers, by place: {named}"


def authorised_text(n: int, *, would: bool = False) -> str:
    """A line to append: in how many entries of others they stood as guardian; empty where in none."""
    if not n:
        return ""
    stands = "stand, and would not lead to them any more" if would else "stand, and do not lead to them any more"
    return f"\nauthorisations given by them as a guardian, in entries of others: {n}, which {stands}"


def notify_text(names: Sequence[str]) -> str:
    """A line to append: whom to tell by hand; empty where there is nobody."""
    return f"\ntell them yourself, then note it with imp consent recipients done: {', '.join(names)}" if names else ""


def in_backups_text(people: int, keys_fixed: str | None) -> str:
    """A line to append: who can still be read from backups, and what to do about it; empty where nobody can."""
    if not people:
        return ""
    text = f"\n{people} can still be read from backups with the keys: "
    if keys_fixed is None:
        return text + "run imp consent erase --resume"
    return text + f"the keys cannot be changed here ({keys_fixed}); see docs/keys.md, Keep keys elsewhere"
