"""`imp consent portability`: what a person provided, for another controller's program (GDPR 20)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from imp_consent.commands.arguments import read_identifier
from imp_consent.commands.disclose import LATE, Asking, answering_options, asked_for, disclose
from imp_consent.commands.of_nobody import maybe_meant, maybe_meant_text
from imp_consent.rights.asking import Asked
from imp_consent.rights.portability import SCHEMA, Portable, provided, schema_document
from imp_consent.rights.requests import Request
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context, to_json
from imp_core.context import Context
from imp_core.counting import some
from imp_core.event import RawId

__all__ = ["PortabilityResult", "portability", "portability_command"]

JSON_NAME: Final = "portability.json"
SCHEMA_NAME: Final = "portability.schema.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortabilityResult:
    """What was written where, in counts; `left_out` are events that are derived or rest on another basis.

    `maybe_meant` as of access (`imp_consent.commands.access.AccessResult`).
    """

    request: str
    folder: str
    schema: str
    known: bool
    said: int
    events: int
    traits: int
    left_out: int
    due: str | None
    late: bool
    maybe_meant: tuple[str, ...] = ()


def portability(ctx: Context, raw: RawId, asked: Asked, *, out: Path) -> PortabilityResult:
    """Write what a person provided to a folder that is new or empty, and note the request and its answer.

    Raises:
        As `imp_consent.commands.access.access`.
    """
    made: list[Portable] = []

    def files(opened: Request) -> dict[str, bytes]:
        document = provided(open_log(ctx), ctx.workspace, raw, request=opened.id)
        made.append(document)
        return {JSON_NAME: (to_json(document) + "\n").encode(), SCHEMA_NAME: schema_document()}

    answered = disclose(ctx, raw, asked, out=out, files=files)
    (document,) = made
    return PortabilityResult(
        request=answered.id,
        folder=str(out),
        schema=SCHEMA,
        known=document.known,
        said=len(document.said),
        events=len(document.events),
        traits=len(document.traits),
        left_out=document.left_out,
        due=None if answered.due_us is None else format_time(answered.due_us),
        late=answered.late,
        maybe_meant=maybe_meant(open_log(ctx), asked, known=document.known),
    )


@click.command("portability")
@click.argument("identifier", metavar="KIND:VALUE|-")
@answering_options
@json_option
@pass_context
def portability_command(ctx: Context, *, identifier: str, out: Path, asking: Asking, as_json: bool) -> None:
    """Give a person what they provided, as JSON with its schema: portability.json and portability.schema.json.

    What they said, did and declared, on their consent or a contract; what was derived, decided or assigned is left out.
    As with access nothing is disclosed before you know who asks.

    Example: imp consent portability member:123 --out move-123 --verified reasonable --how "logged in"
    """
    asked = asked_for("portability", asking)
    done = portability(ctx, read_identifier(identifier), asked, out=out)
    held = f"{some(done.said, 'statement')}, {some(done.events, 'event')}, {some(done.traits, 'trait')}"
    held += f"; {some(done.left_out, 'derived one')} left out"
    text = f"request {done.request}: {held if done.known else 'nothing is held by this identifier'}; in {done.folder}"
    emit(done, text + (LATE if done.late else "") + maybe_meant_text(done.maybe_meant), as_json=as_json)
