"""The plain names of tables and columns are those of the models, and what answers a question loads no models."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from sqlmodel import SQLModel

import imp_consent.ledger.tables  # noqa: F401 (declares them)
from imp_consent.ledger.layout import APPEND_ONLY, KEYS, SEALED, SUMMED, UNSEALED

TABLES = SQLModel.metadata.tables


def test_the_sealed_tables_are_those_whose_rows_bear_a_mac_except_the_head() -> None:
    assert list(SEALED) == [name for name, table in TABLES.items() if "mac" in table.columns and name != "log_state"]
    assert set(SUMMED) == {*SEALED, *UNSEALED}


@pytest.mark.parametrize("name", SUMMED)
def test_the_columns_and_the_primary_key_are_the_models_own_in_their_order(name: str) -> None:
    columns = [column.name for column in TABLES[name].columns]
    assert columns == ([*SEALED[name], "mac"] if name in SEALED else [*UNSEALED[name]])
    assert KEYS[name] == tuple(column.name for column in TABLES[name].primary_key.columns)


def test_what_is_append_only_bears_no_mac() -> None:
    assert set(APPEND_ONLY) == set(TABLES) - set(SEALED) - {"log_state", "payload"}


@pytest.mark.parametrize("command", ["check", "purposes", "record"])
def test_a_command_about_one_person_loads_neither_models_nor_the_archive(command: str) -> None:
    script = f"import json, sys, imp_consent.commands.{command}, imp_consent.runtime; print(json.dumps([*sys.modules]))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    assert {"sqlmodel", "sqlalchemy", "pydantic", "alembic", "duckdb", "numpy", "pyarrow"}.isdisjoint(loaded)
