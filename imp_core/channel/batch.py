"""What core hands a channel: rows of people by pseudonyms that are the channel's own, never by address.

`handle` names a person to this channel and to no other: HMAC(k_channel, subject), hex. `key` is the row's idempotency
key, stable over retries; answers name rows by it. Rows come in an order that says nothing about people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = [
    "Batch",
    "Content",
    "Conversion",
    "ConversionBatch",
    "Exposure",
    "ExposureBatch",
    "PeopleBatch",
    "PersonRow",
    "Recipient",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One person in a batch."""

    handle: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient(PersonRow):
    """One person to deliver to: which of the batch's contents, with which fields put in.

    `unsubscribe` is a sealed token that withdraws the batch's purpose on this channel (`imp consent unsubscribe`).
    """

    content: str
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    unsubscribe: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A message before a person's fields are put in: its parts by the names of `ChannelInfo.content_formats`."""

    name: str
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """People to deliver to, at most 500. `contents` by name; `expires_us` is when its permission ends to be fresh."""

    id: str
    campaign: str
    step: str
    purpose: str
    contents: Mapping[str, Content]
    rows: Sequence[Recipient]
    expires_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleBatch:
    """People to add, to remove, to forget, or whose permission ended; `audience` names the list, where there is one."""

    id: str
    rows: Sequence[PersonRow]
    purpose: str | None = None
    audience: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion(PersonRow):
    """Something a person did that the partner may be told. Times are UTC microseconds, amounts integer micros."""

    name: str
    event_us: int
    amount_micros: int | None = None
    currency: str | None = None
    quantity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionBatch:
    """Conversions of people who permitted `purpose`."""

    id: str
    purpose: str
    rows: Sequence[Conversion]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Who met which variant, by a pseudonym of this experiment and channel alone."""

    pseudonym: str
    experiment: str
    phase: int
    variant: str
    event_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureBatch:
    """Exposures, for plugins whose manifest was granted them (`exposures = true`)."""

    id: str
    rows: Sequence[Exposure]
