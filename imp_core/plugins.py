"""Find, enable, load and list plugins; one broken plugin costs itself and nothing else."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

import pluggy

from imp_core import hookspecs
from imp_core.channel import Channel
from imp_core.errors import BadInput, ImpError, PluginBroken
from imp_core.hookspecs import PROJECT, CommandRef, RuntimeProvider, Veto, VetoAction
from imp_core.manifest import Manifest, read_manifest

__all__ = ["ALWAYS_ON", "GROUP", "PluginState", "PluginStatus", "Plugins", "discover"]

GROUP = "imp.plugins"
# Not channels: the parts of the framework itself. They enter by the same door as a stranger's.
ALWAYS_ON = frozenset({"imp-consent", "imp-experiments", "imp-demo"})
_REJECTED_OPTIONS = ("wrapper", "hookwrapper", "tryfirst", "trylast")


class PluginState(StrEnum):
    """Where a plugin stands. Nothing of a plugin runs unless it is loaded."""

    LOADED = "loaded"
    DISABLED = "not enabled"
    CHANGED = "changed since enabled"
    WITHOUT = "left out by --without"
    BROKEN = "broken"


@dataclass(slots=True)
class PluginStatus:
    """One installed plugin: its name, distribution, version, where it stands and why."""

    name: str
    distribution: str
    version: str
    module: str
    state: PluginState = PluginState.DISABLED
    problem: str | None = None

    @property
    def always_on(self) -> bool:
        """Whether it is part of the framework rather than a channel to be enabled."""
        return self.distribution in ALWAYS_ON

    def manifest(self) -> Manifest | None:
        """What the plugin declared, read without importing it.

        Raises:
            PluginBroken: the manifest cannot be read.
        """
        return read_manifest(self.module.partition(".")[0])


class _Manager(pluggy.PluginManager):
    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:  # noqa: ANN401 (pluggy's own type is private)
        options = super().parse_hookimpl_opts(plugin, name)
        for option in _REJECTED_OPTIONS if options else ():
            if options and options.get(option):
                raise PluginBroken(f"{name} asks for {option}", mend="hooks of imp only register: drop the option")
        return options


def discover() -> list[PluginStatus]:
    """Every installed plugin by its entry point, sorted by name; imports nothing of theirs."""
    found = [
        PluginStatus(
            name=entry.name,
            distribution=entry.dist.name if entry.dist else "",
            version=entry.dist.version if entry.dist else "",
            module=entry.module,
        )
        for entry in importlib.metadata.entry_points(group=GROUP)
    ]
    return sorted(found, key=lambda status: (status.name, status.distribution))


class Plugins:
    """The loaded plugins, and what became of the others."""

    def __init__(
        self,
        *,
        pins: Mapping[str, Mapping[str, str]],
        without: Sequence[str] = (),
        installed: Sequence[PluginStatus] | None = None,
    ) -> None:
        self._manager = _Manager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self.statuses = list(discover() if installed is None else installed)
        names = [status.name for status in self.statuses]
        for status in self.statuses:
            if names.count(status.name) > 1 and not status.always_on:
                _break(status, "another installed plugin has the same name")
            elif status.name in without:
                status.state = PluginState.WITHOUT
            elif status.always_on or self._enabled(status, pins.get(status.name)):
                self._load(status)
        unknown = sorted(set(without) - set(names))
        if unknown:
            raise BadInput(f"no plugin is called {unknown[0]}", where="--without", mend="see: imp plugin list")

    def commands(self) -> dict[str, CommandRef]:
        """The commands plugins add, by name; of two with one name the one that is always on stays."""
        found: dict[str, CommandRef] = {}
        for status, ref in self._collect("imp_register_commands", CommandRef):
            if ref.name in found:
                _break(status, f"the command {ref.name} is already taken")
            else:
                found[ref.name] = ref
        return found

    def channel(self, name: str) -> Channel:
        """The channel of an enabled plugin.

        Raises:
            BadInput: there is none of this name among the enabled plugins.
        """
        for _, found in self._collect("imp_register_channel", Channel):
            channel: Channel = found
            if channel.info.name == name:
                return channel
        state = next((status.state.value for status in self.statuses if status.name == name), "not installed")
        raise BadInput(
            f"the channel {name} cannot be used: {state}",
            mend=f"see: imp plugin list, imp plugin enable {name}",
        )

    def runtime_provider(self, kind: str, chosen: str | None = None) -> RuntimeProvider | None:
        """The provider of one protocol, or None where no plugin brings one.

        Raises:
            BadInput: several plugins provide it and none was chosen.
        """
        found = [ref for _, ref in self._collect("imp_register_runtime", RuntimeProvider) if ref.kind == kind]
        if chosen is not None:
            found = [ref for ref in found if ref.name == chosen]
        if len(found) > 1:
            names = ", ".join(sorted(ref.name for ref in found))
            raise BadInput(f"several plugins provide {kind}: {names}", mend=f'choose one: [runtime] {kind} = "…"')
        return found[0] if found else None

    def vetoes(self, action: VetoAction) -> list[Veto]:
        """Every plugin's veto of an action; a plugin that raises or answers something else vetoes by that."""
        out: list[Veto] = []
        for status, implementation in self._implementations("imp_veto"):
            answer = _call(status, partial(implementation, action))
            if status.state is PluginState.BROKEN or not isinstance(answer, Veto | None):
                out.append(Veto(reason=f"the plugin {status.name} is broken"))
            elif answer is not None:
                out.append(answer)
        return out

    def _enabled(self, status: PluginStatus, pin: Mapping[str, str] | None) -> bool:
        if pin is None:
            return False
        try:
            manifest = status.manifest()
        except ImpError as error:
            _break(status, str(error))
            return False
        hash_now = manifest.sha256 if manifest else None
        if pin.get("manifest_sha256") != hash_now or pin.get("version") != status.version:
            status.state = PluginState.CHANGED
            return False
        return True

    def _load(self, status: PluginStatus) -> None:
        def load() -> bool:
            module = importlib.import_module(status.module)
            self._manager.register(module, name=status.name)
            return True

        if _call(status, load):
            status.state = PluginState.LOADED
        elif self._manager.has_plugin(status.name):
            self._manager.unregister(name=status.name)

    def _implementations(self, hook: str) -> Iterator[tuple[PluginStatus, Callable[..., Any]]]:
        by_name = {status.name: status for status in self.statuses if status.state is PluginState.LOADED}
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            status = by_name.get(implementation.plugin_name)
            if status is not None:
                yield status, implementation.function

    def _collect(self, hook: str, kind: type[Any]) -> Iterator[tuple[PluginStatus, Any]]:
        for status, implementation in self._implementations(hook):
            items = _call(status, partial(_listed, implementation))
            for item in items or ():
                if isinstance(item, kind):
                    yield status, item
                else:
                    _break(status, f"{hook} returned {type(item).__name__}, not {kind.__name__}")


def _listed(implementation: Callable[[], Any]) -> list[Any]:
    return list(implementation())


def _call(status: PluginStatus, action: Callable[[], Any]) -> Any:  # noqa: ANN401 (whatever the plugin answers)
    try:
        return action()
    except KeyboardInterrupt:
        raise
    except PluginBroken as error:
        _break(status, str(error))
    except BaseException as error:  # noqa: BLE001 (SystemExit too: one broken plugin never breaks imp)
        # Only the type: a stranger's message may hold anything.
        _break(status, f"{type(error).__name__} while loading or registering")
    return None


def _break(status: PluginStatus, problem: str) -> None:
    status.state = PluginState.BROKEN
    status.problem = problem
