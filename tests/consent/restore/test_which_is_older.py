"""What the command line says of a database from before an erasure, and of entries that a restore found nobody for."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

Line = Any


@pytest.fixture
def shop(imp_here: Line, tmp_path: Path) -> Line:
    """Three members with a consent each, and a copy of the database at that time."""
    imp_here("init", imp_here.workspace, "--controller", "Shop Ltd").ok()
    for who in ("member:ann", "member:ben", "member:cid"):
        imp_here("consent", "record", who, "--purpose", "analytics", "--state", "given", "--action", "click").ok()
    imp_here("backup", tmp_path / "before.bak").ok()
    return imp_here


def lose(shop: Line) -> Path:
    for path in shop.workspace.glob("ledger.db*"):
        path.unlink()
    return shop.workspace / "ledger.db"


def test_a_lost_entry_that_is_nobodys_is_not_told_as_one_of_somebody_erased(shop: Line, tmp_path: Path) -> None:
    shop("consent", "record", "member:dan", "--purpose", "analytics", "--state", "given", "--action", "click").ok()
    shop("audit", "checkpoint").ok()
    lose(shop)
    shop("restore", tmp_path / "before.bak", "--execute").ok()
    found = shop("audit", "verify").ok().out
    assert "4 entries of people, 0 of them of erased people, 1 for which a restore found nobody" in found
    shop("consent", "erase", "member:ann", "--execute").ok()
    found = shop("audit", "verify").ok().out
    assert "5 entries of people, 2 of them of erased people, 1 for which a restore found nobody" in found
    answer = shop("audit", "verify", "--json").ok().json
    assert (answer["orphaned_leaves"], answer["lost_leaves"]) == (3, 1)


def test_of_a_workspace_that_was_never_restored_nothing_is_said_of_lost_entries(shop: Line) -> None:
    assert "restore" not in shop("audit", "verify").ok().out
    assert shop("audit", "verify", "--json").ok().json["lost_leaves"] == 0


@pytest.mark.parametrize("words", [("status",), ("audit", "verify"), ("consent", "history", "member:ben")])
def test_a_database_from_before_an_erasure_is_said_to_be_the_older_one_and_the_mend_works(
    shop: Line, tmp_path: Path, words: tuple[str, ...]
) -> None:
    shop("consent", "erase", "member:ann", "--execute").ok()
    database = lose(shop)
    shutil.copy(tmp_path / "before.bak", database)
    answer = shop(*words)
    assert (answer.code, "kek key" in answer.err, "is missing" in answer.err) == (3, True, True)
    assert "it is the older one" in answer.err
    assert "move it away" in answer.err
    shutil.move(database, tmp_path / "moved.db")
    assert "the backup holds" in shop("restore", tmp_path / "moved.db").out
    shop("restore", tmp_path / "moved.db", "--execute").ok()
    assert shop("audit", "verify").code == 0
    assert shop("consent", "check", "member:ben", "--purpose", "analytics", "--json").json["reason"] == "given"
    assert shop("consent", "history", "member:ann").code == 1
