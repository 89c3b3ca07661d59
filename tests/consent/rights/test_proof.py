"""`imp consent proof` and receipts disclose nothing before it is known who asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_consent.runtime import open_log
from imp_core.context import Context

Line = Any
WHO = "email:ann@example.com"
RECORDS = """
[records]
address = "1 High Street, Dublin, Ireland"
contact = "privacy@shop.example"
storage = ["IE"]
retention = "P3Y"
[policy]
jurisdiction = "IE"
"""
SURE = ("--verified", "reasonable", "--how", "answered a code")


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        ((), 1),
        (("--how", "we know her"), 1),
        (("--verified", "contact", "--how", "answered our letter"), 1),
        (("--verified", "high"), 2),
        (("--verified", "high", "--how", "two\nlines"), 2),
    ],
)
@pytest.mark.parametrize("who", [WHO, "member:nobody"])
def test_r34_a_proof_for_whoever_is_not_known_surely_enough_is_refused_and_neither_written_nor_noted(
    shop: Line, context: Context, tmp_path: Path, who: str, shown: tuple[str, ...], code: int
) -> None:
    size = open_log(context).size
    answer = shop("consent", "proof", who, "--out", tmp_path / "proof", *shown)
    assert (answer.code, "  mend: " in answer.err) == (code, True)
    assert ("needs the level reasonable" in answer.err) == (code == 1)
    assert f"where: {'--verified' if code == 1 else '--how'}" in answer.err
    assert not (tmp_path / "proof").exists()
    assert open_log(context).size == size


def test_r34_a_proof_needs_the_level_that_the_workspace_asks_for_access(
    shop: Line, setting: Any, tmp_path: Path
) -> None:
    proof = ("consent", "proof", WHO, "--out", tmp_path / "proof")
    setting(RECORDS + '[rights.verification]\naccess = "high"')
    assert "needs the level high" in shop(*proof, *SURE).err
    shop(*proof, "--verified", "high", "--how", "showed their passport").ok()
    assert list((tmp_path / "proof").glob("*.tlog-proof"))


def test_a_proof_about_a_purpose_that_nobody_declared_is_refused_with_a_way_to_mend_it(
    shop: Line, context: Context, setting: Any, tmp_path: Path
) -> None:
    setting(RECORDS)
    size = open_log(context).size
    answer = shop("consent", "proof", WHO, "--out", tmp_path / "proof", "--purpose", "nope", *SURE, "--json")
    assert answer.code == 2
    assert answer.json["error"] == {
        "what": "unknown purpose", "where": "--purpose", "mend": "see: imp consent purpose list"
    }  # fmt: skip
    assert not (tmp_path / "proof").exists()
    assert open_log(context).size == size
