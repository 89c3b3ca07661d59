"""Tools we did not write accept an export, and reject it with any one byte flipped: the README's own commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imp_consent.ledger.note import SigningKey

Peers = Any  # the conftest's class: test folders are no packages
PLACES = [
    ("checkpoint", 40),
    ("tile/0/000", 100),
    ("tile/0/002.p/88", -1),
    ("tile/1/000.p/2", 33),
    ("tile/entries/000", 20),
    ("tile/entries/001", 0),
    ("tile/entries/002.p/88", -3),
]


@pytest.fixture(params=["go", "aics", "sigstore"])
def auditor(request: pytest.FixtureRequest) -> Callable[[Peers], Any]:
    """Each of the three, where it is installed."""
    return request.getfixturevalue(request.param)


def test_a_strangers_tool_accepts_the_export_and_rejects_any_flipped_byte(
    auditor: Callable[[Peers], Any], shipped: Peers, harmed: Callable[..., Peers]
) -> None:
    done = auditor(shipped)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ok: imp.local/peers, 600 entries")
    assert auditor(type(shipped)(shipped.folder, shipped.folder / "log.vkey", {})).returncode == 0, "its keys are keys"
    assert [place for place in PLACES if auditor(harmed(*place)).returncode == 0] == []


@pytest.mark.parametrize("more", [b"and more\n", b"\n", b"\xe2\x80\x94 two words more\n"])
def test_a_strangers_tool_rejects_a_checkpoint_with_something_behind_it(
    auditor: Callable[[Peers], Any], shipped: Peers, harmed: Callable[..., Peers], more: bytes
) -> None:
    copy = harmed("checkpoint", 40)
    (copy.folder / "checkpoint").write_bytes((shipped.folder / "checkpoint").read_bytes() + more)
    assert auditor(copy).returncode != 0


def test_a_strangers_tool_rejects_another_key_of_the_same_name_and_takes_several(
    auditor: Callable[[Peers], Any], shipped: Peers, tmp_path: Any
) -> None:
    other = SigningKey.from_seed("imp.local/peers", bytes(range(32))).verifier.format()
    (tmp_path / "other.vkey").write_text(f"{other}\n", encoding="utf-8")
    assert auditor(type(shipped)(shipped.folder, tmp_path / "other.vkey", {})).returncode != 0
    (tmp_path / "both.vkey").write_text(f"{other}\n{shipped.vkey.read_text()}", encoding="utf-8")
    assert auditor(type(shipped)(shipped.folder, tmp_path / "both.vkey", {})).returncode == 0


def test_the_readme_holds_the_programs_and_how_to_run_them(shipped: Peers) -> None:
    text = (shipped.folder / "README.md").read_text(encoding="utf-8")
    assert set(shipped.programs) == {"verify.go", "verify_aics.py", "verify.js"}
    for command in (
        "imp audit verify EXPORT",
        "go run verify.go EXPORT",
        "verify_aics.py EXPORT",
        "node verify.js EXPORT",
    ):
        assert command in text
    assert "600 entries" in text
    assert "each names the account that acted" in " ".join(text.split())
    assert "@" not in text.split("##")[0], "every placeholder is filled in"
