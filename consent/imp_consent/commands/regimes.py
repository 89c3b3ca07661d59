"""`imp consent regime`: the law that holds, as files that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Final

import click

from imp_consent.commands.regime_files import (
    SHIPPED,
    RegimesAdded,
    add_regimes,
    added_text,
    first_regimes,
    origin,
)
from imp_consent.commands.rules_text import rules_text
from imp_consent.policy.asked_law import house_at
from imp_consent.policy.house import read_house
from imp_consent.policy.period import Period
from imp_consent.policy.regime import Regime, read_regimes
from imp_consent.policy.rules import Rules
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, lines, pass_context
from imp_core.context import Context

__all__ = ["ListedRegime", "RegimesAdded", "add_regimes", "list_regimes", "regime", "rules_text", "show_regime"]

_MARKS: Final = {
    "shipped": "",
    "own": "  [your own]",
    "replaced": "  [in place of the file that imp brings]",
    "earlier": "  [of an earlier imp; the newer one: imp consent regime add --shipped]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRegime:
    """A regime: its file's hash, whether imp.toml names it, the jurisdictions it knows by name, and where it holds.

    `origin` is "shipped" where it is the file that this version of imp brings, "replaced" where another file has taken
    that one's place, "earlier" where it is the one that an earlier version brought, and "own" where imp brings none.
    """

    name: str
    title: str
    sha256: str
    opt_in: bool
    in_force: bool
    jurisdictions: tuple[str, ...]
    applies: tuple[str, ...] = ()
    origin: str = "shipped"


def list_regimes(ctx: Context) -> tuple[ListedRegime, ...]:
    """The regimes that are known, by name."""
    house = read_house(ctx.workspace.config)
    with open_log(ctx).read() as reader:
        first = first_regimes(reader)
        return tuple(
            ListedRegime(
                name=found.name,
                title=found.title,
                sha256=found.sha256,
                opt_in=found.general.opt_in,
                in_force=found.name in house.regimes,
                jurisdictions=tuple(sorted(found.jurisdictions)),
                applies=found.applies,
                origin=origin(found, first),
            )
            for found in read_regimes(reader)
        )


def show_regime(ctx: Context, name: str) -> Regime:
    """One regime.

    Raises:
        BadInput: there is none of this name.
    """
    with open_log(ctx).read() as reader:
        return read_regimes(reader).regime(name)


def rules_in_force(ctx: Context, names: Sequence[str] = (), jurisdiction: str | None = None) -> Rules:
    """What these regimes together demand in a jurisdiction (None: imp.toml's).

    Where none is named they are those that a record goes by: imp.toml's, and the law at home in a place that is named.

    Raises:
        BadInput: one of them is not known, or it is not a jurisdiction.
    """
    house = read_house(ctx.workspace.config)
    with open_log(ctx).read() as reader:
        known, place = read_regimes(reader), jurisdiction or house.jurisdiction
        own = house.regimes if jurisdiction is None else house_at(known, house, jurisdiction)
        wanted = tuple(names) or own
        known.check(wanted, place)
        return known.rules(wanted, place)


def law_unknown(ctx: Context, jurisdiction: str) -> bool:
    """Whether no law that is known is at home in a place."""
    with open_log(ctx).read() as reader:
        return not read_regimes(reader).at_home(jurisdiction)


@click.group()
def regime() -> None:
    """Add, list and show regimes: the law that holds for people, as files with the source of every rule."""


@regime.command("add")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--shipped", is_flag=True, help="Take those that this version of imp brings.")
@click.option("--replace", "replacing", is_flag=True, help="Let a file take the place of one that imp brings.")
@click.option(
    "--dry-run", is_flag=True, help="Write nothing; say which rules would come and go, and whom they judge otherwise."
)
@json_option
@pass_context
def add_command(
    ctx: Context, files: tuple[Path, ...], *, shipped: bool, replacing: bool, dry_run: bool, as_json: bool
) -> None:
    """Add regimes, or replace those of the same name; without FILES those in the workspace's folder regimes.

    Which of them hold where nothing else is said, imp.toml says: [policy] regimes = ["gdpr", "eprivacy"].

    Example: imp consent regime add house.toml
    """
    done = add_regimes(ctx, files, shipped=shipped, replacing=replacing, dry_run=dry_run)
    emit(done, lambda: added_text(done), as_json=as_json)


@regime.command("list")
@json_option
@pass_context
def list_command(ctx: Context, *, as_json: bool) -> None:
    """List the regimes; those with a star hold where nothing else is said, and what imp did not bring is marked so.

    Example: imp consent regime list
    """
    found = list_regimes(ctx)
    text = lines(
        {f"{'*' if item.in_force else ' '} {item.name}": f"{item.title}{_MARKS[item.origin]}" for item in found}
    )
    emit({"regimes": [asdict(item) for item in found]}, text, as_json=as_json)


@regime.command("show")
@click.argument("name")
@json_option
@pass_context
def show_command(ctx: Context, name: str, *, as_json: bool) -> None:
    """Show a regime's file, with the source of every rule. Standard error says if imp did not bring it so.

    Example: imp consent regime show gdpr
    """
    found, (listed,) = show_regime(ctx, name), [item for item in list_regimes(ctx) if item.name == name]
    text = found.text.decode()
    emit({**asdict(listed), "text": text}, text, as_json=as_json)
    if listed.origin != SHIPPED and not as_json:  # beside the file, which stays as it is
        click.echo(f"{name}:{_MARKS[listed.origin]}", err=True)


@regime.command("rules")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--jurisdiction", help="Where, such as FR or US-CA (default: imp.toml's).")
@json_option
@pass_context
def rules_command(ctx: Context, names: tuple[str, ...], jurisdiction: str | None, *, as_json: bool) -> None:
    """Show what several regimes together demand, in every respect the strictest of them.

    Without NAME they are those that a record goes by: imp.toml's, and with --jurisdiction the law at home there.

    Example: imp consent regime rules gdpr eprivacy --jurisdiction FR
    """
    found = rules_in_force(ctx, names, jurisdiction)
    emit(_plain(found), lambda: rules_text(found), as_json=as_json)
    if jurisdiction is not None and not names and law_unknown(ctx, jurisdiction):
        click.echo(f"warning: which law is at home in {jurisdiction} is not known here: these are imp.toml's", err=True)


def _plain(value: object) -> object:
    """Rules as JSON: sets sorted, periods in words."""
    if isinstance(value, Period):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
