"""`imp consent purpose` and `imp consent notice`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.notices import add_notice, list_notices, show_notice
from imp_consent.commands.purposes import add_purpose, list_purposes
from imp_core.context import Context
from imp_core.errors import BadInput

Cli = Any
Size = Callable[[], int]
TEXT = "Shop Ltd sends you marketing.email, and looks at analytics.\n\nWithdraw when you like.\n"


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "notice.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_new_workspace_has_four_purposes_each_with_a_sentence(shop: Context, imp_here: Cli) -> None:
    found = imp_here("consent", "purpose", "list", "--json").ok().json["purposes"]
    assert [purpose["name"] for purpose in found] == ["analytics", "essential", "experimentation", "marketing.email"]
    assert all(purpose["description"].endswith(".") for purpose in found)
    shown = imp_here("consent", "purpose", "show", "marketing.email").ok().out
    assert shown == (
        "marketing.email (version 1): We send you offers and news by e-mail.\n"
        "traits  direct-marketing, electronic-mail\n"
    )


def test_a_purpose_is_added_once(shop: Context, imp_here: Cli, size: Size) -> None:
    words = ("consent", "purpose", "add", "marketing.sms", "--description", "We text you offers.", "--trait", "none")
    assert imp_here(*words, "--json").ok().json == {
        "seq": 2, "name": "marketing.sms", "description": "We text you offers.", "version": 1
    }  # fmt: skip
    again = imp_here(*words)
    assert (again.code, "already" in again.err) == (2, True)
    assert size() == 3
    assert "marketing.sms" in imp_here("consent", "purpose", "list").ok().out


@pytest.mark.parametrize("words", [("Marketing", "We do."), ("*", "We do."), ("ads", " "), ("ads", "two\nlines")])
def test_a_malformed_purpose_exits_2(shop: Context, imp_here: Cli, size: Size, words: tuple[str, str]) -> None:
    assert imp_here("consent", "purpose", "add", words[0], "--description", words[1], "--trait", "none").code == 2
    assert size() == 2
    assert len(list_purposes(shop)) == 4


def test_an_unknown_purpose_cannot_be_shown(shop: Context, imp_here: Cli) -> None:
    assert imp_here("consent", "purpose", "show", "ads").code == 2


def test_a_notice_asks_for_the_purposes_its_text_names(shop: Context, imp_here: Cli, text_file: Path) -> None:
    added = imp_here("consent", "notice", "add", str(text_file), "--name", "news", "--json").ok().json
    assert added["purposes"] == ["analytics", "marketing.email"]
    assert (added["name"], added["version"], added["language"], added["seq"]) == ("news", 1, "en", 2)
    listed = imp_here("consent", "notice", "list", "--json").ok().json["notices"]
    assert [notice["name"] for notice in listed] == ["default", "news"]
    for word in ("news", added["sha256"], added["sha256"][:12]):
        shown = imp_here("consent", "notice", "show", word, "--json").ok().json
        assert (shown["text"], shown["withdrawal"]) == (TEXT, "Withdraw when you like.")
    assert imp_here("consent", "notice", "show", "news").ok().out.endswith("\n\n" + TEXT + "\n")


def test_the_same_name_again_is_a_new_version_in_each_language(shop: Context, text_file: Path) -> None:
    add = {"name": "news", "purposes": ("analytics",), "withdrawal": "Withdraw when you like."}
    versions = [add_notice(shop, text_file, **add, language=language).version for language in ("en", "de")]
    text_file.write_text(TEXT + " We write seldom.")
    versions.append(add_notice(shop, text_file, **add, language="en").version)
    assert versions == [1, 1, 2]
    assert show_notice(shop, "news").notice.version == 2


def test_who_is_shown_one_translation_is_told_of_the_others_and_of_other_versions(
    shop: Context, imp_here: Cli, text_file: Path
) -> None:
    add = {"name": "news", "purposes": ("analytics",), "withdrawal": "Withdraw when you like."}
    for language in ("en", "de", "zh-Hans"):
        add_notice(shop, text_file, **add, language=language)
    shown = imp_here("consent", "notice", "show", "news").ok().out.splitlines()
    assert "(zh-Hans)" in shown[0]
    assert shown[1:3] == ["also in de, en: name one with --language", ""]
    assert imp_here("consent", "notice", "show", "news", "--language", "de").ok().out.splitlines()[1] == (
        "also in en, zh-Hans: name one with --language"
    )
    text_file.write_text(TEXT + " We write seldom.")
    newest = add_notice(shop, text_file, **add, language="en")
    shown = imp_here("consent", "notice", "show", newest.sha256[:12]).ok().out.splitlines()
    assert shown[1:3] == ["1 other version: imp consent notice list", ""]
    found = imp_here("consent", "notice", "show", "news", "--json").ok().json
    assert (found["other_languages"], found["other_versions"]) == ([], [1])
    plain = imp_here("consent", "notice", "show", "default", "--json").ok().json
    assert (plain["other_languages"], plain["other_versions"]) == ([], [])


def test_the_very_same_notice_again_is_nothing_new_and_ends_no_consent(imp_here: Cli, text_file: Path) -> None:
    imp_here("init", "--controller", "Shop Ltd").ok()
    words = ("consent", "notice", "add", str(text_file), "--name", "news", "--purpose", "analytics")
    words += ("--withdrawal", "Withdraw when you like.")
    first = imp_here(*words, "--json").ok().json
    imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "given").ok()
    again = imp_here(*words, "--json").ok().json
    assert again == {**first, "known": True}
    assert imp_here(*words).ok().out.startswith(f"nothing new: entry {first['seq']}: news version 1")
    assert imp_here("consent", "check", "member:1", "--purpose", "analytics", "--json").json["reason"] == "given"
    assert len(imp_here("consent", "notice", "list", "--json").json["notices"]) == 2


@pytest.mark.parametrize(
    ("content", "words", "problem"),
    [
        (b"Other Ltd. You may withdraw.", ("--purpose", "analytics"), "does not name the controller"),
        (b"Shop Ltd keeps all.", ("--purpose", "analytics"), "how to withdraw"),
        (b"Shop Ltd. You may withdraw.", (), "no purposes"),
        (b"Shop Ltd. You may withdraw.", ("--purpose", "nope"), "unknown purpose"),
        (b"Shop Ltd. You may withdraw.", ("--purpose", "analytics", "--language", "!"), "language"),
        (b"Shop Ltd. You may withdraw.", ("--purpose", "analytics", "--withdrawal", "Go away."), "how to withdraw"),
        (b"Shop Ltd \xff", ("--purpose", "analytics"), "UTF-8"),
        (b"Shop Ltd\x00. You may withdraw.", ("--purpose", "analytics"), "not text"),
        (b"", ("--purpose", "analytics"), "without text"),
    ],
)
def test_r07_a_text_that_does_not_say_what_it_must_is_refused(
    shop: Context, imp_here: Cli, *, tmp_path: Path, content: bytes, words: tuple[str, ...], problem: str
) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    answer = imp_here("consent", "notice", "add", str(path), "--name", "bad", *words)
    assert (answer.code, problem in answer.err) == (2, True), answer.err
    assert [found.name for found in list_notices(shop)] == ["default"]


def test_a_file_that_is_not_there_or_a_notice_nobody_knows_exits_2(
    shop: Context, imp_here: Cli, tmp_path: Path
) -> None:
    assert imp_here("consent", "notice", "add", str(tmp_path / "no.txt"), "--name", "no").code == 2
    assert imp_here("consent", "notice", "add", str(tmp_path), "--name", "no").code == 2
    assert imp_here("consent", "notice", "show", "no").code == 2


def test_people_agree_to_what_the_newest_notice_says(shop: Context, imp_here: Cli, text_file: Path) -> None:
    with pytest.raises(BadInput):
        add_purpose(shop, "analytics", "Something else under the same name.", declared={"traits": ("none",)})
    added = imp_here("consent", "notice", "add", str(text_file), "--name", "news", "--json").ok().json
    said = imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--json").ok().json
    assert said["notice"] == added["sha256"]
