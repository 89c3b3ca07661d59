"""`imp plugin check`: does a plugin's code say what its manifest says, and could its channel work now?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from imp_core.channel import CheckResult
from imp_core.context import Context
from imp_core.errors import ImpError
from imp_core.held import HeldChannel, undeclared_methods
from imp_core.manifest import Manifest
from imp_core.outbound.answers import check_result
from imp_core.outbound.open import channel_context, open_runner
from imp_core.plugin_enabling import find_status
from imp_core.plugins import PluginState, PluginStatus
from imp_core.ports import Check

__all__ = ["PluginCheck", "check_plugin"]

_CHECK_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginCheck:
    """What was looked at and whether it holds. `ran`: whether the plugin's code was run, which only enabling allows."""

    name: str
    version: str
    ok: bool
    ran: bool
    checks: tuple[Check, ...]


def check_plugin(ctx: Context, name: str) -> PluginCheck:
    """Compare an enabled plugin's manifest and code, and call its channels' `check`; of others read the manifest only.

    Raises:
        BadInput: no installed plugin has this name.
    """
    status = find_status(ctx, name)
    if status.state is PluginState.LOADED:
        ctx.plugins.probe()
    ran = status.state is PluginState.LOADED
    checks = (*_standing(status), *(_running(ctx, status) if ran else ()))
    return PluginCheck(
        name=status.name, version=status.version, ok=all(check.ok for check in checks), ran=ran, checks=checks
    )


def _standing(status: PluginStatus) -> Iterator[Check]:
    holds = status.state not in (PluginState.BROKEN, PluginState.CHANGED)
    enabling = f"nothing of it runs before: imp plugin enable {status.name}"
    mend = None if status.state is PluginState.LOADED else enabling
    yield Check(name="state", ok=holds, detail=status.problem or status.state.value, mend=mend)
    if status.always_on:
        return
    try:
        manifest = status.manifest()
    except ImpError as error:
        yield Check(name="manifest", ok=False, detail=error.what)
        return
    if manifest is None:
        yield Check(name="manifest", ok=False, detail="it carries none", mend="its package must hold imp-plugin.toml")
    else:
        detail = "can be read" if manifest.name == status.name else "is of another name"
        yield Check(name="manifest", ok=manifest.name == status.name, detail=detail)


def _running(ctx: Context, status: PluginStatus) -> Iterator[Check]:
    hooks = ctx.plugins.hooks_of(status.name)
    yield Check(name="hooks", ok=bool(hooks), detail=", ".join(hooks) or "it implements none")
    manifest = None if status.always_on else status.manifest()
    for channel in ctx.plugins.channels_of(status.name):
        if manifest is not None:
            yield from _compared(channel, manifest, status)
        yield _methods(channel)
        yield _called(ctx, channel.info.name)


def _compared(channel: HeldChannel, manifest: Manifest, status: PluginStatus) -> Iterator[Check]:
    info = channel.info
    yield _same("name", [info.name], [status.name])
    yield _same("version", [info.version], [status.version])
    yield _same("purposes", _purposes(info.purposes.items()), _purposes(manifest.purposes.items()))
    yield _same("identifiers", [spec.kind for spec in info.identifiers], manifest.identifiers)
    yield _same("hosts", info.hosts, manifest.hosts)


def _purposes(table: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    return [f"{action} {name}" for action, names in table for name in names]


def _same(what: str, code: Iterable[str], manifest: Iterable[str]) -> Check:
    said, asked = set(code), set(manifest)
    if said == asked:
        return Check(name=what, ok=True, detail=", ".join(sorted(said)) or "none")
    parts = [
        f"only {where}: {', '.join(sorted(names))}"
        for where, names in (("in the code", said - asked), ("in the manifest or distribution", asked - said))
        if names
    ]
    return Check(name=what, ok=False, detail="; ".join(parts), mend="manifest and code must say the same")


def _methods(channel: HeldChannel) -> Check:
    extra = undeclared_methods(channel, channel.info)
    if extra:
        return Check(
            name="methods",
            ok=False,
            detail=f"not declared in supports: {', '.join(extra)}",
            mend="declare what the channel serves, or take the method out",
        )
    served = [str(capability) for capability in channel.info.supports if channel.info.serves(capability)]
    return Check(name="methods", ok=True, detail=", ".join(sorted(served)) or "check and forget only")


def _called(ctx: Context, name: str) -> Check:
    try:
        with closing(open_runner(ctx, name)) as runner:
            answer: CheckResult = runner.call(
                "check", channel_context(ctx, name), seconds=_CHECK_SECONDS, take=check_result
            )
    except ImpError as error:
        return Check(name="check", ok=False, detail=error.what, mend=error.mend)
    return Check(name="check", ok=answer.ok, detail=answer.detail)
