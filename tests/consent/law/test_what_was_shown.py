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


def test_r06_a_file_that_does_not_say_the_language_is_told_where_to(translated: Desk, tmp_path: Path) -> None:
    path, mapping = tmp_path / "yes.csv", tmp_path / "map.toml"
    path.write_text("identifier,purpose,state,at\nmember:1,analytics,given,2026-03-01T11:00:00Z\n", encoding="utf-8")
    refused = translated.consent("import", str(path), "--json")
    assert refused.code == 2
    assert "stands in several languages (en, zh-Hans)" in refused.json["error"]["what"]
    assert 'in the column language, or for all rows in a mapping: [defaults] language = "…"' in refused.err
    mapping.write_text('[defaults]\nlanguage = "zh-Hans"\n', encoding="utf-8")
    translated.consent("import", str(path), "--map", str(mapping)).ok()
    path.write_text(path.read_text("utf-8").replace("\n", ",zh-Hans\n").replace("at,zh-Hans", "at,language"), "utf-8")
    translated.consent("import", str(path)).ok()
    records = tmp_path / "records.csv"
    records.write_text("person,position,type,purpose,at\nmember:2,1,grant,analytics,2026-03-01T11:00:00Z\n", "utf-8")
    refused = translated.consent("import", str(records), "--format", "records")
    assert (refused.code, "by the SHA-256 of that text in the column notice" in refused.err) == (2, True), refused.err


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


@pytest.mark.parametrize(
    "words", [("--language", "fr"), ("--notice", "nope"), ("--notice", "shown", "--language", "fr")]
)
@pytest.mark.parametrize("state", ["refused", "withdrawn"])
def test_a_no_is_not_refused_for_a_language_or_notice_that_there_is_none_of(
    translated: Desk, state: str, words: tuple[str, ...]
) -> None:
    translated.record("analytics", "given", "--language", "en").ok()
    translated.wait(1)
    assert translated.record("analytics", "given", *words).code == 2
    said = translated.record("analytics", state, *words).ok().json
    assert (said["shown"], said["notice"]) == (None, None)
    assert translated.asked("analytics") == state


def test_no_row_of_an_import_is_lost_for_the_language_of_a_no(translated: Desk, tmp_path: Path) -> None:
    at, path = "2026-03-01T11:00:00Z", tmp_path / "rows.csv"
    rows = f"member:1,analytics,withdrawn,{at},\nmember:2,analytics,refused,{at},de\n"
    path.write_text(f"identifier,purpose,state,at,language\n{rows}", encoding="utf-8")
    translated.consent("import", str(path)).ok()
    assert [translated.asked("analytics", who=who) for who in ("member:1", "member:2")] == ["withdrawn", "refused"]


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
    assert "A guardian's authorisation (imp consent guardian) would change it, recorded from now on." in printed
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


LONG_AGO = ("--at", "2020-05-05T00:00:00Z")
FR = (
    "Shop Ltd vous demande votre accord pour analytics. {more}\n\nVous pouvez retirer votre consentement à tout moment."
)


def test_r06_a_yes_from_before_every_version_rests_on_the_oldest_and_says_that_it_is_older(desk: Desk) -> None:
    sha256 = desk.notice("analytics").ok().json["sha256"]
    newer = desk.notice("analytics", more="We write seldom.").ok().json["sha256"]
    taken = desk.record("analytics", "given", *LONG_AGO).ok()
    assert (taken.json["notice"], taken.json["shown"]["version"]) == (sha256, 1)
    assert taken.json["older_than_notice"] is True
    assert "warning: this yes is older than every notice registered here" in taken.err
    assert "--notice HASH" in taken.err
    plain = desk.consent("record", "member:2", "--purpose", "analytics", "--state", "given", *LONG_AGO).ok()
    assert plain.err == taken.err, "a line by itself, as an import's"
    assert "older than" not in plain.out
    by_name = desk.record("analytics", "given", "--notice", "shown", *LONG_AGO).ok()
    assert (by_name.json["shown"]["version"], by_name.json["older_than_notice"]) == (1, True)
    named = desk.record("analytics", "given", "--notice", sha256[:12], *LONG_AGO).ok()
    assert (named.json["older_than_notice"], named.err) == (False, ""), "it was said which text was shown"
    now = desk.record("analytics").ok()
    assert (now.json["notice"], now.json["older_than_notice"], now.err) == (newer, False, "")


def test_a_no_from_before_every_version_is_not_warned_about(desk: Desk) -> None:
    desk.notice("analytics").ok()
    assert desk.record("analytics", "refused", *LONG_AGO).ok().err == ""


def test_an_import_counts_the_yeses_that_are_older_than_the_text_they_name(desk: Desk, tmp_path: Path) -> None:
    sha256 = desk.notice("analytics").ok().json["sha256"]
    desk.notice("analytics", more="We write seldom.").ok()
    path = tmp_path / "history.csv"
    rows = [
        f"member:1,analytics,given,2020-05-05T00:00:00Z,{sha256[:16]}",
        "member:2,analytics,given,2026-03-01T12:00:00Z,",
    ]
    old = ["member:3,analytics,given,2020-05-05T00:00:00Z,", "member:3,analytics,refused,2020-04-05T00:00:00Z,"]
    path.write_text("\n".join(["identifier,purpose,state,at,notice", *rows, *old, ""]), encoding="utf-8")
    done = desk.consent("import", str(path), "--json").ok()
    assert done.json["older_than_notice"] == 1
    assert "warning: 1 row given is older than every notice registered here" in done.err
    assert desk.entries("member:3")[0].statement.notice == sha256
    again = desk.consent("import", str(path), "--json").ok()
    assert (again.json["older_than_notice"], again.err) == (0, "")


def test_r06_an_editorial_version_in_one_language_leaves_the_others_that_were_read(desk: Desk, tmp_path: Path) -> None:
    desk.notice("analytics").ok()
    translate(desk, tmp_path, "fr", FR.format(more=""))
    desk.wait(1)
    path = tmp_path / "fr.txt"
    path.write_text(FR.format(more="Merci."), encoding="utf-8")
    words = ("--name", "shown", "--language", "fr", "--purpose", "analytics", "--editorial")
    desk.consent("notice", "add", str(path), *words).ok()
    refused = desk.record("analytics")
    assert (refused.code, "mend: one of: en, fr" in refused.err) == (2, True), refused.err
    assert desk.record("analytics", "given", *LONG_AGO).code == 2, "nor is it known of what came before all of them"
    taken = {language: desk.record("analytics", "given", "--language", language).ok().json for language in ("en", "fr")}
    assert {language: one["shown"]["version"] for language, one in taken.items()} == {"en": 1, "fr": 2}
    early = desk.record("analytics", "given", "--language", "fr", *LONG_AGO).ok().json
    assert early["shown"]["version"] == 1
    path.write_text(FR.format(more="Et pour vous conseiller."), encoding="utf-8")
    desk.consent("notice", "add", str(path), *words[:-1]).ok()
    assert desk.record("analytics").ok().json["shown"]["language"] == "fr", "a change in substance replaced the others"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("withdrawn", "--valid-for", "3d"), "--valid-for"),
        (("withdrawn", "--consent", "explicit"), "--consent"),
        (("refused", "--consent", "explicit", "--informed"), "--consent and --informed"),
    ],
)
def test_what_says_something_of_a_yes_alone_is_not_ignored_in_silence_with_a_no(
    desk: Desk, words: tuple[str, ...], named: str
) -> None:
    said = desk.record("analytics", *words).ok()
    assert f"warning: {named} " in said.err
    assert desk.record("analytics", "refused", "--valid-for", "3d").ok().err == "", "then they may be asked anew"


def test_a_return_of_somebody_who_was_never_erased_is_no_return_and_that_is_said(desk: Desk) -> None:
    said = desk.record("analytics", "given", "--returning").ok()
    assert "warning: nobody was erased under this identifier" in said.err
    assert said.json["returned"] is False
    desk.consent("erase", "member:1", "--verified", "high", "--how", "ID card", "--execute").ok()
    desk.wait(1)
    back = desk.record("analytics", "given", "--returning").ok()
    assert (back.json["returned"], back.err) == (True, "")


def test_a_place_that_was_named_is_said_with_the_law_it_was_taken_under(desk: Desk) -> None:
    words = ("record", "member:1", "--purpose", "analytics", "--state", "given")
    assert (
        "; under cn-pipl+gdpr+eprivacy for people in CN (the law at home there, and what holds there besides); notice"
        in desk.consent(*words, "--jurisdiction", "CN").ok().out
    )
    assert "under gdpr" not in desk.consent(*words).ok().out
    said = desk.record("analytics", "given", "--regime", "cn-pipl", "--jurisdiction", "CN").ok().json
    assert (said["regimes"], said["jurisdiction"]) == (["cn-pipl"], "CN")
