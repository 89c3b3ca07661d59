"""`imp plugin`: what is installed, what it declares, and whether it may run."""

from __future__ import annotations

from collections.abc import Mapping

import click

from imp_core.clock import format_time
from imp_core.command import emit, json_option, lines, pass_context
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import CheckFailed
from imp_core.plugin_check import PluginCheck, check_plugin
from imp_core.plugin_enabling import declared_text, describe, disable, enable, status_row
from imp_core.plugin_trace import PluginTrace, trace_plugin
from imp_core.plugins import PluginState
from imp_core.scaffold.command import new

__all__ = ["describe", "disable", "enable", "plugin"]


@click.group()
def plugin() -> None:
    """List, show, check, trace, enable, disable and write plugins.

    Installed is not enabled: nothing of a plugin runs before.
    """


plugin.add_command(new)


@plugin.command("list")
@json_option
@pass_context
def list_(ctx: Context, *, as_json: bool) -> None:
    """List installed plugins and where each stands.

    Example: imp plugin list
    """
    ctx.plugins.probe()
    rows = [status_row(status) for status in ctx.plugins.statuses]
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
    """Show what a plugin declares: purposes per action, identifiers, hosts. Nothing runs of one that is not enabled.

    Exit code 1 where it is broken.

    Example: imp plugin show file
    """
    result = describe(ctx, name)
    emit(result, lambda: declared_text(result), as_json=as_json)
    _fail_if_broken(result)


@plugin.command("enable")
@click.argument("name")
@json_option
@pass_context
def enable_command(ctx: Context, name: str, *, as_json: bool) -> None:
    """Let a plugin run in this workspace: shows what it declares, and pins name, version and manifest hash.

    It is loaded before: one that is broken is not enabled, and the exit code is 1. Where there is a ledger, it keeps
    the manifest and says who enabled it.

    Example: imp plugin enable file
    """
    result = enable(ctx, name)
    emit(result, lambda: declared_text(result), as_json=as_json)
    _fail_if_broken(result)


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


@plugin.command("check")
@click.argument("name")
@json_option
@pass_context
def check_command(ctx: Context, name: str, *, as_json: bool) -> None:
    """Compare a plugin's code with its manifest, and ask its channel whether it could work now; nothing is sent.

    Exit code 1 where something does not hold. Of a plugin that is not enabled only the manifest is read.

    Example: imp plugin check email
    """
    result = check_plugin(ctx, name)
    emit(result, lambda: _checked(result), as_json=as_json)
    if not result.ok:
        raise click.exceptions.Exit(CheckFailed.exit_code)


@plugin.command("trace")
@click.argument("name")
@json_option
@pass_context
def trace_command(ctx: Context, name: str, *, as_json: bool) -> None:
    """Show what a plugin did: when it was enabled and by whom, what it brought in, what went through it.

    Example: imp plugin trace file
    """
    result = trace_plugin(ctx, name)
    emit(result, lambda: _traced(result), as_json=as_json)


def _fail_if_broken(result: Mapping[str, object]) -> None:
    if result["state"] == PluginState.BROKEN:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _checked(result: PluginCheck) -> str:
    out = [f"{result.name} {result.version}"]
    for check in result.checks:
        out.append(f"{'ok ' if check.ok else 'NOT OK'}  {check.name}: {check.detail}")
        if check.mend:
            out.append(f"        {check.mend}")
    return "\n".join(out)


def _traced(result: PluginTrace) -> str:
    took = "not loaded" if result.load_seconds is None else f"{result.load_seconds * 1000:.1f} ms to load"
    out = [f"{result.name} {result.version} ({result.state})", f"  {result.problem}" if result.problem else ""]
    out.append(lines({"  loading": took, "  hooks": _listed(result.hooks), "  registers": _listed(result.registered)}))
    out += [f"  module {module}" for module in result.modules]
    for change in result.enabled:
        what = f"enabled {change.version}" if change.enabled else "disabled"
        out.append(f"  {format_time(change.at_us)}  {what} by {change.actor} (entry {change.seq})")
    for trail in result.trail:
        span = f"{format_time(trail.first_us)} to {format_time(trail.last_us)}"
        out.append(f"  {trail.type}: {some(trail.entries, 'entry', 'entries')}, {span}")
        out += [f"    {name}: {n:,}" for name, n in trail.counts.items()]
    if not result.ledger:
        out.append("  no ledger here to ask")
    return "\n".join(line for line in out if line)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"
