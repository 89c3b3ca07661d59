"""`imp consent access`: a copy of everything that is held of one person, for that person (GDPR 15)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from imp_consent.commands.arguments import read_identifier
from imp_consent.commands.disclose import LATE, Asking, answering_options, asked_for, disclose
from imp_consent.commands.of_nobody import maybe_meant, maybe_meant_text
from imp_consent.rights.access import SCHEMA, Access, assemble, spoken
from imp_consent.rights.asking import Asked
from imp_consent.rights.kept import kept_as_read, kept_texts
from imp_consent.rights.page import render_page
from imp_consent.rights.requests import Request
from imp_consent.rights.wording import DEFAULT, choose_wording, languages
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context, to_json
from imp_core.context import Context
from imp_core.counting import some
from imp_core.event import RawId

__all__ = ["AccessResult", "access", "access_command"]

JSON_NAME: Final = "access.json"
PAGE_NAME: Final = "access.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessResult:
    """What was written where; counts only, since the rest is the person's. `due` None: no regime sets a clock.

    `maybe_meant` are open requests for access of which nobody knows whose they are, where nothing is held of this
    person and none was named: they stay open. `language` is that of the page, by its tag. `periods_unread` is what is
    wrong in [retention] of imp.toml: the copy says that those periods could not be read.
    """

    request: str
    folder: str
    schema: str
    known: bool
    entries: int
    events: int
    messages: int
    uses: int
    authorisations: int
    due: str | None
    late: bool
    language: str = DEFAULT
    maybe_meant: tuple[str, ...] = ()
    periods_unread: tuple[str, ...] = ()


def access(ctx: Context, raw: RawId, asked: Asked, *, out: Path, language: str | None = None) -> AccessResult:
    """Write the copy of a person's data to a folder that is new or empty, and note the request and its answer.

    The page is in `language` (None: that of the notice they were shown last, where there are words of it).

    Raises:
        CheckFailed: it is not known surely enough who asks: nothing is looked up, nothing written.
        BadInput: the identifier is malformed, `out` is not new or empty, the request named is not theirs, or there are
            no words of the language.
        LedgerBroken: an entry, a row or a file was changed by other hands, or is missing.
    """
    made: list[tuple[Access, str]] = []
    (periods, unread), read = kept_as_read(ctx.workspace.config), choose_wording(language)

    def files(opened: Request) -> dict[str, bytes]:
        told = (opened.id, opened.received_us, opened.due_us)
        copy = assemble(open_log(ctx), ctx.workspace, ctx.gate, raw, request=told, retention=kept_texts(periods))
        words = choose_wording(None, spoken(copy)) if language is None else read
        made.append((copy, words.tag))
        return {
            JSON_NAME: (to_json(copy) + "\n").encode(),
            PAGE_NAME: render_page(copy, words, periods).encode(),
        }

    answered = disclose(ctx, raw, asked, out=out, files=files)
    ((copy, tag),) = made
    return AccessResult(
        request=answered.id,
        folder=str(out),
        schema=SCHEMA,
        known=copy.known,
        entries=len(copy.entries),
        events=len(copy.touchpoints) + len(copy.exposures) + len(copy.outcomes) + len(copy.traits),
        messages=len(copy.messages),
        uses=len(copy.uses),
        authorisations=len(copy.authorisations),
        due=None if answered.due_us is None else format_time(answered.due_us),
        late=answered.late,
        language=tag,
        maybe_meant=maybe_meant(open_log(ctx), asked, known=copy.known),
        periods_unread=tuple(f"{fault.where}: {fault.what}" for fault in unread),
    )


@click.command("access")
@click.argument("identifier", metavar="KIND:VALUE|-")
@answering_options
@click.option(
    "--language",
    metavar="TAG",
    help=f"Of the page: {', '.join(languages())} (default: that of the notice they were shown last, else {DEFAULT}).",
)
@json_option
@pass_context
def access_command(
    ctx: Context, *, identifier: str, out: Path, language: str | None, asking: Asking, as_json: bool
) -> None:
    """Give a person a copy of everything that is held of them: access.json, and access.html to read.

    It holds their entries in full, the notices they were shown word by word, permissions, events, exposures, messages,
    uses, recipients, periods and sources, and nobody else. Nothing is disclosed before you know who asks: without
    --verified it is refused. The ledger notes the request and its answer, without saying whose.

    Example: imp consent access member:123 --out access-123 --verified reasonable --how "logged in, and answered a code"
    """
    done = access(ctx, read_identifier(identifier), asked_for("access", asking), out=out, language=language)
    counts = (("entry", done.entries), ("event", done.events), ("message", done.messages), ("use", done.uses))
    held = ", ".join(some(n, what, "entries" if what == "entry" else None) for what, n in counts)
    held += f", {some(done.authorisations, 'authorisation')} as a guardian" if done.authorisations else ""
    text = f"request {done.request}: {held if done.known else 'nothing is held by this identifier'}; in {done.folder}"
    emit(done, text + (LATE if done.late else "") + maybe_meant_text(done.maybe_meant), as_json=as_json)
    for fault in done.periods_unread:
        click.echo(f"warning: {fault}; the copy says that this period could not be read", err=True)
