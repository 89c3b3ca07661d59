"""Reading a mapping's TOML table by table; every refusal names the key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from imp_core.encodings import ENCODINGS
from imp_core.errors import BadInput

__all__ = ["UTF_8", "choice", "delimiter", "encoding", "known", "refuse", "strings", "table"]

UTF_8 = "utf-8-sig"  # a byte-order mark is let pass
_ENCODINGS = {**ENCODINGS, "gbk": "gb18030"}


def known(found: Mapping[str, object], names: Collection[str], where: str, prefix: str = "") -> None:
    """Refuse a key that is not one of `names`.

    Raises:
        BadInput: there is one.
    """
    for name in found:
        if name not in names:
            raise BadInput(
                f"unknown key in the mapping: {prefix}{name}", where=where, mend=f"known: {', '.join(names)}"
            )


def table(found: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    """A table of the mapping; empty where it is left out.

    Raises:
        BadInput: it is something else.
    """
    value = found.get(key, {})
    if not isinstance(value, dict):
        refuse(key, "must be a table", where)
    return value


def strings(found: Mapping[str, Any], key: str, where: str) -> dict[str, str]:
    """A table of texts.

    Raises:
        BadInput: it is none, or a value is empty or no text.
    """
    value = table(found, key, where)
    for name, item in value.items():
        if not isinstance(item, str) or not item:
            refuse(f"{key}.{name}", "must be a text", where)
    return dict(value)


def choice(value: object, allowed: Mapping[str, Any], key: str, where: str) -> Any:  # noqa: ANN401 (one of the values of `allowed`)
    """What a word stands for.

    Raises:
        BadInput: it is not one of those allowed.
    """
    if not isinstance(value, str) or value not in allowed:
        refuse(key, f"must be one of {', '.join(allowed)}", where)
    return allowed[value]


def encoding(value: object, where: str) -> str:
    """The codec of `[file] encoding`.

    Raises:
        BadInput: it is not one that is read here.
    """
    codec: str = choice(value, _ENCODINGS, "file.encoding", where)
    return codec


def delimiter(value: object, where: str) -> str | None:
    """The character of `[file] delimiter`; None: by the file's name.

    Raises:
        BadInput: it is not one character, or one that has a meaning of its own.
    """
    if value is not None and (not isinstance(value, str) or len(value) != 1 or value in '"\r\n'):
        refuse("file.delimiter", "must be one character", where)
    return value


def refuse(key: str, problem: str, where: str) -> NoReturn:
    """Say what is wrong with a key.

    Raises:
        BadInput: always.
    """
    raise BadInput(f"{key} in the mapping: {problem}", where=where)
