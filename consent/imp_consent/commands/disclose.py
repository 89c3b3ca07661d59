"""What answers to requests share: nothing is disclosed before it is known who asks, and before the log says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from imp_consent.audit.export import fresh_folder
from imp_consent.commands.arguments import time_option
from imp_consent.identity.keys import keys_folder
from imp_consent.ledger.reader import Reader
from imp_consent.rights.asking import Asked, answered_by, open_request
from imp_consent.rights.requests import Request, answer_request, expect_open
from imp_consent.rights.verification import LEVELS, Verification, check_verified
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.output import check_output
from imp_core.workspace import write_atomically

__all__ = ["Asking", "answering_options", "asked_for", "asking_options", "disclose", "named_request"]

F = TypeVar("F", bound=Callable[..., Any])


class Asking(NamedTuple):
    """The words of the command line about a request, as they stand there."""

    verified: str = "none"
    how: str | None = None
    received: str | None = None
    regime: tuple[str, ...] = ()
    jurisdiction: str | None = None
    words: str | None = None


def asking_options(function: F) -> Any:  # noqa: ANN401 (click's own decorators say no more)
    """Add the options every request has; the command receives them as `asking`."""
    options = (
        click.option("--verified", default="none", type=click.Choice(LEVELS), help="How surely you know who asks."),
        click.option("--how", help="What showed who it is, in one line; kept encrypted."),
        click.option("--received", help="When the request came in, ISO 8601 with a zone (default: now)."),
        click.option("--regime", multiple=True, help="Under which regime (default: those of imp.toml)."),
        click.option("--jurisdiction", help="Where the person is, such as FR or US-CA (default: imp.toml's)."),
        click.option("--words", help="What the person asked, in one line; kept encrypted."),
    )

    @wraps(function)
    def gathered(*given: Any, **named: Any) -> Any:  # noqa: ANN401 (whatever the command takes)
        asking = Asking(**{name: named.pop(name) for name in Asking._fields})
        return function(*given, asking=asking, **named)

    wrapped: Any = gathered
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def answering_options(function: F) -> Any:  # noqa: ANN401 (as above)
    """Add the options of a command that answers a request with files: `out`, `request` and those of every request."""
    out = click.option(
        "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A folder that is new or empty."
    )
    named = click.option("--request", help="The id of the open request that this answers (default: one is opened).")
    return out(named(asking_options(function)))


def asked_for(kind: str, asking: Asking) -> Asked:
    """A request of a kind, from the words of the command line.

    Raises:
        BadInput: its time is not one.
    """
    return Asked(
        kind=kind,
        received_us=time_option(asking.received, "--received"),
        regimes=asking.regime or None,
        jurisdiction=asking.jurisdiction,
        shown=Verification(level=asking.verified, method=asking.how),
        words=asking.words,
    )


def disclose(
    ctx: Context,
    raw: RawId,
    asked: Asked,
    *,
    out: Path,
    request: str | None,
    files: Callable[[Request], Mapping[str, bytes]],
) -> Request:
    """Open a request (or take the open one named), make the files that answer it, and note the answer.

    Only then the folder is there. Who asks is checked first: below the level needed nothing is looked up or written.

    Raises:
        CheckFailed: it is not known surely enough who asks, or the request named was answered before.
        BadInput: the identifier is malformed, `out` is not new or empty, or the request named is not theirs.
    """
    log = open_log(ctx)
    check_output(ctx, out, private=(keys_folder(ctx.environ, ctx.workspace.log_id),), folder=True)
    if request is None:
        check_verified(ctx.workspace.config, asked.kind, asked.shown)
    with fresh_folder(ctx.directory / out, mode=0o700) as aside:
        with log.write() as transaction:
            if request is None:
                opened = open_request(ctx, transaction, raw, asked)
            else:
                opened = named_request(ctx, transaction, raw, asked, request)
        for name, data in files(opened).items():
            write_atomically(aside / name, data, mode=0o600)
        with log.write() as transaction:
            answered = answer_request(transaction, opened, outcome="answered")
        log.checkpoint()
    return answered


def named_request(ctx: Context, reader: Reader, raw: RawId, asked: Asked, request: str) -> Request:
    """The open request that is answered, if it is known surely enough who asks: by now, or noted when it was opened.

    Raises:
        CheckFailed: it is not known surely enough who asks, or it was answered before.
        BadInput: there is no such request, or it is of another kind or of somebody else.
    """
    opened = answered_by(reader, raw, request, asked.kind)
    level = max(asked.shown.level, opened.verified, key=LEVELS.index)
    method = asked.shown.method if level == asked.shown.level else "noted with the request"
    check_verified(ctx.workspace.config, asked.kind, Verification(level=level, method=method or "as before"))
    expect_open(opened)
    return opened
