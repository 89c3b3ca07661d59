"""A proof about somebody who never agreed shows their noes, and says itself that there is no consent in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_core.context import Context

Desk = Any
SURE = ("--verified", "reasonable", "--how", "seen")


RECORDS = """
[records]
address = "1 High Street, Dublin, Ireland"
contact = "privacy@shop.example"
storage = ["IE"]
retention = "P3Y"
[policy]
jurisdiction = "IE"
"""


@pytest.fixture(autouse=True)
def _who_answers(shop: Context, tmp_path: Path) -> None:
    with (tmp_path / "workspace" / "imp.toml").open("a", encoding="utf-8") as file:
        file.write(RECORDS)


def proved(desk: Desk, folder: Path, *words: str) -> tuple[Any, Any]:
    made = desk.consent("proof", "member:1", "--purpose", "analytics", "--out", str(folder), *SURE, *words).ok()
    return made, desk.imp("audit", "verify", str(folder), "--vkey", str(folder / "log.vkey")).ok()


def test_r58_a_proof_of_noes_says_that_it_proves_no_consent(desk: Desk, tmp_path: Path) -> None:
    desk.record("analytics", "refused").ok()
    made, checked = proved(desk, tmp_path / "none")
    assert "no consent in it: none of these entries is a yes that counts\n" in made.out
    assert "none in it: none of these entries is a yes that counts" in checked.out
    assert checked.out.rstrip().endswith("it proves no consent")
    assert proved(desk, tmp_path / "json", "--json")[0].json["consents"] == []


def test_r58_a_proof_with_a_yes_says_which_and_no_more_once_it_was_corrected(desk: Desk, tmp_path: Path) -> None:
    yes = desk.record("analytics", "given", "--action", "click").ok().json["seq"]
    desk.wait(1)
    desk.record("analytics", "withdrawn").ok()
    made, checked = proved(desk, tmp_path / "yes")
    assert "no consent" not in made.out + checked.out, "it was given, and counted until it was withdrawn"
    assert proved(desk, tmp_path / "json", "--json")[0].json["consents"] == [yes]
    desk.consent("rectify", "member:1", "--entry", str(yes), *SURE).ok()
    made, checked = proved(desk, tmp_path / "wrong")
    assert "no consent in it" in made.out
    assert checked.out.rstrip().endswith("it proves no consent")


def test_r58_a_proof_of_a_yes_that_was_bundled_proves_no_consent(desk: Desk, tmp_path: Path) -> None:
    desk.record("analytics", "given", "--bundled").ok()
    made, checked = proved(desk, tmp_path / "bundled")
    assert "no consent in it" in made.out
    assert "none in it: none of these entries is a yes that counts" in checked.out
    assert checked.out.rstrip().endswith("it proves no consent")
    assert proved(desk, tmp_path / "json", "--json")[0].json["consents"] == []
    yes = desk.record("analytics", "given", "--action", "click").ok().json["seq"]
    made, checked = proved(desk, tmp_path / "both")
    assert "no consent" not in made.out + checked.out, "one of them counts"
    assert proved(desk, tmp_path / "more", "--json")[0].json["consents"] == [yes]
