"""The shape every command shares: the context it gets, `--json`, and how it prints."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed

__all__ = ["emit", "force_option", "json_option", "lines", "pass_context", "progress", "to_json"]

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
R = TypeVar("R")

_handed = click.make_pass_decorator(Context)


def pass_context(function: Callable[Concatenate[Context, P], R]) -> Callable[P, R]:
    """Hand a command its context. Of what is refused for a field that an option says, `where` is that option."""
    handed = _handed(function)

    @wraps(function)
    def run(*given: P.args, **named: P.kwargs) -> R:
        try:
            return handed(*given, **named)
        except (BadInput, CheckFailed) as error:
            error.where = _at_the_command_line(error.where)
            raise

    return run


def _at_the_command_line(where: str | None) -> str | None:
    """The option that says a field of this name, such as `--valid-for` of valid_for; else the name itself."""
    options = {
        word.removeprefix("--").replace("-", "_"): word
        for parameter in click.get_current_context().command.params
        if isinstance(parameter, click.Option)
        for word in parameter.opts
        if word.startswith("--")
    }
    return where if where is None else options.get(where, where)


def json_option(function: F) -> F:
    """Add `--json`: the stable form of a command's answer; the command receives it as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")(function)


def force_option(function: F) -> F:
    """Add `--force`, of a command that writes a file where it is told to; the command receives it as `force`."""
    return click.option("--force", is_flag=True, help="Replace the file if it is there.")(function)


def to_json(result: object) -> str:
    """A command's result (a dataclass or mapping) as JSON text; characters of every script stay readable.

    What is unknown is null: JSON has no NaN.
    """
    plain = asdict(result) if is_dataclass(result) and not isinstance(result, type) else result
    return json.dumps(_known(plain), ensure_ascii=False, indent=2, allow_nan=False, default=str)


def _known(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_known(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def emit(result: object, text: str | Callable[[], str], *, as_json: bool) -> None:
    """Print a command's result: JSON where asked for, else its text."""
    if as_json:
        shown = to_json(result)
    elif isinstance(text, str):
        shown = text
    else:
        shown = text()
    click.echo(shown)


class progress:  # noqa: N801 (used as a verb)
    """Counts on standard error while a long command works; silent where standard error is no terminal."""

    def __init__(self, label: str, *, every: int = 10_000) -> None:
        self._label, self._every, self._n, self._next = label, every, 0, every
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._n:
            click.echo(f"\r{self._label}: {self._n:,} ", err=True)

    def advance(self, n: int = 1) -> None:
        """Count `n` more."""
        self._n += n
        if self._shown and self._n >= self._next:
            self._next = self._n + self._every
            click.echo(f"\r{self._label}: {self._n:,} ", err=True, nl=False)


def lines(values: Mapping[str, object]) -> str:
    """Names and values, aligned, one a line."""
    width = max((len(name) for name in values), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in values.items())
