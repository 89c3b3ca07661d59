"""What a plugin declared, read from `imp-plugin.toml` in its package without importing it."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeGuard, TypeVar

from imp_core.channel import SPEC_VERSION, Capability, ChannelInfo
from imp_core.errors import PluginBroken
from imp_core.gate import Action
from imp_core.manifest_file import MANIFEST_NAME, find_manifest

__all__ = [
    "MANIFEST_KEYS",
    "MANIFEST_NAME",
    "Addresses",
    "Isolation",
    "Manifest",
    "parse_manifest",
    "purpose_covered",
    "read_manifest",
]

C = TypeVar("C", bound=StrEnum)

_ACTIONS = tuple(Action)
MANIFEST_KEYS = (
    "name",
    "summary",
    "spec_version",
    "identifiers",
    "hosts",
    "addresses",
    "secrets",
    "exposures",
    "withdrawals",
    "isolation",
)
_HOST = re.compile(r"\{[a-z][a-z0-9_]*\}|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\]")
_SECRET = re.compile(r"[a-z][a-z0-9_]*")
_PURPOSE = re.compile(r"\*|[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*(?:\.\*)?")


class Addresses(StrEnum):
    """How a channel comes to addresses: never (core puts them in at the egress), or one at a time (`ctx.resolve`)."""

    NONE = "none"
    RESOLVE = "resolve"


class Isolation(StrEnum):
    """Where a plugin runs. Process isolation comes later; a plugin that asks for it is refused, not run without it."""

    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a plugin asks for, and the file's SHA-256.

    `purposes` per action may end in `.*` (a family) or be `*`. `hosts` may name a setting, `{host}`. `secrets` are read
    from the environment. `addresses`: whether it sees addresses, `exposures`: whether it hears who met which variant,
    `withdrawals`: whether it hears whose permission ended.
    """

    name: str
    summary: str
    spec_version: int
    purposes: Mapping[str, Sequence[str]]
    identifiers: Sequence[str]
    hosts: Sequence[str]
    sha256: str
    addresses: Addresses = Addresses.NONE
    secrets: Sequence[str] = ()
    exposures: bool = False
    withdrawals: bool = False
    isolation: Isolation = Isolation.NONE

    def allows(self, action: str, purpose: str) -> bool:
        """Whether it asked for a purpose under an action."""
        return purpose_covered(self.purposes.get(action, ()), purpose)

    def exceeded_by(self, info: ChannelInfo) -> str:
        """What a channel declares beyond this manifest, which is what the operator saw; empty where nothing."""
        asked = {f"purpose {name} for {action}" for action, names in info.purposes.items() for name in names}
        shown = {f"purpose {name} for {action}" for action, names in self.purposes.items() for name in names}
        asked |= {f"identifier {spec.kind}" for spec in info.identifiers} | {f"host {host}" for host in info.hosts}
        shown |= {f"identifier {kind}" for kind in self.identifiers} | {f"host {host}" for host in self.hosts}
        asked |= {f"capability {capability}" for capability in self.hears() if info.serves(capability)}
        shown |= {f"capability {capability}" for capability, asked_for in self.hears().items() if asked_for}
        return ", ".join(sorted(asked - shown))

    def hears(self) -> Mapping[Capability, bool]:
        """Of the capabilities by which a channel is told of people unasked, which it asked for."""
        return {Capability.EXPOSED: self.exposures, Capability.WITHDRAWN: self.withdrawals}


def purpose_covered(declared: Iterable[str], purpose: str) -> bool:
    """Whether a purpose is among those declared: by name, by family (`marketing.*`), or by `*`."""
    return any(name in ("*", purpose) or (name.endswith(".*") and purpose.startswith(name[:-1])) for name in declared)


def parse_manifest(data: bytes, *, where: str) -> Manifest:
    """Read a manifest's bytes.

    Raises:
        PluginBroken: not TOML, a field is missing, unknown or of the wrong type, or another spec version.
    """
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PluginBroken(f"the manifest is not TOML: {error}", where=where) from None
    # What core does not understand it cannot hold the plugin to, so it is not shown as if it did.
    _known(table, ("plugin", "purposes"), "", where)
    plugin = _table(table, "plugin", where)
    purposes = _table(table, "purposes", where)
    _known(plugin, MANIFEST_KEYS, "plugin.", where)
    _known(purposes, _ACTIONS, "purposes.", where)
    name, spec = plugin.get("name"), plugin.get("spec_version")
    if not _is_plain(name) or not name or type(spec) is not int:
        raise PluginBroken("[plugin] needs a name and a spec_version", where=where)
    if spec != SPEC_VERSION:
        raise PluginBroken(f"written for spec version {spec}, not {SPEC_VERSION}", where=where, mend="update it or imp")
    summary = plugin.get("summary", "")
    if not _is_plain(summary):
        raise PluginBroken("summary must be one line of text", where=where)
    return Manifest(
        name=name,
        summary=summary,
        spec_version=spec,
        purposes={action: _matching(purposes, action, _PURPOSE, where) for action in purposes},
        identifiers=_strings(plugin, "identifiers", where),
        hosts=_matching(plugin, "hosts", _HOST, where),
        addresses=_choice(plugin, "addresses", Addresses, where),
        secrets=_matching(plugin, "secrets", _SECRET, where),
        exposures=_flag(plugin, "exposures", where),
        withdrawals=_flag(plugin, "withdrawals", where),
        isolation=_choice(plugin, "isolation", Isolation, where),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def read_manifest(package: str) -> Manifest | None:
    """The manifest inside an installed package, found without importing it; None where there is none.

    Raises:
        PluginBroken: it cannot be read.
    """
    data = find_manifest(package)
    return None if data is None else parse_manifest(data, where=f"{package}/{MANIFEST_NAME}")


def _known(table: Mapping[str, object], names: Collection[str], prefix: str, where: str) -> None:
    for name in table:
        if name not in names:
            raise PluginBroken(f"the manifest has an unknown key: {prefix}{name!a}", where=where)


def _is_plain(value: object) -> TypeGuard[str]:
    # Control characters could repaint what a terminal shows of the others.
    return isinstance(value, str) and (value.isprintable() or not value)


def _table(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = table.get(key)
    if not isinstance(value, dict):
        raise PluginBroken(f"the manifest lacks the table [{key}]", where=where)
    return value


def _matching(table: Mapping[str, Any], key: str, pattern: re.Pattern[str], where: str) -> tuple[str, ...]:
    values = _strings(table, key, where)
    for value in values:
        if not pattern.fullmatch(value):
            raise PluginBroken(f"{key} holds what cannot stand there: {value!a}", where=where)
    return values


def _choice(table: Mapping[str, Any], key: str, kind: type[C], where: str) -> C:
    value = table.get(key, "none")
    try:
        return kind(value)
    except ValueError:
        raise PluginBroken(f"{key} must be one of: {', '.join(kind)}", where=where) from None


def _flag(table: Mapping[str, Any], key: str, where: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise PluginBroken(f"{key} must be true or false", where=where)
    return value


def _strings(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(_is_plain(item) and item for item in value):
        raise PluginBroken(f"{key} must be a list of strings", where=where)
    return tuple(value)
