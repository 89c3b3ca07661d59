"""What a proof states is printed with its times as people read them, and a receipt that says too much names what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

Cli = Any
YES = ("--purpose", "analytics", "--state", "given", "--action", "click", "--at", "2026-01-10T09:00:00Z")
VERIFIED = ("--verified", "reasonable", "--how", "answered a code")

RECORDS = """
[policy]
jurisdiction = "IE"

[records]
address = "1 High Street, Dublin, Ireland"
contact = "privacy@shop.example"
storage = ["IE"]
retention = "P3Y"
"""


@pytest.fixture
def bundle(imp_here: Cli, tmp_path: Path) -> Path:
    imp_here("init", str(imp_here.workspace), "--controller", "Shop").ok()
    with (imp_here.workspace / "imp.toml").open("a", encoding="utf-8") as file:
        file.write(RECORDS)
    imp_here("consent", "record", "member:ann", *YES).ok()
    imp_here("audit", "export", tmp_path / "log").ok()
    imp_here("consent", "proof", "member:ann", "--purpose", "analytics", *VERIFIED, "--out", tmp_path / "b").ok()
    return tmp_path / "b"


def test_r58_times_are_printed_as_people_read_them_and_stay_numbers_in_json(
    imp_here: Cli, bundle: Path, tmp_path: Path
) -> None:
    words = ("audit", "verify", bundle, "--vkey", tmp_path / "log" / "log.vkey")
    shown = imp_here(*words).ok().out
    assert ('"at": "2026-01-10T09:00:00Z"' in shown, "1768035600000000" in shown) == (True, False)
    (said,) = imp_here(*words, "--json").ok().json["statements"]
    assert said["at"] == 1_768_035_600_000_000


def test_r58_a_record_that_says_more_than_is_proved_names_what(imp_here: Cli, bundle: Path, tmp_path: Path) -> None:
    (record,) = [path for path in bundle.iterdir() if path.suffix == ".jsonld"]
    document = json.loads(record.read_text(encoding="utf-8"))
    text = json.dumps(document, ensure_ascii=False).replace("analytics", "experimentation")
    record.write_text(text, encoding="utf-8")
    bad = imp_here("audit", "verify", bundle, "--vkey", tmp_path / "log" / "log.vkey")
    assert bad.code == 1
    assert "no proof here proves: grant of experimentation at 1768035600000000" in bad.out
    assert "of what is proved here: grant of analytics at" in bad.out
