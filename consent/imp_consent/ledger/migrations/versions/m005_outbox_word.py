"""An index of the outbox by what is looked up in it: whether a word is left already, and what one channel is told."""

from alembic import op

revision = "m005"
down_revision = "m004"


def upgrade() -> None:
    """Create it."""
    op.create_index("ix_outbox_word", "outbox", ["what", "channel", "pseudonym"], unique=False)
