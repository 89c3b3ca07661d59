"""Reading records by ISO/IEC TS 27560 in JSON-LD: what `node.py` writes, and what others write by the same guide.

Terms are read in their short form (`dpv:ConsentGiven`) or as whole IRIs. Whatever could take something away from what
it says is refused rather than left out: a state that is not read here, an event without a time, two states in one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from imp_consent.policy.scope import DENYING, PERMITTING_TYPES
from imp_consent.records.node import NOTICE, UNTIL_SAID
from imp_consent.records.row import RecordRow, parse_row
from imp_consent.records.vocabulary import CONSENT_STATES, INVALIDATED, OTHER_EVENTS
from imp_core.clock import DAY_US, format_time, parse_time
from imp_core.errors import BadInput

__all__ = ["Copies", "is_record", "parse_record"]

_SPACES: Final = {
    "https://w3id.org/dpv#": "dpv:",
    "http://purl.org/dc/terms/": "dct:",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf:",
    "urn:imp:records#": "imp:",
}
_TYPES: Final = {term: type_ for type_, term in (*CONSENT_STATES.items(), *OTHER_EVENTS.items())} | {
    "dpv:RenewedConsentGiven": "grant",
    INVALIDATED: "grant",  # only one that says itself that it was bundled, and so opens nothing
}
# States in which nothing was said.
_SILENT: Final = {"dpv:ConsentUnknown", "dpv:ConsentRequested", "dpv:ConsentRequestDeferred"}
_KINDS: Final = {"dpv:ExplicitlyExpressedConsent": "explicit", "imp:SeparateConsent": "separate"}
_TAKEN: Final = {"dpv:ExpressedConsent", "dpv:InformedConsent", "dpv:Consent", "dpv:ConsentStatus"}
_DAYS: Final = re.compile(r"P([1-9][0-9]{0,4})D", re.ASCII)
_DEPTH: Final = 12
_BY_HASH: Final = f"name it {NOTICE}SHA256"


def is_record(node: object) -> bool:
    """Whether a JSON-LD node is a record of consent."""
    return isinstance(node, dict) and "dpv:ConsentRecord" in _words(_shortened(node.get("@type")))


def parse_record(node: Mapping[str, Any]) -> tuple[RecordRow, ...]:
    """The entries of one record, in the order of their positions.

    What others say no to for several purposes at once is an entry for each of them; what they say yes to is for one
    purpose, after one notice, and for a time that the record tells. A denial of a wider scope that stands in our own
    records of what it closes is read as it was said, in each: `Copies` knows it again.

    Raises:
        BadInput: it is not a record that is read here; `where` names the field, never a value.
    """
    record = _plain(node, 0)
    if not isinstance(record, dict):
        raise BadInput("not a JSON object", where="record")
    header = {
        "person": _person(record.get("dpv:hasDataSubject")),
        "channel": _text(record.get("imp:channel"), "channel"),
    }
    purposes = _purposes(record.get("dpv:hasProcess"))
    shown = _only(record.get("dpv:hasNotice"))
    rows: list[RecordRow] = []
    for name in ("dpv:hasConsentStatus", "imp:hasEvent"):
        for event in _many(record.get(name)):
            cells = _event(event, shown)
            for purpose in () if cells is None else _said_for(purposes, cells):
                rows.append(parse_row({"position": len(rows) + 1, **header, "purpose": purpose, **(cells or {})}))
    if not rows:
        raise BadInput("no event says anything", where="dpv:hasConsentStatus")
    return tuple(sorted(rows, key=lambda row: row.position))


@dataclass(slots=True)
class Copies:
    """Knows again, among a document's rows, a denial that stands in the records of all that it closes."""

    _person: str = ""
    _seen: list[RecordRow] = field(default_factory=list)

    def has(self, row: RecordRow) -> bool:
        """Whether this very row was there before; the rows of a person are adjacent."""
        if row.person != self._person:
            self._person, self._seen = row.person, []
        if row.statement.type not in DENYING:
            return False
        known = row in self._seen
        self._seen.append(row)
        return known


def _event(event: object, shown: object) -> dict[str, object] | None:
    """The cells of one event; None where nothing was said."""
    if not isinstance(event, dict):
        raise BadInput("an event that says neither who nor when", where="dpv:hasConsentStatus")
    words = _words(event.get("@type"))
    states = [word for word in words if word in _TYPES]
    strange = [word for word in words if word not in (*_TYPES, *_SILENT, *_KINDS, *_TAKEN)]
    if strange or len(states) + len(_SILENT & set(words)) != 1:
        # an expired, revoked or invalidated consent that was read as given would open what is closed
        raise BadInput("not one state of consent that is read here", where="@type", mend=_known())
    if not states:
        return None
    type_, ours = _TYPES[states[0]], "imp:position" in event  # others name the notice of a record, not of each event
    if states == [INVALIDATED] and event.get("imp:bundled") is not True:
        raise BadInput("not one state of consent that is read here", where="@type", mend=_known())
    at_us = _instant(event.get("dpv:isIndicatedAtTime"), "dpv:isIndicatedAtTime")
    until_us = _until(event.get("dpv:hasDuration"), at_us, told=not ours and type_ in PERMITTING_TYPES)
    notice = event.get("dpv:hasNotice", shown if type_ == "grant" and not ours else None)
    if type_ == "grant" and not ours and notice is None:
        raise BadInput("a yes without the one notice it was given after", where="dpv:hasNotice", mend=_BY_HASH)
    kinds = [kind for term, kind in _KINDS.items() if term in words]
    cells: dict[str, object] = {
        "type": type_,
        "at": format_time(at_us),
        "until": "" if until_us is None else format_time(until_us),
        "notice": _hash(notice),
        "consent": kinds[-1] if kinds else "",
        "by": _by(event.get("dpv:isIndicatedBy")),
        "covers": _names(event.get("imp:covers"), "covers"),
        "traits": _names(event.get("imp:traits"), "traits"),
        "bundled": event.get("imp:bundled"),
        "informed": event.get("imp:informed"),
        "basis": event.get("imp:basis"),
        "lifts": event.get("imp:lifts"),
        "needs": event.get("imp:needs"),
        "details": event.get("imp:details"),
        "action": event.get("dpv:hasIndicationMethod"),
        "evidence": event.get("dct:source"),
        "jurisdiction": event.get("dpv:hasJurisdiction"),
    }
    return cells | _scope(event.get("imp:scope"), type_) | ({"position": event["imp:position"]} if ours else {})


def _scope(scope: object, type_: str) -> dict[str, object]:
    """The scope that a denial was said for, where it stands in the record of another that it closes."""
    if scope is None:
        return {}
    if not isinstance(scope, dict) or type_ not in DENYING:
        raise BadInput("not the scope of a denial", where="imp:scope")
    return {
        "purpose": _text(scope.get("imp:purpose"), "purpose"),
        "channel": _text(scope.get("imp:channel"), "channel"),
    }


def _known() -> str:
    return "one of dpv:ConsentGiven, dpv:RenewedConsentGiven, dpv:ConsentRefused, dpv:ConsentWithdrawn"


def _person(subject: object) -> object:
    if isinstance(subject, dict):
        subject = subject.get("dct:identifier", subject.get("@id"))
    return _text(subject, "person")


def _purposes(process: object) -> list[object]:
    """The purposes of the one process."""
    process = _only(process)
    if not isinstance(process, dict):
        raise BadInput("not one process", where="dpv:hasProcess")
    found = _many(process.get("dpv:hasPurpose")) or [None]
    return [_text(item.get("dct:identifier") if isinstance(item, dict) else None, "purpose") for item in found]


def _said_for(purposes: Sequence[object], cells: Mapping[str, object]) -> Sequence[object]:
    """The purposes that an event is about: of ours the first, since what it covers besides stands in the event."""
    if "position" in cells:
        return purposes[:1]
    if len(purposes) > 1 and cells["type"] not in DENYING:
        raise BadInput("one yes for several purposes", where="dpv:hasPurpose", mend="a record for each purpose")
    return purposes


def _instant(value: object, name: str) -> int:
    if isinstance(value, dict):
        value = value.get("@value")
    if not isinstance(value, str):
        raise BadInput("not a time", where=name)
    try:
        return parse_time(value)
    except BadInput as error:
        raise BadInput(error.what, where=name, mend=error.mend) from None


def _until(duration: object, at_us: int, *, told: bool) -> int | None:
    """The end of what was said, None for good; `told`: a yes, whose duration nobody may make up."""
    where = "dpv:hasDuration"
    if duration is None and not told:
        return None
    words = _words(duration.get("@type")) if isinstance(duration, dict) else []
    if isinstance(duration, dict) and len(words) == 1:
        if words[0] == "dpv:EndlessDuration":
            return None
        if words[0] == "dpv:UntilEventDuration" and _value(duration.get("rdf:value")) == UNTIL_SAID:
            return None
        if words[0] == "dpv:UntilTimeDuration":
            return _instant(duration.get("rdf:value"), where)
        days = _DAYS.fullmatch(str(_value(duration.get("rdf:value"))))
        if words[0] == "dpv:TemporalDuration" and days:
            return at_us + int(days[1]) * DAY_US
    raise BadInput("not a duration that is read here", where=where, mend="a dpv:UntilTimeDuration, or days like P180D")


def _by(entity: object) -> str:
    if entity is None or entity in ({"@id": "dpv:DataSubject"}, "dpv:DataSubject"):
        return ""
    if entity == {"@id": "dpv:GuardianOfDataSubject"}:
        return "guardian"
    raise BadInput("neither the person nor a guardian", where="dpv:isIndicatedBy")


def _hash(notice: object) -> str:
    if notice is None:
        return ""
    name = notice.get("@id") if isinstance(notice, dict) else notice
    if not isinstance(name, str) or not name.startswith(NOTICE):
        raise BadInput("not a notice by its hash", where="dpv:hasNotice", mend=_BY_HASH)
    return name.removeprefix(NOTICE)


def _names(value: object, name: str) -> str:
    names = _many(value)
    if not all(isinstance(item, str) for item in names):
        raise BadInput("not names", where=name)
    return " ".join(str(item) for item in names)


def _text(value: object, name: str) -> object:
    if value is not None and not isinstance(value, str):
        raise BadInput("not a text", where=name)
    return value


def _value(value: object) -> object:
    return value.get("@value") if isinstance(value, dict) else value


def _many(value: object) -> Sequence[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _only(value: object) -> object:
    many = _many(value)
    return many[0] if len(many) == 1 else None


def _words(value: object) -> list[str]:
    return [word for word in _many(value) if isinstance(word, str)]


def _plain(value: object, depth: int) -> Any:  # noqa: ANN401 (any JSON)
    """The same with short names of fields, types and things.

    Raises:
        BadInput: nested too deep.
    """
    if depth > _DEPTH:
        raise BadInput("nested too deep", where="record")
    if isinstance(value, dict):
        short = {_short(str(name)): _plain(item, depth + 1) for name, item in value.items()}
        for name in ("@id", "@type"):
            if name in short:
                short[name] = _shortened(short[name])
        return short
    return [_plain(item, depth + 1) for item in value] if isinstance(value, list) else value


def _shortened(value: object) -> object:
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return _short(value) if isinstance(value, str) else value


def _short(text: str) -> str:
    for space, prefix in _SPACES.items():
        if text.startswith(space):
            return prefix + text.removeprefix(space)
    return text
