"""What a command is handed: workspace, plugins, clock, randomness, actor, and the runtime the plugins fill."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from imp_core.clock import Clock, SystemClock
from imp_core.errors import BadInput, ImpError, PluginBroken
from imp_core.installed import discover
from imp_core.known_settings import Unread, unread_in
from imp_core.plugins import Plugins
from imp_core.randomness import Randomness, SystemRandomness
from imp_core.stopwatch import Stopwatch, SystemStopwatch
from imp_core.workspace import Workspace, find_workspace

if TYPE_CHECKING:  # `imp --help` opens none of them
    from imp_core.gate import Gate
    from imp_core.ports import Assigner, Ledger, Signals, View

__all__ = ["Closeable", "Context", "load_target"]


@runtime_checkable
class Closeable(Protocol):
    """Something a provider opened."""

    def close(self) -> None:
        """Let go of it."""
        ...


@dataclass
class Context:
    """The composition root of one command. Nothing is opened before it is asked for."""

    environ: Mapping[str, str]
    directory: Path
    clock: Clock = field(default_factory=SystemClock)
    randomness: Randomness = field(default_factory=SystemRandomness)
    stopwatch: Stopwatch = field(default_factory=SystemStopwatch)
    chosen_actor: str | None = None
    without: tuple[str, ...] = ()
    # Names of commands that are core's own: no plugin may bring one.
    taken: tuple[str, ...] = ("doctor", "plugin")
    # What providers open once and share; closed with the context.
    shared: dict[str, object] = field(default_factory=dict)

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace.

        Raises:
            WorkspaceMissing: there is none.
        """
        return find_workspace(self.directory, self.environ)

    @cached_property
    def plugins(self) -> Plugins:
        """The loaded plugins; without a workspace that can be read no channel is enabled.

        Commands that need no workspace work beside a broken one; those that need it are told by `workspace`.
        """
        try:
            pins = self.workspace.plugin_pins
        except BadInput:
            pins = {}
        return Plugins(pins=pins, without=self.without, taken=self.taken, stopwatch=self.stopwatch)

    @cached_property
    def actor(self) -> str:
        """Who acts: `--actor`, `IMP_ACTOR`, else the login name.

        Raises:
            BadInput: it cannot be read, or holds characters that cannot be seen.
        """
        from imp_core.actor import check_actor  # noqa: PLC0415 (`imp --help` needs it not, nor the next)

        if self.chosen_actor is not None:
            return check_actor(self.chosen_actor, where="--actor")
        if said := self.environ.get("IMP_ACTOR"):
            return check_actor(said, where="IMP_ACTOR")
        try:
            import getpass  # noqa: PLC0415 (it takes milliseconds)

            name = getpass.getuser()
        except (OSError, KeyError, ImportError):
            return "unknown"
        return check_actor(name, where="the login name")

    @cached_property
    def gate(self) -> Gate:
        """The gate; where no plugin provides one, everything is denied."""
        from imp_core.gate import DenyAll  # noqa: PLC0415 (`imp --help` needs it not, and it takes milliseconds)

        gate: Gate | None = self._provided("gate")
        return gate if gate is not None else DenyAll()

    @cached_property
    def view(self) -> View:
        """The way to people's data for use.

        Raises:
            BadInput: nothing reads some of `imp.toml`.
        """
        self.expect_known_settings()
        return self._required("view")  # type: ignore[no-any-return]  # checked by kind, not by type

    @cached_property
    def ledger(self) -> Ledger:
        """System entries and checkpoints."""
        return self._required("ledger")  # type: ignore[no-any-return]  # checked by kind, not by type

    @cached_property
    def assigner(self) -> Assigner:
        """Which variant a unit is owed."""
        return self._required("assigner")  # type: ignore[no-any-return]  # checked by kind, not by type

    @cached_property
    def signals(self) -> Signals:
        """Which opt-out signals are honoured."""
        return self._required("signals")  # type: ignore[no-any-return]  # checked by kind, not by type

    def unread_settings(self) -> tuple[Unread, ...]:
        """What stands in `imp.toml` and nothing reads.

        Raises:
            WorkspaceMissing: there is no workspace.
            BadInput: `imp.toml` cannot be read.
        """
        return tuple(unread_in(self.workspace.config, plugins=self._plugin_names()))

    def _plugin_names(self) -> set[str]:
        # a name is no reason to import anybody: this is asked while a yes is written
        found = self.plugins.statuses if "plugins" in self.__dict__ else discover()
        return {status.name for status in found}

    def expect_known_settings(self) -> None:
        """Go on with a yes, or with a use of people's data, only where everything in `imp.toml` is read.

        Raises:
            BadInput: something is not; where there is no workspace, as `unread_settings`.
        """
        for found in self.unread_settings():
            raise BadInput("nothing reads this setting", where=found.where, mend=found.mend)

    def reload_workspace(self, plugins: Plugins | None = None) -> None:
        """Read `imp.toml` again and let go of everything that was opened from it.

        `plugins`: those that were loaded as it says now; they are loaded again where there are none.
        """
        self.close()
        for name in ("workspace", "plugins", "gate", "view", "ledger", "assigner", "signals"):
            self.__dict__.pop(name, None)
        if plugins is not None:
            self.plugins = plugins

    def close(self) -> None:
        """Close what providers opened."""
        while self.shared:
            _, opened = self.shared.popitem()
            if isinstance(opened, Closeable):
                opened.close()

    def _required(self, kind: str) -> Any:  # noqa: ANN401 (one of core's protocols)
        provided = self._provided(kind)
        if provided is None:
            raise ImpError(f"no plugin provides the {kind}", mend="install imp-core[all]; see: imp plugin list")
        return provided

    def _provided(self, kind: str) -> Any:  # noqa: ANN401 (one of core's protocols)
        chosen = self.workspace.config.get("runtime", {}).get(kind)
        provider = self.plugins.runtime_provider(kind, chosen)
        return None if provider is None else load_target(provider.target)(self)


def load_target(target: str) -> Any:  # noqa: ANN401 (whatever the reference names)
    """Import "module:attribute".

    Raises:
        PluginBroken: there is no such module or attribute, or importing it fails.
    """
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may raise anything while it is imported, SystemExit too
        raise PluginBroken(f"cannot load {target}: {type(error).__name__}", mend="see: imp doctor") from error
