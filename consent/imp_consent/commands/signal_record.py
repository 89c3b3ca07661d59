"""`imp consent signal record` and `import`: one signal, or a file of them, each heard as a channel's would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from imp_consent.commands.arguments import read_identifier, time_option
from imp_consent.commands.hearing import voice
from imp_consent.commands.replies import READ_THEM, replies_shown, replies_text
from imp_consent.commands.signal_file import check_heard, read_signals
from imp_consent.commands.under_way import under_way_text
from imp_consent.ledger.alike import subjects_alike
from imp_consent.ledger.in_flight import messages_in_flight
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.intake.heard import Heard, heed
from imp_consent.plane.intake.signals import append_signals, living, new_signals
from imp_consent.plane.linked import link
from imp_consent.policy.misnamed import unknown_purpose
from imp_consent.policy.purpose import read_purposes
from imp_consent.runtime import open_log
from imp_consent.signals.inbound import Ear, Effect, read_ear
from imp_consent.signals.optout import Reply
from imp_core.command import emit, json_option, lines, pass_context
from imp_core.context import Context
from imp_core.counting import span
from imp_core.event import RawId, Signal, SignalKind

__all__ = ["SignalsResult", "record_signals", "signal_import_command", "signal_record_command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsResult:
    """What became of signals.

    `recorded` are the people and devices for whom an entry was appended, people reached through a link not counted;
    `held` those for whom the same held already; `invalid` signals that were kept and say nothing; `mentions` the rows
    of replies that only mention a word of opting out, `others` those of replies that mention none: somebody has to read
    both, and `mend` says what to do then (None: there are none). `nothing` are those that do nothing, `nobody` those of
    people who were erased. `first_seq` and `last_seq` are what was appended (None: nothing), `in_flight` how many
    messages to these people were under way then.
    """

    recorded: int
    held: int
    invalid: int
    mentions: tuple[int, ...]
    nothing: int
    nobody: int
    first_seq: int | None
    last_seq: int | None
    in_flight: int = 0
    dry_run: bool = False
    others: tuple[int, ...] = ()
    mend: str | None = None


def record_signals(
    ctx: Context,
    signals: Sequence[Signal],
    *,
    surface: str = "command line",
    to: RawId | None = None,
    regimes: Sequence[str] | None = None,
    jurisdiction: str | None = None,
    dry_run: bool = False,
) -> SignalsResult:
    """Record signals, all or none. Whoever is not known is from then on, since a no has to hold for them too.

    `to` is a person that the devices of these signals are linked to first. `regimes` and `jurisdiction` are whose law
    is named (None: the door looks whose it is).

    Raises:
        BadInput: an identifier is malformed, a purpose or channel unknown, a time to come, or a string too long.
        Suppressed: the person to link to was erased.
    """
    log, ear = open_log(ctx), read_ear(ctx.workspace.config)
    if dry_run:
        with log.read() as reader:
            batch = _Batch(reader, ear, signals)
            found = len(new_signals(reader, batch.heard))
            return batch.result(found, range(0), nobody=_erased(reader, batch.heard), dry_run=True)
    with log.write() as transaction:
        begun = transaction.size
        speak = voice(ctx, surface=surface, regimes=regimes, jurisdiction=jurisdiction)
        if to is not None:
            for one in signals:
                link(transaction, speak(transaction), one.identifier, to, at_us=one.event_us)
        batch = _Batch(transaction, ear, signals)
        nobody, new = _erased(transaction, batch.heard), new_signals(transaction, batch.heard)
        append_signals(transaction, new, speak)
        in_flight = messages_in_flight(transaction, _subjects(transaction, batch.heard))
        return batch.result(len(new), range(begun, transaction.size), nobody=nobody, in_flight=in_flight)


class _Finder:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def find(self, raw: RawId) -> int | None:
        return self._reader.find_subject(raw)

    def alike(self, raw: RawId) -> list[int]:
        return subjects_alike(self._reader, raw)


class _Batch:
    """Signals as they were heard."""

    def __init__(self, reader: Reader, ear: Ear, signals: Sequence[Signal]) -> None:
        self.heard: list[Heard] = []
        self._mentions: list[int] = []
        self._others: list[int] = []
        self._invalid = self._nothing = 0
        finder, purposes = _Finder(reader), read_purposes(reader)
        for one in signals:
            if one.purpose is not None and one.purpose not in purposes:
                raise unknown_purpose(one.purpose, purposes, where="purpose")
            self._hear(finder, ear, one)

    def _hear(self, finder: _Finder, ear: Ear, one: Signal) -> None:
        finder.find(one.identifier)
        effect = ear.hear(one.kind, one.raw, one.purpose)
        if isinstance(effect, Effect):
            self._invalid += not effect.valid
            self.heard += heed(finder, one.identifier, effect, channel=one.channel, event_us=one.event_us, create=True)
        elif effect is Reply.MENTION:
            self._mentions.append(one.row)
        elif effect is Reply.OTHER:
            self._others.append(one.row)
        else:
            self._nothing += 1

    def result(
        self, new: int, seqs: Sequence[int], *, nobody: int, in_flight: int = 0, dry_run: bool = False
    ) -> SignalsResult:
        return SignalsResult(
            recorded=new,
            held=len(self.heard) - new - nobody,
            invalid=self._invalid,
            mentions=tuple(self._mentions),
            nothing=self._nothing,
            nobody=nobody,
            first_seq=seqs[0] if seqs else None,
            last_seq=seqs[-1] if seqs else None,
            in_flight=in_flight,
            dry_run=dry_run,
            others=tuple(self._others),
            mend=READ_THEM if self._mentions or self._others else None,
        )


def _erased(reader: Reader, heard: Sequence[Heard]) -> int:
    return sum(living(reader, one.who) is None for one in heard)


def _subjects(transaction: Transaction, heard: Sequence[Heard]) -> set[int]:
    found = (one.who if isinstance(one.who, int) else transaction.find_subject(one.who) for one in heard)
    return {subject for subject in found if subject is not None}


@click.command("record")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--kind", required=True, type=click.Choice([str(kind) for kind in SignalKind]), help="What was heard.")
@click.option("--raw", help="The string itself: the value of Sec-GPC, a reply's text, a TC or GPP string.")
@click.option("--channel", required=True, help="Where it was heard, such as web, sms or email.")
@click.option("--purpose", help="Only this purpose (default: what imp.toml says, else every purpose).")
@click.option("--at", help="When it was said, ISO 8601 with a zone (default: now).")
@click.option("--link", "to", metavar="KIND:VALUE", help="The person who uses this device: it holds for them too.")
@click.option("--regime", "regimes", multiple=True, help="Whose law holds (default: the person's, else imp.toml's).")
@click.option("--jurisdiction", help="Such as US-CA (default: as for --regime).")
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
    done = record_signals(ctx, [one], to=linked, regimes=regimes or None, jurisdiction=jurisdiction)
    emit(done, lambda: _text(done), as_json=as_json)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--channel", help="Where they were heard, for rows that do not say it.")
@click.option("--regime", "regimes", multiple=True, help="Whose law holds (default: the person's, else imp.toml's).")
@click.option("--jurisdiction", help="Such as US-CA (default: as for --regime).")
@click.option("--dry-run", is_flag=True, help="Check every row, and record nothing.")
@json_option
@pass_context
def signal_import_command(
    ctx: Context,
    *,
    file: Path,
    channel: str | None,
    regimes: tuple[str, ...],
    jurisdiction: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Record the signals of a file (CSV, JSON lines, Parquet): identifier, kind, at, and channel, raw, purpose.

    Rows of a table are counted below its header, in errors and with --json: row 1 is row 2 of a spreadsheet.

    Example: imp consent signal import replies.csv --channel sms
    """
    done = record_signals(
        ctx,
        read_signals(file, channel=channel),
        surface="file",
        regimes=regimes or None,
        jurisdiction=jurisdiction,
        dry_run=dry_run,
    )
    emit(done, lambda: _text(done), as_json=as_json)


def _text(done: SignalsResult) -> str:
    shown: Mapping[str, object] = {
        "recorded": done.recorded,
        "held already": done.held,
        "not valid, kept": done.invalid,
        **replies_shown(done.mentions, done.others),
        "say nothing": done.nothing,
        "of nobody any more": done.nobody,
    }
    text = lines({name: value for name, value in shown.items() if value or name == "recorded"})
    if done.dry_run:
        return f"{text}\ndry run: nothing was recorded{replies_text(done.mentions, done.others)}"
    place = "" if done.first_seq is None else f"\n{span(done.first_seq, done.last_seq or 0)}"
    return text + place + replies_text(done.mentions, done.others) + under_way_text(done.in_flight)
