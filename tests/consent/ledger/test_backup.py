"""A copy of the database: whole, its owner's, and never in the place of another file by accident."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from imp_consent.ledger.backup import back_up
from imp_consent.ledger.store import connect, create_database
from imp_core.errors import BadInput, ImpError


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """An empty ledger's database."""
    path = tmp_path / "ledger.db"
    create_database(path)
    return path


def test_a_copy_opens_as_the_database_does_and_is_its_owners(database: Path, tmp_path: Path) -> None:
    back_up(database, tmp_path / "copy.db")
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    sql = connect(tmp_path / "copy.db")
    assert sql.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    sql.close()


def test_what_is_there_is_replaced_only_where_that_is_said(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_bytes(b"another's")
    with pytest.raises(BadInput, match="there is a file already"):
        back_up(database, target)
    assert target.read_bytes() == b"another's"
    back_up(database, target, replace=True)
    connect(target).close()


def test_a_folder_that_is_none_is_named_and_nothing_is_left(database: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ImpError, match="cannot be written: Not a directory") as caught:
        back_up(database, tmp_path / "file" / "copy.db")
    assert caught.value.where == str(tmp_path / "file" / "copy.db")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("file")) == ["file"]
