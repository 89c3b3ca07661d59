"""`imp plugin trace`: what a plugin did and may do, as the process and the ledger know it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from imp_core.context import Context
from imp_core.errors import BadInput, WorkspaceMissing
from imp_core.plugin_enabling import find_status
from imp_core.plugins import PluginState
from imp_core.ports import Json, SystemEntry

__all__ = ["Enabled", "PluginTrace", "Trail", "trace_plugin"]

_TRAIL = ("collect", "send-intent", "send-close")
_COUNTED = ("n", "denied", "duplicates", "rejected", "signals", "contents", "counts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enabled:
    """Once it was enabled, or (`enabled` false) disabled: entry, time in UTC microseconds, who, and what."""

    seq: int
    at_us: int
    actor: str
    enabled: bool
    version: str | None
    manifest_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The entries of one type that name its channels: how many, from when to when, and their counts added up."""

    type: str
    entries: int
    first_us: int
    last_us: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginTrace:
    """What is known of a plugin's doings.

    `modules` are those its import brought in (shared ones that were there before are not among them), `load_seconds`
    how long that took; None and empty where it was not loaded. `ledger`: whether there is one to ask.
    """

    name: str
    version: str
    state: str
    problem: str | None
    load_seconds: float | None
    modules: tuple[str, ...]
    hooks: tuple[str, ...]
    registered: tuple[str, ...]
    ledger: bool
    enabled: tuple[Enabled, ...]
    trail: tuple[Trail, ...]


def trace_plugin(ctx: Context, name: str) -> PluginTrace:
    """Ask the process what a plugin brought, and the ledger what went through it.

    Raises:
        BadInput: no installed plugin has this name.
        LedgerBroken: the ledger cannot be read.
    """
    status = find_status(ctx, name)
    loaded = status.state is PluginState.LOADED
    channels = {channel.info.name for channel in ctx.plugins.channels_of(name)} if loaded else set()
    ledger = _has_ledger(ctx)
    return PluginTrace(
        name=status.name,
        version=status.version,
        state=status.state.value,
        problem=status.problem,
        load_seconds=status.load_seconds,
        modules=status.modules(),
        hooks=ctx.plugins.hooks_of(name) if loaded else (),
        registered=ctx.plugins.registered_by(name) if loaded else (),
        ledger=ledger,
        enabled=tuple(_enabled(ctx, name)) if ledger else (),
        trail=tuple(_trail(ctx, {name, *channels})) if ledger else (),
    )


def _has_ledger(ctx: Context) -> bool:
    try:
        return ctx.workspace.database.exists()
    except WorkspaceMissing:
        return False
    except BadInput:
        return False  # a workspace that cannot be read has no ledger that can be


def _enabled(ctx: Context, name: str) -> Iterator[Enabled]:
    for entry in ctx.ledger.entries("plugin-enable"):
        if entry.fields.get("name") == name:
            yield Enabled(
                seq=entry.seq,
                at_us=entry.at_us,
                actor=entry.actor,
                enabled=entry.fields.get("enabled") is True,
                version=_text(entry.fields.get("version")),
                manifest_sha256=_text(entry.fields.get("manifest_sha256")),
            )


def _trail(ctx: Context, channels: set[str]) -> Iterator[Trail]:
    for type_ in _TRAIL:
        found = [entry for entry in ctx.ledger.entries(type_) if entry.fields.get("channel") in channels]
        if found:
            yield Trail(
                type=type_,
                entries=len(found),
                first_us=min(entry.at_us for entry in found),
                last_us=max(entry.at_us for entry in found),
                counts=dict(sorted(_counts(found).items())),
            )


def _counts(found: list[SystemEntry]) -> Counter[str]:
    """The numbers the entries hold, by name; of tables, by `name, key`."""
    total: Counter[str] = Counter()
    for entry in found:
        for name in _COUNTED:
            value = entry.fields.get(name)
            if isinstance(value, Mapping):
                total.update({f"{name}, {key}": n for key, n in value.items() if isinstance(n, int)})
            elif isinstance(value, int):
                total[name] += value
    return total


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
