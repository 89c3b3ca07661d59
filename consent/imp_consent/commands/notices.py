"""`imp consent notice`: the texts people are shown before they say yes or no."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from imp_consent.commands.files import read_text
from imp_consent.policy.notice import (
    DATA_CATEGORIES,
    Notice,
    RegisteredNotice,
    find_withdrawal,
    read_notices,
    register_notice,
)
from imp_consent.policy.notice_search import find_notice
from imp_consent.policy.purpose import read_purposes
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.gate import Purpose

__all__ = ["NoticeAdded", "add_notice", "list_notices", "notice", "show_notice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeAdded:
    """A registered notice: its entry, name, version and hash, and the purposes consent can now be given for.

    `material` are the purposes for which it ended the consent given before; None for a first version and for a
    translation, which change nothing. `known`: this very notice was registered before, and nothing is new.
    """

    seq: int
    name: str
    version: int
    language: str
    sha256: str
    purposes: tuple[str, ...]
    material: tuple[str, ...] | None = None
    known: bool = False


def add_notice(
    ctx: Context,
    path: Path,
    *,
    name: str,
    language: str = "en",
    purposes: tuple[str, ...] = (),
    data: tuple[str, ...] = (),
    recipients: tuple[str, ...] = (),
    withdrawal: str | None = None,
    grant_steps: int | None = None,
    withdraw_steps: int | None = None,
    material: tuple[str, ...] = (),
    editorial: bool = False,
) -> NoticeAdded:
    """Register the text in a file as a notice; without `purposes`, for those the text names or describes.

    The same name again is a new version, or where a language lacks the newest version, its translation, which asks for
    what that version asks for. A new version ends the consent given before: for the `material` purposes, without any
    for all it asked for before; or, `editorial`, for none. The newest version word for word again is nothing new,
    unless it now ends consent that it did not end before.

    Raises:
        BadInput: the file cannot be read as text, a purpose is unknown, the text does not say what consent needs, or an
            editorial version changes what is done.
    """
    text = read_text(path)
    with open_log(ctx).write() as transaction:
        known = read_purposes(transaction)
        registered = [found for found in read_notices(transaction) if found.notice.name == name]
        earlier = [found.notice for found in registered]
        translated = _translated(earlier, language)
        asked = translated.purposes if translated else _described(known, text) or _last_asked(earlier)
        new = Notice(
            name=name,
            version=translated.version if translated else 1 + max((n.version for n in earlier), default=0),
            language=language,
            controller=ctx.workspace.controller,
            purposes=_named(known, purposes) if purposes else asked,
            withdrawal=find_withdrawal(text, language) if withdrawal is None else withdrawal,
            text=text,
            data=data or (translated.data if translated else DATA_CATEGORIES),
            recipients=recipients or (translated.recipients if translated else ()),
            grant_steps=grant_steps,
            withdraw_steps=withdraw_steps,
        )
        again = next((found for found in registered if found.notice == replace(new, version=new.version - 1)), None)
        if again is not None and not translated and set(material) <= set(again.material or ()):
            return replace(_added(again), material=None, known=True)
        before = earlier[-1] if earlier and not translated else None
        changed = _changed(new, before, material=material, editorial=editorial)
        done = register_notice(transaction, new, material=changed)
    return _added(done)


def list_notices(ctx: Context) -> tuple[NoticeAdded, ...]:
    """Every registered notice, oldest first."""
    with open_log(ctx).read() as reader:
        return tuple(_added(found) for found in read_notices(reader))


def show_notice(ctx: Context, word: str, *, language: str | None = None) -> RegisteredNotice:
    """One notice, by name (the newest version, in a language if one is named) or hash.

    Raises:
        BadInput: there is none.
    """
    with open_log(ctx).read() as reader:
        return find_notice(read_notices(reader), word, language=language)


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
@json_option
@pass_context
def add_command(
    ctx: Context,
    *,
    file: Path,
    name: str,
    language: str,
    purposes: tuple[str, ...],
    data: tuple[str, ...],
    recipients: tuple[str, ...],
    withdrawal: str | None,
    grant_steps: int | None,
    withdraw_steps: int | None,
    material: tuple[str, ...],
    editorial: bool,
    as_json: bool,
) -> None:
    """Register the text in FILE. It must name the controller and say how to withdraw.

    Example: imp consent notice add newsletter.txt --name newsletter --purpose marketing.email
    """
    done = add_notice(
        ctx,
        file,
        name=name,
        language=language,
        purposes=purposes,
        data=data,
        recipients=recipients,
        withdrawal=withdrawal,
        grant_steps=grant_steps,
        withdraw_steps=withdraw_steps,
        material=material,
        editorial=editorial,
    )
    ended = f"; consent given before no longer covers {', '.join(done.material)}" if done.material else ""
    news = "nothing new: " if done.known else ""
    emit(done, f"{news}entry {done.seq}: {_line(done)}{ended}", as_json=as_json)


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
    """Show a notice's exact text, by its hash or its name.

    Example: imp consent notice show default
    """
    found = show_notice(ctx, word, language=language)
    answer = {"seq": found.seq, "sha256": found.sha256, **asdict(found.notice), "material": found.material}
    emit(answer, lambda: f"{_line(_added(found))}\n\n{found.notice.text}", as_json=as_json)


def _last_asked(earlier: Sequence[Notice]) -> tuple[str, ...]:
    """What the version before asked for: a text in another language than the purposes' names none of them."""
    return earlier[-1].purposes if earlier else ()


def _translated(earlier: Sequence[Notice], language: str) -> Notice | None:
    """The newest version, if this language lacks it: then this text is its translation."""
    newest = max((notice.version for notice in earlier), default=0)
    versions = [notice for notice in earlier if notice.version == newest]
    if any(notice.language.casefold() == language.casefold() for notice in versions):
        return None
    return versions[0] if versions else None


def _changed(
    new: Notice, before: Notice | None, *, material: tuple[str, ...], editorial: bool
) -> tuple[str, ...] | None:
    """The purposes for which consent ends."""
    if (material or editorial) and before is None:
        raise BadInput(
            "a first version or a translation changes nothing", where="--material", mend="leave --material out"
        )
    if before is None:
        return None
    if editorial:
        same = (before.controller, set(before.data), set(before.recipients))
        if material or same != (new.controller, set(new.data), set(new.recipients)):
            raise BadInput(
                "other data, recipients or another controller: that is material (GDPR 13(3); PIPL 14(2), 23)",
                where="--editorial",
                mend="leave it out; people are asked again",
            )
        return ()
    for name in material:
        if name not in {*before.purposes, *new.purposes}:
            raise BadInput(f"the notice does not ask for {name}", where="--material")
    return material or before.purposes


def _named(known: Mapping[str, Purpose], purposes: tuple[str, ...]) -> tuple[str, ...]:
    for name in purposes:
        if name not in known:
            raise BadInput(f"unknown purpose: {name}", where="--purpose", mend="see: imp consent purpose list")
    return tuple(dict.fromkeys(purposes))


def _described(known: Mapping[str, Purpose], text: str) -> tuple[str, ...]:
    flat = " ".join(text.split())
    return tuple(name for name, found in known.items() if _names(flat, name) or found.description in flat)


def _names(text: str, purpose: str) -> bool:
    """Whether a text names a purpose whole: `analytics` is not named by `analytics.partners`."""
    return re.search(rf"(?<![\w.-]){re.escape(purpose)}(?![\w-]|\.\w)", text) is not None


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
    )


def _line(found: NoticeAdded) -> str:
    asked = ", ".join(found.purposes)
    return f"{found.name} version {found.version} ({found.language}) {found.sha256[:16]}… asks for {asked}"
