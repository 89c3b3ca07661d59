"""What a new notice or a changed purpose ends is counted by purpose, before it is done and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_consent.runtime import open_log
from imp_core.context import Context

Desk = Any


@pytest.fixture
def asked(desk: Desk) -> Desk:
    """Three people agreed to analytics, one of them to marketing.email too; one has taken it back since."""
    desk.notice("analytics", "marketing.email").ok()
    for who in ("member:1", "member:2", "member:3"):
        desk.record("analytics", who=who).ok()
    desk.record("marketing.email", who="member:1").ok()
    desk.record("marketing.email", "refused", who="member:2").ok()
    desk.wait(1)
    desk.record("analytics", "withdrawn", who="member:3").ok()
    desk.wait(1)
    return desk


def size(shop: Context) -> int:
    """How many entries there are."""
    return open_log(shop).size


def test_r15_a_dry_run_of_a_notice_counts_whom_it_would_cut_off_and_writes_nothing(asked: Desk, shop: Context) -> None:
    before = size(shop)
    would = asked.notice("analytics", "marketing.email", more="New.", words=("--dry-run",)).ok().json
    assert would["asked_anew"] == {"analytics": 2, "marketing.email": 1}
    assert (would["seq"], would["dry_run"], would["version"]) == (None, True, 2)
    assert size(shop) == before
    assert asked.asked("analytics") == "given"
    done = asked.notice("analytics", "marketing.email", more="New.").ok().json
    assert {**would, "seq": done["seq"], "dry_run": False} == done
    assert asked.asked("analytics") == "notice_changed"
    again = asked.notice("analytics", "marketing.email", more="Newer.", words=("--dry-run",)).ok().json
    assert again["asked_anew"] == {}, "who was cut off before is not counted again"


def test_the_counts_are_printed_before_and_after_in_the_singular_too(asked: Desk, tmp_path: Path) -> None:
    path = tmp_path / "shown.txt"
    path.write_text(path.read_text(encoding="utf-8") + " Newly.", encoding="utf-8")
    words = ("notice", "add", str(path), "--name", "shown", "--material")
    dry = asked.consent(*words, "marketing.email", "--dry-run").ok().out
    assert dry.startswith("dry run: shown version 2 (en)")
    assert (
        "; consent given before would no longer cover marketing.email\n"
        "1 person for marketing.email would have to be asked anew\n"
    ) in dry
    done = asked.consent(*words, "marketing.email").ok().out
    assert "\n1 person for marketing.email has to be asked anew\n" in done
    more = asked.consent(*words, "analytics").ok().out
    assert "\n2 people for analytics have to be asked anew\n" in more


def test_an_editorial_version_and_a_first_one_ask_nobody_anew(asked: Desk) -> None:
    done = asked.notice("analytics", "marketing.email", more="Nicer.", words=("--editorial",)).ok()
    assert done.json["asked_anew"] == {}
    assert asked.notice("analytics", name="other", words=("--dry-run",)).ok().json["asked_anew"] == {}
    for words in (("--material", "analytics"), ("--editorial",)):
        refused = asked.notice("analytics", name="first", words=words)
        assert (refused.code, f"where: {words[0]}" in refused.err) == (2, True), refused.err


def test_a_purpose_below_one_that_changes_is_counted_by_itself(desk: Desk) -> None:
    desk.purpose("web")
    desk.purpose("web.count")
    desk.notice("web", "web.count").ok()
    desk.record("web").ok()
    desk.record("web.count", who="member:2").ok()
    desk.wait(1)
    done = desk.consent("purpose", "change", "web", "--data", "clicks", "--dry-run", "--json").ok().json
    assert done["asked_anew"] == {"web": 1, "web.count": 2}
    desk.consent("purpose", "change", "web", "--data", "clicks").ok()
    assert desk.asked("web.count", who="member:2") == "notice_changed"


def test_a_changed_purpose_ends_other_bases_too_and_a_notice_does_not(asked: Desk) -> None:
    asked.consent("basis", "member:9", "--purpose", "analytics", "--basis", "contract", "--evidence", "order 7").ok()
    asked.wait(1)
    notice = asked.notice("analytics", "marketing.email", more="New.", words=("--dry-run",)).ok().json
    assert notice["asked_anew"]["analytics"] == 2
    change = ("purpose", "change", "analytics", "--data", "clicks", "--json")
    assert asked.consent(*change, "--dry-run").ok().json["asked_anew"] == {"analytics": 3}
    assert asked.consent(*change).ok().json["asked_anew"] == {"analytics": 3}


def test_a_dry_run_of_a_purpose_says_what_changes_from_what_to_what_and_writes_nothing(
    asked: Desk, shop: Context
) -> None:
    before = size(shop)
    words = ("purpose", "change", "marketing.email", "--trait", "profiling")
    dry = asked.consent(*words, "--dry-run").ok().out
    assert dry == (
        "dry run: 1 changed; consent given before would no longer cover marketing.email\n"
        "1 person for marketing.email would have to be asked anew\n"
        "marketing.email traits: direct-marketing, electronic-mail → profiling\n"
    )
    assert size(shop) == before
    done = asked.consent(*words, "--json").ok().json
    assert done["differences"] == [
        {
            "purpose": "marketing.email",
            "field": "traits",
            "before": "direct-marketing, electronic-mail",
            "after": "profiling",
        }
    ]


def test_traits_and_data_are_added_and_taken_away_one_by_one(desk: Desk) -> None:
    change = ("purpose", "change", "marketing.email")
    shown = ("purpose", "show", "marketing.email", "--json")
    desk.consent(*change, "--add-trait", "profiling", "--remove-trait", "electronic-mail", "--add-data", "name").ok()
    found = desk.consent(*shown).ok().json
    assert (found["traits"], found["data"]) == (["direct-marketing", "profiling"], ["name"])
    desk.consent(*change, "--add-data", "age", "--remove-data", "name").ok()
    assert desk.consent(*shown).ok().json["data"] == ["age"]
    assert desk.consent("purpose", "change", "analytics", "--add-trait", "sale").code == 0
    assert desk.consent("purpose", "show", "analytics", "--json").ok().json["traits"] == ["sale"], "no longer none"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--trait", "sale", "--add-trait", "profiling"), "--trait names all there are"),
        (("--data", "name", "--remove-data", "age"), "--data names all there are"),
        (("--remove-trait", "sale"), "mend: it has: direct-marketing, electronic-mail"),
        (("--remove-data", "sale"), "mend: it has: none"),
        (("--remove-trait", "direct-marketing", "--remove-trait", "electronic-mail"), "no trait would be left"),
        (("--add-trait", "no-such"), "known are: "),
        ((), "nothing to change"),
    ],
)
def test_a_change_that_contradicts_itself_is_refused_with_a_mend(
    desk: Desk, shop: Context, words: tuple[str, ...], problem: str
) -> None:
    before = size(shop)
    answer = desk.consent("purpose", "change", "marketing.email", *words)
    assert (answer.code, problem in answer.err, "mend: " in answer.err) == (2, True, True), answer.err
    assert size(shop) == before


def test_a_file_of_purposes_has_a_dry_run_too(asked: Desk, shop: Context, tmp_path: Path) -> None:
    path = tmp_path / "purposes.toml"
    path.write_text(
        '[[purpose]]\nname = "analytics"\ndescription = "We count."\ntraits = ["profiling"]\n'
        '[[purpose]]\nname = "surveys"\ndescription = "We ask."\ntraits = ["none"]\n',
        encoding="utf-8",
    )
    before = size(shop)
    dry = asked.consent("purpose", "load", str(path), "--dry-run").ok().out
    assert dry.startswith("dry run: 1 added, 1 changed; consent given before would no longer cover analytics\n2 people")
    assert "analytics traits: none → profiling" in dry
    assert size(shop) == before
    assert asked.consent("purpose", "load", str(path), "--json").ok().json["asked_anew"] == {"analytics": 2}
