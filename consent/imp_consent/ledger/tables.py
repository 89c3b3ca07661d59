"""The ledger database's tables: fixed-width integers everywhere, and a MAC on every row that may change.

`entry`, `payload`, `checkpoint`, `notice` and `policy` are bound by the Merkle tree or by their own hashes; every
other table is *sealed*: its last column `mac` authenticates the row, and `log_state.sums` the set of rows.
"""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from imp_consent.ledger.columns import BY_KEY, binary, integer, words
from imp_consent.ledger.layout import SYSTEM_LEAF
from imp_consent.ledger.plane_tables import (
    BatchRow,
    DedupeRow,
    DeliveryRow,
    EnrolmentCountRow,
    ErasureRow,
    InboxRow,
    LeaseRow,
    OutboxRow,
    SpendRow,
)

__all__ = [
    "BatchRow",
    "CheckpointRow",
    "ConsentStateRow",
    "DedupeRow",
    "DeliveryRow",
    "EnrolmentCountRow",
    "EntryRow",
    "ErasureRow",
    "IdentifierRow",
    "InboxRow",
    "LeaseRow",
    "LogStateRow",
    "NodeRow",
    "NoticeRow",
    "OutboxRow",
    "PayloadRow",
    "PolicyRow",
    "SpendRow",
    "SubjectKeyRow",
    "SuppressionRow",
]


class EntryRow(SQLModel, table=True):
    """One leaf of the log: its canonical bytes and RFC 6962 leaf hash (32 bytes)."""

    __tablename__ = "entry"
    # System entries, without walking everybody's.
    __table_args__ = (Index("ix_entry_system", "seq", sqlite_where=text(SYSTEM_LEAF)),)
    seq: int = Field(sa_column=integer(primary=True))
    leaf: bytes = Field(sa_column=binary())
    leaf_hash: bytes = Field(sa_column=binary())


class PayloadRow(SQLModel, table=True):
    """What a person's entry says, AES-256-GCM under the subject's key, the leaf as associated data."""

    __tablename__ = "payload"
    seq: int = Field(sa_column=integer(primary=True))
    subject: int = Field(sa_column=integer(index=True))
    nonce: bytes = Field(sa_column=binary())
    ciphertext: bytes = Field(sa_column=binary())


class NodeRow(SQLModel, table=True):
    """The root of leaves [number·2^level, (number + 1)·2^level), kept at every eighth level from 8 on, for proofs.

    It follows from the leaves: an audit computes it anew.
    """

    __tablename__ = "node"
    __table_args__ = (BY_KEY,)
    level: int = Field(sa_column=integer(primary=True))
    number: int = Field(sa_column=integer(primary=True))
    hash: bytes = Field(sa_column=binary())


class LogStateRow(SQLModel, table=True):
    """The log's head, one row: size, frontier (32 bytes a hash), and the sealed tables' sums (JSON, hex).

    `keys` are the ids of the keys in use by purpose (JSON); null in a ledger that was not written to since m003.
    """

    __tablename__ = "log_state"
    id: int = Field(sa_column=integer(primary=True))
    size: int = Field(sa_column=integer())
    frontier: bytes = Field(sa_column=binary())
    log_id: str = Field(sa_column=words())
    sums: str = Field(sa_column=words())
    mac: bytes = Field(sa_column=binary())
    keys: str | None = Field(sa_column=words(nullable=True))


class CheckpointRow(SQLModel, table=True):
    """A signed checkpoint, as written outside the database too."""

    __tablename__ = "checkpoint"
    size: int = Field(sa_column=integer(primary=True))
    root: bytes = Field(sa_column=binary())
    note: str = Field(sa_column=words())


class NoticeRow(SQLModel, table=True):
    """A notice's exact text by the SHA-256 of its bytes; a `notice` entry names it."""

    __tablename__ = "notice"
    sha256: str = Field(sa_column=words(primary=True))
    body: bytes = Field(sa_column=binary())


class PolicyRow(SQLModel, table=True):
    """A configuration's exact bytes by their SHA-256; `policy`, `experiment` and other entries name it."""

    __tablename__ = "policy"
    sha256: str = Field(sa_column=words(primary=True))
    body: bytes = Field(sa_column=binary())


class IdentifierRow(SQLModel, table=True):
    """Pseudonym → subject, the subject AES-SIV encrypted; `loose` finds opt-outs of variants of one address."""

    __tablename__ = "identifier"
    __table_args__ = (BY_KEY,)
    kind: str = Field(sa_column=words(primary=True))
    epoch: int = Field(sa_column=integer(primary=True))
    pseudonym: bytes = Field(sa_column=binary(primary=True))
    subject: bytes = Field(sa_column=binary(index=True))
    loose: bytes = Field(sa_column=binary(index=True))
    pepper_id: str = Field(sa_column=words())
    kek_id: str = Field(sa_column=words())
    supp_id: str = Field(sa_column=words())
    mac: bytes = Field(sa_column=binary())


class SubjectKeyRow(SQLModel, table=True):
    """A subject's key, wrapped under the key-encryption key, and its next link counter."""

    __tablename__ = "subject_key"
    subject: int = Field(sa_column=integer(primary=True))
    wrapped: bytes = Field(sa_column=binary())
    kek_id: str = Field(sa_column=words())
    next_i: int = Field(sa_column=integer())
    mac: bytes = Field(sa_column=binary())


class SuppressionRow(SQLModel, table=True):
    """The loose token of an erased person, so that a re-import stays denied."""

    __tablename__ = "suppression"
    __table_args__ = (BY_KEY,)
    token: bytes = Field(sa_column=binary(primary=True))
    mac: bytes = Field(sa_column=binary())


class ConsentStateRow(SQLModel, table=True):
    """A rectangle of permission: event time [from_us, to_us) × knowledge [from_seq, to_seq), disjoint per scope.

    `channel` is "" for every channel; `entries` are the deciding seqs as a JSON list.
    """

    __tablename__ = "consent_state"
    __table_args__ = (Index("ix_consent_state_purpose", "purpose", "channel"), BY_KEY)
    subject: int = Field(sa_column=integer(primary=True))
    purpose: str = Field(sa_column=words(primary=True))
    channel: str = Field(sa_column=words(primary=True))
    from_us: int = Field(sa_column=integer(primary=True))
    from_seq: int = Field(sa_column=integer(primary=True))
    to_us: int = Field(sa_column=integer())
    to_seq: int = Field(sa_column=integer())
    permit: int = Field(sa_column=integer())
    reason: str = Field(sa_column=words())
    entries: str = Field(sa_column=words())
    mac: bytes = Field(sa_column=binary())
