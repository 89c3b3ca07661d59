"""What `imp.toml` must hold, and changing one table of it while every other line stays as somebody wrote it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from imp_core.errors import BadInput
from imp_core.known_settings import KNOWN, meant, shown

__all__ = ["check_controller", "check_settings", "quote", "replace_table", "toml_mend"]

_TABLES = ("workspace", "privacy", "runtime", "plugins", "keys")
# Nothing runs with a misspelt name in these: whose ledger it is and with which keys stands there.
_WHOLE: Final = ("workspace", "privacy", "keys")
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
    _check_known(config)
    _check_workspace(config.get("workspace", {}))
    k = config.get("privacy", {}).get("k", 1)
    if type(k) is not int or k < 1:
        raise BadInput("[privacy] k is not a whole number from 1", mend="write it like: k = 10")
    for table, kind, words in (("runtime", str, "text"), ("plugins", dict, "table"), ("keys", str, "text")):
        for name, value in config.get(table, {}).items():
            if not isinstance(value, kind):
                raise BadInput(f"[{table}] {name} is not a {words}", mend=_MENDS[table].format(name=name))


def check_controller(name: str, *, where: str) -> None:
    """Look at the controller's name: it stands within a line of notices, reports and mails, and must not end it.

    Raises:
        BadInput: it is empty, or holds a line break or another character that is not seen.
    """
    if not name.strip():
        raise BadInput("the controller needs a name", where=where, mend="name who decides on the data: --controller")
    if not _is_one_line(name):
        raise BadInput(
            "the controller's name holds a line break, or another character that is not seen",
            where=where,
            mend="write it in one line, as it stands in the register of companies",
        )


def _is_one_line(name: str) -> bool:
    # Cc: control characters, with tab and the line breaks of ASCII and Latin-1; Zl, Zp: Unicode's own line breaks;
    # Cs: half a character. Cf stays: joiners belong to the spelling of names in some scripts.
    import unicodedata  # noqa: PLC0415 (`imp --help` needs it not, and it takes milliseconds)

    return not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in name)


def _check_known(config: Mapping[str, Any]) -> None:
    for table in _WHOLE:
        known = KNOWN[table] or ()
        unknown = sorted(set(config.get(table, {})) - set(known))
        if unknown:
            mend = meant(unknown[0], table)
            raise BadInput(f"[{table}] knows no {shown(unknown[0])}", mend=mend)
    if "workspace" not in config:
        import difflib  # noqa: PLC0415 (most files are read without a mistake, and it takes milliseconds)

        for near in difflib.get_close_matches("workspace", [name for name in config if name not in KNOWN], n=1):
            raise BadInput(f"there is no [workspace], but a [{shown(near)}]", mend="did you mean [workspace]")


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


def toml_mend(error: Exception) -> str:
    """What to do about a file that is not TOML: of one that breaks off no line is named that could be mended."""
    if "end of document" in str(error):
        return "a quote or a bracket is open where the file ends, or a value is missing: close it, and save it as UTF-8"
    return "mend that line in an editor, and save the file as UTF-8"


def quote(value: str) -> str:
    """A TOML basic string.

    Raises:
        BadInput: half of a surrogate pair, which is no character.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadInput("text with bytes that are no characters", where="imp.toml", mend="write it in UTF-8") from None
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
    check_controller(table["controller"], where="[workspace] controller")
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
