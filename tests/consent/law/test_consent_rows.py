"""Requirements on consent itself, at the command line: how it is given, after which notice, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.policy.regime import packaged
from imp_core.clock import parse_time

Desk = Any
FRENCH = ("--jurisdiction", "FR")


def test_r03_no_consent_comes_of_a_box_ticked_before_a_scroll_or_silence(desk: Desk) -> None:
    for act in ("pre_ticked", "pre-ticked", "Scroll", "silence", "continued use"):
        refused = desk.record("analytics", "given", "--action", act)
        assert refused.code == 2
        assert "no consent was given (GDPR 4(11)" in refused.err
    for act in ("默认勾选", "沉默"):
        assert desk.record("analytics", "given", "--action", act, "--regime", "cn-pipl").code == 2
    assert desk.record("analytics", "given", "--action", "hovering", "--regime", "us-ca").code == 2
    assert desk.entries() == []
    assert desk.asked("analytics") == "no_record"
    desk.record("analytics", "refused", "--action", "scroll").ok()
    desk.record("analytics", "given", "--action", "click").ok()


def test_r05_one_yes_for_several_purposes_is_noted_for_each_and_opens_none(desk: Desk) -> None:
    several = ("consent", "record", "member:1", "--purpose", "analytics", "--purpose", "experimentation")
    done = desk.imp(*several, "--state", "given", "--bundled", "--json").ok().json["entries"]
    assert [(one["purpose"], one["bundled"]) for one in done] == [("analytics", True), ("experimentation", True)]
    assert all(entry.statement.bundled and entry.payload["bundled"] is True for entry in desk.entries())
    assert {desk.asked("analytics"), desk.asked("experimentation")} == {"no_record"}
    assert "opens nothing" in desk.imp(*several, "--state", "given", "--bundled").ok().out
    unsaid = desk.imp(*several, "--state", "given")
    assert (unsaid.code, "was there a choice for each" in unsaid.err) == (2, True)
    desk.imp(*several, "--state", "given", "--each").ok()
    assert {desk.asked("analytics"), desk.asked("experimentation")} == {"given"}
    desk.imp(*several, "--state", "withdrawn").ok()
    assert {desk.asked("analytics"), desk.asked("experimentation")} == {"withdrawn"}
    assert desk.imp(*several[:5], "--purpose", "analytics", "--state", "refused").code == 2, "named twice"


def test_several_purposes_by_one_act_are_recorded_all_or_none(desk: Desk) -> None:
    words = ("consent", "record", "member:1", "--purpose", "analytics", "--purpose", "nothing", "--state", "given")
    assert desk.imp(*words, "--each").code == 2
    assert desk.entries() == []


def test_r06_the_record_of_a_consent_names_what_was_shown_in_which_language_and_under_which_law(desk: Desk) -> None:
    desk.notice("analytics", more="分析 Ihre Daten.").ok()
    desk.record("analytics", "given", "--action", "click", "--steps", "2", *FRENCH, "--evidence", "form 7").ok()
    (entry,) = desk.entries()
    body = entry.payload
    shown = body["notice"]
    assert (shown["name"], shown["version"], shown["language"]) == ("shown", 1, "en")
    assert body["affirmative_action"] == "click"
    assert (body["steps"], body["evidence"], body["actor"]) == (2, "form 7", "tester")
    assert (body["regimes"], body["jurisdiction"]) == (["gdpr", "eprivacy"], "FR")
    text = desk.consent("notice", "show", shown["sha256"], "--json").ok().json["text"]
    assert "分析 Ihre Daten." in text
    assert entry.statement.notice == shown["sha256"]


def test_r07_a_notice_that_does_not_say_who_for_what_which_data_or_how_to_withdraw_backs_no_consent(
    desk: Desk, law: Any
) -> None:
    path = desk.shop.workspace.root / "bad.txt"
    texts = {
        "controller": "We ask you for analytics.\n\nYou can withdraw your consent at any time.",
        "withdraw": "Shop Ltd asks you for analytics.",
        "purposes": "Shop Ltd asks you.\n\nYou can withdraw your consent at any time.",
    }
    for word, text in texts.items():
        path.write_text(text, encoding="utf-8")
        refused = desk.consent("notice", "add", str(path), "--name", "bad")
        assert (refused.code, word in refused.err) == (2, True)
    assert desk.notice("analytics", words=("--data", " ")).code == 2
    for missing in ({"controller": " "}, {"purposes": ()}, {"data": ()}, {"withdrawal": ""}):
        law.show("analytics", **missing) if "purposes" not in missing else law.show(**{"more": "", **missing})
        with pytest.raises(Exception, match=r"\(GDPR 13, rec\. 42\)"):
            law.write("grant", "analytics")


def test_r10_it_takes_no_more_steps_to_withdraw_than_to_agree(desk: Desk) -> None:
    harder = desk.notice("analytics", words=("--steps-to-agree", "1", "--steps-to-withdraw", "3"))
    assert (harder.code, "more steps to withdraw than to agree" in harder.err) == (2, True)
    assert desk.notice("analytics", words=("--steps-to-agree", "1")).code == 2, "both are counted, or none"
    desk.notice("analytics", words=("--steps-to-agree", "2", "--steps-to-withdraw", "2")).ok()
    one_click = desk.record("analytics", "given", "--steps", "1")
    assert (one_click.code, "2 steps to withdraw what was given in 1" in one_click.err) == (2, True)
    desk.record("analytics", "given", "--steps", "2").ok()
    desk.record("analytics", "withdrawn", "--steps", "9").ok()  # a withdrawal is taken however hard it was
    assert desk.entries()[-1].payload["steps"] == 9


def test_r13_a_yes_and_a_no_to_trackers_in_france_hold_six_months_and_nobody_asks_before(desk: Desk) -> None:
    desk.purpose("tracking", "--trait", "terminal")
    desk.notice("tracking", "analytics").ok()
    given = desk.record("tracking", "given", *FRENCH).ok().json
    assert given["until"] == "2026-09-01T12:00:00Z"
    refused = desk.record("tracking", "refused", *FRENCH, who="member:2").ok().json
    assert refused["until"] == "2026-09-01T12:00:00Z"
    assert desk.record("tracking", "given", who="member:3").ok().json["until"] is None, "elsewhere for good"
    assert desk.record("analytics", "given", *FRENCH, who="member:3").ok().json["until"] is None, "no tracker"
    may_ask = ("may-ask", "member:2", "--purpose", "tracking", "--json")
    asked = desk.consent(*may_ask)
    assert (asked.code, asked.json["not_before"]) == (1, "2026-09-01T12:00:00Z")
    desk.wait(183)
    assert (desk.asked("tracking"), desk.asked("tracking", who="member:2")) == ("given", "refused")
    assert desk.consent(*may_ask).code == 1
    desk.wait(1)
    assert (desk.asked("tracking"), desk.asked("tracking", who="member:2")) == ("expired", "expired")
    nothing = dict.fromkeys(("not_before", "entry", "source", "objected", "stopped", "because"), None)
    nothing |= {"not_by": {}, "bounced": False}
    assert desk.consent(*may_ask).ok().json == {"allowed": True, **nothing}


def test_a_shorter_word_than_the_laws_is_kept_and_a_longer_one_is_cut(desk: Desk) -> None:
    desk.purpose("tracking", "--trait", "terminal")
    desk.notice("tracking").ok()
    shorter = desk.record("tracking", "given", "--valid-for", "30d", *FRENCH).ok().json
    longer = desk.record("tracking", "given", "--valid-for", "900d", *FRENCH, who="member:2").ok().json
    assert (shorter["until"], longer["until"]) == ("2026-03-31T12:00:00Z", "2026-09-01T12:00:00Z")


def test_who_said_yes_since_may_be_asked_and_who_is_unknown_too(desk: Desk) -> None:
    ca = ("--regime", "us-ca")
    ask = ("may-ask", "member:1", "--purpose", "analytics")
    desk.consent(*ask).ok()
    desk.record("analytics", "withdrawn", *ca).ok()
    assert "not before 2027-03-01T12:00:00Z (entry" in desk.consent(*ask).out
    assert desk.consent(*ask, "--at", "2027-03-01T12:00:00Z").ok().out == "may be asked\n"
    desk.wait(1)
    desk.record("analytics", "given", *ca).ok()
    desk.consent(*ask).ok()
    assert desk.consent("may-ask", "member:1", "--purpose", "nothing").code == 2


def test_a_notice_in_another_language_is_a_translation_and_cuts_nobody_off(desk: Desk) -> None:
    first = desk.notice("analytics").ok().json
    assert (first["version"], first["material"]) == (1, None)
    desk.record("analytics", "given").ok()
    path = desk.shop.workspace.root / "zh.txt"
    path.write_text("Shop Ltd 请求您同意分析。\n\n您可以随时撤回同意。", encoding="utf-8")
    words = ("notice", "add", str(path), "--name", "shown", "--language", "zh-Hans", "--json")
    desk.wait(1)
    done = desk.consent(*words).ok().json
    assert (done["version"], done["language"], done["purposes"], done["material"]) == (
        1, "zh-Hans", ["analytics"], None,
    )  # fmt: skip
    desk.record("analytics", "given", "--language", "en", who="member:2").ok()
    desk.wait(1)
    assert desk.consent(*words, "--material", "analytics").code == 0, "the language has it now: a new version"
    assert desk.record("analytics", "given", "--language", "en", who="member:3").code == 2, "which English lacks yet"
    (english,) = desk.entries("member:2")
    assert english.payload["notice"]["language"] == "en"
    assert "撤回" in desk.consent("notice", "show", "shown", "--language", "zh-Hans").ok().out


def test_a_translation_is_neither_material_nor_editorial(desk: Desk) -> None:
    for words in (("--material", "analytics"), ("--editorial",)):
        refused = desk.notice("analytics", words=words)
        assert (refused.code, "changes nothing" in refused.err) == (2, True)


def test_r15_a_new_version_ends_consent_unless_it_is_editorial_and_other_data_is_never_editorial(desk: Desk) -> None:
    desk.notice("analytics", "experimentation").ok()
    for purpose in ("analytics", "experimentation"):
        desk.record(purpose, "given").ok()
    desk.wait(1)
    desk.notice("analytics", "experimentation", more="Spelt better.", words=("--editorial",)).ok()
    assert desk.asked("analytics") == "given"
    other = desk.notice("analytics", "experimentation", words=("--editorial", "--recipient", "Partner Ltd"))
    assert (other.code, "that is material" in other.err) == (2, True)
    assert desk.notice("analytics", words=("--material", "marketing.email")).code == 2, "it does not ask for that"
    desk.wait(1)
    done = desk.notice("analytics", "experimentation", more="More.", words=("--material", "analytics")).ok().json
    assert (done["version"], done["material"]) == (3, ["analytics"])
    desk.wait(1)
    assert (desk.asked("analytics"), desk.asked("experimentation")) == ("notice_changed", "given")
    desk.notice("analytics", "experimentation", more="All new.").ok()
    desk.wait(1)
    assert desk.asked("experimentation") == "notice_changed", "a change that is not said to be editorial is material"
    desk.record("analytics", "given").ok()
    assert desk.asked("analytics") == "given"


def test_a_yes_given_before_a_change_and_recorded_after_it_ends_at_the_change(desk: Desk) -> None:
    desk.notice("analytics").ok()
    desk.wait(2)
    desk.notice("analytics", more="Changed.").ok()
    desk.wait(2)
    late = desk.record("analytics", "given", "--at", "2026-03-02T12:00:00Z").ok().json
    assert late["until"] == "2026-03-03T12:00:00Z"
    old = desk.consent("notice", "show", late["notice"], "--json").ok().json
    assert (old["name"], old["version"]) == ("shown", 1), "the notice there was then"
    assert desk.asked("analytics", "--at", "2026-03-03T11:59:59Z") == "given"
    assert desk.asked("analytics") == "expired"


def test_a_parents_consent_covers_the_children_that_the_notice_lists_and_whose_law_it_meets(desk: Desk) -> None:
    desk.purpose("news")
    desk.purpose("news.letter", "--trait", "direct-marketing")
    desk.purpose("news.health", "--trait", "special-category")
    desk.purpose("news.secret")
    desk.notice("news", "news.letter", "news.health").ok()
    done = desk.record("news", "given").ok().json
    assert done["covers"] == ["news.letter"], "health data needs explicit consent; the secret is not listed"
    assert desk.entries()[0].statement.traits == ("direct-marketing",)
    assert (desk.asked("news.letter"), desk.asked("news.health")) == ("given", "purpose_not_covered")
    explicit = desk.record("news", "given", "--consent", "explicit", who="member:2").ok().json
    assert explicit["covers"] == ["news.health", "news.letter"]


def test_what_the_law_says_of_time_is_said_by_the_file_and_by_nothing_else(desk: Desk) -> None:
    text = (
        packaged()
        .texts["eprivacy"]
        .replace(b'period = "6 months"\nrefusals = true', b'period = "3 months"\nrefusals = true')
    )
    path = desk.shop.workspace.root / "eprivacy.toml"
    path.write_bytes(text)
    desk.consent("regime", "add", str(path), "--replace").ok()
    desk.purpose("tracking", "--trait", "terminal")
    desk.notice("tracking").ok()
    assert desk.record("tracking", "given", *FRENCH).ok().json["until"] == "2026-06-01T12:00:00Z"
    assert parse_time("2026-06-01T12:00:00Z") == desk.entries()[0].statement.until_us
