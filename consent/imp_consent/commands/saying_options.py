"""Options that every command has which records something that law speaks of: under which law, on what grounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from imp_consent.commands.place_option import place_option
from imp_core.errors import BadInput

__all__ = ["grounds_option", "law_options", "of_law", "read_grounds"]

F = TypeVar("F", bound=Callable[..., Any])


def law_options(function: F) -> F:
    """Add --regime and --jurisdiction."""
    function = place_option(
        "Where the person is, such as FR or US-CA; alone, the law at home there (default: imp.toml's, "
        "of a no that of what it ends)."
    )(function)
    return click.option(
        "--regime",
        "regimes",
        multiple=True,
        help="The law that holds; see: imp consent regime list (default: as for --jurisdiction).",
    )(function)


def grounds_option(function: F) -> F:
    """Add --ground CONDITION=PROOF."""
    return click.option(
        "--ground", "grounds", multiple=True, metavar="CONDITION=PROOF", help="A condition, and what shows it is met."
    )(function)


def of_law(words: Mapping[str, Any]) -> dict[str, Any]:
    """Options as a Saying's fields: no regime named is none chosen, and grounds are read."""
    said = {**words, "regimes": tuple(words["regimes"]) or None}
    return said | {"grounds": read_grounds(words["grounds"])} if "grounds" in words else said


def read_grounds(words: tuple[str, ...]) -> dict[str, str]:
    """Read "sale=order 7", several of them.

    Raises:
        BadInput: one is not CONDITION=PROOF, or a condition is named twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, proof = (part.strip() for part in word.partition("="))
        if not (name and equals and proof) or name in found:
            raise BadInput("not a ground", where="--ground", mend='write it like --ground sale="order 7", each once')
        found[name] = proof
    return found
