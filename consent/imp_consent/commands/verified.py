"""The options of a command that tells one person what is held of them: how surely it is known who asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from imp_consent.rights.verification import LEVELS, Verification, check_verified
from imp_core.context import Context

__all__ = ["check_asks", "verified_options"]

F = TypeVar("F", bound=Callable[..., Any])


def verified_options(function: F) -> Any:  # noqa: ANN401 (click's own decorators say no more)
    """Add --verified and --how; the command receives them as `shown`."""

    @wraps(function)
    def gathered(*given: Any, verified: str, how: str | None, **named: Any) -> Any:  # noqa: ANN401 (whatever it takes)
        return function(*given, shown=Verification(level=verified, method=how), **named)

    level = click.option("--verified", default="none", type=click.Choice(LEVELS), help="How surely you know who asks.")
    return level(click.option("--how", help="What showed who it is, in one line.")(gathered))


def check_asks(ctx: Context, shown: Verification) -> None:
    """Refuse before anything is looked up where it is not known surely enough who asks, as for `imp consent access`.

    Raises:
        CheckFailed: the level is below the one that access needs (GDPR 12(6)).
        BadInput: a level above none without what showed it.
    """
    check_verified(ctx.workspace.config, "access", shown)
