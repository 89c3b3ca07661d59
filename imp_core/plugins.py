"""Find, enable and load plugins, and ask them what they register; one broken plugin costs itself and nothing else."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from imp_core.errors import BadInput, ImpError
from imp_core.hook_manager import HookManager, RefusedHook, caller
from imp_core.hookspecs import CommandRef, KeyProvider, RuntimeProvider, Veto, VetoAction
from imp_core.installed import ALWAYS_ON, GROUP, PluginState, PluginStatus, contained, discover
from imp_core.stopwatch import Stopwatch, SystemStopwatch
from imp_core.wall.words import masked, shown_text

if TYPE_CHECKING:  # `imp --help` asks no channel and reads no manifest
    from imp_core.held import HeldChannel
    from imp_core.manifest import Manifest

__all__ = ["ALWAYS_ON", "GROUP", "PluginState", "PluginStatus", "Plugins", "discover"]

_MOST_ITEMS = 1_000


class Plugins:
    """The loaded plugins, and what became of the others."""

    def __init__(
        self,
        *,
        pins: Mapping[str, Mapping[str, str]],
        without: Sequence[str] = (),
        installed: Sequence[PluginStatus] | None = None,
        taken: Sequence[str] = (),
        stopwatch: Stopwatch | None = None,
    ) -> None:
        self._stopwatch = stopwatch or SystemStopwatch()
        self._manager = HookManager()
        self._taken = frozenset(taken)
        self._registered: dict[str, PluginStatus] = {}
        # The framework's own come first, so that of two with one claim theirs is the one that stands.
        found = discover() if installed is None else installed
        self.statuses = sorted(found, key=lambda status: (not status.always_on, status.name, status.distribution))
        names = [status.name for status in self.statuses]
        unknown = sorted(set(without) - set(names))
        if unknown:
            raise BadInput(f"no plugin is called {unknown[0]}", where="--without", mend="see: imp plugin list")
        for status in self.statuses:
            if status.name in without:
                status.state = PluginState.WITHOUT
            elif names.count(status.name) > 1 and not status.always_on:
                twins = [f"{twin.distribution} {twin.version}" for twin in self.statuses if twin.name == status.name]
                found_in = " and ".join(twins)
                status.fail(f"another installed plugin has the same name: {found_in}", mend="uninstall one of them")
            elif status.state is PluginState.DISABLED and self._may_run(status, pins.get(status.name)):
                self._load(status)

    def probe(self) -> None:
        """Ask every loaded plugin for everything it registers: that is when one shows itself broken."""
        self.commands()
        self._channels()
        for hook, kind in (("imp_register_runtime", RuntimeProvider), ("imp_register_key_provider", KeyProvider)):
            list(self._collect(hook, kind))

    def commands(self) -> dict[str, CommandRef]:
        """The commands plugins add, by name; a plugin that claims a name already taken is broken."""
        found: dict[str, tuple[PluginStatus, CommandRef]] = {}
        for status, ref in self._collect("imp_register_commands", CommandRef):
            if ref.name in found or ref.name in self._taken:
                status.fail(f"the command {ref.name} is already taken")
            else:
                found[ref.name] = (status, ref)
        return {name: ref for name, (status, ref) in found.items() if status.state is PluginState.LOADED}

    def channel(self, name: str) -> HeldChannel:
        """The channel of an enabled plugin.

        Raises:
            BadInput: there is none of this name among the enabled plugins.
        """
        return self._owned(name)[1]

    def manifest_of(self, name: str) -> Manifest | None:
        """The manifest of the enabled plugin that brings a channel: what an operator saw, and holds the channel to.

        Raises:
            BadInput: there is no channel of this name among the enabled plugins.
        """
        return self._owned(name)[0].manifest()

    def channels_of(self, name: str) -> list[HeldChannel]:
        """The channels a plugin brings."""
        return [channel for status, channel in self._channels().values() if status.name == name]

    def hooks_of(self, name: str) -> tuple[str, ...]:
        """The hooks a loaded plugin implements."""
        plugin = self._manager.get_plugin(name)
        found = self._manager.get_hookcallers(plugin) if plugin is not None else None
        return tuple(sorted(hook.name for hook in found or ()))

    def registered_by(self, name: str) -> tuple[str, ...]:
        """What a loaded plugin registers, in words: channels, commands, providers."""
        out = [f"channel {channel.info.name}" for channel in self.channels_of(name)]
        for hook, kind, word in (
            ("imp_register_commands", CommandRef, "command"),
            ("imp_register_runtime", RuntimeProvider, "provider"),
            ("imp_register_key_provider", KeyProvider, "key provider"),
        ):
            for status, item in self._collect(hook, kind):
                if status.name == name:
                    out.append(f"{word} {shown_text(item.name)}")
        return tuple(out)

    def _owned(self, name: str) -> tuple[PluginStatus, HeldChannel]:
        found = self._channels().get(name)
        if found is not None:
            return found
        named = [status for status in self.statuses if status.name == name]
        if not named:  # the name is not repeated: an identifier may stand in its place
            raise BadInput("no channel of this name is installed", mend="see: imp plugin list", where="CHANNEL")
        loaded = named[0].state is PluginState.LOADED
        why = "the plugin brings none" if loaded else named[0].problem or named[0].state.value
        raise BadInput(f"the channel {name} cannot be used: {why}", mend=named[0].remedy() or "see: imp plugin list")

    def runtime_provider(self, kind: str, chosen: str | None = None) -> RuntimeProvider | None:
        """The provider of one protocol, or None where no plugin brings one.

        A stranger's stands in for nobody unasked: where the framework's own is left out, only one that `imp.toml`
        names is taken, else the gate of any enabled channel would decide.

        Raises:
            BadInput: several plugins provide it and none was chosen, or the chosen one is not there.
        """
        offered = [
            (status, ref) for status, ref in self._collect("imp_register_runtime", RuntimeProvider) if ref.kind == kind
        ]
        found = [ref for _, ref in offered]
        if chosen is None and not any(status.always_on for status, _ in offered):
            found = []
        if chosen is not None:
            found = [ref for ref in found if ref.name == chosen]
            if not found:
                raise BadInput(f"no plugin provides the {kind} {chosen}", mend=f"see [runtime] {kind} in imp.toml")
        if len(found) > 1:
            names = ", ".join(sorted(ref.name for ref in found))
            raise BadInput(f"several plugins provide {kind}: {names}", mend=f'choose one: [runtime] {kind} = "…"')
        return found[0] if found else None

    def key_provider(self, name: str) -> KeyProvider:
        """The key provider of a name: whoever it is sees every key, so only `imp.toml` names one.

        Raises:
            BadInput: no enabled plugin provides it, or several do.
        """
        found: list[KeyProvider] = [
            ref for _, ref in self._collect("imp_register_key_provider", KeyProvider) if ref.name == name
        ]
        if len(found) != 1:
            how_many = "several plugins keep" if found else "no enabled plugin keeps"
            raise BadInput(f"{how_many} keys as {name}", where="[keys] provider", mend="see: imp plugin list")
        return found[0]

    def vetoes(self, action: VetoAction) -> list[Veto]:
        """Every plugin's veto of an action; one that raises, answers something else or broke before vetoes by that."""
        out: list[Veto] = []
        for status, implementation in self._implementations("imp_veto", also_broken=True):
            answer = None
            if status.state is PluginState.LOADED:
                answer = contained(status, partial(_veto, implementation, action))
            if status.state is not PluginState.LOADED:
                answer = Veto(reason=f"the plugin {status.name} is broken")
            if answer is not None:
                out.append(answer)
        return out

    def _may_run(self, status: PluginStatus, pin: Mapping[str, str] | None) -> bool:
        if status.always_on:
            return True
        if pin is None:
            return False
        try:
            # The very bytes that were enabled need not be read again; what they say is asked for when it matters.
            as_enabled = pin.get("manifest_sha256") == status.manifest_sha256() is not None
            if not as_enabled:
                status.declared()
        except ImpError as error:
            status.fail_by(error)
            return False
        if not as_enabled or pin.get("version") != status.version:
            status.state = PluginState.CHANGED
        return status.state is PluginState.DISABLED

    def _load(self, status: PluginStatus) -> None:
        before, began = len(sys.modules), self._stopwatch.seconds()

        def load() -> bool:
            module = importlib.import_module(status.module)
            try:
                self._manager.register(module, name=status.name)
            except RefusedHook as refused:
                status.fail(str(refused))
            return True

        contained(status, load)
        status.load_seconds = self._stopwatch.seconds() - began
        status.loaded_span = before, len(sys.modules)
        if status.state is PluginState.DISABLED:
            status.state = PluginState.LOADED
            self._registered[status.name] = status
            return
        if self._manager.has_plugin(status.name):
            self._manager.unregister(name=status.name)
        # Asked for again it would be there as if nothing had happened.
        sys.modules.pop(status.module, None)

    def _channels(self) -> dict[str, tuple[PluginStatus, HeldChannel]]:
        found: dict[str, tuple[PluginStatus, HeldChannel]] = {}
        for status, registered in self._collect("imp_register_channel", object):
            channel = _held(status, registered)
            if channel is None:
                continue
            if channel.info.name in found:
                status.fail(f"the channel {channel.info.name} is already taken")
            else:
                found[channel.info.name] = (status, channel)
        return {name: owned for name, owned in found.items() if owned[0].state is PluginState.LOADED}

    def _implementations(
        self, hook: str, *, also_broken: bool = False
    ) -> Iterator[tuple[PluginStatus, Callable[..., Any]]]:
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            status = self._registered[implementation.plugin_name]
            if also_broken or status.state is PluginState.LOADED:
                yield status, caller(implementation)

    def _collect(self, hook: str, kind: type[Any]) -> Iterator[tuple[PluginStatus, Any]]:
        for status, implementation in self._implementations(hook):
            items = contained(status, partial(_items, implementation, kind))
            for item in items or ():
                if status.state is PluginState.LOADED:  # the one who asks may have found an earlier item wanting
                    yield status, item


def _items(implementation: Callable[..., Any], kind: type[Any]) -> list[Any]:
    items = list(islice(implementation(), _MOST_ITEMS))
    if kind is object:
        return items
    if not all(type(item) is kind for item in items):  # a subclass could answer differently at every look
        raise TypeError
    return [replace(item) for item in items]  # made anew, and so checked again


def _veto(implementation: Callable[..., Any], action: VetoAction) -> Veto | None:
    answer = implementation(action=action)
    if answer is None:
        return None
    if type(answer) is not Veto:
        raise TypeError
    return Veto(reason=masked(shown_text(answer.reason)))


def _held(status: PluginStatus, registered: object) -> HeldChannel | None:
    """A channel of its plugin's name that is what the manifest says; else the plugin is broken, and says why."""
    from imp_core.held import hold  # noqa: PLC0415 (`imp --help` asks no channel)

    channel = contained(status, partial(hold, registered))
    if isinstance(channel, str):
        status.fail(channel)
    if channel is None or isinstance(channel, str):
        return None
    channel.package = status.package
    if channel.info.name != status.name:
        # Settings, secrets and the ledger's trail go by the channel's name: another's would be another plugin's.
        status.fail(f"its channel is called {masked(shown_text(channel.info.name))}, not {status.name}")
        return None
    try:
        manifest = status.manifest()
    except ImpError as error:
        status.fail_by(error)
        return None
    excess = manifest.exceeded_by(channel.info) if manifest else ""
    if excess:
        mend = "let imp-plugin.toml and the channel's info say the same"
        status.fail(f"its channel declares more than its manifest: {excess}", mend=mend)
        return None
    return channel
