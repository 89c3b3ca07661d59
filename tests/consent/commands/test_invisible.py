"""Nobody becomes known by an identifier that holds what is not seen, and whoever is known by one stays so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.identity.unsubscribe import seal_token
from imp_consent.identity.visible import check_visible
from imp_consent.ledger import subjects
from imp_consent.ledger.entry import PersonEntry
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

Cli = Any
Entries = Callable[[str], list[PersonEntry]]
AT, LATER = "2026-01-01T10:00:00Z", "2026-02-01T10:00:00Z"
GIVEN = ("--purpose", "analytics", "--state", "given", "--at", AT)


@pytest.mark.parametrize(
    "value",
    [
        "ann-9",
        "王小明",
        "张伟 2",
        "Müller",
        "Иванов",
        "佐藤",
        "김철수",
        "葛\U000e0100城",  # a variant of the sign
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
        "नारायण",
        "क्\u200dष",
        "राज्\u200dय",
        "ശ്രീ",
        "അവന്\u200d",
        "ශ්\u200dරී",
        "ᠮᠣᠩᠭᠣᠯ\u180eᠠ",
        "\u06dd12",
        "\u0639\u0600",
        "\u0600\u0661\u0662",
        "ᠮᠣᠩ\u180bᠭᠣᠯ",
        "葛\ufe00城",
        "\u1000\ufe00",
    ],
)
def test_names_of_any_script_are_taken_with_the_joiners_they_need(value: str) -> None:
    check_visible(RawId("member", value))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("99\u200b", "U+200B"),
        ("\ufeff99", "U+FEFF"),
        ("an\u00adn", "U+00AD"),
        ("9\u20609", "U+2060"),
        ("99\u200e", "U+200E"),
        ("\u202e99", "U+202E"),
        ("99\u2069", "U+2069"),
        ("9\u200d9", "U+200D"),
        ("ann\u200c", "U+200C"),
        ("\u0639\u0644\u06cc\u200c", "U+200C"),
        ("\u200c\u0639\u0644\u06cc", "U+200C"),
        ("\u0639\u0644\u06cc\u200c\u200c\u0631\u0636\u0627", "U+200C"),
        ("王\u200d小", "U+200D"),
        ("\u0639\u0644\u06cc\u200f\u0631\u0636\u0627", "U+200F"),
        ("9\u00019", "U+0001"),
        ("9\u007f", "U+007F"),
        ("9\u31649", "U+3164"),
        ("9\u034f9", "U+034F"),
        ("9\U000e00419", "U+E0041"),
        ("ab\ufe0f1", "U+FE0F"),
        ("ab\ufe011", "U+FE01"),
        ("\ufe01ab", "U+FE01"),
        ("ab\u180e1", "U+180E"),
        ("ab\u180b1", "U+180B"),
        ("ᠮᠣ\u180b\u180b", "U+180B"),
        ("ab\U000e01011", "U+E0101"),
        ("葛\U000e0101\U000e0101城", "U+E0101"),
        ("葛\U000e0200城", "U+E0200"),
        ("ab\u20651", "U+2065"),
        ("ab\ufff01", "U+FFF0"),
        ("ab\U0001d1591", "U+1D159"),
        ("ab\u0600", "U+0600"),
        ("ab\u06001", "U+0600"),
        ("\u0600", "U+0600"),
        ("ab\u0600\u0600", "U+0600"),
        ("ab\u06ddcd", "U+06DD"),
    ],
)
def test_what_nobody_sees_is_refused_and_named_without_the_identifier(value: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_visible(RawId("member", value))
    assert refused.value.what == f"an invisible character ({code}) in the identifier"
    assert value not in f"{refused.value.what} {refused.value.mend}"


def test_r08_a_no_of_a_name_with_something_invisible_is_a_fault_that_is_named_and_not_somebody_elses_no(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries
) -> None:
    imp_here("consent", "record", "member:99", *GIVEN).ok()
    path = tmp_path / "c.csv"
    path.write_text(f"identifier,purpose,state,at\nmember:99\u200b,analytics,withdrawn,{LATER}\n", encoding="utf-8")
    for more in (("--dry-run",), ()):
        refused = imp_here("consent", "import", path, *more)
        assert refused.code == (1 if more else 2)
        assert "an invisible character (U+200B) in the identifier" in refused.out + refused.err
    assert imp_here("consent", "record", "member:99\u200b", *GIVEN).code == 2
    assert (
        imp_here("consent", "link", "member:99", "member:9\u200b9", "--verified", "reasonable", "--how", "x").code == 2
    )
    path.write_text(f"identifier,purpose,state,at\nmember:99,analytics,withdrawn,{LATER}\n", encoding="utf-8")
    imp_here("consent", "import", path).ok()
    assert imp_here("consent", "check", "member:99", "--purpose", "analytics").code == 1


def test_who_was_recorded_by_such_a_name_before_is_found_by_it_and_can_say_no_and_be_erased(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(subjects, "check_visible", lambda _: None)
        imp_here("consent", "record", "member:99\u200b", *GIVEN).ok()
    assert imp_here("consent", "check", "member:99\u200b", "--purpose", "analytics").code == 0
    path = tmp_path / "c.csv"
    path.write_text(f"identifier,purpose,state,at\nmember:99\u200b,analytics,withdrawn,{LATER}\n", encoding="utf-8")
    imp_here("consent", "import", path).ok()
    assert imp_here("consent", "check", "member:99\u200b", "--purpose", "analytics").code == 1
    assert len(entries("member:99\u200b")) == 2
    imp_here("consent", "erase", "member:99\u200b", "--execute").ok()
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert imp_here("consent", "import", path, "--json").ok().json["suppressed"] == 1


def test_r52_an_invisible_character_in_somebodys_row_of_signals_holds_up_nobody_elses_no(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries
) -> None:
    imp_here("consent", "record", "member:1", *GIVEN).ok()
    path = tmp_path / "s.csv"
    rows = (f"member:1,unsubscribe,email,{LATER},", f"member:2\u200b,unsubscribe,email,{LATER},")
    path.write_text(
        "\n".join(("identifier,kind,channel,at,raw", *rows, f"member:3\u200b,gpc,web,{LATER},1")), encoding="utf-8"
    )
    dry = imp_here("consent", "signal", "import", path, "--dry-run", "--json")
    assert (dry.code, dry.json["recorded"], [one["row"] for one in dry.json["rejects"]]) == (1, 1, [3, 4])
    done = imp_here("consent", "signal", "import", path, "--json")
    assert (done.code, done.json["recorded"], done.json["invalid"], done.json["warnings"]) == (1, 1, 0, [])
    assert [(one["row"], one["field"], one["problem"]) for one in done.json["rejects"]] == [
        (row, "identifier", "an invisible character (U+200B) in the identifier") for row in (3, 4)
    ]
    assert [entry.statement.type for entry in entries("member:1")] == ["grant", "withdraw"]
    alone = imp_here("consent", "signal", "record", "member:2\u200b", "--kind", "unsubscribe", "--channel", "email")
    assert (alone.code, "an invisible character (U+200B)" in alone.err) == (2, True)


def test_who_is_known_or_was_erased_by_such_a_name_can_say_no_by_a_signal_and_by_a_link(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(subjects, "check_visible", lambda _: None)
        imp_here("consent", "record", "member:99\u200b", *GIVEN).ok()
    with open_log(shop).read() as reader:
        found = reader.find_subject(RawId("member", "99\u200b"))
        assert found is not None
        now = {"subject": found, "purpose": "analytics", "channel": "email", "issued_us": shop.clock.now_us()}
        token = seal_token(reader.keyring.active("channel"), **now)
    clicked = imp_here("consent", "unsubscribe", "-", input=f"\u200b{token}\n{token}\n")
    assert (clicked.code, "1 withdrawn" in clicked.out, "1 rejected" in clicked.out) == (1, True, True)
    path = tmp_path / "s.csv"
    path.write_text(f"identifier,kind,channel,at\nmember:99\u200b,unsubscribe,email,{LATER}\n", encoding="utf-8")
    assert imp_here("consent", "signal", "import", path, "--json").ok().json["recorded"] == 1
    imp_here("consent", "erase", "member:99\u200b", "--execute").ok()
    assert imp_here("consent", "signal", "import", path, "--json").ok().json["nobody"] == 1
