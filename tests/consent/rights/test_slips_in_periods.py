"""A slip in [retention] is told by its name, and keeps nobody from their copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imp_consent.rights.wording import languages, read_wording

SURE = ("--verified", "reasonable", "--how", "logged in")
SLIPS = [
    ("evidenz = 5", "[retention] evidenz"),
    ("evidence = -5", "[retention] evidence"),
    ('evidence = "3 years"', "[retention] evidence"),
    ("requests = true", "[retention] requests"),
    ("archive = 5", "[retention] archive"),
    ("archive.outcome = 0", "[retention.archive] outcome"),
    ("archive.outcomes = 5", "[retention.archive] outcomes"),
]


@pytest.fixture
def shop(imp_here: Any, tmp_path: Path) -> Any:
    """Somebody who said yes, and `shop.slip(text)`, which puts a text into [retention]."""
    imp_here("init", tmp_path / "workspace", "--controller", "Shop Ltd").ok()
    imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "given").ok()
    return imp_here


def slip(tmp_path: Path, text: str, table: str = "retention") -> None:
    with (tmp_path / "workspace" / "imp.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[{table}]\n{text}\n")


@pytest.mark.parametrize(("text", "named"), SLIPS)
def test_a_person_gets_their_copy_which_says_that_periods_could_not_be_read(
    shop: Any, tmp_path: Path, text: str, named: str
) -> None:
    slip(tmp_path, f"{text}\narchive.touchpoint = 395" if not text.startswith("archive =") else text)
    done = shop("consent", "access", "member:1", "--out", tmp_path / "copy", *SURE, "--json").ok()
    (unread,) = done.json["periods_unread"]
    assert f"imp.toml, {named}" in unread
    assert f"warning: imp.toml, {named}" in done.err
    told = json.loads((tmp_path / "copy" / "access.json").read_text())["retention"]
    assert told[-1] == "some periods could not be read when this copy was made: ask us for them"
    if not text.startswith("archive ="):
        assert told[0] == "events of type touchpoint: 395 days", "what can be read is told"
    assert "some periods could not be read" in (tmp_path / "copy" / "access.html").read_text()
    shop("consent", "portability", "member:1", "--out", tmp_path / "move", *SURE).ok()


def test_where_all_is_read_nothing_is_told_of_it(shop: Any, tmp_path: Path) -> None:
    slip(tmp_path, "evidence = 1095")
    done = shop("consent", "access", "member:1", "--out", tmp_path / "copy", *SURE, "--json").ok()
    assert (done.json["periods_unread"], done.err) == ([], "")
    told = json.loads((tmp_path / "copy" / "access.json").read_text())["retention"]
    assert told == ["proof of consent: 1095 days after the last permission ended"]


def test_every_language_says_that_periods_could_not_be_read() -> None:
    texts = {read_wording(tag).say("kept", "unread") for tag in languages()}
    assert len(texts) == len(languages())


@pytest.mark.parametrize(("text", "named"), SLIPS)
def test_the_doctor_and_what_needs_the_schedule_name_the_line(shop: Any, tmp_path: Path, text: str, named: str) -> None:
    slip(tmp_path, text)
    found = shop("doctor", "--json")
    assert found.code == 1
    (check,) = [one for one in found.json["checks"] if one["name"] == "retention"]
    assert not check["ok"]
    assert f"imp.toml, {named}" in check["detail"]
    assert check["mend"]
    for words in (("consent", "retention"), ("audit", "records")):
        refused = shop(*words, "--json")
        assert (refused.code, refused.json["error"]["where"]) == (2, f"imp.toml, {named}")
        assert refused.json["error"]["mend"]


def test_the_doctor_says_which_periods_are_set(shop: Any, tmp_path: Path) -> None:
    (check,) = [one for one in shop("doctor", "--json").json["checks"] if one["name"] == "retention"]
    assert (check["ok"], check["detail"]) == (True, "no period is set")
    slip(tmp_path, "evidence = 1\narchive.outcome = 730")
    (check,) = [one for one in shop("doctor", "--json").json["checks"] if one["name"] == "retention"]
    assert (check["ok"], check["detail"]) == (True, "archive.outcome: 730 days; evidence: 1 day")


def test_several_slips_are_told_at_once(shop: Any, tmp_path: Path) -> None:
    slip(tmp_path, "evidence = 0\nrequests = 36501\nlimit = 3")
    (check,) = [one for one in shop("doctor", "--json").json["checks"] if one["name"] == "retention"]
    for name in ("evidence", "requests", "limit"):
        assert f"[retention] {name}" in check["detail"]
