"""What channels hand in, before the gate (`RawEvent`), and the identifier they know a person by (`RawId`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NoReturn, final

from imp_core.errors import BadInput

__all__ = ["IDENTIFIER_KINDS", "EventType", "RawEvent", "RawId", "RowFault", "Signal", "SignalKind"]

# What a person can be known by. Consent has a spelling rule for each of them, and for no other.
IDENTIFIER_KINDS: Final = ("email", "phone", "member", "device", "idfa", "imei")
_KIND_LENGTH = 16


@final
class RawId:
    """An identifier as the channel knows it, such as `email:ann@example.com`; it never shows its value.

    It lives from the call that brings it in to the keyed hash and is never stored, logged or formatted. Not a
    dataclass: `dataclasses.asdict` of a result that holds one would spell it out. It cannot be pickled.
    """

    __slots__ = ("kind", "value")
    kind: str
    value: str

    def __init__(self, kind: str, value: str) -> None:
        _set(self, "kind", kind)
        _set(self, "value", value)

    @classmethod
    def parse(cls, text: str) -> RawId:
        """Read `kind:value`.

        Raises:
            BadInput: no colon, an empty kind or an empty value. The text itself is not repeated.
        """
        kind, colon, value = text.partition(":")
        kind = kind.strip().lower()
        if not colon or not kind or not value.strip():
            raise BadInput(
                "not an identifier",
                where="identifier",
                mend="write it as kind:value, like member:123 or email:ann@example.com",
            )
        return cls(kind, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a RawId does not change: {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a RawId does not change: {name}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RawId):
            return NotImplemented
        return self.value == other.value and self.kind == other.kind

    def __hash__(self) -> int:
        return hash((self.kind, self.value))

    def __copy__(self) -> RawId:
        return self

    def __deepcopy__(self, memo: object) -> RawId:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a RawId is not written anywhere, so it cannot be pickled")

    def __repr__(self) -> str:
        return f"RawId({_shown(self.kind)}:***)"

    def __str__(self) -> str:
        return f"{_shown(self.kind)}:***"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


_set = object.__setattr__


def _shown(kind: str) -> str:
    # Somebody may write `ann@example.com:` or a whole list: what is not a plain word is not shown either.
    return kind if kind.isidentifier() and len(kind) <= _KIND_LENGTH else "***"


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
    cluster: str | None = field(default=None, repr=False)
    ref: str | None = field(default=None, repr=False)
    amount_micros: int | None = None
    currency: str | None = None
    quantity: int | None = None
    trait_key: str | None = None
    trait_value: str | None = field(default=None, repr=False)
    provenance: str | None = None
    props: Mapping[str, str | int | bool] | None = field(default=None, repr=False)


class SignalKind(StrEnum):
    """What a person or their software said that can only reduce permission.

    The last four are read by consent from the signal's `raw`: a reply's text, the value of `Sec-GPC`, a TC string, a
    GPP string.
    """

    UNSUBSCRIBE = "unsubscribe"
    COMPLAINT = "complaint"
    STOP = "stop"
    BOUNCE = "bounce"
    REPLY = "reply"
    GPC = "gpc"
    TCF = "tcf"
    GPP = "gpp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """An inbound signal: it may reduce permission, never grant it.

    `raw` is what was said, where consent is to read it: the whole text of a reply, the value of `Sec-GPC` (None is
    "1"), a TC or GPP string.
    """

    kind: SignalKind
    identifier: RawId
    event_us: int
    channel: str
    purpose: str | None = None
    row: int = 0
    raw: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFault:
    """A row that cannot be taken: its number, the field and the problem, never its values."""

    row: int
    field: str
    problem: str
