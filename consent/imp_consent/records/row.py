"""One entry of a person as it leaves and enters a workspace: a row of text, the same in every kind of table.

    person           kind:value, or the pseudonym of this export alone
    position         the how-many-eth of this person's entries it is, from 1
    type             of the entry: grant, refuse, withdraw, object, …
    purpose channel  the scope; channel empty is every channel, purpose * every purpose
    at until         ISO 8601 with Z; until empty is until the person says otherwise
    notice           SHA-256 of the notice shown
    covers traits    names with one blank between
    consent … needs  what else a decision needs, as `imp_consent.ledger.entry.Statement` has it
    action evidence  what the person did to say so, where the proof of it is
    jurisdiction     whose law it was recorded under
    details          JSON: grounds (condition → what shows it), steps, regimes, and the like

A row holds every field that a decision needs and no key, number or event id of the workspace it came from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from imp_consent.ledger.entry import GUARDIAN_ERASED, Statement
from imp_core.clock import format_time, parse_time
from imp_core.errors import BadInput
from imp_core.ports import Json

__all__ = ["COLUMNS", "DETAILS", "KINDS", "REQUIRED", "RecordRow", "format_details", "format_row", "parse_row"]

# What decides. `link`, `request` and the like say nothing about permission; a correction is resolved before a row is
# made, and somebody whose erasure was asked for is in no record.
KINDS: Final = (
    "grant", "refuse", "withdraw", "object", "restrict", "limit-sensitive", "lift", "basis", "guardian", "minor",
    "signal", "lost",
)  # fmt: skip
COLUMNS: Final = (
    "person", "position", "type", "purpose", "channel", "at", "until", "notice", "covers", "traits", "consent",
    "bundled", "informed", "by", "basis", "lifts", "needs", "action", "evidence", "jurisdiction",
    "details",
)  # fmt: skip
REQUIRED: Final = ("person", "position", "type", "purpose", "at")
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "type": frozenset(KINDS),
    "consent": frozenset({"explicit", "separate"}),
    "by": frozenset({"guardian"}),
    "lifts": frozenset({"restrict", "object", "limit-sensitive"}),
    "needs": frozenset({"both", "guardian", "nobody", "own"}),
}
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PURPOSE: Final = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*", re.ASCII)
_MAX_PURPOSE: Final = 64
_TOKEN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_GUARDIAN: Final = re.compile(rf"export:[0-9a-f]{{32}}|{GUARDIAN_ERASED}", re.ASCII)  # as `Naming.guardian` has it
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
# What of the envelope goes along: what writing the entry anew asks for, and the law it was recorded under.
DETAILS: Final = ("grounds", "guardian", "regimes", "role", "shared", "signal", "steps", "told_us", "verification")
_MAX_DETAILS: Final = 3_000
_SMALL: Final = 1_000
_EXACT: Final = 2**53  # above it canonical JSON holds no integers
_FLAGS: Final = {"true": True, "": False}
_MAX_WORDS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """What a person's entry says; `person` is how this export names them, `position` the entry's place among theirs.

    `action`, `evidence` and `jurisdiction` are None where nothing is known. Where an export names nobody, `evidence` is
    None and what `details` say in free words is left out. `seq` is the entry's in its ledger, which leaves with no row.
    """

    person: str
    position: int
    statement: Statement
    action: str | None = None
    evidence: str | None = None
    jurisdiction: str | None = None
    details: Mapping[str, Json] = field(default_factory=dict)
    seq: int | None = field(default=None, compare=False, repr=False)


def format_row(row: RecordRow) -> dict[str, str]:
    """The row's cells, one for each of `COLUMNS`; what says nothing is empty.

    Raises:
        BadInput: a time outside the calendar.
    """
    said = row.statement
    cells = (
        row.person,
        str(row.position),
        said.type,
        said.purpose,
        said.channel,
        format_time(said.at_us),
        "" if said.until_us is None else format_time(said.until_us),
        said.notice or "",
        " ".join(said.covers),
        " ".join(said.traits),
        said.consent or "",
        "true" if said.bundled else "",
        "true" if said.informed else "",
        said.by or "",
        said.basis or "",
        said.lifts or "",
        said.needs or "",
        row.action or "",
        row.evidence or "",
        row.jurisdiction or "",
        format_details(row.details),
    )
    return dict(zip(COLUMNS, cells, strict=True))


def format_details(details: Mapping[str, Json]) -> str:
    """Details as JSON with sorted names; nothing where there are none."""
    return json.dumps(details, ensure_ascii=False, sort_keys=True, separators=(",", ":")) if details else ""


def parse_row(cells: Mapping[str, object]) -> RecordRow:
    """Read `format_row`; a cell that is missing or null is empty.

    Raises:
        BadInput: a value is missing or is not what such a field holds; `where` names the field, never the value.
    """
    text = {name: _text(cells.get(name), name) for name in COLUMNS}
    for name in REQUIRED:
        if not text[name]:
            raise BadInput("empty", where=name)
    for name, words in _WORDS.items():
        if text[name] and text[name] not in words:
            raise BadInput("not a word that is used here", where=name, mend=f"one of {', '.join(sorted(words))}")
    return RecordRow(
        person=text["person"],
        position=_position(text["position"]),
        statement=Statement(
            type=text["type"],
            purpose=_purpose(text["purpose"]),
            channel=_token(text["channel"], "channel"),
            at_us=_time(text["at"], "at"),
            until_us=_time(text["until"], "until") if text["until"] else None,
            notice=_hash(text["notice"]),
            covers=_names(text["covers"], "covers"),
            traits=_names(text["traits"], "traits"),
            consent=text["consent"] or None,
            bundled=_flag(text["bundled"], "bundled"),
            informed=_flag(text["informed"], "informed"),
            by=text["by"] or None,
            basis=_token(text["basis"], "basis") or None,
            lifts=text["lifts"] or None,
            needs=text["needs"] or None,
        ),
        action=_line(text["action"], "action"),
        evidence=_line(text["evidence"], "evidence"),
        jurisdiction=_line(text["jurisdiction"], "jurisdiction"),
        details=_unpacked(text["details"]),
    )


def _text(value: object, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**15 else "-"  # a number of any length has no place in a row
    if not isinstance(value, str):
        raise BadInput("not a text", where=name)
    return value.strip()


def _position(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise BadInput("not a whole number from 1", where="position")
    return int(text)


def _purpose(text: str) -> str:
    if text != "*" and not (len(text) <= _MAX_PURPOSE and _PURPOSE.fullmatch(text)):
        raise BadInput("not a name of a purpose", where="purpose")
    return text


def _token(text: str, name: str) -> str:
    if text and not _TOKEN.fullmatch(text):
        raise BadInput("not a name: lower-case letters, digits, dots and dashes", where=name)
    return text


def _time(text: str, name: str) -> int:
    try:
        return parse_time(text)
    except BadInput as error:
        raise BadInput(error.what, where=name, mend=error.mend) from None


def _hash(text: str) -> str | None:
    if text and not _SHA256.fullmatch(text):
        raise BadInput("not a SHA-256: 64 hexadecimal digits", where="notice")
    return text or None


def _names(text: str, name: str) -> tuple[str, ...]:
    names = tuple(sorted(set(text.split())))
    if not all(_TOKEN.fullmatch(item) for item in names):
        raise BadInput("not names with blanks between", where=name)
    return names


def _flag(text: str, name: str) -> bool:
    if text not in _FLAGS:
        raise BadInput("neither true nor empty", where=name)
    return _FLAGS[text]


def _line(text: str, name: str) -> str | None:
    if not (text.isprintable() and len(text) <= _MAX_WORDS):
        raise BadInput("not one line of at most 300 characters", where=name)
    return text or None


def _unpacked(text: str) -> dict[str, Json]:
    if not text:
        return {}
    try:
        found = json.loads(text) if len(text) <= _MAX_DETAILS else None
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not set(found) <= set(DETAILS) or not _fit(found):
        raise BadInput("not an object of details", where="details", mend=f"JSON with some of {', '.join(DETAILS)}")
    if not _GUARDIAN.fullmatch(str(found.get("guardian", GUARDIAN_ERASED))):
        # whatever else stands here may be somebody's address, or a plain hash of one, and would be kept as it is
        mend = "what an export writes there, export: and 32 hexadecimal digits, or erased; or imp consent guardian"
        raise BadInput("not how an export calls a guardian", where="details.guardian", mend=mend)
    return found


def _fit(found: Mapping[str, object]) -> bool:
    """Whether each detail is of its kind; every text is one line."""
    return all(_FITS.get(name, _is_line)(value) for name, value in found.items())


def _is_line(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= _MAX_WORDS


def _is_grounds(value: object) -> bool:
    return isinstance(value, dict) and all(_is_line(name) and _is_line(text) for name, text in value.items())


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and _TOKEN.fullmatch(name) for name in value)


def _is_small(value: object) -> bool:
    return type(value) is int and 0 <= value < _SMALL


_FITS: Final[Mapping[str, Callable[[object], bool]]] = {
    "grounds": _is_grounds,
    "regimes": _is_names,
    "shared": lambda value: value is True,
    "steps": _is_small,
    "told_us": lambda value: type(value) is int and 0 <= value < _EXACT,
}
