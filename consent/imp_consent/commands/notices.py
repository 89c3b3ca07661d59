"""`imp consent notice`: the texts people are shown before they say yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import click

from imp_consent.commands.ended import dry_run_option, ended_text
from imp_consent.commands.files import read_text
from imp_consent.commands.notice_taken import short_hash
from imp_consent.commands.notice_versions import Said, behind_warnings, ended_by, next_version
from imp_consent.commands.yes_taken import recipient_warnings
from imp_consent.gate import asked_anew
from imp_consent.ledger.reader import Reader
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.notice import (
    DATA_CATEGORIES,
    Notice,
    RegisteredNotice,
    check_notice,
    read_notices,
    register_notice,
)
from imp_consent.policy.notice_search import find_notice
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.unnamed import unnamed_data
from imp_consent.policy.withdrawing import partly_denies
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import some

__all__ = ["NoticeAdded", "add_notice", "list_notices", "notice", "show_notice"]

_DENIED: Final = (
    "a part of the passage on withdrawing says that it cannot be done, and consent can be taken back at any time "
    "(GDPR 7(3)): look whether people read it so"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeAdded:
    """A registered notice: its entry, name, version and hash, and the purposes consent can now be given for.

    `material` are the purposes for which it ended the consent given before; None for a first version and for a
    translation, which change nothing. `asked_anew` is by purpose how many people permitted it until then and have to be
    asked anew. `known`: this very notice was registered before, and nothing is new. `dry_run`: nothing was written (and
    `seq` is None), the answer is what would be. `unnamed_data` are by purpose the kinds of data that it declares and
    this notice does not name: nobody who agrees to it was told of them. `withdrawal` is the passage that is taken for
    the one on withdrawing; `warnings` say what else people may not have been told.
    """

    seq: int | None
    name: str
    version: int
    language: str
    sha256: str
    purposes: tuple[str, ...]
    material: tuple[str, ...] | None = None
    known: bool = False
    asked_anew: Mapping[str, int] = field(default_factory=dict)
    dry_run: bool = False
    unnamed_data: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    withdrawal: str = ""
    warnings: tuple[str, ...] = ()


def add_notice(ctx: Context, path: Path, *, dry_run: bool = False, **said: Any) -> NoticeAdded:  # noqa: ANN401 (the fields of Said, by their names)
    """Register the text in a file as a notice; without `purposes`, for those the text names or describes.

    `said` are the fields of `Said`. The same name again is a new version, or where a language lacks the newest version,
    its translation, which asks for what that version asks for. A new version ends the consent given before: for the
    `material` purposes, without any for all it asked for before; or, `editorial`, for none. The newest version word for
    word again is nothing new, unless it now ends consent that it did not end before. `dry_run` writes nothing.
    The people who have to be asked anew are counted just before it is written, while others may write.

    Raises:
        BadInput: the file cannot be read as text, a purpose is unknown, the text does not say what consent needs, or an
            editorial version changes what is done.
    """
    words, log = Said(text=read_text(path), **said), open_log(ctx)
    while True:
        with log.read() as reader:
            would, known = _planned(reader, words, ctx.workspace.controller)
            ended = () if known else would.material or ()
            anew = asked_anew(reader, ended, bases=False, at_us=log.clock.now_us())
            purposes, registered = read_purposes(reader), read_notices(reader)
        would_be = replace(
            _added(would),
            asked_anew=anew,
            unnamed_data=unnamed_data(would.notice, purposes),
            warnings=_warnings(would.notice, purposes) + behind_warnings(would, registered),
        )
        if known:
            return replace(would_be, material=None, known=True, dry_run=dry_run)
        if dry_run:
            return replace(would_be, seq=None, dry_run=True)
        with log.write() as transaction:
            if _planned(transaction, words, ctx.workspace.controller) == (would, known):  # else others were faster
                done = register_notice(transaction, would.notice, material=would.material)
                return replace(would_be, seq=done.seq)


def list_notices(ctx: Context) -> tuple[NoticeAdded, ...]:
    """Every registered notice, oldest first."""
    with open_log(ctx).read() as reader:
        return tuple(_added(found) for found in read_notices(reader))


def show_notice(ctx: Context, word: str, *, language: str | None = None) -> RegisteredNotice:
    """One notice, by name (the newest version, in a language if one is named) or hash.

    Raises:
        BadInput: there is none.
    """
    found, _ = _shown(ctx, word, language)
    return found


def _shown(ctx: Context, word: str, language: str | None) -> tuple[RegisteredNotice, list[Notice]]:
    """The notice, and the others of its name."""
    with open_log(ctx).read() as reader:
        notices = read_notices(reader)
        found = find_notice(notices, word, language=language)
    return found, [one.notice for one in notices if one.notice.name == found.notice.name and one.seq != found.seq]


def _planned(reader: Reader, words: Said, controller: str) -> tuple[RegisteredNotice, bool]:
    """The notice that would be registered, its `seq` none's; or the one that is known, and then True."""
    registered = [found for found in read_notices(reader) if found.notice.name == words.name]
    new, before = next_version(words, registered, read_purposes(reader), controller)
    again = next((found for found in registered if found.notice == replace(new, version=new.version - 1)), None)
    if again is not None and before is not None and set(words.material) <= set(again.material or ()):
        return again, True
    changed = ended_by(new, before, material=words.material, editorial=words.editorial)
    return RegisteredNotice(seq=-1, sha256=check_notice(new).sha256, notice=new, material=changed), False


@click.group()
def notice() -> None:
    """Add, list and show notices: what people were shown, kept by hash."""


@notice.command("add")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", required=True, help="Its name; the same name again is a new version, or a translation.")
@click.option("--language", default="en", show_default=True, help="The text's language, as a tag such as zh-Hans.")
@click.option("--purpose", "purposes", multiple=True, help="A purpose it asks for (default: those the text names).")
@click.option("--data", multiple=True, help=f"A kind of data it covers (default: {', '.join(DATA_CATEGORIES)}).")
@click.option("--recipient", "recipients", multiple=True, help="Somebody who receives the data.")
@click.option("--withdrawal", help="The passage on withdrawing (default: the paragraph that speaks of it).")
@click.option("--steps-to-agree", "grant_steps", type=int, help="How many steps it takes to say yes there.")
@click.option("--steps-to-withdraw", "withdraw_steps", type=int, help="How many it takes to take it back; no more.")
@click.option("--material", multiple=True, help="A purpose whose meaning changes (default: all it asked for before).")
@click.option("--editorial", is_flag=True, help="Only words change: consent given before stays.")
@dry_run_option
@json_option
@pass_context
def add_command(
    ctx: Context,
    /,
    *,
    file: Path,
    dry_run: bool,
    as_json: bool,
    **said: Any,  # noqa: ANN401 (click's options, named as the fields of Said)
) -> None:
    """Register the text in FILE. It must name the controller and say how to withdraw.

    Example: imp consent notice add newsletter.txt --name newsletter --purpose marketing.email
    """
    done = add_notice(ctx, file, dry_run=dry_run, **said)
    for purpose, kinds in done.unnamed_data.items():
        what = f"{purpose} uses data that this notice does not name: {', '.join(kinds)}"
        click.echo(f"warning: {what}; name it in the text, and with --data", err=True)
    for warning in done.warnings:
        click.echo(f"warning: {warning}", err=True)
    emit(done, lambda: _added_text(done), as_json=as_json)


@notice.command("list")
@json_option
@pass_context
def list_command(ctx: Context, *, as_json: bool) -> None:
    """List the notices, oldest first.

    Example: imp consent notice list
    """
    found = list_notices(ctx)
    text = "\n".join(_line(item) for item in found) or "there are no notices"
    emit({"notices": [asdict(item) for item in found]}, text, as_json=as_json)


@notice.command("show")
@click.argument("word", metavar="HASH|NAME")
@click.option("--language", help="In this language.")
@json_option
@pass_context
def show_command(ctx: Context, word: str, language: str | None, *, as_json: bool) -> None:
    """Show a notice's exact text, by its hash or its name: of a name the newest version.

    In which other languages that version stands is said above the text, and how many other versions there are.

    Example: imp consent notice show default
    """
    found, others = _shown(ctx, word, language)
    version = found.notice.version
    languages = sorted({one.language for one in others if one.version == version} - {found.notice.language})
    versions = sorted({one.version for one in others} - {version})
    answer = {"seq": found.seq, "sha256": found.sha256, **asdict(found.notice), "material": found.material}
    answer |= {"other_languages": languages, "other_versions": versions}
    there = [
        *([f"also in {', '.join(languages)}: name one with --language"] if languages else []),
        *([f"{some(len(versions), 'other version')}: imp consent notice list"] if versions else []),
    ]
    emit(answer, lambda: "\n".join((_line(_added(found)), *there, "", found.notice.text)), as_json=as_json)


def _added(found: RegisteredNotice) -> NoticeAdded:
    words = found.notice
    return NoticeAdded(
        seq=found.seq,
        name=words.name,
        version=words.version,
        language=words.language,
        sha256=found.sha256,
        purposes=words.purposes,
        material=found.material,
        withdrawal=words.withdrawal,
    )


def _warnings(new: Notice, purposes: Mapping[str, DeclaredPurpose]) -> tuple[str, ...]:
    denied = (_DENIED,) if partly_denies(new.withdrawal, new.language) else ()
    return denied + recipient_warnings(new, new.purposes, purposes)


def _added_text(done: NoticeAdded) -> str:
    if done.known:
        return f"nothing new: entry {done.seq}: {_line(done)}"
    begins = "dry run:" if done.dry_run else f"entry {done.seq}:"
    ended = ended_text(done.material, done.asked_anew, dry_run=done.dry_run)
    passage = " ".join(done.withdrawal.split())
    return f'{begins} {_line(done)}{ended}\non withdrawing it says: "{passage}"'


def _line(found: NoticeAdded) -> str:
    asked = ", ".join(found.purposes)
    return f"{found.name} version {found.version} ({found.language}) {short_hash(found.sha256)} asks for {asked}"
