"""The record of processing activities (GDPR 30), filled from the workspace; what nobody said yet is named as missing.

What only people know stands in `imp.toml`; all of it may be left out, and is then asked for in the record:

    [records]                         # also what records of consent say; see records/facts.py
    address = "1 High Street, Dublin, Ireland"
    contact = "privacy@shop.example"

    [processing]
    dpo = "dpo@shop.example"
    representative = "…"              # of a controller outside the Union (GDPR 27)
    joint = ["…"]                     # joint controllers (GDPR 26)
    people = ["customers"]            # categories of data subjects
    security = ["disk encryption"]    # measures beside those of the product

    [[processing.recipient]]          # processors and others who get data
    name = "Mail Ltd"
    role = "processor"
    host = "mail.example.org"         # of a channel's host: who runs it
    country = "US"                    # outside the Union: say the safeguard
    safeguard = "standard contractual clauses"
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from imp_consent.ledger.reader import Reader
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.house import read_house
from imp_consent.policy.notice import RegisteredNotice, read_notices
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.scope import lineage
from imp_consent.report.laws import RecordedLaw, RecordedMinors, read_laws
from imp_consent.report.recipients import HOST, RecordedRecipient, recipients_of
from imp_consent.rights.kept import contradictions, kept, kept_texts
from imp_core.clock import format_time
from imp_core.command import progress
from imp_core.errors import BadInput
from imp_core.workspace import Workspace

__all__ = ["PROCESSING_SCHEMA", "ProcessingRecord", "RecordedPurpose", "read_processing"]

PROCESSING_SCHEMA: Final = "urn:imp:processing-record:1"
_FILE: Final = "imp.toml"
_TABLE: Final = "processing"
_TEXTS: Final = ("dpo", "representative")
_LISTS: Final = ("joint", "people", "security")
_RECIPIENT: Final = ("name", "role", "contact", "host", "country", "safeguard")
# What the product does for everybody (GDPR 32); it is told as it is set up here.
_SECURITY: Final = (
    "people are known by keyed hashes; no identifier is kept in clear",
    "what people said is encrypted under a key of their own, which an erasure destroys",
    "keys are kept apart from the data",
    "every use is decided by consent, default deny, and leaves an entry in a signed append-only log",
    "counts of few people are not shown",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPurpose:
    """A purpose: what it is, kinds of use and data, to whom data goes for it, and the notices that ask for it.

    `bases` are what its use was recorded to rest on for somebody, for it or for one it is part of.
    """

    name: str
    description: str
    version: int
    traits: tuple[str, ...]
    data: tuple[str, ...]
    recipients: tuple[str, ...]
    bases: tuple[str, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingRecord:
    """The record of a controller (GDPR 30(1)). Unknown texts are None; `missing` says what to write, and where.

    `size` is the ledger it was made of, `retention` the periods in words. `regimes` and `jurisdiction` are those of
    imp.toml, `laws` all that people were recorded under, and `minors` those who are too young to decide alone.
    """

    schema: str
    made: str
    log: str
    size: int
    controller: str
    address: str | None
    contact: str | None
    dpo: str | None
    representative: str | None
    joint: tuple[str, ...]
    people: tuple[str, ...]
    regimes: tuple[str, ...]
    jurisdiction: str | None
    laws: tuple[RecordedLaw, ...]
    minors: tuple[RecordedMinors, ...]
    purposes: tuple[RecordedPurpose, ...]
    recipients: tuple[RecordedRecipient, ...]
    transfers: tuple[RecordedRecipient, ...]
    retention: tuple[str, ...]
    security: tuple[str, ...]
    missing: tuple[str, ...]


def read_processing(
    reader: Reader,
    workspace: Workspace,
    channels: Mapping[str, Sequence[str] | None],
    *,
    unset: Sequence[tuple[str, str]] = (),
    now_us: int,
) -> ProcessingRecord:
    """The record as of now; `channels` are the enabled ones with the hosts they may reach (None: nobody knows).

    `unset` are channels with the setting that would name a host of theirs and does not.

    Raises:
        BadInput: [processing] or [retention] of imp.toml is not what it must be.
        LedgerBroken: purposes, notices or what people said cannot be read.
    """
    said, records = _said(workspace.config), workspace.config.get("records", {})
    house, notices = read_house(workspace.config), read_notices(reader)
    with progress("people") as shown:
        laws, minors, bases = read_laws(reader, house, now_us=now_us, k=workspace.k, count=shown.advance)
    declared = [purpose for _, purpose in sorted(read_purposes(reader).items())]
    others = {purpose.recipient.name for purpose in declared if purpose.recipient}
    purposes = tuple(_purpose(purpose, notices, bases, others) for purpose in declared)
    recipients = recipients_of(said.get("recipient", []), channels, unset, declared, notices)
    record = ProcessingRecord(
        schema=PROCESSING_SCHEMA,
        made=format_time(now_us),
        log=workspace.log_id,
        size=reader.size,
        controller=workspace.controller,
        address=records.get("address"),
        contact=records.get("contact"),
        dpo=said.get("dpo"),
        representative=said.get("representative"),
        joint=tuple(said.get("joint", ())),
        people=tuple(said.get("people", ())),
        regimes=house.regimes,
        jurisdiction=house.jurisdiction,
        laws=laws,
        minors=minors,
        purposes=purposes,
        recipients=recipients,
        transfers=tuple(one for one in recipients if one.country or one.safeguard),
        retention=kept_texts(kept(workspace.config)),
        security=(*_SECURITY, f"keys kept by: {workspace.key_provider}", *said.get("security", ())),
        missing=contradictions(workspace.config),
    )
    unknown = sorted(name for name, hosts in channels.items() if hosts is None)
    return _with_missing(record, unknown=unknown, unset=unset)


def _said(config: Mapping[str, Any]) -> Mapping[str, Any]:
    table = config.get(_TABLE, {})
    known = (*_TEXTS, *_LISTS, "recipient")
    if not isinstance(table, dict) or set(table) - set(known):
        raise BadInput(f"[{_TABLE}] holds what it does not know", where=_FILE, mend=f"it knows: {', '.join(known)}")
    for name in _TEXTS:
        _check_texts([table[name]] if name in table else [], f"[{_TABLE}] {name}")
    for name in _LISTS:
        _check_texts(table.get(name, []), f"[{_TABLE}] {name}")
    recipients = table.get("recipient", [])
    where = f"[[{_TABLE}.recipient]]"
    if not isinstance(recipients, list) or not all(isinstance(one, dict) for one in recipients):
        raise BadInput(f"{where} is not a list of tables", where=_FILE, mend=f"write each as lines below [[{where}]]")
    for one in recipients:
        if "name" not in one or set(one) - set(_RECIPIENT):
            raise BadInput(f"{where} needs a name", where=_FILE, mend=f"it knows: {', '.join(_RECIPIENT)}")
        _check_texts(list(one.values()), where)
    return table


def _check_texts(values: object, name: str) -> None:
    lines = isinstance(values, list) and all(
        isinstance(value, str) and value.strip() and value.isprintable() for value in values
    )
    if not lines:
        raise BadInput(
            f"{name} is not lines of text", where=_FILE, mend="write it in quotes, or as a list of texts in quotes"
        )


def _purpose(
    purpose: DeclaredPurpose,
    notices: Iterable[RegisteredNotice],
    bases: Mapping[str, tuple[str, ...]],
    others: Collection[str],
) -> RecordedPurpose:
    """`others` are recipients that purposes declare: a notice for several names those of each, and they get no more."""
    asking = [found.notice for found in notices if purpose.name in found.notice.purposes]
    data = purpose.data or tuple(sorted({kind for notice in asking for kind in notice.data}))
    named = {recipient for notice in asking for recipient in notice.recipients}.difference(others)
    named = {purpose.recipient.name} if purpose.recipient else named
    return RecordedPurpose(
        name=purpose.name,
        description=purpose.description,
        version=purpose.version,
        traits=purpose.traits,
        data=data,
        recipients=tuple(sorted(named)),
        bases=tuple(sorted({basis for above in (*lineage(purpose.name), "*") for basis in bases.get(above, ())})),
        notices=tuple(f"{notice.name} {notice.version} ({notice.language})" for notice in asking),
    )


def _with_missing(
    record: ProcessingRecord, *, unknown: Iterable[str], unset: Iterable[tuple[str, str]]
) -> ProcessingRecord:
    asked = (
        (record.address, 'the controller\'s address: [records] address = "…"'),
        (record.contact, 'how people reach the controller: [records] contact = "…"'),
        (record.dpo, 'the data protection officer, or that there need be none: [processing] dpo = "…"'),
        (record.people, 'whose data it is: [processing] people = ["customers"]'),
        (record.purposes, "any purpose: imp consent purpose add"),
        (record.retention, "how long data is kept: [retention]"),
    )
    missing = [text for value, text in asked if not value] + list(record.missing)
    missing += [
        f"by what safeguard data goes to {one.name}: [[processing.recipient]] safeguard"
        for one in record.transfers
        if not one.safeguard
    ]
    missing += [
        f"who runs {one.name} and in which country: [[processing.recipient]] host"
        for one in record.recipients
        if one.role == HOST
    ]
    missing += [f"which hosts the channel {name} may reach: imp plugin enable {name}" for name in unknown]
    missing += [f"which host the channel {name} reaches: [channels.{name}] {setting}" for name, setting in unset]
    return replace(record, missing=tuple(missing))
