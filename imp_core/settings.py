"""What `imp.toml` must hold, and changing one table of it while every other line stays as somebody wrote it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from imp_core.errors import BadInput

__all__ = ["check_settings", "quote", "replace_table"]

_TABLES = ("workspace", "privacy", "runtime", "plugins", "keys")
# A misspelt setting would silently leave the default in force.
_KNOWN: Final = {"workspace": {"log_id", "controller", "timezone"}, "privacy": {"k"}, "keys": {"provider"}}
_MENDS: Final = {
    "runtime": 'write it in quotes, like: {name} = "consent"',
    "plugins": "plugins are written there by: imp plugin enable",
    "keys": 'write it in quotes, like: {name} = "folder"',
}
# It names a folder of keys: no separator, no "..".
_LOG_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HEADER = re.compile(r"\s*\[")


def check_settings(config: Mapping[str, Any]) -> None:
    """Look at the tables core itself reads; what plugins keep in others is theirs.

    Raises:
        BadInput: a value is missing or is not what it must be.
    """
    for name in _TABLES:
        if not isinstance(config.get(name, {}), dict):
            raise BadInput(f"[{name}] is not a table", mend=f"write it as a line [{name}] with its settings below it")
    _check_workspace(config.get("workspace", {}))
    _check_known(config)
    k = config.get("privacy", {}).get("k", 1)
    if type(k) is not int or k < 1:
        raise BadInput("[privacy] k is not a whole number from 1", mend="write it like: k = 10")
    for table, kind, words in (("runtime", str, "text"), ("plugins", dict, "table"), ("keys", str, "text")):
        for name, value in config.get(table, {}).items():
            if not isinstance(value, kind):
                raise BadInput(f"[{table}] {name} is not a {words}", mend=_MENDS[table].format(name=name))


def _check_known(config: Mapping[str, Any]) -> None:
    for table, known in _KNOWN.items():
        unknown = sorted(set(config.get(table, {})) - known)
        if unknown:
            raise BadInput(f"[{table}] knows no {unknown[0]}", mend=f"it knows: {', '.join(sorted(known))}")


def replace_table(text: str, header: str, values: Mapping[str, str] | None) -> str:
    """TOML text in which the table `[header]` holds exactly these strings, or (None) is gone.

    The lines are edited as text; then what they mean is compared with what was asked for, so that a table in another
    spelling (dotted keys, quotes, tables below it) is never doubled or half removed.

    Raises:
        BadInput: the table stands there in such a spelling, or a value cannot be written in TOML.
    """
    kept = _without(text, header).rstrip("\r\n")
    new = [] if values is None else ["", f"[{header}]", *(f"{key} = {quote(value)}" for key, value in values.items())]
    edited = "\n".join([kept, *new, ""]) if kept else "\n".join([*new[1:], ""])
    try:
        meant = tomllib.loads(edited)
    except tomllib.TOMLDecodeError:
        meant = {}
    if _pruned(meant) != _pruned(_replaced(tomllib.loads(text), header.split("."), values)):
        raise BadInput(
            f"the table [{header}] cannot be changed by machine", mend="edit it by hand, in its own spelling"
        )
    return edited


def quote(value: str) -> str:
    """A TOML basic string.

    Raises:
        BadInput: half of a surrogate pair, which is no character.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadInput("text with bytes that are no characters") from None
    escaped = "".join(
        f"\\u{ord(char):04x}" if ord(char) < 32 or ord(char) == 127 else char  # noqa: PLR2004 (control characters)
        for char in value.replace("\\", "\\\\").replace('"', '\\"')
    )
    return f'"{escaped}"'


def _check_workspace(table: Mapping[str, Any]) -> None:
    for key in ("log_id", "controller"):
        if not isinstance(table.get(key), str):
            raise BadInput(f"[workspace] lacks {key}", mend="create workspaces with: imp init")
    if not _LOG_ID.fullmatch(table["log_id"]):
        raise BadInput("[workspace] log_id is not the id of a log", mend="create workspaces with: imp init")
    zone = table.get("timezone", "UTC")
    if zone != "UTC" and not _is_zone(zone):
        raise BadInput("[workspace] timezone is not a zone of the IANA database", mend='write it like "Asia/Shanghai"')


def _is_zone(zone: object) -> bool:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 (`imp --help` needs it not, and it takes milliseconds)

    try:
        return isinstance(zone, str) and bool(ZoneInfo(zone))
    except (ValueError, OSError, KeyError):  # not a name, not a zone's file, not there
        return False


def _without(text: str, header: str) -> str:
    kept: list[str] = []
    between: list[str] = []  # blank lines and comments inside: they go with a key that follows, stay before a table
    inside = False
    for line in text.split("\n"):
        bare = line.strip()
        if _HEADER.match(line):
            kept += between
            between = []
            inside = bare.split("#")[0].strip() == f"[{header}]"
        if not inside:
            kept.append(line)
        elif not bare or bare.startswith("#"):
            between.append(line)
        else:
            between = []
    return "\n".join([*kept, *between])


def _replaced(config: Mapping[str, Any], path: list[str], values: Mapping[str, str] | None) -> dict[str, Any]:
    name, *rest = path
    below = config.get(name, {})
    out = dict(config)
    out[name] = _replaced(below if isinstance(below, dict) else {}, rest, values) if rest else dict(values or {})
    return out


def _pruned(config: Mapping[str, Any]) -> dict[str, Any]:
    tables = {key: _pruned(value) if isinstance(value, dict) else value for key, value in config.items()}
    return {key: value for key, value in tables.items() if value != {}}
