"""A campaign's file, `campaigns/NAME.toml`: channel, purpose, and what is said, per variant where it is an experiment.

channel = "email"
purpose = "marketing.email"
step = "1"                      # one person gets one message per campaign, channel and step
experiment = "spring-email"     # optional
fields = ["first_name"]         # columns of the audience that the content may use

[variants.plain]                # without an experiment: [content]
subject = "Spring is here"
text = { file = "plain.txt" }   # beside the campaign's file
[variants.holdout]
send = false                    # exposed like the others, and sent nothing
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imp_core.channel import Content
from imp_core.errors import BadInput

__all__ = ["MESSAGE", "Campaign", "read_campaign"]

MESSAGE: Final = "message"  # the content's name where there is no experiment
_KEYS: Final = ("channel", "purpose", "step", "experiment", "fields", "content", "variants")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RESERVED: Final = frozenset({"identifier", "unsubscribe", "unsubscribe_url"})
_MOST: Final = 1 << 20  # characters of one part


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign as read: `contents` by variant (or `message`); `silent` variants are exposed and sent nothing.

    `document` is the canonical JSON of all of it, stored in the ledger under its hash.
    """

    name: str
    channel: str
    purpose: str
    step: str
    experiment: str | None
    fields: tuple[str, ...]
    contents: Mapping[str, Content]
    silent: frozenset[str]
    document: bytes

    @property
    def sha256(self) -> str:
        """The document's hash."""
        return hashlib.sha256(self.document).hexdigest()

    @property
    def variants(self) -> frozenset[str]:
        """Every variant it speaks of."""
        return frozenset(self.contents) | self.silent


def read_campaign(folder: Path, name: str) -> Campaign:
    """Read a campaign of a workspace by its name.

    Raises:
        BadInput: there is none, or its file does not hold what it must.
    """
    if not _NAME.fullmatch(name):
        raise BadInput("not a name of a campaign", where="--campaign", mend="small letters, digits, - and _")
    path = folder / f"{name}.toml"
    try:
        table = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        mend = "write it: channel, purpose, and [content] or [variants.NAME]; see docs/sending.md"
        raise BadInput(f"there is no campaign {name}", where=str(path), mend=mend) from None
    except OSError as error:
        raise BadInput(
            f"cannot be read: {error.strerror}", where=str(path), mend="look at its name, whose it is and its mode"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(
            f"not a TOML file: {error}", where=str(path), mend="mend that line, and save the file as UTF-8"
        ) from None
    try:
        return _Reader(folder, table).campaign(name)
    except BadInput as error:
        raise BadInput(
            error.what, where=f"{path}{': ' + error.where if error.where else ''}", mend=error.mend
        ) from None


class _Reader:
    def __init__(self, folder: Path, table: Mapping[str, Any]) -> None:
        self._folder, self._table = folder, table

    def campaign(self, name: str) -> Campaign:
        for key in self._table:
            if key not in _KEYS:
                raise BadInput(f"unknown key {key!a}", mend=f"known: {', '.join(_KEYS)}")
        experiment = self._word("experiment", None)
        contents, silent = self._contents(experiment)
        parts: dict[str, Any] = {
            "name": name,
            "channel": self._word("channel"),
            "purpose": self._word("purpose"),
            "step": self._word("step", "1"),
            "experiment": experiment,
            "fields": self._fields(),
        }
        shown = {variant: dict(content.parts) for variant, content in contents.items()}
        document = json.dumps(
            {"format": "imp-campaign/1", **parts, "contents": shown, "silent": sorted(silent)},
            ensure_ascii=False,
            sort_keys=True,
            separators=(",", ":"),
        )
        return Campaign(**parts, contents=contents, silent=silent, document=document.encode())

    def _word(self, key: str, default: str | None = "") -> str | None:
        value = self._table.get(key, default)
        if value is None and default is None:
            return None
        if not isinstance(value, str) or not value:
            raise BadInput("missing, or not a text", where=key, mend=f'write it in quotes: {key} = "…"')
        if key == "step" and not _NAME.fullmatch(value):
            raise BadInput("not a step: small letters, digits, - and _", where=key, mend="name it like: welcome-2")
        return value

    def _fields(self) -> tuple[str, ...]:
        names = self._table.get("fields", [])
        if not isinstance(names, list) or not all(isinstance(item, str) and _FIELD.fullmatch(item) for item in names):
            raise BadInput(
                "must be a list of column names of small letters, digits and _",
                where="fields",
                mend='write it like: fields = ["first_name", "city"]',
            )
        taken = _RESERVED & set(names)
        if taken or len(set(names)) != len(names):
            raise BadInput(
                "a column twice, or one that is no field", where="fields", mend="leave identifiers out of it"
            )
        return tuple(names)

    def _contents(self, experiment: str | None) -> tuple[dict[str, Content], frozenset[str]]:
        message, variants = self._table.get("content"), self._table.get("variants")
        if experiment is None:
            if variants is not None or not isinstance(message, dict):
                raise BadInput(
                    "without an experiment it needs one table [content], and no [variants]",
                    mend="write [content] with its parts, such as subject and text; see docs/sending.md",
                )
            return {MESSAGE: self._content(MESSAGE, message, "content")}, frozenset()
        if message is not None or not isinstance(variants, dict):
            raise BadInput(
                "with an experiment it needs a table [variants.NAME] for each variant, and no [content]",
                mend="write [variants.control] and so on, with the parts of each; see docs/sending.md",
            )
        contents: dict[str, Content] = {}
        silent: set[str] = set()
        for variant, table in variants.items():
            where = f"variants.{variant}"
            if not isinstance(table, dict):
                raise BadInput(
                    "must be a table", where=where, mend=f"write it as a line [{where}] with its parts below it"
                )
            if table.get("send", True) is False:
                silent.add(variant)
            else:
                contents[variant] = self._content(variant, table, where)
        return contents, frozenset(silent)

    def _content(self, name: str, table: Mapping[str, Any], where: str) -> Content:
        parts = {key: self._part(value, f"{where}.{key}") for key, value in table.items() if key != "send"}
        if not parts or not isinstance(table.get("send", True), bool):
            raise BadInput(
                "needs parts such as subject and text, or send = false",
                where=where,
                mend='write them below it: subject = "…", text = "…"',
            )
        return Content(name=name, parts=parts)

    def _part(self, value: object, where: str) -> str:
        if isinstance(value, dict) and list(value) == ["file"] and isinstance(value["file"], str):
            value = self._file(value["file"], where)
        if not isinstance(value, str) or not value.strip():
            raise BadInput(
                'must be a text, or { file = "NAME" }',
                where=where,
                mend="write it in quotes; what is long, in a file of the folder of campaigns",
            )
        if len(value) > _MOST:
            raise BadInput("over a million characters", where=where, mend="shorten it")
        return value

    def _file(self, name: str, where: str) -> str:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder.resolve()):
            raise BadInput(
                "must lie in the folder of campaigns", where=where, mend="put it there, and name it without a way to it"
            )
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise BadInput(
                f"its file cannot be read: {error.strerror}",
                where=where,
                mend="look at its name, whose it is and its mode",
            ) from None
        except UnicodeDecodeError:
            raise BadInput("its file is not text in UTF-8", where=where, mend="save it as UTF-8") from None
