"""What a plugin declared, read from `imp-plugin.toml` in its package without importing it."""

from __future__ import annotations

import hashlib
import importlib.util
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imp_core.errors import PluginBroken

__all__ = ["MANIFEST_NAME", "Manifest", "parse_manifest", "read_manifest"]

MANIFEST_NAME = "imp-plugin.toml"
_ACTIONS = ("collect", "activate", "analyse")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Name, spec version, purposes per action, identifiers and hosts a plugin asks for, and the file's SHA-256."""

    name: str
    summary: str
    spec_version: int
    purposes: Mapping[str, Sequence[str]]
    identifiers: Sequence[str]
    hosts: Sequence[str]
    sha256: str


def parse_manifest(data: bytes, *, where: str) -> Manifest:
    """Read a manifest's bytes.

    Raises:
        PluginBroken: not TOML, or a field is missing or of the wrong type.
    """
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PluginBroken(f"the manifest is not TOML: {error}", where=where) from None
    plugin = _table(table, "plugin", where)
    purposes = _table(table, "purposes", where)
    unknown = sorted(set(purposes) - set(_ACTIONS))
    if unknown:
        raise PluginBroken(f"[purposes] names an unknown action: {unknown[0]}", where=where)
    name, spec = plugin.get("name"), plugin.get("spec_version")
    if not isinstance(name, str) or not name or not isinstance(spec, int):
        raise PluginBroken("[plugin] needs a name and a spec_version", where=where)
    return Manifest(
        name=name,
        summary=str(plugin.get("summary", "")),
        spec_version=spec,
        purposes={action: _strings(purposes, action, where) for action in purposes},
        identifiers=_strings(plugin, "identifiers", where),
        hosts=_strings(plugin, "hosts", where),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def read_manifest(package: str) -> Manifest | None:
    """The manifest inside an installed package, found without importing it; None where there is none."""
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations if spec else None) or ():
        path = Path(location) / MANIFEST_NAME
        if path.is_file():
            return parse_manifest(path.read_bytes(), where=f"{package}/{MANIFEST_NAME}")
    return None


def _table(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = table.get(key)
    if not isinstance(value, dict):
        raise PluginBroken(f"the manifest lacks the table [{key}]", where=where)
    return value


def _strings(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise PluginBroken(f"{key} must be a list of strings", where=where)
    return tuple(value)
