"""Inner nodes of the Merkle tree for proofs, the ids of the keys in use in the head, and an inbox that compacts."""

from collections.abc import Iterator
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "m003"
down_revision = "m002"

_WIDE = sa.BigInteger().with_variant(sa.INTEGER(), "sqlite")
_SPAN = 256


def upgrade() -> None:
    """Create `node` and fill it from the leaves, give `log_state` its keys, make `inbox` (never used so far) anew."""
    op.create_table(
        "node",
        sa.Column("level", _WIDE, autoincrement=False, nullable=False),
        sa.Column("number", _WIDE, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number"),
        sqlite_with_rowid=False,
    )
    op.add_column("log_state", sa.Column("keys", sa.Text(), nullable=True))
    op.drop_table("inbox")
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("subject", _WIDE, autoincrement=False, nullable=True),
        sa.Column("accepted_us", _WIDE, autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_inbox_subject"), "inbox", ["subject"], unique=False)
    _fill()
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER node_no_{verb.lower()} BEFORE {verb} ON node "
            "BEGIN SELECT RAISE(ABORT, 'node is append-only'); END"
        )


def _fill() -> None:
    """Roots of every complete subtree of 256, 65,536 … leaves, as later versions write them while appending."""
    connection = op.get_bind()
    node = sa.table("node", sa.column("level"), sa.column("number"), sa.column("hash"))
    level = 8
    hashes: Iterator[bytes] = (
        row[0] for row in connection.execute(sa.text("SELECT leaf_hash FROM entry ORDER BY seq"))
    )
    while roots := list(_roots(hashes)):
        rows = [{"level": level, "number": number, "hash": root} for number, root in enumerate(roots)]
        connection.execute(sa.insert(node), rows)
        hashes, level = iter(roots), level + 8


def _roots(hashes: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    for hash_ in hashes:
        held.append(hash_)
        if len(held) == _SPAN:
            while len(held) > 1:
                held = [sha256(b"\x01" + held[at] + held[at + 1]).digest() for at in range(0, len(held), 2)]
            yield held[0]
            held = []
