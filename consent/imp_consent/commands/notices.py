"""`imp consent notice`: the texts people are shown before they say yes or no."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from imp_consent.policy.notice import (
    DATA_CATEGORIES,
    Notice,
    RegisteredNotice,
    find_notice,
    find_withdrawal,
    read_notices,
    register_notice,
)
from imp_consent.policy.purpose import read_purposes
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.gate import Purpose

__all__ = ["NoticeAdded", "add_notice", "list_notices", "notice", "show_notice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeAdded:
    """A registered notice: its entry, name, version and hash, and the purposes consent can now be given for."""

    seq: int
    name: str
    version: int
    language: str
    sha256: str
    purposes: tuple[str, ...]


def add_notice(
    ctx: Context,
    path: Path,
    *,
    name: str,
    language: str = "en",
    purposes: tuple[str, ...] = (),
    data: tuple[str, ...] = DATA_CATEGORIES,
    recipients: tuple[str, ...] = (),
    withdrawal: str | None = None,
) -> NoticeAdded:
    """Register the text in a file as a notice; without `purposes`, for those the text names or describes.

    Raises:
        BadInput: the file cannot be read as text, a purpose is unknown, or the text does not say what consent needs.
    """
    text = _read(path)
    with open_log(ctx).write() as transaction:
        known = read_purposes(transaction)
        earlier = [found.notice for found in read_notices(transaction)]
        done = register_notice(
            transaction,
            Notice(
                name=name,
                version=1 + max((n.version for n in earlier if (n.name, n.language) == (name, language)), default=0),
                language=language,
                controller=ctx.workspace.controller,
                purposes=_named(known, purposes) if purposes else _described(known, text),
                withdrawal=find_withdrawal(text, language) if withdrawal is None else withdrawal,
                text=text,
                data=data,
                recipients=recipients,
            ),
        )
    return _added(done)


def list_notices(ctx: Context) -> tuple[NoticeAdded, ...]:
    """Every registered notice, oldest first."""
    with open_log(ctx).read() as reader:
        return tuple(_added(found) for found in read_notices(reader))


def show_notice(ctx: Context, word: str) -> RegisteredNotice:
    """One notice, by name (the newest version) or hash.

    Raises:
        BadInput: there is none.
    """
    with open_log(ctx).read() as reader:
        return find_notice(read_notices(reader), word)


@click.group()
def notice() -> None:
    """Add, list and show notices: what people were shown, kept by hash."""


@notice.command("add")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", required=True, help="Its name; the same name again is a new version.")
@click.option("--language", default="en", show_default=True, help="The text's language, as a tag such as zh-Hans.")
@click.option("--purpose", "purposes", multiple=True, help="A purpose it asks for (default: those the text names).")
@click.option("--data", multiple=True, default=DATA_CATEGORIES, show_default=True, help="A kind of data it covers.")
@click.option("--recipient", "recipients", multiple=True, help="Somebody who receives the data.")
@click.option("--withdrawal", help="The passage on withdrawing (default: the paragraph that speaks of it).")
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
    )
    emit(done, f"entry {done.seq}: {_line(done)}", as_json=as_json)


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
@json_option
@pass_context
def show_command(ctx: Context, word: str, *, as_json: bool) -> None:
    """Show a notice's exact text, by its hash or its name.

    Example: imp consent notice show default
    """
    found = show_notice(ctx, word)
    answer = {"seq": found.seq, "sha256": found.sha256, **asdict(found.notice)}
    emit(answer, lambda: f"{_line(_added(found))}\n\n{found.notice.text}", as_json=as_json)


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise BadInput("not text in UTF-8", where=str(path)) from None
    if "\x00" in text:
        raise BadInput("not text", where=str(path))
    return text


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
    )


def _line(found: NoticeAdded) -> str:
    asked = ", ".join(found.purposes)
    return f"{found.name} version {found.version} ({found.language}) {found.sha256[:16]}… asks for {asked}"
