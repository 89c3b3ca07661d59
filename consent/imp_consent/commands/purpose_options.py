"""What the command line says of a purpose: the options, the fields they give, and that its kind is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from imp_consent.policy.purpose import NO_TRAIT, TRAITS, DeclaredPurpose, Recipient
from imp_core.errors import BadInput

__all__ = ["classified", "declared", "declaring", "description_option", "expect_traits"]

F = TypeVar("F", bound=Callable[..., Any])
_SOMEBODY: Final = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]|\+?\d(?:[ ()./-]{0,2}\d){6,}")
_ADDRESS: Final = (
    "this description holds what looks like somebody's address or number: the ledger keeps it for good, and each "
    "person's copy shows it; say what is done, and leave it out"
)


def description_option(*, required: bool) -> Callable[[F], F]:
    """Add --description; of one that holds an address or a telephone number it is said."""
    text = "What is done, in one line that people understand."
    return click.option("--description", required=required, callback=_told_of_address, help=text)


def _told_of_address(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and _SOMEBODY.search(value):
        click.echo(f"warning: {_ADDRESS}", err=True)
    return value


def expect_traits(said: Mapping[str, Any], *, where: str) -> None:
    """Raises BadInput where a purpose does not say what kind of use it is: no right to object would find it."""
    if not said.get("traits"):
        raise BadInput(
            "a purpose that does not say what kind of use it is",
            where=where,
            mend=f"its traits, or {NO_TRAIT} if it has none: {', '.join(sorted(TRAITS - {NO_TRAIT}))}",
        )


def declaring(function: F) -> F:
    """Add the options that say what law asks of a purpose."""
    known = ", ".join(sorted(TRAITS))
    for option in reversed(
        (
            click.option("--trait", "traits", multiple=True, help=f"What kind of use it is: {known}."),
            click.option("--data", multiple=True, help="A category of data it uses."),
            click.option("--recipient", help="Who receives the data."),
            click.option("--contact", help="How to reach the recipient."),
            click.option("--method", help="What the recipient does with the data."),
            click.option("--rights", help="How people exercise their rights against the recipient."),
            click.option("--necessity", help="Why sensitive data is necessary."),
            click.option("--opt-out-option", help="What people get without profiling, or how they refuse it."),
            click.option("--review", help="How a human reviews an automated decision."),
        )
    ):
        function = option(function)
    return function


def declared(options: Mapping[str, Any], old: DeclaredPurpose | None = None) -> dict[str, Any]:
    """The fields that the options say something of."""
    texts = ("description", "necessity", "opt_out_option", "review")
    said: dict[str, Any] = {name: options[name] for name in texts if options.get(name) is not None}
    said |= {name: tuple(dict.fromkeys(options[name])) for name in ("traits", "data") if options[name]}
    before = old.recipient.plain() if old is not None and old.recipient is not None else {}
    keys = {"recipient": "name", "contact": "contact", "method": "method", "rights": "rights"}
    named = {key: options[option] for option, key in keys.items() if options[option] is not None}
    if named:
        if "name" not in before | named:
            raise BadInput("a recipient without a name", where="--recipient", mend="say who receives the data")
        said["recipient"] = Recipient(**(before | named))
    return said


def classified(old: DeclaredPurpose, new: DeclaredPurpose) -> frozenset[str]:
    """A purpose that said nothing of its kind may say that it is of none: nothing that is done changes by it."""
    return frozenset({"traits"}) if not old.traits and new.traits == (NO_TRAIT,) else frozenset()
