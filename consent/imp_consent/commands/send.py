"""`imp send`: reach the people of an audience through a channel, past the gate, each at most once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Final

import click

from imp_consent.commands.audience import read_audience
from imp_consent.commands.rejects import rejects_file
from imp_consent.commands.sending import Sending, prepare
from imp_consent.identity.keys import keys_folder
from imp_consent.plane.intake import Refuse
from imp_consent.plane.send import PlanResult, SendResult, recover, refuse_lost
from imp_core.command import emit, json_option, lines, pass_context, progress
from imp_core.context import Context
from imp_core.counting import rows_told
from imp_core.encodings import ENCODINGS
from imp_core.errors import BadInput, CheckFailed
from imp_core.event import RowFault
from imp_core.output import check_output

__all__ = ["send", "send_command"]

_FAULTS_SHOWN: Final = 5


def send(
    ctx: Context,
    channel: str,
    audience: Path,
    campaign: str,
    *,
    execute: bool = False,
    rejects: Path | None = None,
    resend_in_doubt: bool = False,
    encoding: str = "utf-8",
) -> SendResult:
    """Send a campaign to an audience, or (without `execute`) only say what it would take.

    Raises:
        BadInput: nothing reads some of imp.toml; or channel, campaign or audience cannot be taken; or rows of it, where
            no `rejects` file is given.
        CheckFailed: the experiment is not running, or it or its campaign has changed since it began.
        PluginBroken: the channel raised something else than the errors it may, or answered something else than a plan.
        LedgerBroken: the ledger or the archive was changed by other hands, or cannot be written.
    """
    ctx.expect_known_settings()
    if rejects is not None:
        keys = keys_folder(ctx.environ, ctx.workspace.log_id)
        rejects = check_output(ctx, rejects, inputs=(audience,), private=(keys,), force=True)
    with prepare(ctx, channel, campaign, resend_in_doubt=resend_in_doubt, encoding=encoding) as sending:
        told = nullcontext(_nobody) if rejects is None else rejects_file(rejects)
        with told as refuse:
            _check_rows(sending, audience, told=rejects is not None)
            looks = sending.check_contents()
            if execute:
                return _execute(ctx, sending, audience, refuse)
            return _dry_run(sending, audience, refuse, looks)


@click.command("send")
@click.argument("channel")
@click.option("--audience", required=True, type=click.Path(path_type=Path), help="Who: CSV, JSON lines or Parquet.")
@click.option("--campaign", required=True, help="What: campaigns/NAME.toml of the workspace.")
@click.option("--execute", is_flag=True, help="Send; without it only what it would take is shown.")
@click.option(
    "--rejects", type=click.Path(path_type=Path), help="Go on without rows that cannot be read, and write them here."
)
@click.option("--encoding", type=click.Choice(list(ENCODINGS)), default="utf-8", help="How the audience is written.")
@click.option("--resend-in-doubt", is_flag=True, help="Send again to people of whom it is not known.")
@json_option
@pass_context
def send_command(
    ctx: Context,
    *,
    channel: str,
    audience: Path,
    campaign: str,
    execute: bool,
    rejects: Path | None,
    encoding: str,
    resend_in_doubt: bool,
    as_json: bool,
) -> None:
    """Send a campaign to the people of an audience whom the gate lets through. A dry run by default.

    Nobody is sent a campaign's step twice: after an interruption, run it again.

    Example: imp send email --audience customers.csv --campaign spring --execute
    """
    try:
        result = send(
            ctx, channel, audience, campaign, execute=execute, rejects=rejects, resend_in_doubt=resend_in_doubt,
            encoding=encoding,
        )  # fmt: skip
    except KeyboardInterrupt:
        if execute:
            click.echo("interrupted: run the same command again to go on; nobody is sent it twice", err=True)
        raise
    emit(result, lambda: _text(result), as_json=as_json)
    if execute and not result.complete:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _check_rows(sending: Sending, audience: Path, *, told: bool) -> None:
    """Read the whole audience once before anything is done.

    Raises:
        BadInput: it cannot be read; or rows of it, and they are not told elsewhere.
    """
    faults: list[RowFault] = []
    for row in sending.checked(read_audience(audience, sending.layout)):
        if isinstance(row, RowFault) and len(faults) <= _FAULTS_SHOWN:
            faults.append(row)
    if faults and not told:
        shown = "; ".join(f"row {fault.row}, {fault.field}: {fault.problem}" for fault in faults[:_FAULTS_SHOWN])
        more = " and more" if len(faults) > _FAULTS_SHOWN else ""
        mend = f"mend the rows, or go on without them: --rejects FILE{rows_told(audience.name)}"
        raise BadInput(f"rows that cannot be taken: {shown}{more}", where=str(audience), mend=mend)


def _dry_run(sending: Sending, audience: Path, refuse: Refuse, looks: PlanResult) -> SendResult:
    planned: list[PlanResult] = []
    to_send = 0
    for chunk in sending.screened(read_audience(audience, sending.layout), refuse):
        to_send += len(chunk)
        planned.append(sending.plan([item.content or "" for item in chunk]))
    warnings = [] if not to_send or not sending.vetoed(to_send) else ["a plugin would stop it: see imp plugin list"]
    return sending.result(executed=False, to_send=to_send, plan=_total(planned, warnings, looks))


def _execute(ctx: Context, sending: Sending, audience: Path, refuse: Refuse) -> SendResult:
    if not sending.resend_in_doubt:
        named = sending.campaign
        with sending.log.read() as reader:
            refuse_lost(reader, campaign=named.name, channel=sending.info.name, step=named.step)
    recovered = recover(sending.log, ctx.workspace)
    with progress("recipients") as shown:
        sender = sending.sender(refuse, advance=shown.advance)
        sender.send(read_audience(audience, sending.layout))
    return sending.result(
        executed=True, recovered=recovered.chunks, problems=tuple(sender.problems), stopped=sender.stopped
    )


def _total(planned: list[PlanResult], warnings: list[str], looks: PlanResult) -> PlanResult:
    """The chunks' plans as one: messages and cost added up; how every content looks, and each warning once."""
    costs = [plan.cost for plan in planned]
    currencies = {plan.currency for plan in planned}
    known = bool(planned) and None not in costs and len(currencies) == 1
    for plan in (looks, *planned):
        warnings += [text for text in plan.warnings if text not in warnings]
    return PlanResult(
        messages=sum(plan.messages for plan in planned),
        cost=str(sum((Decimal(cost) for cost in costs if cost), Decimal(0))) if known else None,
        currency=next(iter(currencies)) if known else None,
        previews=looks.previews,
        warnings=tuple(warnings),
    )


def _text(result: SendResult) -> str:
    shown: dict[str, object] = {"audience": f"{result.audience:,}"}
    shown |= {"malformed": result.malformed, "held out": result.held_out, "to send": result.to_send}
    shown |= {f"refused, {reason}": n for reason, n in result.refused.items()}
    shown |= {f"before, {status}": n for status, n in result.before.items()}
    shown |= {f"sent, {status}": _with_codes(n, result.codes.get(status, {})) for status, n in result.sent.items()}
    shown |= {"new exposures": result.exposed, "chunks recovered": result.recovered}
    counts = {name: f"{n:,}" if isinstance(n, int) else n for name, n in shown.items() if n}
    return "\n".join([lines(counts), *_endings(result)])


def _with_codes(n: int, codes: Mapping[str, int]) -> str:
    told = ", ".join(f"{code} {count:,}" for code, count in codes.items())
    return f"{n:,} ({told})" if told else f"{n:,}"


def _endings(result: SendResult) -> Iterator[str]:
    if result.plan is not None:
        cost = "unknown" if result.plan.cost is None else f"{result.plan.cost} {result.plan.currency}"
        yield f"messages {result.plan.messages:,}, cost {cost}"
        for preview in result.plan.previews:
            yield f"--- {preview.content}"
            yield from (f"{part}: {text}" for part, text in preview.parts.items())
        yield from (f"warning: {text}" for text in result.plan.warnings)
        yield "dry run: nothing was sent; send with --execute"
    if result.in_doubt_rows:
        rows = ", ".join(map(str, result.in_doubt_rows[:20])) + (" …" if len(result.in_doubt_rows) > 20 else "")  # noqa: PLR2004 (as many as fit a line or two)
        yield f"in doubt, rows of the audience: {rows} (sent nothing again, unless with --resend-in-doubt)"
    yield from (f"problem: {text}" for text in result.problems)
    if result.stopped:
        yield "stopped: mend it and run it again; nobody is sent it twice"


def _nobody(_: RowFault) -> None:
    """Where no file of rejects was asked for, there are none."""
