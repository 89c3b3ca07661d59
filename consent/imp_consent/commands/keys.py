"""`imp keys`: the ledger's keys, listed without their secrets, and changed with every answer staying as it was."""

from __future__ import annotations

import click

from imp_consent.commands.key_changes import (
    KeyPlan,
    KeysListed,
    copy_keys,
    export_keys,
    list_keys,
    plan_retirement,
    plan_rotation,
    plan_wrap,
    retire_key,
    rotate_key,
    wrap_key,
)
from imp_consent.ledger.rotate import Rotated
from imp_core.command import emit, json_option, pass_context, progress
from imp_core.context import Context
from imp_core.counting import some

__all__ = ["keys"]

_execute = click.option("--execute", is_flag=True, help="Do it; without this only what would happen is shown.")


@click.group()
def keys() -> None:
    """List the ledger's keys, and change them. No command but export ever shows a secret.

    Which can be rotated: pepper, kek (the key-encryption key), row, sign. Which stay: channel, idem and event, because
    names at channels, messages sent and ids of events hang on them; supp is wrapped after a leak, never retired.
    """


@keys.command("list")
@json_option
@pass_context
def list_command(ctx: Context, *, as_json: bool) -> None:
    """List the keys: purpose, id, state, epoch and when each was made; with --json also what a rotation would do.

    Example: imp keys list
    """
    listed = list_keys(ctx)
    emit(listed, lambda: _listed(listed), as_json=as_json)


@keys.command("rotate")
@click.argument("purpose")
@_execute
@json_option
@pass_context
def rotate_command(ctx: Context, purpose: str, *, execute: bool, as_json: bool) -> None:
    """Put a new key in the place of the one in use. Interrupted, the next command that writes finishes or undoes it.

    Example: imp keys rotate pepper --execute
    """
    if not execute:
        _emit_plan(plan_rotation(ctx, purpose), as_json=as_json)
        return
    with progress("rows") as shown:
        done = rotate_key(ctx, purpose, count=shown.advance)
    emit(done, _done(done), as_json=as_json)


@keys.command("wrap")
@click.argument("purpose", metavar="pepper|supp")
@_execute
@json_option
@pass_context
def wrap_command(ctx: Context, purpose: str, *, execute: bool, as_json: bool) -> None:
    """After a leak: hash everything made with the leaked key again under a new one, all at once.

    Example: imp keys wrap pepper --execute
    """
    if not execute:
        _emit_plan(plan_wrap(ctx, purpose), as_json=as_json)
        return
    with progress("rows") as shown:
        done = wrap_key(ctx, purpose, count=shown.advance)
    emit(done, _done(done), as_json=as_json)


@keys.command("retire")
@click.argument("key_id", metavar="ID")
@_execute
@json_option
@pass_context
def retire_command(ctx: Context, key_id: str, *, execute: bool, as_json: bool) -> None:
    """Destroy a rotated pepper that nobody is found under any more; refused while somebody is.

    Example: imp keys retire 3f0a91c2 --execute
    """
    if not execute:
        _emit_plan(plan_retirement(ctx, key_id), as_json=as_json)
        return
    done = retire_key(ctx, key_id)
    emit(done, f"the {done.purpose} {done.previous} is destroyed (entry {done.seq})", as_json=as_json)


@keys.command("export")
@_execute
@json_option
@pass_context
def export_command(ctx: Context, *, execute: bool, as_json: bool) -> None:
    """Print every key with its secret, as one line for the variable IMP_KEY_MATERIAL, for machines without files.

    They read it where imp.toml says: [keys] provider = "env". Whoever has this line has every key.

    Example: imp keys export --execute | gh secret set IMP_KEY_MATERIAL
    """
    done = export_keys(ctx, execute=execute)
    if done.material is None:
        emit(
            done,
            f"would print {some(done.keys, 'key with its secret', 'keys with their secrets')}; run again "
            "with --execute",
            as_json=as_json,
        )
        return
    click.echo("warning: whoever has this line has every key: keep it among your secrets", err=True)
    emit(done, done.material, as_json=as_json)


@keys.command("copy")
@click.argument("provider")
@_execute
@json_option
@pass_context
def copy_command(ctx: Context, provider: str, *, execute: bool, as_json: bool) -> None:
    """Copy every key to a key provider that an enabled plugin brings; then name it in imp.toml, and remove these.

    Example: imp keys copy vault --execute
    """
    done = copy_keys(ctx, provider, execute=execute)
    text = f'{some(done.keys, "key is", "keys are")} copied; now write in imp.toml: [keys] provider = "{provider}"'
    if not execute:
        text = f"would copy {some(done.keys, 'key')}; run again with --execute"
    emit(done, text, as_json=as_json)


def _emit_plan(plan: KeyPlan, *, as_json: bool) -> None:
    text = f"{plan.purpose} {plan.id}: {plan.change}; {some(plan.rows, 'row')}; run again with --execute"
    emit(plan, text, as_json=as_json)


def _done(done: Rotated) -> str:
    return (
        f"{done.purpose}: {done.id} is in use in place of {done.previous}, {some(done.rows, 'row')} (entry {done.seq})"
    )


def _listed(listed: KeysListed) -> str:
    out = [f"kept in {listed.place}"]
    if not listed.settled:
        out.append("a rotation is under way, or died: the next command that writes finishes or undoes it")
    for key in listed.keys:
        facts = [key.purpose, key.id, key.state, f"epoch {key.epoch}", key.created or "created before dates were kept"]
        facts += [f"wraps {', '.join(key.wraps)}"] if key.wraps else []
        facts += [some(key.rows, "identifier")] if key.rows is not None else []
        out.append("  ".join(facts))
    return "\n".join(out)
