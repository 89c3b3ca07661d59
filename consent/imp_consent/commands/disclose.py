"""What answers to requests share: nothing is disclosed before it is known who asks, and before the log says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import click

from imp_consent.audit.export import fresh_folder
from imp_consent.commands.arguments import time_option
from imp_consent.commands.place_option import place_option
from imp_consent.identity.keys import keys_folder
from imp_consent.rights.asking import NEW, Asked, open_request, take_up
from imp_consent.rights.requests import Request, answer_request
from imp_consent.rights.verification import LEVELS, Verification, check_verified
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.output import check_output
from imp_core.workspace import write_atomically

__all__ = ["LATE", "Asking", "answering_options", "asked_for", "asking_options", "disclose", "request_options"]

F = TypeVar("F", bound=Callable[..., Any])
_WHOSE_LAW: Final = "Under which regime (default: the request's, else that of the person's entries, else imp.toml's)."
LATE: Final = "\nthis answer is late: the request was due before"


class Asking(NamedTuple):
    """The words of the command line about a request, as they stand there."""

    verified: str = "none"
    how: str | None = None
    received: str | None = None
    regime: tuple[str, ...] = ()
    jurisdiction: str | None = None
    words: str | None = None
    request: str | None = None


def asking_options(function: F) -> Any:  # noqa: ANN401 (click's own decorators say no more)
    """Add the options every request has; the command receives them as `asking`."""
    options = (
        click.option("--verified", default="none", type=click.Choice(LEVELS), help="How surely you know who asks."),
        click.option("--how", help="What showed who it is, in one line; kept encrypted."),
        click.option("--received", help="When the request came in, ISO 8601 with a zone (default: now)."),
        click.option("--regime", multiple=True, help=_WHOSE_LAW),
        place_option("Where the person is, such as FR or US-CA (default: as the regime)."),
        click.option("--words", help="What the person asked, in one line; kept encrypted."),
    )

    @wraps(function)
    def gathered(*given: Any, **named: Any) -> Any:  # noqa: ANN401 (whatever the command takes)
        asking = Asking(**{name: named.pop(name) for name in Asking._fields if name != "request"})
        return function(*given, asking=asking, **named)

    wrapped: Any = gathered
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def request_options(function: F) -> Any:  # noqa: ANN401 (as above)
    """Add the options of a command that answers a request: those of every request, and which one it is."""

    @wraps(function)
    def gathered(*given: Any, request: str | None, asking: Asking, **named: Any) -> Any:  # noqa: ANN401 (as above)
        return function(*given, asking=asking._replace(request=request), **named)

    meant = "The id of the open request that this answers, or new (default: the person's open one, else a new one)."
    return click.option("--request", metavar="ID|new", help=meant)(asking_options(gathered))


def answering_options(function: F) -> Any:  # noqa: ANN401 (as above)
    """Add the options of a command that answers a request with files: `out` and those of `request_options`."""
    out = click.option(
        "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A folder that is new or empty."
    )
    return out(request_options(function))


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
        request=asking.request,
    )


def disclose(
    ctx: Context, raw: RawId, asked: Asked, *, out: Path, files: Callable[[Request], Mapping[str, bytes]]
) -> Request:
    """Take up the person's open request (or note a new one), make the files that answer it, and note the answer.

    Only then the folder is there. Who asks is checked first: below the level needed nothing is looked up or written.

    Raises:
        CheckFailed: it is not known surely enough who asks, or the request named was answered before.
        BadInput: the identifier is malformed, `out` is not new or empty, or it is not clear which request is answered.
    """
    log = open_log(ctx)
    check_output(ctx, out, private=(keys_folder(ctx.environ, ctx.workspace.log_id),), folder=True)
    if asked.request in (None, NEW):
        check_verified(ctx.workspace.config, asked.kind, asked.shown)
    with fresh_folder(ctx.directory / out) as aside:
        with log.write() as transaction:
            waiting = take_up(ctx, transaction, raw, asked)
            opened = waiting or open_request(ctx, transaction, raw, asked)
        for name, data in files(opened).items():
            write_atomically(aside / name, data, mode=0o600)
        with log.write() as transaction:
            answered = answer_request(transaction, opened, outcome="answered")
        log.checkpoint()
    return answered
