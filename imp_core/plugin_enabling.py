"""What is known of an installed plugin, and letting it run in a workspace, or not."""

from __future__ import annotations

from collections.abc import Mapping

from imp_core.channel.context import Setting
from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed, ImpError
from imp_core.manifest import Addresses, Manifest
from imp_core.manifest_file import find_manifest
from imp_core.outbound.open import channel_settings, shown_hosts
from imp_core.plugins import Plugins, PluginState, PluginStatus
from imp_core.ports import Json

__all__ = ["declared_text", "describe", "disable", "enable", "find_status", "status_row"]

_ENTRY = "plugin-enable"


def describe(ctx: Context, name: str) -> dict[str, object]:
    """What is known of an installed plugin; nothing of one that is not enabled is imported.

    An enabled one is asked for what it registers, for that is when it shows itself broken. One that could not be
    enabled, for want of a manifest, is broken too.

    Raises:
        BadInput: no installed plugin has this name.
    """
    status = find_status(ctx, name)
    if status.state is PluginState.LOADED:
        ctx.plugins.probe()
    declared: Mapping[str, object] = {}
    if not status.always_on:
        try:
            declared = _declared(status.declared(), _settings(ctx, name))
        except ImpError as error:
            status.fail_by(error)
    mend = status.remedy() if status.state in (PluginState.BROKEN, PluginState.CHANGED) else None
    return {**status_row(status), "mend": mend, **declared}


def enable(ctx: Context, name: str) -> dict[str, object]:
    """Pin an installed plugin's version and manifest in `imp.toml`; where there is a ledger, it says so first.

    It is loaded before, to see whether it can be: one that is broken is not enabled. The entry `plugin-enable` names
    the manifest by its hash, and the ledger keeps the manifest.

    Raises:
        BadInput: no installed plugin has this name, or it is always on.
        CheckFailed: it is broken, by its manifest or by what it does when it is loaded; nothing was changed.
    """
    workspace = ctx.workspace
    status = find_status(ctx, name)
    if status.always_on:
        raise BadInput(
            f"{name} is part of the framework and always on",
            where=name,
            mend="nothing is to be done: see imp plugin list",
        )
    try:
        manifest = status.declared()
    except ImpError as error:
        status.fail_by(error)
        raise _refused(status) from None
    pin = {"version": status.version, "manifest_sha256": manifest.sha256}
    plugins = _tried(ctx, name, pin)
    if workspace.database.exists():
        document = find_manifest(status.package) or b""
        ctx.ledger.append(_ENTRY, _entry(status, manifest), documents=[document])
    workspace.with_table(f"plugins.{name}", pin)
    ctx.reload_workspace(plugins)
    return describe(ctx, name)


def disable(ctx: Context, name: str) -> None:
    """Remove a plugin's pin from `imp.toml`; where there is a ledger, an entry `plugin-enable` says "enabled": false.

    Raises:
        BadInput: it is not enabled.
        ImpError: the ledger cannot be written; the plugin is disabled all the same.
    """
    pin = ctx.workspace.plugin_pins.get(name)
    if pin is None:
        raise BadInput(f"{name} is not enabled", mend="see: imp plugin list", where=name)
    ctx.workspace.without_table(f"plugins.{name}")
    ctx.reload_workspace()
    if ctx.workspace.database.exists():
        ctx.ledger.append(_ENTRY, {"name": name, "version": pin.get("version"), "enabled": False})


def _tried(ctx: Context, name: str, pin: Mapping[str, str]) -> Plugins:
    """The plugins as they would be with this one enabled.

    Raises:
        CheckFailed: it is broken.
    """
    pins = {**ctx.workspace.plugin_pins, name: pin}
    plugins = Plugins(pins=pins, without=ctx.without, taken=ctx.taken, stopwatch=ctx.stopwatch)
    plugins.probe()
    for status in plugins.statuses:
        if status.name == name and status.state is PluginState.BROKEN:
            raise _refused(status)
    return plugins


def _refused(status: PluginStatus) -> CheckFailed:
    mend = f"{status.mend or 'mend or update it'}; then again: imp plugin enable {status.name}"
    return CheckFailed(f"{status.name} cannot be enabled, it is broken: {status.problem}", mend=mend, where=status.name)


def find_status(ctx: Context, name: str) -> PluginStatus:
    """The installed plugin of a name.

    Raises:
        BadInput: there is none.
    """
    for status in ctx.plugins.statuses:
        if status.name == name:
            return status
    raise BadInput(f"no installed plugin is called {name}", mend="see: imp plugin list", where="NAME")


def status_row(status: PluginStatus) -> dict[str, object]:
    """Name, version, distribution, and where it stands."""
    return {
        "name": status.name,
        "version": status.version,
        "distribution": status.distribution,
        "state": status.state.value,
        "problem": status.problem,
    }


def declared_text(result: Mapping[str, object]) -> str:
    """What a plugin declares, for people."""
    out = [f"{result['name']} {result['version']} ({result['state']})"]
    if result["problem"]:
        out.append(f"  broken: {result['problem']}")
    if result["mend"]:
        out.append(f"  mend: {result['mend']}")
    purposes = result.get("purposes")
    if isinstance(purposes, dict):
        out += [f"  may {action}: {', '.join(names) or 'nothing'}" for action, names in purposes.items()]
        for key in ("identifiers", "hosts", "secrets"):
            names = result["hosts_here" if key == "hosts" else key]
            out.append(f"  {key}: {', '.join(names) if isinstance(names, list) and names else 'none'}")
        out.append(f"  sees addresses: {'one at a time' if result['addresses'] == Addresses.RESOLVE else 'never'}")
        out.append(f"  hears who met which variant: {'yes' if result['exposures'] else 'no'}")
        out.append(f"  hears whose permission ended: {'yes' if result['withdrawals'] else 'no'}")
    return "\n".join(out)


def _declared(manifest: Manifest, settings: Mapping[str, Setting]) -> dict[str, object]:
    return {
        "summary": manifest.summary,
        "purposes": {action: list(names) for action, names in manifest.purposes.items()},
        "identifiers": list(manifest.identifiers),
        "hosts": list(manifest.hosts),
        "hosts_here": list(shown_hosts(manifest.hosts, settings, channel=manifest.name)),
        "addresses": str(manifest.addresses),
        "secrets": list(manifest.secrets),
        "exposures": manifest.exposures,
        "withdrawals": manifest.withdrawals,
        "manifest_sha256": manifest.sha256,
    }


def _settings(ctx: Context, name: str) -> Mapping[str, Setting]:
    try:
        return channel_settings(ctx, name)
    except ImpError:
        return {}  # no workspace, or a malformed one: whoever uses the settings says so


def _entry(status: PluginStatus, manifest: Manifest) -> dict[str, Json]:
    return {
        "name": status.name,
        "version": status.version,
        "enabled": True,
        "manifest_sha256": manifest.sha256,
        "purposes": {action: list(names) for action, names in manifest.purposes.items()},
        "hosts": list(manifest.hosts),
        "addresses": str(manifest.addresses),
        "withdrawals": manifest.withdrawals,
    }
