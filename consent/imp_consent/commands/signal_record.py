"""`imp consent signal record` and `import`: one signal, or a file of them, each heard as a channel's would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from imp_consent.commands.arguments import read_identifier, time_option
from imp_consent.commands.aside import Fault
from imp_consent.commands.hearing import voice
from imp_consent.commands.import_warnings import warn
from imp_consent.commands.imported import check_rejects
from imp_consent.commands.left_out import end_with, list_left_out, none_readable
from imp_consent.commands.place_option import place_option
from imp_consent.commands.replies import replies_shown, replies_text
from imp_consent.commands.signal_batch import SignalBatch, SignalsResult
from imp_consent.commands.signal_file import SignalFile, check_heard, read_signals
from imp_consent.commands.tasks_opened import count_tasks, tasks_text
from imp_consent.commands.under_way import under_way_text
from imp_consent.ledger.in_flight import messages_in_flight
from imp_consent.plane.intake.signals import append_signals, new_signals
from imp_consent.plane.linked import link
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, lines, pass_context
from imp_core.context import Context
from imp_core.counting import span
from imp_core.encodings import ENCODINGS
from imp_core.errors import BadInput
from imp_core.event import RawId, Signal, SignalKind

__all__ = ["SignalsResult", "import_signals", "record_signals", "signal_import_command", "signal_record_command"]

_AGAIN: Final = "mend these rows, then import the file again: what was recorded is not recorded twice"


def record_signals(
    ctx: Context,
    signals: Sequence[Signal],
    *,
    surface: str = "command line",
    to: RawId | None = None,
    regimes: Sequence[str] | None = None,
    jurisdiction: str | None = None,
    at_once: bool = False,
    faults: list[Fault] | None = None,
    counted: str | None = None,
) -> SignalsResult:
    """Record signals, all or none. Whoever is not known is from then on, since a no has to hold for them too.

    `to` is a person that the devices of these signals are linked to first. `regimes` and `jurisdiction` are whose law
    is named (None: the door looks whose it is). `at_once`: they are said as they are recorded, whenever that is.
    `faults` takes those that cannot be meant, and the others are recorded; None: one such refuses all. `counted` is
    what the rows of their file count (None: they are of no file).

    Raises:
        BadInput: an identifier is malformed, a purpose or channel unknown, a time to come, or a string too long.
        Suppressed: the person to link to was erased.
    """
    with open_log(ctx).write() as transaction:
        begun = transaction.size
        if at_once:
            signals = [replace(one, event_us=transaction.now_us) for one in signals]
        speak = voice(ctx, surface=surface, regimes=regimes, jurisdiction=jurisdiction)
        if to is not None:
            for one in signals:
                link(transaction, speak(transaction), one.identifier, to, at_us=one.event_us)
        batch = SignalBatch(ctx, transaction, signals, now_us=transaction.now_us, faults=faults)
        _check_some(batch)
        nobody, new = batch.erased(transaction), new_signals(transaction, batch.heard)
        append_signals(transaction, new, speak)
        in_flight = messages_in_flight(transaction, batch.subjects(transaction))
        done = batch.result(len(new), range(begun, transaction.size), nobody=nobody, counted=counted)
        return replace(done, in_flight=in_flight, erasures=count_tasks(transaction, since=begun))


def import_signals(
    ctx: Context,
    path: Path,
    *,
    channel: str | None = None,
    encoding: str | None = None,
    regimes: Sequence[str] | None = None,
    jurisdiction: str | None = None,
    rejects: Path | None = None,
    dry_run: bool = False,
) -> SignalsResult:
    """Record the signals of a file: those that can be read, whatever is wrong with other rows, which are named.

    The answer's `rejected` says how many rows were left out; `rejects` is where to list them too.

    Raises:
        BadInput: the file as a whole, or not one of its rows, can be read; nothing is recorded then.
    """
    rejects = check_rejects(ctx, rejects, (path,))
    read = read_signals(path, channel=channel, encoding=encoding)
    faults = list(read.faults)
    try:
        if dry_run:
            done = _tried(ctx, read, faults)
        else:
            done = record_signals(
                ctx,
                read.signals,
                surface="file",
                regimes=regimes,
                jurisdiction=jurisdiction,
                faults=faults,
                counted=read.counted,
            )
    except BadInput:
        if len(faults) < len(read.signals) + len(read.faults):
            raise
        list_left_out(rejects, faults, counted=read.counted)
        raise none_readable(faults, counted=read.counted, where=str(path), mend=_AGAIN) from None
    list_left_out(rejects, faults, counted=read.counted)
    return done


def _check_some(batch: SignalBatch) -> None:
    if batch.sound == 0:
        raise BadInput("no row can be read", where="row", mend=_AGAIN)


def _tried(ctx: Context, read: SignalFile, faults: list[Fault]) -> SignalsResult:
    with open_log(ctx).read() as reader:
        batch = SignalBatch(ctx, reader, read.signals, now_us=ctx.clock.now_us(), faults=faults)
        _check_some(batch)
        found = len(new_signals(reader, batch.heard))
        return batch.result(found, range(0), nobody=batch.erased(reader), counted=read.counted, dry_run=True)


@click.command("record")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--kind", required=True, type=click.Choice([str(kind) for kind in SignalKind]), help="What was heard.")
@click.option("--raw", help="The string itself: the value of Sec-GPC, a reply's text, a TC or GPP string.")
@click.option("--channel", required=True, help="Where it was heard, such as web, sms or email.")
@click.option("--purpose", help="Only this purpose (default: what imp.toml says, else every purpose).")
@click.option("--at", help="When it was said, ISO 8601 with a zone (default: now).")
@click.option("--link", "to", metavar="KIND:VALUE", help="The person who uses this device: it holds for them too.")
@click.option("--regime", "regimes", multiple=True, help="Whose law holds (default: the person's, else imp.toml's).")
@place_option("Such as US-CA (default: as for --regime).")
@json_option
@pass_context
def signal_record_command(
    ctx: Context,
    *,
    identifier: str,
    kind: str,
    raw: str | None,
    channel: str,
    purpose: str | None,
    at: str | None,
    to: str | None,
    regimes: tuple[str, ...],
    jurisdiction: str | None,
    as_json: bool,
) -> None:
    """Record what somebody's software or reply said; it can only take permission away.

    Example: imp consent signal record device:tab-1 --kind gpc --raw 1 --channel web
    """
    at_us = time_option(at, "--at")
    one = Signal(
        kind=SignalKind(kind),
        identifier=read_identifier(identifier),
        event_us=ctx.clock.now_us() if at_us is None else at_us,
        channel=channel,
        purpose=purpose,
        row=1,
        raw=raw,
    )
    linked = None if to is None else RawId.parse(to)
    check_heard(one)
    done = record_signals(ctx, [one], to=linked, regimes=regimes or None, jurisdiction=jurisdiction, at_once=at is None)
    warn(done.warnings)
    emit(done, lambda: _text(done), as_json=as_json)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--channel", help="Where they were heard, for rows that do not say it.")
@click.option("--regime", "regimes", multiple=True, help="Whose law holds (default: the person's, else imp.toml's).")
@place_option("Such as US-CA (default: as for --regime).")
@click.option("--encoding", type=click.Choice(list(ENCODINGS)), help="How the file's text is written (default: utf-8).")
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    help="List the rows left out here too, each by its line of FILE, with field and problem.",
)
@click.option("--dry-run", is_flag=True, help="Check every row, and record nothing.")
@json_option
@pass_context
def signal_import_command(
    ctx: Context,
    *,
    file: Path,
    channel: str | None,
    encoding: str | None,
    regimes: tuple[str, ...],
    jurisdiction: str | None,
    rejects: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Record the signals of a file (CSV, JSON lines, Parquet): identifier, kind, at, and channel, raw, purpose.

    A no does not wait for somebody else's bad row: what can be read is recorded, the rows that cannot are named by the
    line of the file in which they begin, as an editor counts lines (of Parquet by the row), and the exit code is 1.
    The same file again, mended, records nothing twice.

    Example: imp consent signal import replies.csv --channel sms
    """
    done = import_signals(
        ctx,
        file,
        channel=channel,
        encoding=encoding,
        regimes=regimes or None,
        jurisdiction=jurisdiction,
        rejects=rejects,
        dry_run=dry_run,
    )
    warn(done.warnings)
    emit(done, lambda: _text(done), as_json=as_json)
    if done.rejected:
        end_with(done.rejects, counted=done.counted_in, where=str(file), mend=_AGAIN, dry_run=dry_run)


def _text(done: SignalsResult) -> str:
    shown: Mapping[str, object] = {
        "recorded": done.recorded,
        "held already": done.held,
        "not valid, kept": done.invalid,
        **replies_shown(done.mentions, done.others, counted=done.counted_in),
        "say nothing": done.nothing,
        "of nobody any more": done.nobody,
        "left out": done.rejected,
    }
    text = lines({name: value for name, value in shown.items() if value or name == "recorded"})
    if done.dry_run:
        return f"{text}\ndry run: nothing was recorded{replies_text(done.mentions, done.others)}"
    place = "" if done.first_seq is None else f"\n{span(done.first_seq, done.last_seq or 0)}"
    then = replies_text(done.mentions, done.others) + tasks_text(done.erasures)
    return text + place + then + under_way_text(done.in_flight)
