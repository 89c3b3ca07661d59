"""What a command writes where it is told to: never over the workspace, the keys, or what it reads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VERIFIED = ("--verified", "reasonable", "--how", "answered a code")
ROW = (
    "identifier,purpose,state,at\n"
    "member:1,analytics,given,2026-02-01T00:00:00Z\n"
    "member:2,analytics,maybe,2026-02-01T00:00:00Z\n"
)


@pytest.fixture
def shop(imp_here: Callable[..., Any], tmp_path: Path) -> Path:
    imp_here("init", tmp_path / "workspace", "--controller", "Shop").ok()
    (tmp_path / "rows.csv").write_text(ROW)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "target",
    [
        "rows.csv",
        "workspace/imp.toml",
        "workspace/ledger.db",
        "workspace/archive/x",
        "keys/checkpoint",
        "keys/new",
        "link",
    ],
)
def test_rejects_go_over_nothing_of_ours(imp_here: Callable[..., Any], shop: Path, target: str) -> None:
    (shop / "link").symlink_to(shop / "workspace" / "imp.toml")
    before = files(shop)
    answer = imp_here("consent", "import", shop / "rows.csv", "--rejects", shop / target)
    assert answer.code == 2
    assert files(shop) == before


@pytest.mark.parametrize("earlier", [False, True], ids=["new", "in the place of one that all could read"])
def test_rejects_are_their_owners_to_read_and_nobody_elses(
    imp_here: Callable[..., Any], shop: Path, *, earlier: bool
) -> None:
    rejects = shop / "rejects.csv"
    if earlier:
        rejects.write_text("row,field,problem\n")
        rejects.chmod(0o644)
    imp_here("consent", "import", shop / "rows.csv", "--rejects", rejects).ok()
    assert len(rejects.read_text().splitlines()) == 2
    assert rejects.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("target", ["workspace/imp.toml", "workspace/experiments/spring.toml", "keys/checkpoint"])
def test_a_readout_goes_over_nothing_of_ours(imp_here: Callable[..., Any], shop: Path, target: str) -> None:
    imp_here("experiment", "new", "spring").ok()
    imp_here("experiment", "start", "spring").ok()
    before = files(shop)
    answer = imp_here("experiment", "readout", "spring", "--out", shop / target)
    assert (answer.code, "over the workspace or the keys" in answer.err) == (2, True)
    assert files(shop) == before
    imp_here("experiment", "readout", "spring", "--format", "markdown", "--out", shop / "spring.md").ok()
    assert "spring" in (shop / "spring.md").read_text()


OURS = (
    "workspace/imp.toml",
    "workspace/ledger.db",
    "workspace/archive/x",
    "keys/checkpoint",
    "keys/new",
    "link",
    "pipe",
)


@pytest.mark.parametrize("words", [("audit", "prove", "0", "--out"), ("audit", "prove", "--consistency", "1", "--out")])
def test_a_proof_goes_over_nothing_of_ours(imp_here: Callable[..., Any], shop: Path, words: tuple[str, ...]) -> None:
    (shop / "link").symlink_to(shop / "workspace" / "ledger.db")
    os.mkfifo(shop / "pipe")
    before = files(shop)
    assert [imp_here(*words, shop / target).code for target in OURS] == [2] * len(OURS)
    assert "not a file to write to" in imp_here(*words, shop / "pipe").err
    assert files(shop) == before
    assert (shop / "pipe").is_fifo()
    imp_here(*words, shop / "proof").ok()
    assert (shop / "proof").read_text()


def test_a_backup_goes_into_no_device(imp_here: Callable[..., Any], shop: Path) -> None:
    os.mkfifo(shop / "pipe")
    assert imp_here("backup", shop / "pipe").code == 2
    assert (shop / "pipe").is_fifo()


@pytest.mark.parametrize("words", [("audit", "export"), ("consent", "receipt", "member:1", *VERIFIED, "--out")])
@pytest.mark.parametrize("target", ["workspace/archive", "workspace/archive/x", "workspace/tmp", "keys/x", "pipe"])
def test_a_folder_of_ours_is_not_replaced_though_it_is_empty(
    imp_here: Callable[..., Any], shop: Path, words: tuple[str, ...], target: str
) -> None:
    os.mkfifo(shop / "pipe")
    before = {path: path.stat().st_mode for path in shop.rglob("*")}
    answer = imp_here(*words, shop / target)
    assert (answer.code, "entry" in answer.out) == (2, False)
    assert {path: path.stat().st_mode for path in shop.rglob("*")} == before


def test_keys_in_their_default_folder_are_not_written_over(
    imp_here: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / "config"))
    imp_here("init", tmp_path / "workspace", "--controller", "Shop", IMP_KEYS="").ok()
    imp_here("experiment", "new", "spring", IMP_KEYS="").ok()
    imp_here("experiment", "start", "spring", IMP_KEYS="").ok()
    config = imp_here("keys", "list", "--json", IMP_KEYS="").ok().json["place"]
    assert Path(config).is_relative_to(tmp_path)
    for name in ("checkpoint", "new", next(Path(config).glob("*.key")).name):
        before = files(Path(config))
        answer = imp_here("experiment", "readout", "spring", "--out", Path(config) / name, IMP_KEYS="")
        assert answer.code == 2
        assert files(Path(config)) == before


RECORDS = """
[records]
address = "1 High Street, Dublin, Ireland"
contact = "privacy@shop.example"
storage = ["IE"]
retention = "P3Y"
[policy]
jurisdiction = "IE"
"""
# Every command that writes where it is told to: its words before that place, and those after it.
FILES = {
    "consent export": (("consent", "export"), ("--format", "csv")),
    "its terms": (("consent", "export", "records.csv", "--format", "csv", "--terms"), ()),
    "audit prove": (("audit", "prove", "0", "--out"), ()),
    "audit report": (("audit", "report", "--out"), ()),
    "audit records": (("audit", "records", "--out"), ()),
    "audit dpia": (("audit", "dpia", "--out"), ()),
    "experiment readout": (("experiment", "readout", "spring", "--out"), ()),
    "backup": (("backup",), ()),
}
FOLDERS = {
    "audit export": (("audit", "export"), ()),
    "consent access": (("consent", "access", "member:1", *VERIFIED, "--out"), ()),
    "consent portability": (("consent", "portability", "member:1", *VERIFIED, "--out"), ()),
    "consent proof": (("consent", "proof", "member:1", *VERIFIED, "--out"), ()),
    "consent receipt": (("consent", "receipt", "member:1", *VERIFIED, "--out"), ()),
    "its record": (("consent", "receipt", "member:1", *VERIFIED, "--format", "27560", "--out"), ()),
}


@pytest.fixture
def furnished(imp_here: Callable[..., Any], shop: Path) -> Path:
    """The shop with somebody in it, an experiment, and all that a record says."""
    config = shop / "workspace" / "imp.toml"
    config.write_text(config.read_text() + RECORDS)
    imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--action", "click").ok()
    imp_here("experiment", "new", "spring").ok()
    imp_here("experiment", "start", "spring").ok()
    return shop


def ledger_size(imp_here: Callable[..., Any]) -> int:
    return int(imp_here("audit", "entries", "0", "--json").ok().json["size"])


@pytest.mark.parametrize("command", [*FILES, *FOLDERS])
def test_nothing_that_is_there_is_written_over_unless_that_is_said(
    imp_here: Callable[..., Any], furnished: Path, command: str
) -> None:
    before, after = (FILES | FOLDERS)[command]
    there = furnished / "there"
    if command in FOLDERS:
        there.mkdir()
        (there / "mine.txt").write_text("mine")
    else:
        there.write_text("mine")
    size, held = ledger_size(imp_here), files(there) if there.is_dir() else {"": there.read_bytes()}
    answer = imp_here(*before, there, *after)
    assert (answer.code, "already" in answer.err) == (2, True), answer.err
    assert "mend: name a" in answer.err
    assert ledger_size(imp_here) == size, "what is refused leaves no mark"
    assert (files(there) if there.is_dir() else {"": there.read_bytes()}) == held
    assert imp_here(*before, furnished / "nowhere" / "x", *after).code == 2
    missing = imp_here(*before, furnished / "nowhere" / "x", *after).err
    assert ("no such folder" in missing, "mend: make it first" in missing) == (True, True), missing
    if command in FILES:
        assert "--force" in answer.err
        imp_here(*before, there, *after, "--force").ok()
        assert there.read_bytes() != b"mine"
        assert there.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("command", [*FILES, *FOLDERS])
def test_what_is_written_is_its_owners_to_read_and_nobody_elses(
    imp_here: Callable[..., Any], furnished: Path, command: str
) -> None:
    before, after = (FILES | FOLDERS)[command]
    new = furnished / "new"
    imp_here(*before, new, *after).ok()
    written = [path for path in (new, *new.rglob("*")) if path.is_file()]
    assert {path.name for path in written if path.stat().st_mode & 0o777 != 0o600} == set()
    assert written
    assert new.stat().st_mode & 0o777 == (0o600 if new.is_file() else 0o700)


@pytest.mark.parametrize("command", FILES)
def test_what_may_be_replaced_is_replaced_only_where_it_is_a_file_of_the_users(
    imp_here: Callable[..., Any], furnished: Path, command: str
) -> None:
    before, after = FILES[command]
    for target in (furnished / "workspace" / "ledger.db", furnished / "keys" / "checkpoint", furnished / "workspace"):
        assert imp_here(*before, target, *after, "--force").code == 2
    assert imp_here("status").code == 0


@pytest.mark.parametrize("target", ["rejects.csv", "workspace/reports/rejects.csv"])
def test_rejects_go_elsewhere_and_into_reports(imp_here: Callable[..., Any], shop: Path, target: str) -> None:
    imp_here("consent", "import", shop / "rows.csv", "--rejects", shop / target).ok()
    assert (shop / target).read_text().splitlines()[1].startswith("3,state")


def test_a_ledger_put_back_from_a_backup_permits_nothing(imp_here: Callable[..., Any], shop: Path) -> None:
    words = ("member:1", "--purpose", "analytics")
    imp_here("consent", "record", *words, "--state", "given").ok()
    assert imp_here("consent", "check", *words).code == 0
    shutil.copytree(shop / "workspace", shop / "backup")
    imp_here("consent", "record", *words, "--state", "withdrawn").ok()
    shutil.rmtree(shop / "workspace")
    shutil.copytree(shop / "backup", shop / "workspace")
    answer = imp_here("consent", "check", *words, "--json")
    assert (answer.code, answer.json["permitted"], answer.json["reason"]) == (1, False, "ledger_unavailable")
    assert imp_here("doctor").code == 1


def test_a_lost_checkpoint_permits_nothing(imp_here: Callable[..., Any], shop: Path) -> None:
    words = ("member:1", "--purpose", "analytics")
    imp_here("consent", "record", *words, "--state", "given").ok()
    (shop / "keys" / "checkpoint").unlink()
    assert imp_here("consent", "check", *words, "--json").json["reason"] == "ledger_unavailable"
    assert imp_here("consent", "record", *words, "--state", "withdrawn").code == 3
    imp_here("audit", "checkpoint", "--without-previous").ok()
    assert imp_here("consent", "check", *words).code == 0


def test_a_withdrawal_on_a_channel_that_nobody_knows_is_refused(imp_here: Callable[..., Any], shop: Path) -> None:
    words = ("consent", "record", "member:1", "--purpose", "analytics", "--state", "withdrawn", "--channel")
    answer = imp_here(*words, "emial")
    assert answer.code == 2
    assert "email" in answer.err
    imp_here(*words, "email").ok()
    config = shop / "workspace" / "imp.toml"
    config.write_text(config.read_text() + '\n[policy]\nchannels = ["wechat"]\n')
    imp_here(*words, "wechat").ok()
