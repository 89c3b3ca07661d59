"""The ledger database's tables: fixed-width integers everywhere, and a MAC on every row that may change.

`entry`, `payload`, `checkpoint`, `notice` and `policy` are bound by the Merkle tree or by their own hashes; every
other table is *sealed*: its last column `mac` authenticates the row, and `log_state.sums` the set of rows.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text, text
from sqlalchemy.dialects import sqlite
from sqlmodel import Field, SQLModel

__all__ = [
    "APPEND_ONLY",
    "FOREVER_SEQ",
    "FOREVER_US",
    "SEALED",
    "SUMMED",
    "SYSTEM_LEAF",
    "BatchRow",
    "CheckpointRow",
    "ConsentStateRow",
    "DedupeRow",
    "EnrolmentCountRow",
    "EntryRow",
    "ErasureRow",
    "IdentifierRow",
    "InboxRow",
    "LeaseRow",
    "LogStateRow",
    "NoticeRow",
    "OutboxRow",
    "PayloadRow",
    "PolicyRow",
    "SpendRow",
    "SubjectKeyRow",
    "SuppressionRow",
]

FOREVER_US: Final = 2**62  # the open end of event time, in microseconds; its negative is the beginning
FOREVER_SEQ: Final = 2**62  # the open end of knowledge, in ledger sizes


# On SQLite, rows live in their primary key's tree: one tree to write instead of two.
_BY_KEY: Final = {"sqlite_with_rowid": False}


# What a system entry's canonical leaf begins with ({"actor":), as the words of the index ix_entry_system.
SYSTEM_LEAF: Final = "substr(leaf, 1, 9) = x'7b226163746f72223a'"


def _integer(*, primary: bool = False, index: bool = False, nullable: bool = False) -> Column[int]:
    # autoincrement would leave gaps after a rollback; numbers are assigned by us
    # (on SQLite, INTEGER PRIMARY KEY is the row's own number: half the writes of a separate index)
    wide = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
    return Column(wide, primary_key=primary, autoincrement=False, index=index, nullable=nullable)


def _bytes(*, primary: bool = False, index: bool = False, nullable: bool = False) -> Column[bytes]:
    return Column(LargeBinary, primary_key=primary, index=index, nullable=nullable)


def _text(*, primary: bool = False, index: bool = False, nullable: bool = False) -> Column[str]:
    return Column(Text, primary_key=primary, index=index, nullable=nullable)


class EntryRow(SQLModel, table=True):
    """One leaf of the log: its canonical bytes and RFC 6962 leaf hash (32 bytes)."""

    __tablename__ = "entry"
    # System entries, without walking everybody's.
    __table_args__ = (Index("ix_entry_system", "seq", sqlite_where=text(SYSTEM_LEAF)),)
    seq: int = Field(sa_column=_integer(primary=True))
    leaf: bytes = Field(sa_column=_bytes())
    leaf_hash: bytes = Field(sa_column=_bytes())


class PayloadRow(SQLModel, table=True):
    """What a person's entry says, AES-256-GCM under the subject's key, the leaf as associated data."""

    __tablename__ = "payload"
    seq: int = Field(sa_column=_integer(primary=True))
    subject: int = Field(sa_column=_integer(index=True))
    nonce: bytes = Field(sa_column=_bytes())
    ciphertext: bytes = Field(sa_column=_bytes())


class LogStateRow(SQLModel, table=True):
    """The log's head, one row: size, frontier (32 bytes a hash), and the sealed tables' sums (JSON, hex)."""

    __tablename__ = "log_state"
    id: int = Field(sa_column=_integer(primary=True))
    size: int = Field(sa_column=_integer())
    frontier: bytes = Field(sa_column=_bytes())
    log_id: str = Field(sa_column=_text())
    sums: str = Field(sa_column=_text())
    mac: bytes = Field(sa_column=_bytes())


class CheckpointRow(SQLModel, table=True):
    """A signed checkpoint, as written outside the database too."""

    __tablename__ = "checkpoint"
    size: int = Field(sa_column=_integer(primary=True))
    root: bytes = Field(sa_column=_bytes())
    note: str = Field(sa_column=_text())


class NoticeRow(SQLModel, table=True):
    """A notice's exact text by the SHA-256 of its bytes; a `notice` entry names it."""

    __tablename__ = "notice"
    sha256: str = Field(sa_column=_text(primary=True))
    body: bytes = Field(sa_column=_bytes())


class PolicyRow(SQLModel, table=True):
    """A configuration's exact bytes by their SHA-256; `policy`, `experiment` and other entries name it."""

    __tablename__ = "policy"
    sha256: str = Field(sa_column=_text(primary=True))
    body: bytes = Field(sa_column=_bytes())


class IdentifierRow(SQLModel, table=True):
    """Pseudonym → subject, the subject AES-SIV encrypted; `loose` finds opt-outs of variants of one address."""

    __tablename__ = "identifier"
    __table_args__ = (_BY_KEY,)
    kind: str = Field(sa_column=_text(primary=True))
    epoch: int = Field(sa_column=_integer(primary=True))
    pseudonym: bytes = Field(sa_column=_bytes(primary=True))
    subject: bytes = Field(sa_column=_bytes(index=True))
    loose: bytes = Field(sa_column=_bytes(index=True))
    pepper_id: str = Field(sa_column=_text())
    kek_id: str = Field(sa_column=_text())
    supp_id: str = Field(sa_column=_text())
    mac: bytes = Field(sa_column=_bytes())


class SubjectKeyRow(SQLModel, table=True):
    """A subject's key, wrapped under the key-encryption key, and its next link counter."""

    __tablename__ = "subject_key"
    subject: int = Field(sa_column=_integer(primary=True))
    wrapped: bytes = Field(sa_column=_bytes())
    kek_id: str = Field(sa_column=_text())
    next_i: int = Field(sa_column=_integer())
    mac: bytes = Field(sa_column=_bytes())


class SuppressionRow(SQLModel, table=True):
    """The loose token of an erased person, so that a re-import stays denied."""

    __tablename__ = "suppression"
    __table_args__ = (_BY_KEY,)
    token: bytes = Field(sa_column=_bytes(primary=True))
    mac: bytes = Field(sa_column=_bytes())


class ConsentStateRow(SQLModel, table=True):
    """A rectangle of permission: event time [from_us, to_us) × knowledge [from_seq, to_seq), disjoint per scope.

    `channel` is "" for every channel; `entries` are the deciding seqs as a JSON list.
    """

    __tablename__ = "consent_state"
    __table_args__ = (Index("ix_consent_state_purpose", "purpose", "channel"), _BY_KEY)
    subject: int = Field(sa_column=_integer(primary=True))
    purpose: str = Field(sa_column=_text(primary=True))
    channel: str = Field(sa_column=_text(primary=True))
    from_us: int = Field(sa_column=_integer(primary=True))
    from_seq: int = Field(sa_column=_integer(primary=True))
    to_us: int = Field(sa_column=_integer())
    to_seq: int = Field(sa_column=_integer())
    permit: int = Field(sa_column=_integer())
    reason: str = Field(sa_column=_text())
    entries: str = Field(sa_column=_text())
    mac: bytes = Field(sa_column=_bytes())


class BatchRow(SQLModel, table=True):
    """A registered archive file; days are UTC days since 1970, `state` is live or dead."""

    __tablename__ = "batch"
    batch: int = Field(sa_column=_integer(primary=True))
    path: str = Field(sa_column=_text())
    sha256: str = Field(sa_column=_text(index=True))
    source_sha256: str = Field(sa_column=_text(index=True))
    format: int = Field(sa_column=_integer())
    version: int = Field(sa_column=_integer())
    n: int = Field(sa_column=_integer())
    root: bytes | None = Field(sa_column=_bytes(nullable=True))
    first_day: int = Field(sa_column=_integer())
    last_day: int = Field(sa_column=_integer())
    collect_seq: int = Field(sa_column=_integer())
    state: str = Field(sa_column=_text())
    mac: bytes = Field(sa_column=_bytes())


class DedupeRow(SQLModel, table=True):
    """An event already taken: its keyed id (16 bytes)."""

    __tablename__ = "dedupe"
    __table_args__ = (_BY_KEY,)
    event_id: bytes = Field(sa_column=_bytes(primary=True))
    batch: int = Field(sa_column=_integer())
    mac: bytes = Field(sa_column=_bytes())


class InboxRow(SQLModel, table=True):
    """A gated event waiting to be compacted into a batch; no raw identifier."""

    __tablename__ = "inbox"
    event_id: bytes = Field(sa_column=_bytes(primary=True))
    subject: int = Field(sa_column=_integer(index=True))
    received_us: int = Field(sa_column=_integer())
    body: bytes = Field(sa_column=_bytes())
    mac: bytes = Field(sa_column=_bytes())


class OutboxRow(SQLModel, table=True):
    """What a channel still has to be told: its own pseudonym of the person, and by when."""

    __tablename__ = "outbox"
    id: int = Field(sa_column=_integer(primary=True))
    channel: str = Field(sa_column=_text())
    pseudonym: bytes = Field(sa_column=_bytes())
    what: str = Field(sa_column=_text())
    due_us: int = Field(sa_column=_integer())
    state: str = Field(sa_column=_text())
    mac: bytes = Field(sa_column=_bytes())


class LeaseRow(SQLModel, table=True):
    """A reader at work: which use it opened, which files it reads (JSON list of batches), until when."""

    __tablename__ = "lease"
    id: int = Field(sa_column=_integer(primary=True))
    use_seq: int = Field(sa_column=_integer())
    batches: str = Field(sa_column=_text())
    expires_us: int = Field(sa_column=_integer())
    mac: bytes = Field(sa_column=_bytes())


class ErasureRow(SQLModel, table=True):
    """An erasure under way: the step reached, so that a crash goes on where it stopped."""

    __tablename__ = "erasure"
    subject: int = Field(sa_column=_integer(primary=True))
    step: int = Field(sa_column=_integer())
    requested_seq: int = Field(sa_column=_integer())
    requested_us: int = Field(sa_column=_integer())
    mac: bytes = Field(sa_column=_bytes())


class EnrolmentCountRow(SQLModel, table=True):
    """Exposures by variant, UTC day and reason; never decreased, nobody's data."""

    __tablename__ = "enrolment_count"
    __table_args__ = (_BY_KEY,)
    experiment: str = Field(sa_column=_text(primary=True))
    phase: int = Field(sa_column=_integer(primary=True))
    variant: str = Field(sa_column=_text(primary=True))
    day: int = Field(sa_column=_integer(primary=True))
    reason: str = Field(sa_column=_text(primary=True))
    n: int = Field(sa_column=_integer())
    mac: bytes = Field(sa_column=_bytes())


class SpendRow(SQLModel, table=True):
    """A day of spend as reported; the latest revision wins. No subject."""

    __tablename__ = "spend"
    __table_args__ = (_BY_KEY,)
    day: int = Field(sa_column=_integer(primary=True))
    tz: str = Field(sa_column=_text(primary=True))
    channel: str = Field(sa_column=_text(primary=True))
    campaign: str = Field(sa_column=_text(primary=True))
    content: str = Field(sa_column=_text(primary=True))
    revision: int = Field(sa_column=_integer(primary=True))
    impressions: int | None = Field(sa_column=_integer(nullable=True))
    clicks: int | None = Field(sa_column=_integer(nullable=True))
    cost_micros: int = Field(sa_column=_integer())
    currency: str = Field(sa_column=_text())
    reported_us: int = Field(sa_column=_integer())
    mac: bytes = Field(sa_column=_bytes())


APPEND_ONLY: Final = ("entry", "checkpoint", "notice", "policy")
SEALED: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(column.name for column in table.columns if column.name != "mac")
    for name, table in SQLModel.metadata.tables.items()
    if "mac" in table.columns and name != "log_state"
}
# Tables whose set of rows `log_state.sums` authenticates: a checkpoint proves itself, but not that none was taken away.
SUMMED: Final = (*SEALED, "checkpoint")
