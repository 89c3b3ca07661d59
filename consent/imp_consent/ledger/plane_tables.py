"""The data plane's tables in the ledger's database: files, events taken, what is owed to channels, messages, spend."""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from imp_consent.ledger.columns import BY_KEY, binary, integer, words
from imp_consent.ledger.layout import OPEN_DELIVERY

__all__ = [
    "BatchRow",
    "DedupeRow",
    "DeliveryRow",
    "EnrolmentCountRow",
    "ErasureRow",
    "InboxRow",
    "LeaseRow",
    "OutboxRow",
    "SpendRow",
]


class BatchRow(SQLModel, table=True):
    """A registered archive file; days are UTC days since 1970, `state` is live or dead."""

    __tablename__ = "batch"
    batch: int = Field(sa_column=integer(primary=True))
    path: str = Field(sa_column=words())
    sha256: str = Field(sa_column=words(index=True))
    source_sha256: str = Field(sa_column=words(index=True))
    format: int = Field(sa_column=integer())
    version: int = Field(sa_column=integer())
    n: int = Field(sa_column=integer())
    root: bytes | None = Field(sa_column=binary(nullable=True))
    first_day: int = Field(sa_column=integer())
    last_day: int = Field(sa_column=integer())
    collect_seq: int = Field(sa_column=integer())
    state: str = Field(sa_column=words())
    mac: bytes = Field(sa_column=binary())


class DedupeRow(SQLModel, table=True):
    """An event already taken: its keyed id (16 bytes)."""

    __tablename__ = "dedupe"
    __table_args__ = (BY_KEY,)
    event_id: bytes = Field(sa_column=binary(primary=True))
    batch: int = Field(sa_column=integer())
    mac: bytes = Field(sa_column=binary())


class InboxRow(SQLModel, table=True):
    """A gated event that was acknowledged and waits to be compacted into a batch; no raw identifier.

    `body` is its row of the archive: encrypted under the subject's key, plain where it has no subject (null).
    """

    __tablename__ = "inbox"
    __table_args__ = (BY_KEY,)
    event_id: bytes = Field(sa_column=binary(primary=True))
    channel: str = Field(sa_column=words())
    subject: int | None = Field(sa_column=integer(index=True, nullable=True))
    accepted_us: int = Field(sa_column=integer())
    body: bytes = Field(sa_column=binary())
    mac: bytes = Field(sa_column=binary())


class OutboxRow(SQLModel, table=True):
    """What a channel still has to be told: its own pseudonym of the person, and by when."""

    __tablename__ = "outbox"
    # whether a word is left already is looked up for every no, under the write lock, and each answer by its row
    __table_args__ = (Index("ix_outbox_word", "what", "channel", "pseudonym"),)
    id: int = Field(sa_column=integer(primary=True))
    channel: str = Field(sa_column=words())
    pseudonym: bytes = Field(sa_column=binary())
    what: str = Field(sa_column=words())
    due_us: int = Field(sa_column=integer())
    state: str = Field(sa_column=words())
    mac: bytes = Field(sa_column=binary())


class DeliveryRow(SQLModel, table=True):
    """What became of one message: its idempotency key (16 bytes, no subject) and the `send-intent` that named it.

    `status` is intended until the chunk is closed, then one of `imp_core.channel.DeliveryStatus`; `code` is the peer's.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_intent", "intent"),
        Index("ix_delivery_open", "intent", sqlite_where=text(OPEN_DELIVERY)),
        BY_KEY,
    )
    key: bytes = Field(sa_column=binary(primary=True))
    intent: int = Field(sa_column=integer(primary=True))
    status: str = Field(sa_column=words())
    code: str | None = Field(sa_column=words(nullable=True))
    mac: bytes = Field(sa_column=binary())


class LeaseRow(SQLModel, table=True):
    """A reader at work: which use it opened, which files it reads (JSON list of batches), until when."""

    __tablename__ = "lease"
    id: int = Field(sa_column=integer(primary=True))
    use_seq: int = Field(sa_column=integer())
    batches: str = Field(sa_column=words())
    expires_us: int = Field(sa_column=integer())
    mac: bytes = Field(sa_column=binary())


class ErasureRow(SQLModel, table=True):
    """An erasure under way: the step reached, so that a crash goes on where it stopped."""

    __tablename__ = "erasure"
    subject: int = Field(sa_column=integer(primary=True))
    step: int = Field(sa_column=integer())
    requested_seq: int = Field(sa_column=integer())
    requested_us: int = Field(sa_column=integer())
    mac: bytes = Field(sa_column=binary())


class EnrolmentCountRow(SQLModel, table=True):
    """Exposures by variant, UTC day and reason; never decreased, nobody's data."""

    __tablename__ = "enrolment_count"
    __table_args__ = (BY_KEY,)
    experiment: str = Field(sa_column=words(primary=True))
    phase: int = Field(sa_column=integer(primary=True))
    variant: str = Field(sa_column=words(primary=True))
    day: int = Field(sa_column=integer(primary=True))
    reason: str = Field(sa_column=words(primary=True))
    n: int = Field(sa_column=integer())
    mac: bytes = Field(sa_column=binary())


class SpendRow(SQLModel, table=True):
    """A day of spend as reported; the latest revision wins. No subject."""

    __tablename__ = "spend"
    __table_args__ = (BY_KEY,)
    day: int = Field(sa_column=integer(primary=True))
    tz: str = Field(sa_column=words(primary=True))
    channel: str = Field(sa_column=words(primary=True))
    campaign: str = Field(sa_column=words(primary=True))
    content: str = Field(sa_column=words(primary=True))
    revision: int = Field(sa_column=integer(primary=True))
    impressions: int | None = Field(sa_column=integer(nullable=True))
    clicks: int | None = Field(sa_column=integer(nullable=True))
    cost_micros: int = Field(sa_column=integer())
    currency: str = Field(sa_column=words())
    reported_us: int = Field(sa_column=integer())
    mac: bytes = Field(sa_column=binary())
