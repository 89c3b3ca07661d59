"""A backup is one private file with every committed entry, and refuses to write over anything."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.backup import backup
from imp_consent.commands.record import record
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId


def test_a_backup_is_the_ledger_as_of_now_in_one_private_file(shop: Context, tmp_path: Path) -> None:
    done = backup(shop, tmp_path / "ledger.bak")
    path = tmp_path / "ledger.bak"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (done.bytes, done.keep_until[:10]) == (path.stat().st_size, "2026-04-01")
    with sqlite3.connect(path) as sql:
        assert sql.execute("SELECT count(*) FROM entry").fetchone() == (done.entries,)
        assert sql.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    sql.close()
    assert sorted(item.name for item in tmp_path.iterdir() if item.name.startswith((".", "ledger"))) == ["ledger.bak"]


def test_it_holds_what_another_has_just_committed_and_verifies_in_place_of_the_database(
    place: Any, shop: Context, tmp_path: Path
) -> None:
    other = place.open()
    record(other, RawId("member", "李"), purpose="analytics", state="given")
    backup(shop, tmp_path / "ledger.bak")
    size = open_log(shop).size
    other.close()
    shop.close()
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (place.workspace / name).unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "ledger.bak", place.workspace / "ledger.db")
    ctx = place.open()
    found = verify_workspace(ctx)
    assert (found.ok, found.size) == (True, size)
    ctx.close()


@pytest.mark.parametrize("where", ["ledger.db", "archive/x.bak", "../keys/x.bak"])
def test_it_writes_over_nothing_of_the_workspace_or_the_keys(shop: Context, where: str) -> None:
    with pytest.raises(BadInput):
        backup(shop, shop.workspace.root / where)


def test_it_writes_over_no_file_and_says_where_it_cannot_write(shop: Context, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    with pytest.raises(BadInput, match="already"):
        backup(shop, tmp_path / "kept")
    assert (tmp_path / "kept").read_text() == "kept"
    backup(shop, tmp_path / "kept", force=True)
    assert (tmp_path / "kept").read_bytes().startswith(b"SQLite format 3")
    with pytest.raises(BadInput, match="no such folder"):
        backup(shop, tmp_path / "nowhere" / "ledger.bak")
