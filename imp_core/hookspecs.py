"""The hooks: they only register. They never carry people's data, and none of them decides what is permitted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pluggy

from imp_core.errors import BadInput

if TYPE_CHECKING:  # `imp --help` asks no channel
    from imp_core.channel import Channel

__all__ = ["CommandRef", "KeyProvider", "RuntimeProvider", "Veto", "VetoAction", "hookimpl", "hookspec"]

PROJECT = "imp"
_LONGEST_HELP = 200
RUNTIME_KINDS = ("gate", "view", "ledger", "assigner", "signals")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_TARGET = re.compile(r"\w+(?:\.\w+)*:\w+")
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRef:
    """A command of `imp`, imported when it is called: `target` is "module:attribute" of a click command."""

    name: str
    target: str
    help: str

    def __post_init__(self) -> None:
        exact = type(self.name) is type(self.target) is type(self.help) is str
        # What cannot be printed could repaint a terminal.
        if not exact or not self.help.isprintable() or len(self.help) > _LONGEST_HELP:
            raise BadInput("not a command: its help must be one line of text")
        if not _NAME.fullmatch(self.name) or not _TARGET.fullmatch(self.target):
            raise BadInput("not a command: it needs a name of small letters and a target module:attribute")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeProvider:
    """Fills one protocol of `imp_core.ports`: `kind` is gate, view, ledger, assigner or signals.

    `target` is "module:attribute" of a function that takes an `imp_core.context.Context` and returns the object.
    """

    kind: str
    name: str
    target: str

    def __post_init__(self) -> None:
        if self.kind not in RUNTIME_KINDS or not _NAME.fullmatch(self.name) or not _TARGET.fullmatch(self.target):
            raise BadInput(f"not a provider: its kind must be one of {', '.join(RUNTIME_KINDS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyProvider:
    """Keeps keys elsewhere than in the keys folder, where `[keys] provider` of `imp.toml` names it.

    `target` is "module:attribute" of a function that takes an `imp_core.context.Context` and returns an
    `imp_core.key_store.KeyStore`.
    """

    name: str
    target: str

    def __post_init__(self) -> None:
        exact = type(self.name) is type(self.target) is str
        if not exact or not _NAME.fullmatch(self.name) or not _TARGET.fullmatch(self.target):
            raise BadInput("not a key provider: it needs a name of small letters and a target module:attribute")


@dataclass(frozen=True, slots=True, kw_only=True)
class VetoAction:
    """What is about to happen, without anybody's data: channel, purpose, campaign and counts."""

    channel: str
    purpose: str
    campaign: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Veto:
    """A plugin's no, with its reason. There is no yes."""

    reason: str


@hookspec
def imp_register_channel() -> Iterable[Channel]:
    """Return the channel this plugin brings, called as its entry point is (since 0.1)."""
    raise NotImplementedError


@hookspec
def imp_register_commands() -> Iterable[CommandRef]:
    """Return the commands this plugin adds to `imp` (since 0.1)."""
    raise NotImplementedError


@hookspec
def imp_register_runtime() -> Iterable[RuntimeProvider]:
    """Return providers of core's protocols; two of one kind with none chosen is an error (since 0.1)."""
    raise NotImplementedError


@hookspec
def imp_register_key_provider() -> Iterable[KeyProvider]:
    """Return providers of keys, such as a KMS (since 0.1)."""
    raise NotImplementedError


@hookspec
def imp_veto(action: VetoAction) -> Veto | None:
    """Return a `Veto` to stop an action, or None; an exception is a veto (since 0.1)."""
    raise NotImplementedError
