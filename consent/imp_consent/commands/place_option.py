"""--jurisdiction, and a word on codes that are a country's and, behind US-, a state's: CA is Canada.

Whoever means the state gets another law in silence. It is told where the workspace has that state's law and none that
is at home in the country; nothing is refused for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from imp_consent.policy.house import House, readable_house
from imp_consent.policy.jurisdictions import place_name
from imp_consent.policy.regime import Regimes, read_regimes
from imp_consent.runtime import open_log
from imp_core.context import Context

__all__ = ["place_option", "state_meant"]

F = TypeVar("F", bound=Callable[..., Any])
_STATES: Final = "US-"


def place_option(help_: str) -> Callable[[F], F]:
    """Add --jurisdiction to a command."""
    return click.option("--jurisdiction", help=help_, callback=_looked_at)


def state_meant(code: str, house: House, known: Regimes) -> str | None:
    """The state of the USA that a country's code may have been meant for, by the laws of the house; None: none."""
    state = f"{_STATES}{code}"
    if place_name(code) is None or place_name(state) is None:
        return None
    held = [known.regime(name) for name in house.regimes if name in known.texts]
    names_state = house.jurisdiction == state or any(
        state in {*one.home, *one.applies, *one.jurisdictions} for one in held
    )
    return state if names_state and not any(code in one.home for one in held) else None


def _looked_at(context: click.Context, _: click.Parameter, value: str | None) -> str | None:
    ctx = context.find_object(Context)
    if value is None or ctx is None or place_name(f"{_STATES}{value}") is None:
        return value
    with open_log(ctx).read() as reader:
        state = state_meant(value, readable_house(ctx.workspace.config)[0], read_regimes(reader))
    if state is not None:
        click.echo(f"warning: {value} is {place_name(value)}; {place_name(state)} is {state}", err=True)
    return value
