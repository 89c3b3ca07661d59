"""`imp consent one-click`: the answer to a request for the address in List-Unsubscribe, for whatever serves it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

import click

from imp_consent.commands.unsubscribe import UnsubscribeResult, unsubscribe
from imp_consent.identity.unsubscribe import open_token
from imp_consent.runtime import open_log
from imp_consent.signals.one_click import Click, Page, parse_one_click
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput

__all__ = ["OneClickAnswer", "answer_one_click", "one_click_command"]

_DONE: Final = "You will get no more of these messages."
_PAGE: Final = (
    '<!doctype html><meta charset="utf-8"><title>Unsubscribe</title>'
    '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
    "<button>No more of these messages</button></form>"
)
_OK, _BAD, _NOT_ALLOWED = 200, 400, 405


@dataclass(frozen=True, slots=True, kw_only=True)
class OneClickAnswer:
    """What to answer: an HTTP status, a body and its type, and what was recorded (None: nothing was to be).

    No cookie is set and no redirect made (RFC 8058 §3.1).
    """

    status: int
    content_type: str
    body: str
    recorded: UnsubscribeResult | None = None


def answer_one_click(
    ctx: Context, method: str, target: str, *, content_type: str = "", body: bytes = b""
) -> OneClickAnswer:
    """Answer one request. A POST that says `List-Unsubscribe=One-Click` withdraws at once; a GET shows a button.

    A click is answered alike whether it withdrew anything, had done so before or is of somebody erased since: the
    answer tells nobody who is known here.

    Raises:
        LedgerBroken: the withdrawal cannot be recorded. The server answers with a 5xx, and mail programs try again.
    """
    try:
        asked = parse_one_click(method, target, content_type=content_type, body=body)
        open_token(open_log(ctx).keyring, asked.token)
    except BadInput as error:
        status = _NOT_ALLOWED if error.where == "method" else _BAD
        return OneClickAnswer(status=status, content_type="text/plain; charset=utf-8", body=error.what)
    if isinstance(asked, Page):
        return OneClickAnswer(status=_OK, content_type="text/html; charset=utf-8", body=_PAGE)
    return _click(ctx, asked)


def _click(ctx: Context, asked: Click) -> OneClickAnswer:
    done = unsubscribe(ctx, [asked.token])
    return OneClickAnswer(status=_OK, content_type="text/plain; charset=utf-8", body=_DONE, recorded=done)


@click.command("one-click")
@click.argument("method", type=click.Choice(["GET", "HEAD", "POST"]))
@click.argument("target")
@click.option("--content-type", default="application/x-www-form-urlencoded", help="The request's Content-Type.")
@json_option
@pass_context
def one_click_command(ctx: Context, *, method: str, target: str, content_type: str, as_json: bool) -> None:
    """Answer a request for the address in List-Unsubscribe; the body of a POST is read from standard input.

    Exit code 0 where it is answered with a 2xx, 1 where it is refused.

    Example: imp consent one-click POST "https://shop.example/u?t=TOKEN" < body.txt
    """
    body = sys.stdin.buffer.read() if method == "POST" else b""
    found = answer_one_click(ctx, method, target, content_type=content_type, body=body)
    emit(found, lambda: f"{found.status}\n{found.body}", as_json=as_json)
    if found.status != _OK:
        raise click.exceptions.Exit(1)
