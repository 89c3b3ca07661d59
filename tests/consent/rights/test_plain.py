"""What people read of a record: sentences of their own script, times and counts, and no JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.rights.plain import in_words, is_technical, minute, money
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


@pytest.mark.parametrize(
    ("micros", "currency", "text"),
    [
        (30_500_000, "EUR", "30.50 EUR"),
        (0, "USD", "0.00 USD"),
        (-5_000_000, "CNY", "-5.00 CNY"),
        (1_234_567_890_000, "EUR", "1234567.89 EUR"),
        (1_234_567, "EUR", "1.234567 EUR"),
        (3_000_000_000, "JPY", "3000 JPY"),
        (12_000_000, None, "12.00"),
        (9_007_199_254_740_991, "EUR", "9007199254.740991 EUR"),
    ],
)
def test_money_is_told_in_its_coins(micros: int, currency: str | None, text: str) -> None:
    assert money(micros, currency) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-11-22T15:09:42.931499Z", "2026-11-22 15:09 UTC"),
        ("2026-11-22T15:09:42Z", "2026-11-22 15:09 UTC"),
        ("2026-11-22T15:09:42+08:00", "2026-11-22T15:09:42+08:00"),
        ("at 2026-11-22T15:09:42Z", "at 2026-11-22T15:09:42Z"),
        ("下午", "下午"),
    ],
)
def test_a_time_is_told_to_the_minute_and_other_text_as_it_is(text: str, told: str) -> None:
    assert minute(text) == told


def test_a_hash_is_for_who_looks_after_the_records_wherever_it_stands() -> None:
    assert is_technical("evidence", "sha256:" + "0" * 64)
    assert is_technical("evidence", "AB" * 16)
    assert not is_technical("evidence", "form-4711")
    assert not is_technical("name", "0815")


def test_what_is_for_who_looks_after_the_records_is_folded_away_and_nothing_is_left_out(
    shop: Line, tmp_path: Path
) -> None:
    shop("consent", "access", WHO, "--out", tmp_path / "copy", "--language", "en", *VERIFIED).ok()
    page = (tmp_path / "copy" / "access.html").read_text(encoding="utf-8")
    folded = "".join(re.findall(r"<summary>Technical details</summary>.*?</details>", page, re.S))
    read = re.sub(r"<summary>Technical details</summary>.*?</details>", "", page, flags=re.S)
    for label in ("idempotency key", "event", "decided by entry", "amount, in millionths", "SHA-256", "source"):
        assert f'<th><bdi dir="auto">{label}</bdi></th>' in folded, label
        assert f'<th><bdi dir="auto">{label}</bdi></th>' not in read, label
    assert '<td><bdi dir="auto">12.50 EUR</bdi></td>' in read
    assert not re.search(r"\d\d:\d\d:\d\d\.\d+Z|[0-9a-f]{32}", read), "a time or a hash to the last digit"
    assert "12500000" in folded


def test_the_page_says_where_to_write_as_far_as_the_settings_do(
    shop: Line, setting: Callable[[str], None], tmp_path: Path
) -> None:
    shop("consent", "access", WHO, "--out", tmp_path / "none", "--language", "en", *VERIFIED).ok()
    assert "<address>" not in (tmp_path / "none" / "access.html").read_text(encoding="utf-8")
    setting(
        '[records]\naddress = "北京路 1 <b>"\ncontact = "privacy@shop.example"\n[processing]\ndpo = "dpo@shop.example"'
    )
    for who, folder in ((WHO, "known"), ("member:nobody", "unknown")):
        shop("consent", "access", who, "--out", tmp_path / folder, "--language", "de", *VERIFIED).ok()
        page = (tmp_path / folder / "access.html").read_text(encoding="utf-8")
        reach = re.search(r"<address>(.*?)</address>", page)
        assert reach is not None, folder
        assert re.sub(r"<(?!br)[^>]*>", "", reach[1]) == "Shop Ltd<br>北京路 1 &lt;b&gt;<br>privacy@shop.example"
        assert "Datenschutzbeauftragte Person: <bdi" in page
    found = json.loads((tmp_path / "known" / "access.json").read_bytes())["reach"]
    assert found == {
        "address": "北京路 1 <b>", "contact": "privacy@shop.example", "rights": None, "dpo": "dpo@shop.example"
    }  # fmt: skip


@pytest.mark.parametrize("said", ["records = 7", '[records]\ncontact = 7\naddress = ["x"]'])
def test_a_misspelt_setting_of_records_keeps_nobody_from_their_copy(
    shop: Line, setting: Callable[[str], None], tmp_path: Path, said: str
) -> None:
    setting(said)
    shop("consent", "access", WHO, "--out", tmp_path / "copy", *VERIFIED).ok()


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
