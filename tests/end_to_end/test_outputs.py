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


@pytest.mark.parametrize("target", ["rejects.csv", "workspace/reports/rejects.csv"])
def test_rejects_go_elsewhere_and_into_reports(imp_here: Callable[..., Any], shop: Path, target: str) -> None:
    imp_here("consent", "import", shop / "rows.csv", "--rejects", shop / target).ok()
    assert (shop / target).read_text().splitlines()[1].startswith("2,state")


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
