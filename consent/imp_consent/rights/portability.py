"""What a person provided, in a form another controller's program can read: `imp-portability/1` (GDPR 20; PIPL 45(3)).

Provided are: what they said (consent, refusals, withdrawals, objections), what they declared about themselves, and what
was observed of their use (WP242 rev. 01, p. 10: visits, clicks, orders), as far as it was processed on their consent or
a contract with them. What was derived from it, decided about them or assigned to them is left out: access gives it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.log import Log
from imp_consent.plane.subject import own_rows
from imp_consent.policy.closes import closed_by
from imp_core.clock import format_time
from imp_core.event import EventType, RawId
from imp_core.workspace import Workspace

__all__ = ["SCHEMA", "Portable", "ProvidedEvent", "ProvidedTrait", "Said", "provided", "schema_document"]

SCHEMA: Final = "imp-portability/1"
_OWN_WORDS: Final = frozenset({"grant", "refuse", "withdraw", "object", "restrict", "limit-sensitive", "signal"})
_PROVIDED: Final = frozenset({"declared", "observed"})
_EVENTS: Final = frozenset({EventType.TOUCHPOINT, EventType.OUTCOME})
# Of an event: what the person did. Not: keys of ours, what was decided, tested, or paid for placing it.
_FIELDS: Final = (
    "name", "channel", "place", "interaction", "campaign", "content", "amount_micros", "currency", "quantity",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing the person said: its type, about which purpose, on which channel (None: all), since when and until.

    `closes` are the kinds of use that a no closes, by their traits; None: all of its purpose, or it is no such no.
    """

    type: str
    purpose: str
    channel: str | None
    at: str
    until: str | None
    notice: str | None
    closes: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedEvent:
    """One thing the person did: visit, click, order. Times are ISO 8601; amounts in millionths of the currency."""

    type: str
    at: str
    purpose: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedTrait:
    """One thing the person declared, or that was observed, about themselves."""

    key: str
    value: str
    provenance: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Portable:
    """What the person provided. `left_out` counts what is derived, or rests on another basis: access gives it."""

    schema: str
    controller: str
    made: str
    request: str | None
    known: bool
    said: tuple[Said, ...] = ()
    events: tuple[ProvidedEvent, ...] = ()
    traits: tuple[ProvidedTrait, ...] = ()
    left_out: int = 0


def provided(log: Log, workspace: Workspace, raw: RawId, *, request: str | None = None) -> Portable:
    """What the person behind an identifier provided, as of now; nothing is written.

    Raises:
        BadInput: the identifier is malformed.
        LedgerBroken: an entry, a row or a file was changed by other hands, or is missing.
    """
    with log.read() as reader:
        subject = reader.find_subject(raw)
        history = [] if subject is None else reader.history(subject)
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "controller": workspace.controller,
        "made": format_time(log.clock.now_us()),
        "request": request,
        "known": subject is not None,
    }
    if subject is None:
        return Portable(**head)
    rows = [row.fields for row in own_rows(log, workspace, subject)]
    agreed = _agreed(history)
    events = tuple(_event(row) for row in rows if row["type"] in _EVENTS and _rests_on(row, agreed))
    traits = tuple(_trait(row) for row in rows if _is_own_trait(row) and _rests_on(row, agreed))
    wrong = {entry.statement.corrects for entry in history}
    said = tuple(_said(e) for e in history if e.statement.type in _OWN_WORDS and e.seq not in wrong)
    return Portable(**head, said=said, events=events, traits=traits, left_out=len(rows) - len(events) - len(traits))


def schema_document() -> bytes:
    """The JSON Schema (draft 2020-12) of `imp-portability/1`."""
    return Path(__file__).with_name("portability.schema.json").read_bytes()


def _agreed(history: Sequence[PersonEntry]) -> frozenset[int]:
    """The entries that data may rest on to be portable: consent, or a contract (GDPR 20(1)(a))."""
    return frozenset(
        entry.seq
        for entry in history
        if entry.statement.type == "grant" or (entry.statement.type == "basis" and entry.statement.basis == "contract")
    )


def _rests_on(row: Mapping[str, Any], agreed: frozenset[int]) -> bool:
    return row.get("basis_seq") in agreed


def _is_own_trait(row: Mapping[str, Any]) -> bool:
    return row["type"] == EventType.TRAIT and row.get("provenance") in _PROVIDED


def _event(row: Mapping[str, Any]) -> ProvidedEvent:
    return ProvidedEvent(
        type=str(row["type"]),
        at=format_time(row["event_us"]),
        purpose=str(row.get("purpose")),
        fields={name: row[name] for name in _FIELDS if name in row},
    )


def _trait(row: Mapping[str, Any]) -> ProvidedTrait:
    return ProvidedTrait(
        key=str(row.get("trait_key")),
        value=str(row.get("trait_value")),
        provenance=str(row["provenance"]),
        at=format_time(row["event_us"]),
    )


def _said(entry: PersonEntry) -> Said:
    said = entry.statement
    return Said(
        type=said.type,
        purpose=said.purpose,
        channel=said.channel or None,
        at=format_time(said.at_us),
        until=None if said.until_us is None else format_time(said.until_us),
        notice=said.notice,
        closes=closed_by(said),
    )
