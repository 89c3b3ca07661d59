"""pluggy, held to what hooks are for here."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final

import pluggy

from imp_core import hookspecs
from imp_core.errors import PluginBroken
from imp_core.hookspecs import PROJECT

__all__ = ["HOOKS", "HookManager", "RefusedHook", "caller"]

HOOKS: Final = frozenset(name for name in vars(hookspecs) if name.startswith("imp_"))
_REJECTED_OPTIONS = ("wrapper", "hookwrapper", "tryfirst", "trylast")
_HOOKABLE = (FunctionType, MethodType, classmethod, staticmethod)


class RefusedHook(PluginBroken):
    """Core's own words about a plugin; unlike a stranger's message they may be shown."""


class HookManager(pluggy.PluginManager):
    """pluggy's manager for hooks that only register: what could overrule another plugin is refused."""

    def __init__(self) -> None:
        super().__init__(PROJECT)
        self.add_hookspecs(hookspecs)

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:  # noqa: ANN401 (pluggy's own type is private)
        """The options of an implementation; None where there is none.

        Raises:
            RefusedHook: it asks to come before others, or is not a hook of imp.
        """
        # pluggy takes no other either, but looks at each the slow way.
        if isinstance(plugin, ModuleType) and type(vars(plugin).get(name)) not in _HOOKABLE:
            return None
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None:
            return None
        for option in _REJECTED_OPTIONS:
            if options.get(option):
                raise RefusedHook(f"{name} asks for {option}", mend="hooks of imp only register: drop the option")
        if (options.get("specname") or name) not in HOOKS and not options.get("optionalhook"):
            raise RefusedHook(f"{name} is not a hook of imp", mend="see the hooks in imp_core.hookspecs")
        return options


def caller(implementation: pluggy.HookImpl) -> Callable[..., Any]:
    """One implementation, to be called with the hook's arguments by name."""

    # An implementation takes the arguments it names; pluggy allows it to name fewer than the spec.
    def call(**arguments: object) -> object:
        return implementation.function(*(arguments[name] for name in implementation.argnames))

    return call
