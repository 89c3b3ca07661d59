"""The first schema: every table of the ledger and of the data plane, and triggers that keep the log append-only."""

import sqlalchemy as sa
from alembic import op

revision = "m001"
down_revision = None

_APPEND_ONLY = ("entry", "checkpoint", "notice", "policy")
_WIDE = sa.BigInteger().with_variant(sa.INTEGER(), "sqlite")


def upgrade() -> None:
    """Create the tables, then forbid changes to the append-only ones."""
    op.create_table(
        "batch",
        sa.Column("batch", _WIDE, autoincrement=False, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("format", _WIDE, autoincrement=False, nullable=False),
        sa.Column("version", _WIDE, autoincrement=False, nullable=False),
        sa.Column("n", _WIDE, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=True),
        sa.Column("first_day", _WIDE, autoincrement=False, nullable=False),
        sa.Column("last_day", _WIDE, autoincrement=False, nullable=False),
        sa.Column("collect_seq", _WIDE, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch"),
    )
    op.create_index(op.f("ix_batch_sha256"), "batch", ["sha256"], unique=False)
    op.create_index(op.f("ix_batch_source_sha256"), "batch", ["source_sha256"], unique=False)
    op.create_table(
        "checkpoint",
        sa.Column("size", _WIDE, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "consent_state",
        sa.Column("subject", _WIDE, autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("from_us", _WIDE, autoincrement=False, nullable=False),
        sa.Column("from_seq", _WIDE, autoincrement=False, nullable=False),
        sa.Column("to_us", _WIDE, autoincrement=False, nullable=False),
        sa.Column("to_seq", _WIDE, autoincrement=False, nullable=False),
        sa.Column("permit", _WIDE, autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "purpose", "channel", "from_us", "from_seq"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_consent_state_purpose", "consent_state", ["purpose", "channel"], unique=False)
    op.create_table(
        "dedupe",
        sa.Column("event_id", sa.LargeBinary(), nullable=False),
        sa.Column("batch", _WIDE, autoincrement=False, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "enrolment_count",
        sa.Column("experiment", sa.Text(), nullable=False),
        sa.Column("phase", _WIDE, autoincrement=False, nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("day", _WIDE, autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("n", _WIDE, autoincrement=False, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("experiment", "phase", "variant", "day", "reason"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entry",
        sa.Column("seq", _WIDE, autoincrement=False, nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "erasure",
        sa.Column("subject", _WIDE, autoincrement=False, nullable=False),
        sa.Column("step", _WIDE, autoincrement=False, nullable=False),
        sa.Column("requested_seq", _WIDE, autoincrement=False, nullable=False),
        sa.Column("requested_us", _WIDE, autoincrement=False, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "identifier",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("epoch", _WIDE, autoincrement=False, nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("loose", sa.LargeBinary(), nullable=False),
        sa.Column("pepper_id", sa.Text(), nullable=False),
        sa.Column("kek_id", sa.Text(), nullable=False),
        sa.Column("supp_id", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "epoch", "pseudonym"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_identifier_loose"), "identifier", ["loose"], unique=False)
    op.create_index(op.f("ix_identifier_subject"), "identifier", ["subject"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.LargeBinary(), nullable=False),
        sa.Column("subject", _WIDE, autoincrement=False, nullable=False),
        sa.Column("received_us", _WIDE, autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index(op.f("ix_inbox_subject"), "inbox", ["subject"], unique=False)
    op.create_table(
        "lease",
        sa.Column("id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("use_seq", _WIDE, autoincrement=False, nullable=False),
        sa.Column("batches", sa.Text(), nullable=False),
        sa.Column("expires_us", _WIDE, autoincrement=False, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "log_state",
        sa.Column("id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("size", _WIDE, autoincrement=False, nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("log_id", sa.Text(), nullable=False),
        sa.Column("sums", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "notice",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("due_us", _WIDE, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "payload",
        sa.Column("seq", _WIDE, autoincrement=False, nullable=False),
        sa.Column("subject", _WIDE, autoincrement=False, nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_payload_subject"), "payload", ["subject"], unique=False)
    op.create_table(
        "policy",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "spend",
        sa.Column("day", _WIDE, autoincrement=False, nullable=False),
        sa.Column("tz", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("revision", _WIDE, autoincrement=False, nullable=False),
        sa.Column("impressions", _WIDE, autoincrement=False, nullable=True),
        sa.Column("clicks", _WIDE, autoincrement=False, nullable=True),
        sa.Column("cost_micros", _WIDE, autoincrement=False, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reported_us", _WIDE, autoincrement=False, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", "tz", "channel", "campaign", "content", "revision"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "subject_key",
        sa.Column("subject", _WIDE, autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("kek_id", sa.Text(), nullable=False),
        sa.Column("next_i", _WIDE, autoincrement=False, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "suppression",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("token"),
        sqlite_with_rowid=False,
    )
    # System entries, without walking everybody's: their leaves begin with {"actor":
    op.create_index(
        "ix_entry_system",
        "entry",
        ["seq"],
        unique=False,
        sqlite_where=sa.text("substr(leaf, 1, 9) = x'7b226163746f72223a'"),
    )
    for table in _APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
