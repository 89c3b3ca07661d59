"""A file of law takes the place of one that imp brings only where that is said, and everybody can see that it did."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from imp_consent.ledger import store
from imp_consent.policy.regime import packaged
from imp_consent.runtime import open_log
from imp_core.context import Context

Desk = Any
HOUSE = 'format = "imp-regime/1"\nname = "house"\ntitle = "Our house"\nopt_in = true\nsource = "we"\n'


@pytest.fixture
def weaker(tmp_path: Path) -> str:
    """A file that says what gdpr says, with another age, and no age of its own in France."""
    text = packaged().texts["gdpr"].decode()
    text = text.replace("below = 16\n", "below = 12\n").replace("jurisdiction.FR.", "jurisdiction.MC.")
    path = tmp_path / "gdpr.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def size(shop: Context) -> int:
    """How many entries there are."""
    return open_log(shop).size


def test_a_dry_run_waits_for_nobody_who_is_writing(desk: Desk, shop: Context, weaker: str) -> None:
    sql = sqlite3.connect(shop.workspace.database, isolation_level=None)
    sql.execute("BEGIN IMMEDIATE")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_BUSY_MS", 1)
        found = desk.consent("regime", "add", weaker, "--dry-run", "--json").ok().json
    sql.close()
    assert (found["changed"], found["replaced"], found["seq"], found["dry_run"]) == (["gdpr"], ["gdpr"], None, True)
    assert any(line.startswith("+ ") for line in found["rules"]["gdpr"])


def test_a_file_takes_the_place_of_a_shipped_law_only_where_that_is_said(
    desk: Desk, shop: Context, weaker: str
) -> None:
    before = size(shop)
    refused = desk.consent("regime", "add", weaker)
    assert (refused.code, "imp itself brings gdpr" in refused.err) == (2, True), refused.err
    assert "--dry-run, then say --replace" in refused.err
    assert size(shop) == before
    done = desk.consent("regime", "add", weaker, "--replace", "--json").ok().json
    assert (done["changed"], done["replaced"], done["dry_run"]) == (["gdpr"], ["gdpr"], False)
    assert size(shop) == before + 1


def test_a_dry_run_names_the_rules_that_come_and_go_and_writes_nothing(desk: Desk, shop: Context, weaker: str) -> None:
    before = size(shop)
    printed = desk.consent("regime", "add", weaker, "--dry-run").ok().out.splitlines()
    assert printed[:4] == [
        "dry run, nothing is written: this would set the law gdpr",
        "in place of what imp brings: gdpr (it needs --replace)",
        "nobody's standing permission would be judged otherwise; what was recorded stands under the law it was "
        "recorded under, and ages say what it said then",
        "gdpr:",
    ]
    assert "  - below 16: needs guardian  [GDPR 8(1)]" in printed
    assert "  + below 12: needs guardian  [GDPR 8(1)]" in printed
    french = "below 15: needs both  [GDPR 8(1); loi 78-17 (Informatique et Libertés), art. 45, al. 2]"
    assert f"  - in FR: {french}" in printed
    assert f"  + in MC: {french}" in printed
    assert size(shop) == before
    dry = desk.consent("regime", "add", weaker, "--dry-run", "--json").ok().json
    done = desk.consent("regime", "add", weaker, "--replace", "--json").ok().json
    assert {**dry, "seq": done["seq"], "dry_run": False} == done
    assert desk.consent("regime", "add", weaker, "--dry-run").ok().out == "nothing to change\n"


def test_the_list_and_the_file_shown_say_whose_law_it_is(desk: Desk, weaker: str, tmp_path: Path) -> None:
    house = tmp_path / "house.toml"
    house.write_text(HOUSE, encoding="utf-8")
    assert {found["origin"] for found in desk.consent("regime", "list", "--json").ok().json["regimes"]} == {"shipped"}
    assert "[" not in desk.consent("regime", "list").ok().out
    desk.consent("regime", "add", str(house), weaker, "--replace").ok()
    listed = {found["name"]: found for found in desk.consent("regime", "list", "--json").ok().json["regimes"]}
    assert {name: found["origin"] for name, found in listed.items() if found["origin"] != "shipped"} == {
        "gdpr": "replaced",
        "house": "own",
    }
    assert listed["us-ca"]["applies"] == ["US-CA"]
    printed = desk.consent("regime", "list").ok().out
    assert "2016/679  [in place of the file that imp brings]" in printed
    assert "Our house  [your own]" in printed
    shown = desk.consent("regime", "show", "gdpr").ok()
    assert shown.out == Path(weaker).read_text(encoding="utf-8") + "\n"
    assert "in place of the file that imp brings" in shown.err
    assert desk.consent("regime", "show", "gdpr", "--json").ok().json["origin"] == "replaced"
    assert desk.consent("regime", "show", "eprivacy").ok().err == ""
    assert desk.consent("regime", "add", "--shipped", "--json").ok().json["changed"] == ["gdpr"]
    assert "gdpr" not in {
        found["name"]
        for found in desk.consent("regime", "list", "--json").json["regimes"]
        if found["origin"] != "shipped"
    }


def test_what_an_earlier_imp_brought_is_told_from_what_was_put_in_its_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = {**packaged().texts, "gdpr": packaged().texts["gdpr"] + b"# newer\n"}
    monkeypatch.setattr("imp_consent.commands.regime_files.packaged", lambda: type(packaged())(newer))
    (found,) = [
        one for one in desk.consent("regime", "list", "--json").ok().json["regimes"] if one["origin"] != "shipped"
    ]
    assert (found["name"], found["origin"]) == ("gdpr", "earlier")
    assert "imp consent regime add --shipped" in desk.consent("regime", "list").ok().out
    printed = desk.consent("regime", "add", "--shipped").ok().out
    assert "gdpr:\n  the same rules in other words\n" in printed


@pytest.mark.parametrize("words", [(), ("--replace",), ("--dry-run",)])
def test_a_law_of_ones_own_needs_no_such_word(desk: Desk, tmp_path: Path, words: tuple[str, ...]) -> None:
    house = tmp_path / "house.toml"
    house.write_text(HOUSE, encoding="utf-8")
    done = desk.consent("regime", "add", str(house), *words, "--json").ok().json
    assert (done["changed"], done["replaced"]) == (["house"], [])


def test_the_rules_are_told_whole(desk: Desk) -> None:
    said = desk.consent("regime", "rules", "us-ca", "eprivacy", "gdpr").ok().out
    for line in (
        "legitimate-interest: rests on assessment, no-withdrawal, not-before-a-no  [",
        "electronic-mail unless essential: expressed consent; or soft-opt-in",
        "below 13: needs guardian; what a guardian agreed to ends then  [",
        "below 16: needs own for sale, sharing, targeted-advertising  [",
        "the signal gpc ends: sale, sharing, targeted-advertising",
        "restrict: lifted after notified  [",
        "request *: answered in 45 days or 1 month, and ",
    ):
        assert line in said, line


def test_a_change_of_law_says_of_how_many_people_it_would_ask_something_else(desk: Desk, tmp_path: Path) -> None:
    desk.record("analytics").ok()
    desk.record("analytics", who="member:2").ok()
    desk.record("marketing.email", who="member:2").ok()
    desk.record("analytics", "given", "--regime", "us-ca", "--jurisdiction", "US-CA", who="member:3").ok()
    desk.record("analytics", "refused", who="member:4").ok()
    desk.wait(40)
    desk.record("analytics", who="member:5").ok()
    text = packaged().texts["gdpr"].decode() + '\n[[valid_for]]\ntrait = "*"\nperiod = "30 days"\nsource = "we"\n'
    path = tmp_path / "gdpr.toml"
    path.write_text(text, encoding="utf-8")
    add = ("regime", "add", str(path))
    assert desk.consent(*add, "--dry-run", "--json").ok().json["judged_anew"] == {"analytics": 2, "marketing.email": 1}
    printed = desk.consent(*add, "--dry-run").ok().out
    assert "the permission of 2 people for analytics, 1 person for marketing.email; what was recorded stands" in printed
    done = desk.consent(*add, "--replace", "--json").ok().json
    assert done["judged_anew"] == {"analytics": 2, "marketing.email": 1}
    assert desk.asked("analytics") == "given", "what was recorded under the law before stands"
    back = desk.consent("regime", "add", "--shipped", "--dry-run", "--json").ok().json
    assert back["judged_anew"] == {"analytics": 2, "marketing.email": 1}
