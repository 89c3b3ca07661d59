"""A consent names the notice people read, in the language they read it in; nobody guesses which that was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

Desk = Any

ZH = "Shop Ltd 请您同意 analytics。\n\n您可以随时撤回同意。"
DE = "Shop Ltd bittet um analytics.\n\nSie können jederzeit widerrufen."


@pytest.fixture
def translated(desk: Desk, tmp_path: Path) -> Desk:
    """A notice `shown` for analytics, in English and then in Chinese."""
    desk.notice("analytics").ok()
    translate(desk, tmp_path, "zh-Hans", ZH)
    return desk


def translate(desk: Desk, folder: Path, language: str, text: str) -> None:
    """The notice `shown` in one more language."""
    path = folder / f"{language}.txt"
    path.write_text(text, encoding="utf-8")
    desk.consent("notice", "add", str(path), "--name", "shown", "--language", language).ok()


def test_r06_where_a_notice_stands_in_several_languages_a_consent_says_which_was_read(translated: Desk) -> None:
    refused = translated.consent("record", "member:1", "--purpose", "analytics", "--state", "given")
    assert (refused.code, "stands in several languages" in refused.err) == (2, True), refused.err
    assert "mend: one of: en, zh-Hans" in refused.err
    assert not translated.entries()
    for language in ("en", "zh-Hans", "ZH-hans"):
        said = translated.record("analytics", "given", "--language", language).ok().json
        assert said["shown"]["language"].casefold() == language.casefold()
        assert said["shown"]["sha256"] == said["notice"] == translated.entries()[-1].statement.notice
        assert (said["shown"]["name"], said["shown"]["version"]) == ("shown", 1)


def test_the_notice_that_was_taken_is_printed_with_its_language_and_hash(translated: Desk) -> None:
    words = ("record", "member:1", "--purpose", "analytics", "--state", "given", "--language", "zh-Hans")
    sha256 = translated.consent("notice", "show", "shown", "--language", "zh-Hans", "--json").ok().json["sha256"]
    printed = translated.consent(*words).ok().out
    assert printed.endswith(f"; notice shown: shown version 1 (zh-Hans) {sha256[:16]}…\n")


def test_the_hash_of_a_notice_says_its_language_too(translated: Desk) -> None:
    sha256 = translated.consent("notice", "show", "shown", "--language", "en", "--json").ok().json["sha256"]
    assert translated.record("analytics", "given", "--notice", sha256[:12]).ok().json["shown"]["language"] == "en"
    assert translated.record("analytics", "given", "--notice", "shown").code == 2


def test_what_was_read_before_there_was_a_translation_was_read_in_the_only_language(desk: Desk, tmp_path: Path) -> None:
    desk.notice("analytics").ok()
    desk.wait(2)
    then = "2026-03-02T12:00:00Z"
    translate(desk, tmp_path, "de", DE)
    assert desk.record("analytics", "given", "--at", then).ok().json["shown"]["language"] == "en"
    assert desk.record("analytics", "given").code == 2


def test_one_language_needs_no_word_also_where_an_older_version_had_several(translated: Desk) -> None:
    translated.notice("analytics", more="We write seldom.").ok()
    assert translated.record("analytics").ok().json["shown"]["version"] == 2


def test_a_no_is_taken_whatever_language_it_was_about_and_rests_on_no_notice_then(translated: Desk) -> None:
    said = translated.record("analytics", "refused").ok().json
    assert (said["shown"], said["notice"]) == (None, None)
    assert translated.record("analytics", "refused", "--language", "en").ok().json["shown"]["language"] == "en"


@pytest.mark.parametrize(
    ("language", "mend"),
    [("zh", "--language zh-Hans; it is there in: zh-Hans, en"), ("fr", "it is there in: en, zh-Hans")],
)
def test_a_language_that_a_notice_lacks_is_met_with_those_it_has_a_near_one_first(
    translated: Desk, language: str, mend: str
) -> None:
    for words in (
        ("record", "member:1", "--purpose", "analytics", "--state", "given", "--language", language),
        ("notice", "show", "shown", "--language", language),
    ):
        answer = translated.consent(*words)
        assert (answer.code, "no such notice is in this language" in answer.err) == (2, True), answer.err
        assert f"mend: {mend}\n" in answer.err


def test_a_row_of_an_import_says_the_language_too(translated: Desk, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    head = "identifier,purpose,state,at,language\n"
    path.write_text(f"{head}member:1,analytics,given,2026-03-01T11:00:00Z,\n", encoding="utf-8")
    refused = translated.consent("import", str(path))
    assert (refused.code, "several languages" in refused.err) == (2, True), refused.err
    path.write_text(f"{head}member:1,analytics,given,2026-03-01T11:00:00Z,zh-Hans\n", encoding="utf-8")
    translated.consent("import", str(path)).ok()
    shown: object = translated.entries()[0].payload["notice"]
    assert isinstance(shown, dict)
    assert shown["language"] == "zh-Hans"


def test_a_minors_own_yes_is_written_with_the_warning_that_it_opens_nothing_yet(desk: Desk) -> None:
    desk.consent("minor", "member:1", "--age", "9").ok()
    words = ("record", "member:1", "--purpose", "analytics", "--state", "given")
    printed = desk.consent(*words).ok().out
    assert "warning: the person is too young to consent alone" in printed
    assert "until a guardian's authorisation is recorded: imp consent guardian" in printed
    assert "guardian" in desk.record("analytics").ok().json["opens_nothing"]
    assert desk.asked("analytics") == "under_age"
    guardian = ("--guardian", "member:2", "--role", "parent", "--verification", "ID card")
    desk.consent("guardian", "member:1", *guardian).ok()
    assert desk.record("analytics", "given", "--by-guardian").ok().json["opens_nothing"] is None
    assert "warning" not in desk.consent(*words, "--by-guardian").ok().out


def test_a_yes_that_something_else_still_denies_says_so(desk: Desk) -> None:
    desk.consent("object", "member:1").ok()
    printed = desk.consent("record", "member:1", "--purpose", "marketing.email", "--state", "given").ok().out
    assert "warning: it opens nothing now (objected)." in printed
    assert "explicit" in printed
    assert desk.asked("marketing.email") == "objected"
    desk.wait(1)  # a tie goes to the restrictive side
    explicit = desk.record("marketing.email", "given", "--consent", "explicit").ok().json
    assert explicit["opens_nothing"] is None


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--purpose", "*"), "every purpose there is"),
        (("--purpose", "analytics", "--bundled", "--each"), "contradict each other"),
        (("--purpose", "analytics", "--purpose", "essential", "--bundled", "--each"), "contradict each other"),
        (("--purpose", "analytics", "--purpose", "analytics"), "named twice"),
        (("--purpose", "analytics", "--purpose", "essential"), "was there a choice for each"),
    ],
)
def test_one_act_is_for_purposes_that_are_named_once_and_either_each_or_bundled(
    desk: Desk, words: tuple[str, ...], problem: str
) -> None:
    answer = desk.consent("record", "member:1", "--state", "given", *words)
    assert (answer.code, problem in answer.err, "mend: " in answer.err) == (2, True, True), answer.err
    assert not desk.entries()


def test_who_refuses_everything_is_heard(desk: Desk) -> None:
    desk.record("*", "refused").ok()
    assert desk.asked("analytics") == "refused"
