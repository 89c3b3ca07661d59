"""A record of consent by ISO/IEC TS 27560:2023 as a JSON-LD node, after the DPV guide to it (W3C DPVCG, 2024-08-01).

One record is about one person, one purpose and one channel (or all): the header (6.3.3), the processing (6.3.4, 6.3.5),
the parties (6.3.6) and the events (6.3.7), oldest first. Consent given, refused and withdrawn are states of consent;
what else decides (an objection, a restriction, …) is an event in our own namespace, and a record without any
consent says `dpv:ConsentUnknown`. `imp:` fields hold what a decision needs and the standard has no field for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from imp_consent.ledger.entry import EVERY_PURPOSE, Statement
from imp_consent.policy.declared import declared
from imp_consent.policy.notice import Notice
from imp_consent.records.facts import Facts
from imp_consent.records.row import RecordRow, format_details
from imp_consent.records.terms import Terms
from imp_consent.records.vocabulary import (
    BASES,
    CONSENT_STATES,
    CONSENT_TYPES,
    INVALIDATED,
    OTHER_EVENTS,
    PURPOSE_TYPES,
)
from imp_core.clock import format_time
from imp_core.gate import Purpose

__all__ = ["CONTROLLER", "NOTICE", "SCHEMA", "UNTIL_SAID", "format_notice_node", "format_party", "format_record"]

SCHEMA: Final = "https://w3id.org/dpv/schema/dpv-27560#"
NOTICE: Final = "urn:imp:notice:"
CONTROLLER: Final = "urn:imp:party:controller"
UNTIL_SAID: Final = "the person says otherwise"
_ISO_3166: Final = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?", re.ASCII)
_DURATION: Final = re.compile(r"P(?=[0-9])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+W)?(?:[0-9]+D)?", re.ASCII)
_SPECIAL: Final = {"special-category": "dpv:SpecialCategoryPersonalData", "sensitive": "dpv:SensitivePersonalData"}

Node = dict[str, Any]


def format_record(
    record_id: str, rows: Sequence[RecordRow], facts: Facts, terms: Terms, *, closing: Sequence[RecordRow] = ()
) -> Node:
    """The record of one person's entries, one or more, about one purpose and channel.

    `closing` are that person's denials of a wider scope, or of one channel of this one: they stand here too, so that
    nobody takes this record alone for a yes that still holds, each with the scope that it was said for (`imp:scope`).

    Raises:
        BadInput: a time outside the calendar.
    """
    first = rows[0]
    named = [row.statement.notice for row in rows if row.statement.notice is not None]
    shown: list[str | None] = [*dict.fromkeys(named)] or [terms.notice_of(first.statement.purpose)]
    said = sorted((*rows, *closing), key=lambda row: row.position)
    consents = [row for row in said if row.statement.type in CONSENT_STATES]
    others = [row for row in said if row.statement.type not in CONSENT_STATES]
    node: Node = {
        "@id": f"urn:uuid:{record_id}",
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": {"@id": f"{SCHEMA}record"},
        "dct:identifier": record_id,
        "dpv:hasDataSubject": {"@type": "dpv:DataSubject", "dct:identifier": first.person},
        "dpv:hasNotice": [_notice(sha256) for sha256 in shown],
        "dpv:hasProcess": _process(rows, shown[-1], facts, terms),
        "dpv:hasEntity": {"@id": CONTROLLER},
        "dpv:hasConsentStatus": [_event(row, CONSENT_STATES, closing) for row in consents] or [_unknown(first)],
    }
    if others:
        node["imp:hasEvent"] = [_event(row, OTHER_EVENTS, closing) for row in others]
    if first.statement.channel:
        node["imp:channel"] = first.statement.channel
    return node


def format_party(facts: Facts) -> Node:
    """The controller's party fields (6.3.6), a node that all records of a document refer to."""
    return {
        "@id": CONTROLLER,
        "@type": ["dpv:DataController", "dpv:LegalEntity"],
        "dpv:hasIdentifier": CONTROLLER,
        "dpv:hasName": facts.name,
        "dpv:hasAddress": facts.address,
        "dpv:hasContact": facts.contact,
        "schema:contactPoint": [
            {"@type": "schema:ContactPoint", _contact(facts.contact): facts.contact},
            {"@type": "schema:PostalAddress", "schema:streetAddress": facts.address},
        ],
    }


def format_notice_node(sha256: str, notice: Notice) -> Node:
    """The notice that people were shown (6.3.4.1, 6.3.4.2): its exact text, and the hash that grants name it by."""
    return {
        "@id": f"{NOTICE}{sha256}",
        "@type": "dpv:ConsentNotice",
        "dct:title": notice.name,
        "dct:hasVersion": str(notice.version),
        "dct:language": notice.language,
        "dct:description": notice.text,
        "imp:sha256": sha256,
    }


def _notice(sha256: str | None) -> Node:
    if sha256 is not None:
        return {"@id": f"{NOTICE}{sha256}"}
    # no notice names the purpose: nobody was shown any, and the language of none is undetermined (ISO 639 "und")
    return {"@type": "dpv:ConsentNotice", "dct:language": "und", "dpv:hasApplicability": {"@id": "dpv:NotAvailable"}}


def _process(rows: Sequence[RecordRow], shown: str | None, facts: Facts, terms: Terms) -> Node:
    said, notice = rows[-1].statement, terms.notices.get(shown or "")
    traits = {trait for row in rows for trait in row.statement.traits if row.statement.type in {"grant", "basis"}}
    covered = sorted({purpose for row in rows for purpose in row.statement.covers})
    places = list(dict.fromkeys(row.jurisdiction for row in rows if row.jurisdiction)) or [facts.jurisdiction]
    # each time that it was shown it named them anew: what is said since takes back nobody that it named before
    resting = [row.seq for row in rows if row.statement.notice == shown] or [rows[-1].seq]
    told = {name for seq in resting for name in _recipients(notice, {said.purpose, *covered}, terms.purposes_at(seq))}
    named = [name for name in (notice.recipients if notice else ()) if name in told]
    recipients = [{"@type": "dpv:Recipient", "dpv:hasName": name} for name in named]
    withdrawal: Node = {"@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": facts.contact}
    if notice is not None:
        withdrawal["dct:description"] = notice.withdrawal
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": [_purpose(name, terms, traits) for name in (said.purpose, *covered)],
        "dpv:hasPersonalData": _data(notice, traits),
        "dpv:hasDataController": {"@id": CONTROLLER},
        "dpv:hasRecipient": [{"@id": CONTROLLER}, *recipients],
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": [_place(place) for place in facts.storage]},
            {"@type": "dpv:StorageDuration", "dpv:hasDuration": _retention(facts.retention)},
        ],
        "dpv:hasJurisdiction": [_place(place) for place in places],
        "dpv:hasLegalBasis": _legal_bases(rows),
        "dpv:hasConsentControl": withdrawal,
        "dpv:hasRight": {"@type": "dpv:DataSubjectRight", "dpv:isExercisedAt": facts.rights},
    }


def _recipients(notice: Notice | None, about: AbstractSet[str], purposes: Mapping[str, Purpose]) -> list[str]:
    """Of the recipients that a notice names, those of these purposes; of every purpose ("*"), all.

    A notice names recipients for all of its purposes together. Whose they are the purposes say, that declare each its
    own: who is declared by others alone gets nothing for these; who is declared by none may be of any. `purposes` are
    as they were when the notice was shown: what they declare since, it did not say.
    """
    declaring: dict[str, set[str]] = {}
    for name, purpose in purposes.items():
        if (recipient := declared(purpose).recipient) is not None:
            declaring.setdefault(recipient.name, set()).add(name)
    named = notice.recipients if notice else ()
    return [one for one in named if EVERY_PURPOSE in about or about & declaring.get(one, about)]


def _purpose(name: str, terms: Terms, traits: set[str]) -> Node:
    node: Node = {"@type": "dpv:Purpose", "dct:identifier": name}
    known = terms.purposes.get(name)
    if known is not None:
        node["dct:description"] = known.description
    kind = next((term for trait, term in PURPOSE_TYPES.items() if trait in traits), None)
    if kind is not None:
        node["skos:broader"] = {"@id": kind}
    return node


def _data(notice: Notice | None, traits: set[str]) -> list[Node]:
    kinds = ["dpv:PersonalData", *(term for trait, term in _SPECIAL.items() if trait in traits)]
    type_ = kinds[0] if len(kinds) == 1 else kinds
    if notice is None:
        return [{"@type": type_, "dpv:hasApplicability": {"@id": "dpv:NotAvailable"}}]
    return [{"@type": type_, "dct:title": name} for name in notice.data]


def _legal_bases(rows: Sequence[RecordRow]) -> list[Node]:
    terms: list[str] = []
    for row in rows:
        said = row.statement
        if said.type == "grant":
            terms += CONSENT_TYPES[said.consent]
        elif said.type == "basis":
            terms.append(BASES.get(said.basis or "", "dpv:LegalBasis"))
    return [{"@id": term} for term in dict.fromkeys(terms or ["dpv:Consent"])]


def _event(row: RecordRow, kinds: Mapping[str, str], closing: Sequence[RecordRow]) -> Node:
    said = row.statement
    state = INVALIDATED if said.type == "grant" and said.bundled else kinds[said.type]
    types = [state, *(CONSENT_TYPES[said.consent] if said.type in CONSENT_STATES else ())]
    node: Node = {
        "@type": types,
        "dpv:isIndicatedAtTime": _time(said.at_us),
        "dpv:hasDuration": _validity(said),
        "dpv:isIndicatedBy": {"@id": "dpv:GuardianOfDataSubject" if said.by == "guardian" else "dpv:DataSubject"},
        "imp:position": row.position,
    }
    if said.notice is not None:
        node["dpv:hasNotice"] = {"@id": f"{NOTICE}{said.notice}"}
    more: Node = {
        "dpv:hasIndicationMethod": row.action,
        "dct:source": row.evidence,
        "dpv:hasJurisdiction": row.jurisdiction,
        "imp:covers": list(said.covers),
        "imp:traits": list(said.traits),
        "imp:bundled": said.bundled,
        "imp:informed": said.informed,
        "imp:basis": said.basis,
        "imp:lifts": said.lifts,
        "imp:needs": said.needs,
        "imp:details": format_details(row.details),
        "imp:scope": {"imp:purpose": said.purpose, "imp:channel": said.channel} if row in closing else None,
    }
    return node | {name: value for name, value in more.items() if value}


def _unknown(row: RecordRow) -> Node:
    """Nothing was said about consent; what was said otherwise stands beside it."""
    return {
        "@type": ["dpv:ConsentUnknown", "dpv:Consent"],
        "dpv:isIndicatedAtTime": _time(row.statement.at_us),
        "dpv:hasDuration": {"@type": "dpv:UntilEventDuration", "rdf:value": UNTIL_SAID},
        "dpv:isIndicatedBy": {"@id": CONTROLLER},
    }


def _time(time_us: int) -> Node:
    return {"@type": "xsd:dateTime", "@value": format_time(time_us)}


def _validity(said: Statement) -> Node:
    if said.until_us is None:
        return {"@type": "dpv:UntilEventDuration", "rdf:value": UNTIL_SAID}
    return {"@type": "dpv:UntilTimeDuration", "rdf:value": _time(said.until_us)}


def _retention(text: str) -> Node:
    if _DURATION.fullmatch(text):
        return {"@type": "dpv:TemporalDuration", "rdf:value": {"@type": "xsd:duration", "@value": text}}
    return {"@type": "dpv:UntilEventDuration", "rdf:value": text}


def _place(text: str) -> Node | str:
    return {"@id": f"loc:{text}"} if _ISO_3166.fullmatch(text) else text


def _contact(text: str) -> str:
    if text.startswith(("https://", "http://")):
        return "schema:url"
    return "schema:email" if "@" in text else "schema:telephone"
