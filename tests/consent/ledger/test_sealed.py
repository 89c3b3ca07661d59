"""Sealed tables: any byte changed, any row added or taken away by other hands shows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlmodel import SQLModel

import imp_consent.ledger.tables  # noqa: F401 (declares them)
from imp_consent.ledger.layout import SEALED
from imp_consent.ledger.log import Log
from imp_consent.ledger.sealed import MODULUS, Value, row_hmac
from imp_core.errors import LedgerBroken

KEY = b"k" * 32
VALUES = st.one_of(st.integers(-(2**63), 2**63 - 1), st.text(max_size=8), st.binary(max_size=8), st.none())
SPEND = (20000, "UTC", "ads", "春节", "a", 1, None, 3, 1_500_000, "CNY", 7)


@given(st.lists(VALUES, max_size=5), st.lists(VALUES, max_size=5))
def test_different_rows_have_different_macs(one: list[Value], other: list[Value]) -> None:
    same_types = [type(value) for value in one] == [type(value) for value in other]
    assert (row_hmac(KEY, "t", one) == row_hmac(KEY, "t", other)) == (one == other and same_types)
    assert row_hmac(KEY, "t", one) != row_hmac(KEY, "u", one)


def total(log: Log, table: str) -> int:
    with log.read() as reader:
        rows = list(reader.sealed.select(table))
        key = reader.keyring.active("row").secret
        return sum(int.from_bytes(row_hmac(key, table, row), "big") for row in rows) % MODULUS


def test_the_sums_follow_inserts_updates_and_deletes(open_log: Callable[[], Log]) -> None:
    log = open_log()
    with log.write() as transaction:
        transaction.sealed.insert("spend", [SPEND, (*SPEND[:4], "b", *SPEND[5:]), (*SPEND[:4], "c", *SPEND[5:])])
        transaction.sealed.update("spend", "content = ?", ("b",), {"clicks": None, "cost_micros": 9})
        transaction.sealed.delete("spend", "content = ?", ("c",))
    with log.read() as reader:
        assert reader.head.sums["spend"] == total(log, "spend") != 0
        assert {row[4] for row in reader.sealed.select("spend")} == {"a", "b"}
    with log.write() as transaction:
        transaction.sealed.delete("spend", "1", ())
    with log.read() as reader:
        assert reader.head.sums["spend"] == 0


@pytest.mark.parametrize("change", ["UPDATE spend SET clicks = 4", "UPDATE spend SET mac = NULL"])
def test_a_changed_row_is_not_read(open_log: Callable[[], Log], change: str) -> None:
    log = open_log()
    with log.write() as transaction:
        transaction.sealed.insert("spend", [SPEND])
    with log.write() as transaction:
        transaction.sql.execute("PRAGMA ignore_check_constraints = ON")
        try:
            transaction.sql.execute(change)
        except sqlite3.IntegrityError:
            return  # the schema itself refuses it
        with pytest.raises(LedgerBroken, match="changed by other hands"):
            list(transaction.sealed.select("spend"))


def test_the_migrations_and_the_models_say_the_same(open_log: Callable[[], Log], tmp_path: object) -> None:
    open_log()
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
        columns = {
            table: tuple(row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})") if row[1] != "mac")
            for table in SEALED
        }
    engine.dispose()
    assert columns == SEALED
