"""What people read of a record: sentences of their own script, times and counts, and no JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from imp_consent.rights.plain import in_words
from imp_core.clock import parse_time

Line = Any
WHO = "email:ann@example.com"
VERIFIED = ("--verified", "reasonable", "--how", "answered a code")
AT = parse_time("2026-03-01T12:00:00Z")


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        ("退订", "", "退订"),
        (True, "", "yes"),
        (False, "", "no"),
        (None, "", "none"),
        ([], "", "none"),
        ({}, "", "none"),
        (AT, "event_us", "2026-03-01T12:00:00Z"),
        (AT, "due", "2026-03-01T12:00:00Z"),
        (7, "due", "7"),
        (AT, "rows", str(AT)),
        (["a", "b"], "", "a, b"),
        ({"surface": "command line", "version": "1.0"}, "", "surface: command line; version: 1.0"),
        ({"grounds": {"law": "x"}, "n": [1, 2]}, "", "grounds: (law: x); n: (1, 2)"),
        ({"event_us": AT, "of": {}}, "", "event us: 2026-03-01T12:00:00Z; of: none"),
    ],
)
def test_a_value_is_told_in_words(value: object, name: str, text: str) -> None:
    assert in_words(value, name) == text


def test_what_a_person_reads_of_themselves_holds_no_json_and_no_microseconds(shop: Line, tmp_path: Path) -> None:
    shop("consent", "object", WHO, "--grounds", "no more").ok()
    shop("consent", "signal", "record", WHO, "--kind", "gpc", "--raw", "1", "--channel", "web").ok()
    shop("consent", "access", WHO, "--out", tmp_path / "copy", "--language", "en", *VERIFIED).ok()
    page = (tmp_path / "copy" / "access.html").read_text(encoding="utf-8")
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    assert not re.search(r"[{\[](&quot;|&#x27;)|&quot;\w+&quot;:", body)
    assert not re.search(r"\b1[67]\d{14}\b", body), "a time in microseconds"
    assert "surface: command line" in body


def test_what_commands_print_for_people_holds_no_json_and_no_plural_of_one(shop: Line, tmp_path: Path) -> None:
    shop("consent", "requests", "open", "access", WHO).ok()
    shop("consent", "object", WHO).ok()
    for words in (
        ("consent", "history", WHO),
        ("consent", "requests", "list", "--all"),
        ("consent", "recipients", "list"),
        ("audit", "entries"),
        ("consent", "receipt", WHO, "--out", tmp_path / "receipts", *VERIFIED),
        ("consent", "portability", WHO, "--out", tmp_path / "move", *VERIFIED),
    ):
        told = shop(*words).ok().out
        assert not re.search(r"[{}\[\]]", told), words
        assert not re.search(r"\b1 (entries|statements|events|traits|people|days|rows)\b", told), words
