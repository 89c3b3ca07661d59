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
from imp_core.outbound.open import channel_context, open_runner, secret_variable
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
    wrong = None if status.always_on else _manifest_fault(status)
    # Where the manifest does not hold, enabling would be refused too.
    mend = None if wrong is not None and status.state is not PluginState.BROKEN else status.remedy()
    yield Check(name="state", ok=holds, detail=status.problem or status.state.value, mend=mend)
    if status.always_on:
        return
    if wrong is None:
        yield Check(name="manifest", ok=True, detail="can be read")
    else:
        mend = f"{wrong.mend or f'mend {wrong.where}'}; then: imp plugin check {status.name}"
        yield Check(name="manifest", ok=False, detail=wrong.what, mend=mend)


def _manifest_fault(status: PluginStatus) -> ImpError | None:
    try:
        status.declared()
    except ImpError as error:
        return error
    return None


def _running(ctx: Context, status: PluginStatus) -> Iterator[Check]:
    hooks = ctx.plugins.hooks_of(status.name)
    yield Check(name="hooks", ok=bool(hooks), detail=", ".join(hooks) or "it implements none")
    manifest = None if status.always_on else status.manifest()
    for channel in ctx.plugins.channels_of(status.name):
        if manifest is not None:
            yield from _compared(channel, manifest, status)
        yield _methods(channel)
        called = _called(ctx, channel.info.name)
        yield from _secrets(ctx, manifest, needed=not called.ok)
        yield called


def _compared(channel: HeldChannel, manifest: Manifest, status: PluginStatus) -> Iterator[Check]:
    info = channel.info
    yield _same("name", [info.name], [status.name])
    yield _same("version", [info.version], [status.version])
    yield _same("purposes", _purposes(info.purposes.items()), _purposes(manifest.purposes.items()))
    yield _same("identifiers", [spec.kind for spec in info.identifiers], manifest.identifiers)
    yield _same("hosts", info.hosts, manifest.hosts)
    told = manifest.hears()
    yield _same("told of", [one for one in told if info.serves(one)], [one for one, asked in told.items() if asked])


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


def _secrets(ctx: Context, manifest: Manifest | None, *, needed: bool) -> Iterator[Check]:
    """Which secrets are there; that one is not counts where the channel itself says no: it may do without."""
    if manifest is None:
        return
    for secret in manifest.secrets:
        variable = secret_variable(manifest.name, secret)
        there = variable in ctx.environ
        yield Check(
            name=f"secret {secret}",
            ok=there or not needed,
            detail=f"{variable} is {'set' if there else 'not set'}",
            mend=None if there or not needed else "set it in the environment",
        )


def _called(ctx: Context, name: str) -> Check:
    try:
        with closing(open_runner(ctx, name)) as runner:
            answer: CheckResult = runner.call(
                "check", channel_context(ctx, name), seconds=_CHECK_SECONDS, take=check_result
            )
    except ImpError as error:
        return Check(name="check", ok=False, detail=error.what, mend=error.mend)
    return Check(name="check", ok=answer.ok, detail=answer.detail)
