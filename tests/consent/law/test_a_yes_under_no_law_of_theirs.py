"""A yes that names no law goes under imp.toml's: whoever records it of people under another law is told so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

Desk = Any
ELSEWHERE = ("--jurisdiction", "CN")


def house(tmp_path: Path, *regimes: str, place: str | None) -> None:
    named = ", ".join(f'"{name}"' for name in regimes)
    where = "" if place is None else f'jurisdiction = "{place}"\n'
    with (tmp_path / "workspace" / "imp.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[policy]\nregimes = [{named}]\n{where}")


def warned(answer: Any) -> list[str]:
    return [text for text in answer.json["warnings"] if "names no law" in text]


def test_who_records_such_a_yes_is_told_what_it_means_and_which_option_mends_it(desk: Desk, tmp_path: Path) -> None:
    house(tmp_path, "gdpr", "eprivacy", place="FR")
    desk.record("analytics", "refused", *ELSEWHERE).ok()
    (text,) = warned(desk.record("analytics").ok())
    assert "all else recorded of them is under cn-pipl+gdpr+eprivacy for people in CN" in text
    assert "it went under imp.toml's law alone" in text
    assert text.endswith("record it again with --jurisdiction CN")
    plain = desk.consent("record", "member:2", "--purpose", "analytics", "--state", "refused", *ELSEWHERE).ok()
    assert "warning" not in plain.out
    said = desk.consent("record", "member:2", "--purpose", "analytics", "--state", "given").ok().out
    assert "\nwarning: all else recorded of them is under" in said
    assert desk.entries("member:2")[-1].payload["jurisdiction"] == "FR", "it is told, not decided otherwise"


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ([], ()),  # nobody known
        ([ELSEWHERE], ELSEWHERE),  # named with it
        ([ELSEWHERE], ("--regime", "gdpr")),
        ([ELSEWHERE, ()], ()),  # one entry is under imp.toml's
        ([("--jurisdiction", "FR")], ()),
        ([("--jurisdiction", "FR-IDF")], ()),  # a part of it, under the same law
    ],
)
def test_nothing_is_said_where_the_law_is_named_or_known_to_be_theirs(
    desk: Desk, tmp_path: Path, before: list[tuple[str, ...]], words: tuple[str, ...]
) -> None:
    house(tmp_path, "gdpr", "eprivacy", place="FR")
    for law in before:
        desk.record("marketing.email", "given", *law).ok()
    assert warned(desk.record("analytics", "given", *words).ok()) == []
    assert warned(desk.record("analytics", "refused").ok()) == []


@pytest.mark.parametrize(
    ("place", "named", "told"),
    [
        ("FR", ("--jurisdiction", "DE"), True),  # the same law, of another country: other ages
        (None, ("--jurisdiction", "DE"), False),  # where imp.toml names no place, only the law is compared
        (None, ("--jurisdiction", "CN"), True),
        (None, ("--regime", "us-ca"), True),  # a no of which only the law is named counts where that is at home
    ],
)
def test_another_country_or_another_law_is_another(
    desk: Desk, tmp_path: Path, place: str | None, named: tuple[str, str], *, told: bool
) -> None:
    house(tmp_path, "gdpr", "eprivacy", place=place)
    desk.record("analytics", "refused", *named).ok()
    found = warned(desk.record("analytics").ok())
    assert len(found) == told
    where = "US-CA" if named[1] == "us-ca" else named[1]
    assert all(text.endswith(f"record it again with --jurisdiction {where}") for text in found)


def test_an_age_that_holds_or_the_last_word_under_another_law_is_enough(desk: Desk, tmp_path: Path) -> None:
    house(tmp_path, "gdpr", "eprivacy", place=None)
    desk.record("marketing.email").ok()
    desk.consent("minor", "member:1", "--age", "10", *ELSEWHERE).ok()
    (text,) = warned(desk.record("analytics").ok())
    assert text.startswith("their age is recorded under cn-pipl")
    assert text.endswith("record it again with --jurisdiction CN")
    desk.wait(366 * 8)
    assert warned(desk.record("analytics").ok()) == [], "they are of age, and the last yes is under imp.toml's"
    before = desk.record("analytics", "refused", "--jurisdiction", "CN").ok()
    (text,) = warned(desk.record("analytics").ok())
    assert text.startswith("what they said last is under cn-pipl")
    desk.record("analytics", "refused", "--jurisdiction", "CN").ok()
    desk.record("marketing.email", "refused").ok()
    assert before.code == 0
    assert warned(desk.record("analytics").ok()) == [], "what they said last is under imp.toml's"


def test_what_was_corrected_tells_of_no_law(desk: Desk, tmp_path: Path) -> None:
    house(tmp_path, "gdpr", "eprivacy", place="FR")
    desk.record("analytics").ok()
    wrong = desk.record("marketing.email", "given", *ELSEWHERE).ok().json["seq"]
    assert len(warned(desk.record("analytics", "given", "--at", "2026-02-01T00:00:00Z").ok())) == 1
    shown = ("--verified", "reasonable", "--how", "seen")
    desk.consent("rectify", "member:1", "--entry", str(wrong), *shown).ok()
    assert warned(desk.record("analytics").ok()) == []


def test_an_act_for_several_purposes_is_compared_with_what_was_there_before_it(desk: Desk, tmp_path: Path) -> None:
    house(tmp_path, "gdpr", "eprivacy", place="FR")
    desk.record("analytics", "refused", *ELSEWHERE).ok()
    words = ("--purpose", "analytics", "--purpose", "marketing.email", "--each", "--state", "given", "--json")
    done = desk.consent("record", "member:1", *words).ok().json["entries"]
    assert [len([text for text in one["warnings"] if "names no law" in text]) for one in done] == [1, 1]


def test_a_file_without_places_is_warned_of_once_with_its_lines(desk: Desk, tmp_path: Path) -> None:
    house(tmp_path, "gdpr", "eprivacy", place="FR")
    for who in ("member:1", "member:2"):
        desk.record("analytics", "refused", *ELSEWHERE, who=who).ok()
    path = tmp_path / "c.csv"
    yes = "member:{},analytics,given,2026-03-01T11:59:59Z{}\n"
    path.write_text("identifier,purpose,state,at\n" + "".join(yes.format(n, "") for n in (3, 1, 2)))
    done = desk.consent("import", str(path), "--json").ok()
    texts = [text for text in done.json["warnings"] if "name no law" in text]
    assert len(texts) == 1
    assert texts[0].startswith("2 rows given name no law, of people recorded under another (lines 3, 4): ")
    assert f"warning: {texts[0]}\n" in done.err
    placed = tmp_path / "placed.csv"
    placed.write_text("identifier,purpose,state,at,jurisdiction\n" + yes.format(1, ",CN"))
    assert "no law" not in desk.consent("import", str(placed)).ok().err
