"""What an auditor brings along: a key that came with what it checks, a file of another kind, a pin of another size."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

VERIFIED = ("--verified", "reasonable", "--how", "answered a code")
CommandLine = Any  # the conftest's class: test folders are no packages


@pytest.fixture
def shop(imp_here: CommandLine, tmp_path: Path) -> CommandLine:
    """A workspace with an export and a receipt, and the key elsewhere."""
    imp_here("init", str(imp_here.workspace), "--controller", "Shop").ok()
    imp_here("consent", "record", "member:ann", "--purpose", "analytics", "--state", "given").ok()
    imp_here("consent", "receipt", "member:ann", *VERIFIED, "--out", tmp_path / "receipts").ok()
    imp_here("audit", "export", tmp_path / "export").ok()
    (tmp_path / "mine").mkdir()
    shutil.copy(tmp_path / "export" / "log.vkey", tmp_path / "mine" / "trusted.vkey")
    return imp_here


@pytest.fixture
def vkey(shop: CommandLine, tmp_path: Path) -> Path:
    """The key, away from what it checks."""
    return tmp_path / "mine" / "trusted.vkey"


def receipt(tmp_path: Path) -> Path:
    return next((tmp_path / "receipts").glob("*.tlog-proof"))


def test_a_key_out_of_what_it_checks_is_warned_of(shop: CommandLine, vkey: Path, tmp_path: Path) -> None:
    for target in (tmp_path / "export", receipt(tmp_path)):
        beside = target / "log.vkey" if target.is_dir() else target.parent / "log.vkey"
        found = shop("audit", "verify", target, "--vkey", beside, "--json").ok()
        assert found.json["key_from_export"] is True
        assert "warning: the key lies with what it is to check" in found.err
        found = shop("audit", "verify", target, "--vkey", vkey, "--json").ok()
        assert (found.json["key_from_export"], found.err) == (False, "")
    (tmp_path / "link").symlink_to(tmp_path / "export" / "log.vkey")
    assert "warning" in shop("audit", "verify", tmp_path / "export", "--vkey", tmp_path / "link").ok().err


def test_the_receipts_advice_names_no_key_that_came_with_it(shop: CommandLine, tmp_path: Path) -> None:
    text = shop("consent", "receipt", "member:ann", *VERIFIED, "--out", tmp_path / "again").ok().out
    assert "--vkey KEYFILE" in text
    assert "--vkey log.vkey" not in text
    assert "--vkey log.vkey" not in shop("consent", "receipt", "--help").ok().out


def test_the_key_in_use_is_printed_to_whoever_knows_an_older_one(shop: CommandLine, vkey: Path, tmp_path: Path) -> None:
    shop("keys", "rotate", "sign", "--execute").ok()
    shop("audit", "export", tmp_path / "later").ok()
    new = (tmp_path / "later" / "log.vkey").read_text().strip()
    assert new != vkey.read_text().strip()
    assert f"key in use {new}" in " ".join(shop("audit", "verify", tmp_path / "later", "--vkey", vkey).ok().out.split())
    assert shop("audit", "verify", tmp_path / "later", "--vkey", vkey, "--json").ok().json["vkey"] == new
    shop("consent", "record", "member:ann", "--purpose", "analytics", "--state", "withdrawn").ok()
    shop("audit", "prove", "1", "--out", tmp_path / "mine" / "new.tlog-proof").ok()
    (tmp_path / "old.vkey").write_text(vkey.read_text())
    refused = shop("audit", "verify", tmp_path / "mine" / "new.tlog-proof", "--vkey", tmp_path / "old.vkey")
    assert refused.code == 1
    assert "names the one in use" in refused.out


def test_a_pin_of_another_size_is_no_alarm(shop: CommandLine, vkey: Path, tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text(shop("audit", "checkpoint").ok().out)
    size = shop("audit", "checkpoint", "--json").ok().json["size"]
    proof = tmp_path / "consistency"
    shop("audit", "prove", "--consistency", "2", "--out", proof).ok()
    refused = shop("audit", "verify", proof, "--vkey", vkey, "--pinned", pin)
    assert refused.code == 2
    assert f"the proof begins at 2 entries, this checkpoint has {size}" in refused.err
    assert f"imp audit prove --consistency {size}" in refused.err
    shop("audit", "prove", "--consistency", str(size), "--out", proof, "--force").ok()
    shop("audit", "verify", proof, "--vkey", vkey, "--pinned", pin).ok()


def test_what_is_no_export_and_no_proof_is_called_what_it_is(shop: CommandLine, vkey: Path, tmp_path: Path) -> None:
    def refused(target: Path, *more: object) -> str:
        answer = shop("audit", "verify", target, "--vkey", *(more or (vkey,)))
        assert answer.code == 2
        return answer.err

    pin = tmp_path / "pin"
    pin.write_text(shop("audit", "checkpoint").ok().out)
    assert "a checkpoint of" in refused(pin)
    assert f"--pinned {pin}" in refused(pin)
    assert "a folder with 1 receipts or proofs, not an export" in refused(tmp_path / "receipts")
    assert str(receipt(tmp_path)) in refused(tmp_path / "receipts")
    assert "the export, proof or receipt cannot be read" in refused(tmp_path / "nowhere")
    assert "you got from elsewhere" in refused(tmp_path / "export", tmp_path / "no.vkey")
    missing = shop("audit", "verify", tmp_path / "export", "--vkey", vkey, "--pinned", tmp_path / "no")
    assert missing.code == 2
    assert "name the file that you kept" in missing.err


def test_a_proof_of_growth_with_another_hash_in_it_proves_nothing(
    shop: CommandLine, vkey: Path, tmp_path: Path
) -> None:
    (tmp_path / "pin").write_text(shop("audit", "checkpoint").ok().out)
    size = shop("audit", "checkpoint", "--json").ok().json["size"]
    shop("consent", "record", "member:dan", "--purpose", "analytics", "--state", "given").ok()
    proof = tmp_path / "consistency"
    shop("audit", "prove", "--consistency", size, "--out", proof).ok()
    lines = proof.read_text().split("\n")
    at = next(number for number, line in enumerate(lines) if len(line) == 44)
    lines[at] = ("B" if lines[at][0] == "A" else "A") + lines[at][1:]
    proof.write_text("\n".join(lines))
    answer = shop("audit", "verify", proof, "--vkey", vkey, "--pinned", tmp_path / "pin", "--json")
    assert (answer.code, [problem["code"] for problem in answer.json["problems"]]) == (1, ["proof.consistency"])


def test_a_place_that_cannot_be_written_is_the_same_to_every_command(shop: CommandLine, tmp_path: Path) -> None:
    nowhere = tmp_path / "absent" / "out"
    before = shop("audit", "checkpoint", "--json").ok().json["size"]
    for words in (
        ("backup", nowhere),
        ("audit", "prove", "1", "--out", nowhere),
        ("audit", "export", nowhere),
        ("consent", "receipt", "member:ann", *VERIFIED, "--out", nowhere),
    ):
        answer = shop(*words)
        assert (answer.code, "there is no such folder" in answer.err) == (2, True), answer.err
        assert "or name another one" in answer.err
    assert shop("audit", "checkpoint", "--json").ok().json["size"] == before, "nothing was noted for what was not done"
    for words in (("audit", "export", tmp_path), ("consent", "receipt", "member:ann", *VERIFIED, "--out", tmp_path)):
        answer = shop(*words)
        assert (answer.code, "there is something already" in answer.err) == (2, True), answer.err
