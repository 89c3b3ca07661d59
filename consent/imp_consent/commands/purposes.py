"""`imp consent purpose`: what people's data may be used for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from imp_consent.commands.ended import dry_run_option
from imp_consent.commands.files import read_toml
from imp_consent.commands.purpose_changes import PurposeChanged, changed_text, differences, edited, editing
from imp_consent.commands.purpose_options import classified, declared, declaring, description_option, expect_traits
from imp_consent.gate import asked_anew
from imp_consent.policy.misnamed import unknown_purpose
from imp_consent.policy.purpose import (
    DeclaredPurpose,
    check_purpose,
    purpose_from,
    read_purposes,
    register_purposes,
)
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, lines, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput

__all__ = [
    "PurposeAdded",
    "PurposeChanged",
    "add_purpose",
    "change_purpose",
    "find_purpose",
    "list_purposes",
    "load_purposes",
    "purpose",
]

# What may be said anew without asking anybody again: it changes no use.
_EDITORIAL = frozenset({"description", "necessity", "opt_out_option", "review"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeAdded:
    """A new purpose and the `policy` entry since which it exists."""

    seq: int
    name: str
    description: str
    version: int


def add_purpose(
    ctx: Context, name: str, description: str, *, declared: Mapping[str, Any] | None = None
) -> PurposeAdded:
    """Add a purpose; consent is asked for by this name from now on. `declared` are further fields of it.

    Raises:
        BadInput: the name or description is malformed, what is declared is not known, its traits are not said, or there
            is such a purpose.
    """
    expect_traits(declared or {}, where="--trait")
    new = check_purpose(DeclaredPurpose(name=name, description=description, **(declared or {})))
    with open_log(ctx).write() as transaction:
        known = read_purposes(transaction)
        if name in known:
            raise BadInput(
                f"there is a purpose {name} already",
                mend=f"change what it declares: imp consent purpose change {name}; a new use gets a name of its own",
                where="NAME",
            )
        seq = register_purposes(transaction, [*known.values(), new])
    return PurposeAdded(seq=seq, name=new.name, description=new.description, version=new.version)


def change_purpose(
    ctx: Context, name: str, *, declared: Mapping[str, Any], editorial: bool = False, dry_run: bool = False
) -> PurposeChanged:
    """Make a new version of a purpose, in which it declares these fields. Unless `editorial` the change is material.

    `dry_run` writes nothing.

    Raises:
        BadInput: there is no such purpose, a field is malformed, or an editorial change changes what is done.
    """

    def changed(known: Mapping[str, DeclaredPurpose]) -> Iterable[DeclaredPurpose]:
        if name not in known:
            raise unknown_purpose(name, known, where="NAME")
        new = check_purpose(replace(known[name], **declared))
        if editorial and not declared.keys() <= _EDITORIAL | classified(known[name], new):
            raise BadInput(
                "this changes what is done with people's data: it is material (PIPL 14, 23; GDPR 13(3))",
                where="--editorial",
                mend="leave it out; people are asked again",
            )
        return [new]

    return _register(ctx, changed, material=not editorial, dry_run=dry_run)


def load_purposes(ctx: Context, path: Path, *, dry_run: bool = False) -> PurposeChanged:
    """Add or change the purposes that a TOML file lists as `[[purpose]]`; whoever is not named stays as they were.

    A change of anything but words is material. `dry_run` writes nothing.

    Raises:
        BadInput: the file cannot be read, or lists none or a malformed one.
    """
    tables = read_toml(path).get("purpose", [])
    try:
        for table in tables:
            expect_traits(table, where=str(path))
        listed = [purpose_from({**table, "version": 1}) for table in tables]
    except (KeyError, TypeError, AttributeError, ValueError):
        raise BadInput("not a list of purposes", where=str(path), mend="each is a table [[purpose]]") from None
    if not listed or len({item.name for item in listed}) < len(listed):
        raise BadInput("no purpose, or one twice", where=str(path), mend="each is a table [[purpose]]")
    return _register(ctx, lambda _: listed, material=None, dry_run=dry_run)


def list_purposes(ctx: Context) -> tuple[DeclaredPurpose, ...]:
    """The purposes that hold now, by name."""
    with open_log(ctx).read() as reader:
        return tuple(read_purposes(reader).values())


def find_purpose(ctx: Context, name: str) -> DeclaredPurpose:
    """One purpose.

    Raises:
        BadInput: there is none of this name.
    """
    known = {found.name: found for found in list_purposes(ctx)}
    if name not in known:
        raise unknown_purpose(name, known, where="NAME")
    return known[name]


def _register(
    ctx: Context,
    said: Callable[[Mapping[str, DeclaredPurpose]], Iterable[DeclaredPurpose]],
    *,
    material: bool | None,
    dry_run: bool,
) -> PurposeChanged:
    """Append what is new of what is `said` of those known (or with `dry_run` nothing), as `_planned`.

    The people who have to be asked anew are counted just before, while others may write.
    """
    log = open_log(ctx)
    while True:
        with log.read() as reader:
            known = read_purposes(reader)
            now, would = _planned(known, said(known), material=material)
            anew = asked_anew(reader, would.material, bases=True, at_us=log.clock.now_us())
        would = replace(would, asked_anew=anew, dry_run=dry_run)
        if dry_run or not (would.added or would.changed):
            return would
        with log.write() as transaction:
            if read_purposes(transaction) == known:  # else others were faster
                return replace(would, seq=register_purposes(transaction, now.values(), material=would.material))


def _planned(
    known: Mapping[str, DeclaredPurpose], listed: Iterable[DeclaredPurpose], *, material: bool | None
) -> tuple[dict[str, DeclaredPurpose], PurposeChanged]:
    """The purposes there would be, and what is new; `material` None: a change is, if it is more than of words."""
    added, changed, turned = [], [], []
    now = dict(known)
    for new in listed:
        old = known.get(new.name)
        if old is None:
            added.append(new.name)
        elif replace(new, version=old.version) != old:
            changed.append(new.name)
            if material or (material is None and not _only_words(old, new)):
                turned.append(new.name)
        else:
            continue
        now[new.name] = replace(new, version=1 if old is None else old.version + 1)
    return now, PurposeChanged(
        seq=None,
        added=tuple(added),
        changed=tuple(changed),
        material=tuple(turned),
        differences=tuple(found for name in changed for found in differences(known[name], now[name])),
    )


def _only_words(old: DeclaredPurpose, new: DeclaredPurpose) -> bool:
    same = {name: getattr(old, name) for name in _EDITORIAL}
    return replace(new, version=old.version, **same) == old


@click.group()
def purpose() -> None:
    """Add, change, list and show purposes: the named uses that consent is given for."""


@purpose.command("add")
@click.argument("name")
@description_option(required=True)
@declaring
@json_option
@pass_context
def add_command(ctx: Context, /, name: str, description: str, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 (click's options)
    """Add a purpose. Its notice comes next: imp consent notice add.

    Example: imp consent purpose add marketing.sms --description "We text you offers." --trait direct-marketing
    """
    done = add_purpose(ctx, name, description, declared=declared(options))
    emit(done, f"entry {done.seq}: purpose {done.name}", as_json=as_json)


@purpose.command("change")
@click.argument("name")
@description_option(required=False)
@click.option("--editorial", is_flag=True, help="Only words change, nothing that is done: nobody is asked again.")
@declaring
@editing
@dry_run_option
@json_option
@pass_context
def change_command(
    ctx: Context,
    /,
    name: str,
    *,
    editorial: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 (click's options)
) -> None:
    """Change what a purpose declares. Consent given before no longer covers it, unless the change is editorial.

    --trait and --data name all there are from now on, in place of those before; the others add to them or take away.

    Example: imp consent purpose change marketing.email --review "Write to us: a person looks at it." --editorial
    """
    old = find_purpose(ctx, name)
    fields = declared(options, old) | edited(options, old)
    if not fields:
        raise BadInput(
            "nothing to change",
            mend="name what it declares from now on, such as --add-trait or --data",
            where="purpose",
        )
    done = change_purpose(ctx, name, declared=fields, editorial=editorial, dry_run=dry_run)
    emit(done, lambda: changed_text(done), as_json=as_json)


@purpose.command("load")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@dry_run_option
@json_option
@pass_context
def load_command(ctx: Context, file: Path, *, dry_run: bool, as_json: bool) -> None:
    """Add and change the purposes that a TOML FILE lists, each as a table [[purpose]].

    Example: imp consent purpose load purposes.toml
    """
    done = load_purposes(ctx, file, dry_run=dry_run)
    emit(done, lambda: changed_text(done), as_json=as_json)


@purpose.command("list")
@json_option
@pass_context
def list_command(ctx: Context, *, as_json: bool) -> None:
    """List the purposes.

    Example: imp consent purpose list
    """
    found = list_purposes(ctx)
    text = lines({item.name: item.description for item in found}) if found else "there are no purposes"
    emit({"purposes": [asdict(item) for item in found]}, text, as_json=as_json)


@purpose.command("show")
@click.argument("name")
@json_option
@pass_context
def show_command(ctx: Context, name: str, *, as_json: bool) -> None:
    """Show one purpose, with all it declares.

    Example: imp consent purpose show marketing.email
    """
    found = find_purpose(ctx, name)
    emit(found, lambda: _text(found), as_json=as_json)


def _text(found: DeclaredPurpose) -> str:
    said = {key: ", ".join(value) if isinstance(value, list) else value for key, value in found.terms.items()}
    if found.recipient is not None:
        said["recipient"] = "; ".join(found.recipient.plain().values())
    more = f"\n{lines(said)}" if said else ""
    return f"{found.name} (version {found.version}): {found.description}{more}"
