"""`imp consent basis`: on what else than consent a person's data may be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import click

from imp_consent.commands.arguments import parse_days, read_identifier, time_option
from imp_consent.commands.law_taken import law_text
from imp_consent.commands.notice_taken import NoticeTaken, notice_taken, notice_taken_text
from imp_consent.commands.opens_nothing import opens_nothing, opens_nothing_text
from imp_consent.commands.saying_options import grounds_option, law_options, read_grounds
from imp_consent.policy.door import Door
from imp_consent.policy.rules import BASES, NOTICE_BASES
from imp_consent.policy.saying import Saying
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.event import RawId

__all__ = ["BasisResult", "basis_command", "record_basis"]


_UNSHOWN: Final = (
    "nothing says where the proof of this basis is, and whoever relies on one has to be able to show it: "
    'record it again with --evidence "…"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisResult:
    """The entry that was appended. `channel` None is every channel, `until` None for good; times are ISO 8601.

    `shown` is the notice that was shown: the one you name, or the one that the basis is; None: nobody says any was.
    `opens_nothing` says why it opens nothing now: what still denies it. `regimes` and `jurisdiction` (None: not known)
    are the law under which it was taken; `law_because`: where that is from (None: it was named, or is imp.toml's).
    """

    seq: int
    purpose: str
    basis: str
    channel: str | None
    at: str
    until: str | None
    shown: NoticeTaken | None = None
    opens_nothing: str | None = None
    regimes: tuple[str, ...] = ()
    jurisdiction: str | None = None
    law_because: str | None = None


def record_basis(
    ctx: Context,
    raw_id: RawId,
    *,
    purpose: str,
    basis: str,
    at_us: int | None = None,
    channel: str | None = None,
    grounds: Mapping[str, str] | None = None,
    notice: str | None = None,
    language: str | None = None,
    evidence: str | None = None,
    valid_for_days: int | None = None,
    regimes: tuple[str, ...] | None = None,
    jurisdiction: str | None = None,
    surface: str = "command line",
) -> BasisResult:
    """Record a basis other than consent; `grounds` are the conditions it rests on, each with what shows it is met.

    Raises:
        Suppressed: the person was erased.
        BadInput: the identifier is malformed, the purpose unknown, or the law does not let this use rest on it.
    """
    with open_log(ctx).write() as transaction:
        said = Saying(
            type="basis",
            purpose=purpose,
            basis=basis,
            at_us=transaction.now_us if at_us is None else at_us,
            channel=channel or "",
            grounds=grounds or {},
            notice=notice,
            language=language,
            evidence=evidence,
            valid_for_days=valid_for_days,
            regimes=regimes,
            jurisdiction=jurisdiction,
        )
        door = Door(ctx, transaction, surface=surface)
        said = door.settle(raw_id, said)
        done = door.append(raw_id, said)
        closed = opens_nothing(transaction, done.subject, purpose, said.channel)
        said_shown = notice is not None or basis in NOTICE_BASES
        shown = notice_taken(door.notice(said)) if said_shown else None
    return BasisResult(
        seq=done.seq,
        purpose=purpose,
        basis=basis,
        channel=channel or None,
        at=format_time(said.at_us),
        until=None if done.statement.until_us is None else format_time(done.statement.until_us),
        shown=shown,
        opens_nothing=closed,
        regimes=door.rules(said).names,
        jurisdiction=door.place(said),
        law_because=said.under.why if said.under else None,
    )


@click.command("basis")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--purpose", required=True, help="What the data is used for; see: imp consent purpose list.")
@click.option("--basis", required=True, type=click.Choice(sorted(BASES)), help="What it rests on.")
@click.option("--channel", help="Only this channel (default: every channel).")
@click.option("--at", help="Since when, ISO 8601 with a zone (default: now).")
@click.option(
    "--notice",
    help="The notice shown, by name or hash (default: none; of an opt-out-notice the newest that names the purpose).",
)
@click.option("--language", help="The language it was shown in, such as zh-Hans.")
@click.option("--valid-for", metavar="DAYSd", help="Ends after so many days, such as 180d.")
@click.option("--evidence", help="Where the proof is, such as a document's number.")
@grounds_option
@law_options
@json_option
@pass_context
def basis_command(
    ctx: Context,
    *,
    identifier: str,
    purpose: str,
    basis: str,
    channel: str | None,
    at: str | None,
    notice: str | None,
    language: str | None,
    valid_for: str | None,
    evidence: str | None,
    grounds: tuple[str, ...],
    regimes: tuple[str, ...],
    jurisdiction: str | None,
    as_json: bool,
) -> None:
    """Record on what else than consent a person's data may be used, with what shows that its conditions are met.

    Example: imp consent basis member:123 --purpose essential --basis contract --evidence "order 7"
    """
    done = record_basis(
        ctx,
        read_identifier(identifier),
        purpose=purpose,
        basis=basis,
        at_us=time_option(at, "--at"),
        channel=channel,
        grounds=read_grounds(grounds),
        notice=notice,
        language=language,
        evidence=evidence,
        valid_for_days=None if valid_for is None else parse_days(valid_for),
        regimes=regimes or None,
        jurisdiction=jurisdiction,
    )
    if not (evidence or "").strip() and not grounds:
        click.echo(f"warning: {_UNSHOWN}", err=True)
    until = f" until {done.until}" if done.until else ""
    where = f" on {done.channel}" if done.channel else ""
    text = f"entry {done.seq}: {done.purpose}{where} rests on {done.basis} from {done.at}{until}"
    text += law_text(done.regimes, done.jurisdiction, done.law_because)
    emit(done, text + notice_taken_text(done.shown) + opens_nothing_text(done.opens_nothing), as_json=as_json)
