"""`imp consent regime`: the law that holds, as files that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path

import click

from imp_consent.commands.files import read_bytes
from imp_consent.policy.house import read_house
from imp_consent.policy.period import Period
from imp_consent.policy.regime import Regime, packaged, parse_regime, read_regimes, register_regimes
from imp_consent.policy.rules import Rules
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, lines, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput

__all__ = ["ListedRegime", "RegimesAdded", "add_regimes", "list_regimes", "regime", "rules_text", "show_regime"]

FOLDER = "regimes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRegime:
    """A regime: its file's hash, whether imp.toml names it, and the jurisdictions it knows by name."""

    name: str
    title: str
    sha256: str
    opt_in: bool
    in_force: bool
    jurisdictions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimesAdded:
    """The `policy` entry since which these regimes hold, and which were new or changed; None: they were so already."""

    seq: int | None
    changed: tuple[str, ...]


def add_regimes(ctx: Context, paths: Sequence[Path] = (), *, shipped: bool = False) -> RegimesAdded:
    """Add or replace regimes by files; without any, by those in the workspace's folder `regimes`.

    `shipped`: by those of this version of imp.

    Raises:
        BadInput: a file is not a regime, or there is none.
    """
    files = list(paths) or ([] if shipped else sorted((ctx.workspace.root / FOLDER).glob("*.toml")))
    new = [parse_regime(read_bytes(path), where=str(path)) for path in files] + (list(packaged()) if shipped else [])
    if not new:
        raise BadInput("no file of law", where=str(ctx.workspace.root / FOLDER), mend="name one, or put it there")
    if len({found.name for found in new}) < len(new):
        raise BadInput("two files are of one regime", mend="name each regime once")
    with open_log(ctx).write() as transaction:
        held = {found.name: found for found in read_regimes(transaction)}
        changed = tuple(found.name for found in new if found.name not in held or held[found.name].text != found.text)
        now = held | {found.name: found for found in new}
        seq = register_regimes(transaction, now.values()) if changed else None
    return RegimesAdded(seq=seq, changed=changed)


def list_regimes(ctx: Context) -> tuple[ListedRegime, ...]:
    """The regimes that are known, by name."""
    house = read_house(ctx.workspace.config)
    with open_log(ctx).read() as reader:
        return tuple(
            ListedRegime(
                name=found.name,
                title=found.title,
                sha256=found.sha256,
                opt_in=found.general.opt_in,
                in_force=found.name in house.regimes,
                jurisdictions=tuple(sorted(found.jurisdictions)),
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
    """What these regimes (none: imp.toml's) together demand in a jurisdiction (None: imp.toml's).

    Raises:
        BadInput: one of them is not known, or it is not a jurisdiction.
    """
    house = read_house(ctx.workspace.config)
    with open_log(ctx).read() as reader:
        known, wanted = read_regimes(reader), (tuple(names) or house.regimes, jurisdiction or house.jurisdiction)
        known.check(*wanted)
        return known.rules(*wanted)


@click.group()
def regime() -> None:
    """Add, list and show regimes: the law that holds for people, as files with the source of every rule."""


@regime.command("add")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--shipped", is_flag=True, help="Take those that this version of imp brings.")
@json_option
@pass_context
def add_command(ctx: Context, files: tuple[Path, ...], *, shipped: bool, as_json: bool) -> None:
    """Add regimes, or replace those of the same name; without FILES those in the workspace's folder regimes.

    Which of them hold where nothing else is said, imp.toml says: [policy] regimes = ["gdpr", "eprivacy"].

    Example: imp consent regime add house.toml
    """
    done = add_regimes(ctx, files, shipped=shipped)
    text = "nothing to change" if done.seq is None else f"entry {done.seq}: {', '.join(done.changed)}"
    emit(done, text, as_json=as_json)


@regime.command("list")
@json_option
@pass_context
def list_command(ctx: Context, *, as_json: bool) -> None:
    """List the regimes; those with a star hold where nothing else is said.

    Example: imp consent regime list
    """
    found = list_regimes(ctx)
    text = lines({f"{'*' if item.in_force else ' '} {item.name}": item.title for item in found})
    emit({"regimes": [asdict(item) for item in found]}, text, as_json=as_json)


@regime.command("show")
@click.argument("name")
@json_option
@pass_context
def show_command(ctx: Context, name: str, *, as_json: bool) -> None:
    """Show a regime's file, with the source of every rule.

    Example: imp consent regime show gdpr
    """
    found = show_regime(ctx, name)
    text = found.text.decode()
    emit({"name": found.name, "title": found.title, "sha256": found.sha256, "text": text}, text, as_json=as_json)


@regime.command("rules")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--jurisdiction", help="Where, such as FR or US-CA (default: imp.toml's).")
@json_option
@pass_context
def rules_command(ctx: Context, names: tuple[str, ...], jurisdiction: str | None, *, as_json: bool) -> None:
    """Show what several regimes together demand, in every respect the strictest of them.

    Example: imp consent regime rules gdpr eprivacy --jurisdiction FR
    """
    found = rules_in_force(ctx, names, jurisdiction)
    emit(_plain(found), lambda: rules_text(found), as_json=as_json)


def rules_text(rules: Rules) -> str:
    """The rules in lines that people read."""
    said = {
        "regimes": ", ".join(rules.names) + (f" in {rules.jurisdiction}" if rules.jurisdiction else ""),
        "consent": "comes first (opt-in)" if rules.opt_in else "not needed after notice, until somebody opts out",
        "no consent": ", ".join(sorted(rules.refused_actions)),
        "other bases": ", ".join(sorted(rules.bases or ())) or "none",
    }
    out = [lines(said)]
    out += [f"{need.trait}: {_need_text(need.consent, need.bases, need.says)}  [{need.source}]" for need in rules.needs]
    out += [f"below {age.below}: needs {age.needs}  [{age.source}]" for age in rules.ages]
    out += [f"{rule.trait}: a yes holds {rule.period}  [{rule.source}]" for rule in rules.valid_for]
    out += [f"{rule.trait}: not asked again for {rule.period}  [{rule.source}]" for rule in rules.reprompt]
    out += [f"request {kind}: answered in {clock.within}  [{clock.source}]" for kind, clock in rules.clocks.items()]
    return "\n".join(out)


def _need_text(consent: str | None, bases: frozenset[str] | None, says: Sequence[str]) -> str:
    words = [f"{consent} consent"] if consent else []
    words += [f"or {', '.join(sorted(bases))}"] if bases else []
    words += [f"says {', '.join(says)}"] if says else []
    return "; ".join(words)


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
