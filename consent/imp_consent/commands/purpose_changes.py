"""What a change of a purpose comes to, field by field, and the options that add to what it declares or take away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import click

from imp_consent.commands.ended import ended_text
from imp_consent.policy.purpose import NO_TRAIT, DeclaredPurpose
from imp_core.errors import BadInput

__all__ = ["Difference", "PurposeChanged", "changed_text", "differences", "edited", "editing"]

_LISTS: Final = {
    "traits": ("--trait", "--add-trait", "--remove-trait"),
    "data": ("--data", "--add-data", "--remove-data"),
}
_NOTHING: Final = "nothing"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field of a purpose before and after a change, in words; None: it said nothing of it."""

    purpose: str
    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeChanged:
    """What one `policy` entry changed (None: nothing had to be): purposes added, changed, and changed materially.

    Consent that was given before to a purpose that changed materially no longer covers it; `asked_anew` is how many
    people permitted each such purpose until then. `differences` are what changed, field by field. `dry_run`: nothing
    was written, the answer is what would be.
    """

    seq: int | None
    added: tuple[str, ...]
    changed: tuple[str, ...]
    material: tuple[str, ...]
    asked_anew: Mapping[str, int] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    dry_run: bool = False


def differences(old: DeclaredPurpose, new: DeclaredPurpose) -> Iterator[Difference]:
    """Every field in which two versions of a purpose differ."""
    before, after = ({"description": one.description, **one.terms} for one in (old, new))
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            yield Difference(
                purpose=new.name, field=name, before=_words(before.get(name)), after=_words(after.get(name))
            )


def changed_text(done: PurposeChanged) -> str:
    """What was or would be changed, whose consent that ends, and each field before and after."""
    if not done.added and not done.changed:
        return "nothing to change: the purposes are so already"
    words = [f"{len(done.added)} added" if done.added else "", f"{len(done.changed)} changed" if done.changed else ""]
    counted = ", ".join(filter(None, words))
    begins = f"dry run: {counted}" if done.dry_run else f"entry {done.seq}: {counted}"
    ended = ended_text(done.material, done.asked_anew, dry_run=done.dry_run)
    return "\n".join([begins + ended, *map(_difference_text, done.differences)])


def editing(function: F) -> F:
    """Add the options that add to what a purpose declares, or take away from it."""
    for option in (
        click.option("--remove-data", multiple=True, help="A category of data it no longer uses."),
        click.option("--add-data", multiple=True, help="One more category of data; --data names all of them."),
        click.option("--remove-trait", "remove_traits", multiple=True, help="A trait it no longer has."),
        click.option("--add-trait", "add_traits", multiple=True, help="One more trait; --trait names all of them."),
    ):
        function = option(function)
    return function


def edited(options: Mapping[str, Any], old: DeclaredPurpose) -> dict[str, Any]:
    """The lists that the options add to or take from.

    Raises:
        BadInput: a list is named whole besides, lacks what is to be taken away, or no trait would be left.
    """
    said: dict[str, Any] = {}
    for name, (whole, add, remove) in _LISTS.items():
        added, removed, before = options[f"add_{name}"], options[f"remove_{name}"], getattr(old, name)
        if not added and not removed:
            continue
        if options[name]:
            raise BadInput(
                f"{whole} names all there are from now on", where=whole, mend=f"leave it out, or {add} and {remove}"
            )
        if any(word not in before for word in removed):
            there = f"it has: {', '.join(before) or 'none'}"
            raise BadInput("the purpose does not have what is to be taken away", where=remove, mend=there)
        left = [word for word in before if word not in removed and not (added and word == NO_TRAIT)]
        said[name] = tuple(dict.fromkeys((*left, *added)))
        if not said[name] and name == "traits":
            mend = f"if it has none from now on, say so: --trait {NO_TRAIT}"
            raise BadInput("no trait would be left", where=remove, mend=mend)
    return said


def _difference_text(found: Difference) -> str:
    """One line."""
    name = found.field.replace("_", " ")
    return f"{found.purpose} {name}: {found.before or _NOTHING} → {found.after or _NOTHING}"


def _words(value: object) -> str | None:
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {text}" for key, text in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return None if value is None else str(value)
