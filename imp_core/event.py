"""What channels hand in, before the gate (`RawEvent`), and the identifier they know a person by (`RawId`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from imp_core.errors import BadInput

__all__ = ["EventType", "RawEvent", "RawId", "RowFault", "Signal", "SignalKind"]


@dataclass(frozen=True, slots=True, repr=False)
class RawId:
    """An identifier as the channel knows it, such as `email:ann@example.com`; it never shows its value.

    It lives from the call that brings it in to the keyed hash and is never stored, logged or formatted.
    """

    kind: str
    value: str

    @classmethod
    def parse(cls, text: str) -> RawId:
        """Read `kind:value`.

        Raises:
            BadInput: no colon, an empty kind or an empty value. The text itself is not repeated.
        """
        kind, colon, value = text.partition(":")
        kind = kind.strip().lower()
        if not colon or not kind or not value.strip():
            raise BadInput("not an identifier", mend="write it as kind:value, like member:123 or email:ann@example.com")
        return cls(kind, value)

    def __repr__(self) -> str:
        return f"RawId({self.kind}:***)"

    def __str__(self) -> str:
        return f"{self.kind}:***"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


class EventType(StrEnum):
    """What kind of fact a row of the archive is."""

    TOUCHPOINT = "touchpoint"
    EXPOSURE = "exposure"
    OUTCOME = "outcome"
    TRAIT = "trait"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEvent:
    """One event before the gate. Times are UTC microseconds, amounts integer micros; unused fields are None.

    `message_id` is the channel's own id of the event (hashed with a key before it is stored), `row` the place in
    the source that errors name, `ref` an order id (hashed with a key), `unit` a raw unit id when `unit_kind` is
    not "subject".
    """

    type: EventType
    identifier: RawId | None
    event_us: int
    purpose: str
    message_id: str = field(repr=False)
    row: int = 0
    channel: str | None = None
    campaign: str | None = None
    content: str | None = None
    placement: str | None = None
    partner: str | None = None
    place: str | None = None
    name: str | None = None
    interaction: str | None = None
    stage: str | None = None
    session: str | None = field(default=None, repr=False)
    experiment: str | None = None
    phase: int | None = None
    variant: str | None = None
    unit_kind: str | None = None
    unit: str | None = field(default=None, repr=False)
    stratum: str | None = None
    cluster: str | None = None
    ref: str | None = field(default=None, repr=False)
    amount_micros: int | None = None
    currency: str | None = None
    quantity: int | None = None
    trait_key: str | None = None
    trait_value: str | None = field(default=None, repr=False)
    provenance: str | None = None
    props: Mapping[str, str | int | bool] | None = field(default=None, repr=False)


class SignalKind(StrEnum):
    """What a person or their software said that can only reduce permission."""

    UNSUBSCRIBE = "unsubscribe"
    COMPLAINT = "complaint"
    STOP = "stop"
    BOUNCE = "bounce"
    GPC = "gpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """An inbound signal: it may reduce permission, never grant it."""

    kind: SignalKind
    identifier: RawId
    event_us: int
    channel: str
    purpose: str | None = None
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFault:
    """A row that cannot be taken: its number, the field and the problem, never its values."""

    row: int
    field: str
    problem: str
