"""What became of each message that was sent."""

import sqlalchemy as sa
from alembic import op

revision = "m002"
down_revision = "m001"

_WIDE = sa.BigInteger().with_variant(sa.INTEGER(), "sqlite")


def upgrade() -> None:
    """Create `delivery`, found by its key and by the intent that named it."""
    op.create_table(
        "delivery",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("intent", _WIDE, autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "intent"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_delivery_intent", "delivery", ["intent"], unique=False)
    op.create_index(
        "ix_delivery_open", "delivery", ["intent"], unique=False, sqlite_where=sa.text("status = 'intended'")
    )
