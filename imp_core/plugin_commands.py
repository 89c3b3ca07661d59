"""`imp plugin`: what is installed, what it declares, and whether it may run."""

from __future__ import annotations

import click

from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.manifest import Manifest
from imp_core.plugins import PluginState, PluginStatus
from imp_core.scaffold.command import new

__all__ = ["describe", "disable", "enable", "plugin"]


@click.group()
def plugin() -> None:
    """List, show, enable and disable plugins. Installed is not enabled: nothing of a plugin runs before."""


plugin.add_command(new)


@plugin.command("list")
@json_option
@pass_context
def list_(ctx: Context, *, as_json: bool) -> None:
    """List installed plugins and where each stands.

    Example: imp plugin list
    """
    ctx.plugins.probe()
    rows = [_row(status) for status in ctx.plugins.statuses]
    text = "\n".join(
        f"{row['name']:<16} {row['version']:<10} {row['state']}" + (f": {row['problem']}" if row["problem"] else "")
        for row in rows
    )
    emit({"plugins": rows}, text or "no plugins are installed", as_json=as_json)


@plugin.command()
@click.argument("name")
@json_option
@pass_context
def show(ctx: Context, name: str, *, as_json: bool) -> None:
    """Show what a plugin declares: purposes per action, identifiers, hosts. Nothing of it is imported.

    Example: imp plugin show file
    """
    result = describe(ctx, name)
    emit(result, lambda: _text(result), as_json=as_json)


@plugin.command("enable")
@click.argument("name")
@json_option
@pass_context
def enable_command(ctx: Context, name: str, *, as_json: bool) -> None:
    """Let a plugin run in this workspace: shows what it declares, then pins name, version and manifest hash.

    Example: imp plugin enable file
    """
    result = enable(ctx, name)
    emit(result, lambda: _text(result), as_json=as_json)


@plugin.command("disable")
@click.argument("name")
@json_option
@pass_context
def disable_command(ctx: Context, name: str, *, as_json: bool) -> None:
    """Stop a plugin from running in this workspace.

    Example: imp plugin disable file
    """
    disable(ctx, name)
    emit({"name": name, "state": PluginState.DISABLED.value}, f"{name}: not enabled", as_json=as_json)


def describe(ctx: Context, name: str) -> dict[str, object]:
    """What is known of an installed plugin without importing it.

    Raises:
        BadInput: no installed plugin has this name.
        PluginBroken: its manifest cannot be read.
    """
    status = _find(ctx, name)
    manifest = status.manifest()
    return {**_row(status), **(_declared(manifest) if manifest else {})}


def enable(ctx: Context, name: str) -> dict[str, object]:
    """Pin an installed plugin's version and manifest in `imp.toml`.

    Raises:
        BadInput: no installed plugin has this name, it is always on, or it carries no manifest.
        PluginBroken: its manifest cannot be read.
    """
    workspace = ctx.workspace
    status = _find(ctx, name)
    if status.always_on:
        raise BadInput(f"{name} is part of the framework and always on")
    if sum(other.name == name for other in ctx.plugins.statuses) > 1:
        raise BadInput(f"two installed plugins are called {name}", mend="uninstall one of them")
    manifest = status.manifest()
    if manifest is None or manifest.name != name:
        raise BadInput(f"{name} carries no manifest of its name", mend="its package must hold imp-plugin.toml")
    workspace.with_table(f"plugins.{name}", {"version": status.version, "manifest_sha256": manifest.sha256})
    ctx.reload_workspace()
    return describe(ctx, name)


def disable(ctx: Context, name: str) -> None:
    """Remove a plugin's pin from `imp.toml`.

    Raises:
        BadInput: it is not enabled.
    """
    if name not in ctx.workspace.plugin_pins:
        raise BadInput(f"{name} is not enabled", mend="see: imp plugin list")
    ctx.workspace.without_table(f"plugins.{name}")
    ctx.reload_workspace()


def _find(ctx: Context, name: str) -> PluginStatus:
    for status in ctx.plugins.statuses:
        if status.name == name:
            return status
    raise BadInput(f"no installed plugin is called {name}", mend="see: imp plugin list")


def _row(status: PluginStatus) -> dict[str, object]:
    return {
        "name": status.name,
        "version": status.version,
        "distribution": status.distribution,
        "state": status.state.value,
        "problem": status.problem,
    }


def _declared(manifest: Manifest) -> dict[str, object]:
    return {
        "summary": manifest.summary,
        "purposes": {action: list(names) for action, names in manifest.purposes.items()},
        "identifiers": list(manifest.identifiers),
        "hosts": list(manifest.hosts),
        "manifest_sha256": manifest.sha256,
    }


def _text(result: dict[str, object]) -> str:
    out = [f"{result['name']} {result['version']} ({result['state']})"]
    if result["problem"]:
        out.append(f"  problem: {result['problem']}")
    purposes = result.get("purposes")
    if isinstance(purposes, dict):
        out += [f"  may {action}: {', '.join(names) or 'nothing'}" for action, names in purposes.items()]
        for key in ("identifiers", "hosts"):
            names = result[key]
            out.append(f"  {key}: {', '.join(names) if isinstance(names, list) and names else 'none'}")
    return "\n".join(out)
