"""System entries in words: keys, notices, policies, erasures, restores, approvals; none of them names a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from imp_consent.ledger.ratchet import BECAUSE_ERASED
from imp_consent.report.report import Event
from imp_core.clock import format_time
from imp_core.ports import Json, SystemEntry
from imp_core.suppress import hidden

__all__ = ["EVENT_TYPES", "KEY_TYPES", "NOTICE_TYPES", "RETENTION_TYPES", "told_events"]

KEY_TYPES: Final = ("key",)
NOTICE_TYPES: Final = ("notice", "policy")
RETENTION_TYPES: Final = ("retention",)
EVENT_TYPES: Final = ("erased", "restore", "approval", "export", "import", "plugin-enable", "experiment")
# What is told of an entry, by its type. A field that is not here may hold a count that tells how many few people are.
_TOLD: Final[Mapping[str, tuple[str, ...]]] = {
    "approval": ("step", "deed", "people", "request"),
    "erased": ("people", "authorisations", "files"),
    "experiment": ("experiment", "purpose", "variants"),
    "export": ("what", "entries"),
    "import": ("file", "people"),
    "plugin-enable": ("name", "version", "enabled"),
    "policy": ("purposes", "regimes", "material"),
    "restore": ("from", "to", "lost", "erased", "authorisations"),
    "retention": ("what", "days", "rows"),
}
_PEOPLE: Final = frozenset(
    {
        "people",
        "authorisations",
        "lost",
        "erased",
        "rows",
        "rejected",
        "archive",
        "evidence",
        "requests",
        "counts",
    }
)
_LONGEST: Final = 80
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_HASH_SHOWN: Final = 16


def told_events(entries: Iterable[SystemEntry], k: int) -> list[Event]:
    """Entries as events, oldest first."""
    return [
        Event(
            seq=entry.seq,
            at=format_time(entry.at_us),
            actor=entry.actor,
            type=entry.type,
            text=_text(entry.type, entry.fields, k),
        )
        for entry in sorted(entries, key=lambda entry: entry.seq)
    ]


def _text(type_: str, fields: Mapping[str, Json], k: int) -> str:
    if type_ == "key":
        return _key(fields)
    if type_ == "notice":
        return _notice(fields)
    told = ((name, fields[name]) for name in _TOLD.get(type_, ()) if fields.get(name) not in (None, "", [], {}))
    return "; ".join(f"{name} {_value(name, value, k)}" for name, value in told)


def _key(fields: Mapping[str, Json]) -> str:
    purpose, action = fields.get("purpose"), fields.get("action")
    changed = f": {fields['previous']} gave way to {fields['id']}" if "previous" in fields and "id" in fields else ""
    why = (
        ", the last step of an erasure, which one person may carry out"
        if fields.get("because") == BECAUSE_ERASED
        else ""
    )
    return f"{purpose} {action}{changed}{why}"


def _notice(fields: Mapping[str, Json]) -> str:
    text = f"{fields.get('name')} version {fields.get('version')} ({fields.get('language')})"
    material = fields.get("material")
    if isinstance(material, list | tuple) and material:
        text += f", a material change for {', '.join(map(str, material))}"
    return f"{text}, {str(fields.get('sha256'))[:16]}…"


def _value(name: str, value: Json, k: int) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and name in _PEOPLE:
        return "few" if hidden(value, k) is None else f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(name, item, k)}" for key, item in sorted(value.items()))
    if isinstance(value, list | tuple):
        return ", ".join(_value("", item, k) for item in value)
    # a deed says of how many people it is
    text = re.split(r" [0-9]", str(value))[0] if name == "deed" else str(value)
    longest = _HASH_SHOWN if _HASH.fullmatch(text) else _LONGEST
    return text if len(text) <= longest else f"{text[:longest]}…"
