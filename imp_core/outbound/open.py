"""From a channel's name to what calls it: the enabled plugin, its manifest's hosts, its settings and secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imp_core.channel import ChannelContext
from imp_core.channel.context import Setting
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.manifest import Manifest
from imp_core.outbound.runner import ChannelRunner

__all__ = ["channel_context", "channel_settings", "hosts_here", "open_runner", "resolved_hosts", "secret_variable",
           "shown_hosts"]  # fmt: skip


def open_runner(ctx: Context, name: str) -> ChannelRunner:
    """The runner of an enabled channel, held to its manifest's hosts, its secrets kept in; close it when done.

    Raises:
        BadInput: the channel is not enabled, or a setting that names one of its hosts is missing.
    """
    channel = ctx.plugins.channel(name)
    manifest = ctx.plugins.manifest_of(name)
    hosts = resolved_hosts(manifest.hosts if manifest else (), channel_settings(ctx, name), channel=name)
    secrets = _secrets(manifest, name, ctx.environ) if manifest else {}
    return ChannelRunner(channel, hosts=hosts, secret=secrets.values(), package=channel.package)


def channel_context(ctx: Context, name: str) -> ChannelContext:
    """What every call of a channel is handed: settings, the secrets its manifest names, the present.

    Raises:
        BadInput: the settings are malformed.
    """
    manifest = ctx.plugins.manifest_of(name)
    return ChannelContext(
        settings=channel_settings(ctx, name),
        now_us=ctx.clock.now_us(),
        secrets=_secrets(manifest, name, ctx.environ) if manifest else {},
    )


def channel_settings(ctx: Context, name: str) -> Mapping[str, Setting]:
    """The channel's table in `imp.toml`, `[channels.NAME]`; empty where there is none.

    Raises:
        BadInput: it is not a table, or holds something else than texts, numbers, true or false, and lists of texts.
    """
    tables = ctx.workspace.config.get("channels", {})
    if not isinstance(tables, dict):
        raise BadInput(
            "must be a table",
            where="imp.toml, [channels]",
            mend="write it as a line [channels.NAME] with its settings below it",
        )
    settings = tables.get(name, {})
    if not isinstance(settings, dict):
        raise BadInput(
            "must be a table",
            where=f"imp.toml, [channels.{name}]",
            mend="write it as a line [channels.NAME] with its settings below it",
        )
    for key, value in settings.items():
        if not _is_setting(value):
            raise BadInput(
                f"{key} must be a text, a number, true or false, or a list of texts",
                where=f"imp.toml, [channels.{name}]",
                mend="write it as one of these; what is more is no setting of a channel",
            )
    return dict(settings)


def secret_variable(channel: str, secret: str) -> str:
    """The environment variable a channel's secret is read from: `IMP_SMS_ACME_API_KEY`."""
    return f"IMP_{channel}_{secret}".upper().replace("-", "_")


def resolved_hosts(hosts: Sequence[str], settings: Mapping[str, Setting], *, channel: str) -> tuple[str, ...]:
    """Host names in lower case, with each `{setting}` replaced by what the channel's settings hold.

    Raises:
        BadInput: such a setting is missing, or is no host name.
    """
    return tuple(_resolved(host, settings, channel) for host in hosts)


def hosts_here(
    hosts: Sequence[str], settings: Mapping[str, Setting], *, channel: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The hosts that are known here, as `resolved_hosts` has them, and the settings that would name the others."""
    known: list[str] = []
    unset: list[str] = []
    for host in hosts:
        try:
            known.append(_resolved(host, settings, channel))
        except BadInput:
            unset.append(host.strip("{}"))
    return tuple(known), tuple(unset)


def shown_hosts(hosts: Sequence[str], settings: Mapping[str, Setting], *, channel: str) -> tuple[str, ...]:
    """Each for an operator to read: one whose setting is missing keeps its braces, and says which it is."""
    out = []
    for host in hosts:
        known, unset = hosts_here([host], settings, channel=channel)
        if unset:
            out.append(f"{host} (not set: [channels.{channel}] {unset[0]})")
        else:
            out.append(host if known[0] == host.lower() else f"{known[0]} (setting {host.strip('{}')})")
    return tuple(out)


def _resolved(host: str, settings: Mapping[str, Setting], channel: str) -> str:
    if not host.startswith("{"):
        return host.lower()
    name = host.strip("{}")
    value = settings.get(name)
    where = f"imp.toml, [channels.{channel}]"
    if value is None:
        raise BadInput(f"the setting {name} is missing", where=where, mend=f'name the host: {name} = "…"')
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise BadInput(
            f"the setting {name} is no host name", where=where, mend=f'write it like: {name} = "mail.example.org"'
        )
    return value.strip().lower()


def _secrets(manifest: Manifest, name: str, environ: Mapping[str, str]) -> dict[str, str]:
    found = {secret: environ.get(secret_variable(name, secret)) for secret in manifest.secrets}
    return {secret: value for secret, value in found.items() if value is not None}


def _is_setting(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | int | float | bool)
