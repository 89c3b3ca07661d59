"""How the ledger's columns are declared: fixed-width integers, bytes and text, numbers assigned by us."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary, Text
from sqlalchemy.dialects import sqlite

__all__ = ["BY_KEY", "binary", "integer", "words"]

# On SQLite, rows live in their primary key's tree: one tree to write instead of two.
BY_KEY: Final = {"sqlite_with_rowid": False}


def integer(*, primary: bool = False, index: bool = False, nullable: bool = False) -> Column[int]:
    """A whole number of up to 64 bits."""
    # autoincrement would leave gaps after a rollback; numbers are assigned by us
    # (on SQLite, INTEGER PRIMARY KEY is the row's own number: half the writes of a separate index)
    wide = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
    return Column(wide, primary_key=primary, autoincrement=False, index=index, nullable=nullable)


def binary(*, primary: bool = False, index: bool = False, nullable: bool = False) -> Column[bytes]:
    """Bytes."""
    return Column(LargeBinary, primary_key=primary, index=index, nullable=nullable)


def words(*, primary: bool = False, index: bool = False, nullable: bool = False) -> Column[str]:
    """Text."""
    return Column(Text, primary_key=primary, index=index, nullable=nullable)
