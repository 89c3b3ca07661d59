"""Schema versions by Alembic: append-only steps `m001`, `m002` …, run when a database is created."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, create_engine
from sqlalchemy.pool import NullPool

__all__ = ["configuration", "upgrade"]


def configuration() -> Config:
    """Alembic's configuration, pointing at this package's migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(path: Path) -> None:
    """Bring a database to the newest schema, in one transaction."""
    config = configuration()
    engine = create_engine(URL.create("sqlite", database=str(path.absolute())), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
