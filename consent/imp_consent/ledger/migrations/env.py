"""Alembic's entry: runs the steps on the connection it is handed."""

from alembic import context
from sqlmodel import SQLModel

from imp_consent.ledger import layout, tables  # noqa: F401 (tables declares them)

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    transactional_ddl=True,
    render_as_batch=bool(layout.SEALED),
)
with context.begin_transaction():
    context.run_migrations()
