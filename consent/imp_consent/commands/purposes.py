"""`imp consent purpose`: what people's data may be used for."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click

from imp_consent.policy.purpose import DeclaredPurpose, check_purpose, read_purposes, register_purposes
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, lines, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.gate import Purpose

__all__ = ["PurposeAdded", "add_purpose", "find_purpose", "list_purposes", "purpose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeAdded:
    """A new purpose and the `policy` entry since which it exists."""

    seq: int
    name: str
    description: str
    version: int


def add_purpose(ctx: Context, name: str, description: str) -> PurposeAdded:
    """Add a purpose; consent is asked for by this name from now on.

    Raises:
        BadInput: the name or description is malformed, or there is such a purpose.
    """
    new = check_purpose(DeclaredPurpose(name=name, description=description))
    with open_log(ctx).write() as transaction:
        known = read_purposes(transaction)
        if name in known:
            raise BadInput(
                f"there is a purpose {name} already",
                mend="people agreed to what it says: give a new use a name of its own",
            )
        seq = register_purposes(transaction, [*known.values(), new])
    return PurposeAdded(seq=seq, name=new.name, description=new.description, version=new.version)


def list_purposes(ctx: Context) -> tuple[Purpose, ...]:
    """The purposes that hold now, by name."""
    with open_log(ctx).read() as reader:
        return tuple(read_purposes(reader).values())


def find_purpose(ctx: Context, name: str) -> Purpose:
    """One purpose.

    Raises:
        BadInput: there is none of this name.
    """
    for found in list_purposes(ctx):
        if found.name == name:
            return found
    raise BadInput("unknown purpose", where="NAME", mend="see: imp consent purpose list")


@click.group()
def purpose() -> None:
    """Add, list and show purposes: the named uses that consent is given for."""


@purpose.command("add")
@click.argument("name")
@click.option("--description", required=True, help="What is done, in one line that people understand.")
@json_option
@pass_context
def add_command(ctx: Context, name: str, description: str, *, as_json: bool) -> None:
    """Add a purpose. Its notice comes next: imp consent notice add.

    Example: imp consent purpose add marketing.sms --description "We send you offers by text message."
    """
    done = add_purpose(ctx, name, description)
    emit(done, f"entry {done.seq}: purpose {done.name}", as_json=as_json)


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
    """Show one purpose.

    Example: imp consent purpose show marketing.email
    """
    found = find_purpose(ctx, name)
    emit(found, f"{found.name} (version {found.version}): {found.description}", as_json=as_json)
