"""From events that passed the gate to the archive's columns: raw ids and message ids end here as keyed hashes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from imp_consent.identity.pseudonym import reference_key
from imp_consent.plane.intake.keyed import cluster_key, session_key, unit_key
from imp_consent.plane.intake.terms import SUBJECT_UNIT, Terms
from imp_core.event import EventType, RawEvent

__all__ = ["Stamp", "columns_of", "hashed_unit", "phase_of"]

_FIRST_PHASE = 1
# Taken over as they are.
_SAME = (
    "type", "event_us", "purpose", "campaign", "content", "placement", "partner", "place", "name", "interaction",
    "stage", "experiment", "variant", "stratum", "amount_micros", "currency", "quantity", "trait_key",
    "trait_value", "provenance",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What every row of one intake gets: when it was received, and the ledger's size then."""

    terms: Terms
    received_us: int
    intake_seq: int
    event_secret: bytes = field(repr=False)


def columns_of(
    events: Sequence[RawEvent],
    event_ids: Sequence[bytes],
    subjects: Sequence[int | None],
    basis: Sequence[int | None],
    stamp: Stamp,
) -> dict[str, Sequence[Any]]:
    """The columns of admitted events, row by row."""
    n = len(events)
    secret, channel = stamp.event_secret, stamp.terms.channel
    columns: dict[str, Sequence[Any]] = {name: [getattr(event, name) for event in events] for name in _SAME}
    columns["event_id"] = [event_id.hex() for event_id in event_ids]
    columns["subject"] = subjects
    columns["received_us"] = [stamp.received_us] * n
    columns["intake_seq"] = [stamp.intake_seq] * n
    columns["basis_seq"] = basis
    columns["channel"] = [event.channel or channel for event in events]
    columns["session"] = [
        None if event.session is None else session_key(secret, event.channel or channel, event.session).hex()
        for event in events
    ]
    columns["ref"] = [None if event.ref is None else reference_key(secret, event.ref).hex() for event in events]
    columns["phase"] = [phase_of(event) if event.type is EventType.EXPOSURE else event.phase for event in events]
    columns["unit_kind"] = [_unit_kind(event) for event in events]
    columns["unit"] = [hashed_unit(secret, event) for event in events]
    columns["cluster"] = [
        None if event.cluster is None else cluster_key(secret, event.cluster).hex() for event in events
    ]
    columns["props"] = [_props(event.props, stamp.terms.props) for event in events]
    return columns


def phase_of(exposure: RawEvent) -> int:
    """The phase of an exposure: the first where none is named."""
    return _FIRST_PHASE if exposure.phase is None else exposure.phase


def hashed_unit(event_secret: bytes, event: RawEvent) -> str | None:
    """The unit of an event as it is stored: keyed; None where the subject is the unit."""
    kind = event.unit_kind or SUBJECT_UNIT
    if kind == SUBJECT_UNIT or event.unit is None:
        return None
    return unit_key(event_secret, kind, event.unit).hex()


def _unit_kind(event: RawEvent) -> str | None:
    if event.unit_kind is None and event.type is EventType.EXPOSURE:
        return SUBJECT_UNIT
    return event.unit_kind


def _props(props: Mapping[str, str | int | bool] | None, allowed: frozenset[str]) -> str | None:
    kept = {key: value for key, value in props.items() if key in allowed} if props and allowed else None
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if kept else None
