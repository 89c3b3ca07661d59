"""`imp doctor` sees what is cheap to see of what the audit would fault, and says how to mend it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.glance import glance

CommandLine = Any  # the conftest's class: test folders are no packages


@pytest.fixture
def shop(imp_here: CommandLine, tmp_path: Path) -> CommandLine:
    """A workspace with two erased people and rejected rows."""
    imp_here("init", str(imp_here.workspace), "--controller", "Shop").ok()
    for name in ("ann", "ben", "cid"):
        imp_here("consent", "record", f"member:{name}", "--purpose", "analytics", "--state", "given").ok()
    imp_here("consent", "erase", "member:ben", "--execute").ok()
    shutil.copytree(imp_here.keys, tmp_path / "older")
    rows = "identifier,purpose,state,at\nmember:dan,analytics,given,2026-01-01T00:00:00Z\nbad,analytics,given,x\n"
    (tmp_path / "rows.csv").write_text(rows)
    imp_here("consent", "import", tmp_path / "rows.csv", "--rejects", tmp_path / "rejects.csv").ok()
    imp_here("consent", "erase", "member:cid", "--execute").ok()
    return imp_here


def wrong(shop: CommandLine) -> dict[str, str]:
    """The mend of each check that does not hold; the exit code goes with them."""
    answer = shop("doctor", "--json")
    found = {check["name"]: check["mend"] for check in answer.json["checks"] if not check["ok"]}
    assert answer.code == (1 if found else 0)
    return found


def test_a_sound_workspace_is_well_and_the_doctor_says_what_it_did_not_look_at(shop: CommandLine) -> None:
    assert wrong(shop) == {}
    assert "contents: not looked at here: imp audit verify reads every entry" in shop("doctor").ok().out


@pytest.mark.parametrize("name", ["leaves", "documents", "tombstones", "survivors"])
@pytest.mark.parametrize("harm", ["deleted", "cut", "stale", "folder"])
def test_what_lies_beside_the_keys_and_is_missing_cut_or_stale_is_seen(
    shop: CommandLine, tmp_path: Path, name: str, harm: str
) -> None:
    path = shop.keys / name
    if harm == "deleted":
        path.unlink()
    elif harm == "cut":
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 2 // 3])
    elif harm == "stale":
        shutil.copyfile(tmp_path / "older" / name, path)
    else:
        path.unlink()
        path.mkdir()
    found = wrong(shop)
    assert set(found) == {name}
    assert "the keys' backup" in found[name]


@pytest.mark.parametrize("name", ["leaves", "documents"])
def test_the_mend_of_a_lost_copy_works(shop: CommandLine, name: str) -> None:
    (shop.keys / name).unlink()
    assert "imp audit checkpoint" in wrong(shop)[name]
    shop("audit", "checkpoint").ok()
    assert wrong(shop) == {}
    shop("audit", "verify").ok()


@pytest.mark.parametrize("name", ["stray.parquet", "notes.txt", "b00000007-v3-0123456789ab.parquet", "sub/x"])
def test_a_stray_file_in_the_archive_is_seen(shop: CommandLine, name: str) -> None:
    path = shop.workspace / "archive" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"what is this")
    assert "move it out of archive/" in wrong(shop)["strays"]


def test_what_an_intake_may_have_under_way_is_not_called_a_stray(shop: CommandLine) -> None:
    (shop.workspace / "archive" / "b00000001-v0-0123456789ab.parquet").write_bytes(b"half")
    assert wrong(shop) == {}


def test_unsigned_entries_that_cannot_be_signed_are_seen(shop: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., bool] = os.access  # which tells root that everything can be written
    closed = str(shop.keys)
    monkeypatch.setattr(
        os, "access", lambda path, mode: real(path, mode) and not (str(path) == closed and mode == os.W_OK)
    )
    assert wrong(shop) == {"signing": f"chmod u+w {closed}; then: imp audit checkpoint"}


@pytest.mark.parametrize("harm", ["none", "missing", "cut", "empty"])
def test_a_registered_file_that_is_missing_or_cut_off_is_seen(audited: Any, harm: str) -> None:
    path = min((audited.root / "archive").iterdir())
    if harm == "missing":
        path.unlink()
    elif harm != "none":
        path.write_bytes(path.read_bytes()[: 0 if harm == "empty" else -9])
    with audited.log() as log, log.read() as reader:
        checks = {check.name: check for check in glance(reader, audited.workspace, log.outside())}
    assert checks["archive"].ok == (harm == "none")
    assert (path.name in checks["archive"].detail) == (harm != "none")
    assert "archive's backup" in str(checks["archive"].mend)
