"""A period of the command line: `--from` and `--to`, as days (UTC) or times."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from imp_consent.commands.arguments import time_option
from imp_core.clock import DAY_US
from imp_core.errors import BadInput

__all__ = ["period", "period_options"]

F = TypeVar("F", bound=Callable[..., Any])
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def period_options(function: F) -> F:
    """Add `--from` and `--to`; the command receives them as `begins` and `ends`, for `period`."""
    for name, to, text in (("--to", "ends", "day, or before this time"), ("--from", "begins", "day or time")):
        words = f"Up to this {text}" if to == "ends" else f"From this {text} on"
        function = click.option(name, to, metavar="DAY|TIME", help=f"{words} (UTC), as recorded.")(function)
    return function


def period(begins: str | None, ends: str | None) -> tuple[int | None, int | None]:
    """Begin and end in UTC microseconds, half open: a day as `--to` is meant with all of it. None: unbounded.

    Raises:
        BadInput: not a day or a time, or the end is not after the begin.
    """
    from_us = time_option(_time(begins), "--from")
    to_us = time_option(_time(ends), "--to")
    if to_us is not None and ends is not None and _DAY.fullmatch(ends.strip()):
        to_us += DAY_US
    if from_us is not None and to_us is not None and to_us <= from_us:
        raise BadInput("the period ends before it begins", where="--to", mend="name a day or a time after --from")
    return from_us, to_us


def _time(word: str | None) -> str | None:
    return f"{word.strip()}T00:00:00Z" if word is not None and _DAY.fullmatch(word.strip()) else word
