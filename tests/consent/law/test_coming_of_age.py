"""A guardian's yes that law ends at an age ends by the right one, once an age that was wrong is corrected."""

from __future__ import annotations

import pytest

from imp_core.clock import format_time
from tests.consent.law.conftest import Desk

VIRGINIA = ("--regime", "us-opt-out", "--jurisdiction", "US-VA")
CONNECTICUT = ("--regime", "us-opt-out", "--jurisdiction", "US-CT")
CALIFORNIA = ("--regime", "us-ca", "--jurisdiction", "US-CA")
GERMANY = ("--jurisdiction", "DE")
SHOWN = ("--verified", "high", "--how", "passport", "--evidence", "copy of the passport")
AUTHORISED = ("--guardian", "member:9", "--role", "母亲", "--verification", "ID card", "--purpose", "analytics")
BEFORE = ("--at", "2026-03-01T12:00:00Z")  # when the desk opens, and the wrong age is told


def agreed(desk: Desk, *law: str, born: str) -> int:
    """A guardian says yes for a child of a day of birth; the number of the entry of the age."""
    told = desk.consent("minor", "member:1", "--born", born, *law, "--json").ok().json["entries"]
    desk.wait(1)
    desk.consent("guardian", "member:1", *AUTHORISED, *law).ok()
    desk.record("analytics", "given", "--by-guardian", *law).ok()
    desk.wait(1)
    assert desk.asked("analytics") == "given"
    return int(told[0]["seq"])


def corrected(desk: Desk, wrong: int, *law: str, born: str) -> None:
    desk.consent("rectify", "member:1", "--entry", str(wrong), *SHOWN).ok()
    desk.consent("minor", "member:1", "--born", born, *BEFORE, *law).ok()


def test_r16_a_guardians_yes_ends_at_the_true_coming_of_age_where_the_child_is_older_than_was_recorded(
    desk: Desk,
) -> None:
    corrected(desk, agreed(desk, *VIRGINIA, born="2020-03-01"), *VIRGINIA, born="2013-06-01")
    assert desk.asked("analytics") == "given", "twelve, and a guardian agreed"
    young = desk.consent("check", "member:1", "--purpose", "analytics", "--explain").ok().out
    assert "at 2026-06-01T12:00:00Z by itself" in young
    desk.wait(100)
    assert desk.asked("analytics") == "expired", "thirteen since June: the person's own to say"
    assert desk.asked("analytics", "--at", "2026-05-31T12:00:00Z") == "given", "what was used before stays lawful"
    desk.record("analytics", "given", *VIRGINIA).ok()
    assert desk.asked("analytics") == "given"


def test_r16_an_age_recorded_anew_as_of_later_than_a_guardians_yes_warns_that_nobody_hears_it(desk: Desk) -> None:
    wrong = agreed(desk, *GERMANY, born="2020-03-01")
    desk.consent("rectify", "member:1", "--entry", str(wrong), *SHOWN).ok()
    anew = ("minor", "member:1", "--born", "2018-03-01", *GERMANY)
    told = desk.consent(*anew).ok()
    assert desk.asked("analytics") == "no_record"
    yes = next(entry.seq for entry in desk.entries() if entry.statement.type == "grant")
    assert told.err.startswith(f"warning: entry {yes}, in which a guardian said yes, is not heard")
    assert "--at TIME, earlier than 2026-03-02T12:00:00Z" in told.err
    assert len(desk.consent(*anew, "--json").ok().json["warnings"]) == 1
    mended = desk.consent(*anew, *BEFORE).ok()
    assert (mended.err, desk.asked("analytics")) == ("", "given")


def test_r16_an_age_warns_of_several_yeses_at_once_and_of_none_where_the_person_was_old_enough_by_then(
    desk: Desk,
) -> None:
    wrong = agreed(desk, *GERMANY, born="2020-03-01")
    for _ in range(4):
        desk.record("analytics", "given", "--by-guardian", *GERMANY).ok()
        desk.wait(1)
    desk.consent("rectify", "member:1", "--entry", str(wrong), *SHOWN).ok()
    grown = ("minor", "member:1", "--born", "2000-03-01", *GERMANY)
    assert "and 2 more, in which a guardian said yes, are not heard" in desk.consent(*grown).ok().err
    assert desk.consent(*grown, *BEFORE).ok().err == "", "nobody agrees for whoever was old enough"


def test_r16_a_guardians_yes_that_ends_sooner_by_itself_ends_at_the_true_coming_of_age_too(desk: Desk) -> None:
    wrong = desk.consent("minor", "member:1", "--born", "2020-03-01", *VIRGINIA, "--json").ok().json["entries"][0]
    desk.wait(1)
    desk.consent("guardian", "member:1", *AUTHORISED, *VIRGINIA).ok()
    desk.record("analytics", "given", "--by-guardian", "--valid-for", "365d", *VIRGINIA).ok()
    corrected(desk, wrong["seq"], *VIRGINIA, born="2013-06-01")
    desk.wait(100)
    assert desk.asked("analytics") == "expired"


def test_r16_the_earliest_end_of_several_ages_that_stand_ends_a_guardians_yes(desk: Desk) -> None:
    agreed(desk, *VIRGINIA, born="2020-03-01")
    desk.consent("minor", "member:1", "--born", "2013-06-01", *VIRGINIA).ok()
    desk.wait(100)
    assert desk.asked("analytics") == "expired"


def test_r16_a_guardians_yes_keeps_its_written_end_where_the_child_is_younger_than_was_recorded(desk: Desk) -> None:
    corrected(desk, agreed(desk, *VIRGINIA, born="2013-06-01"), *VIRGINIA, born="2020-03-01")
    assert desk.asked("analytics") == "given"
    desk.wait(100)
    assert desk.asked("analytics") == "expired", "closed too early, which a new yes of the guardian mends"
    desk.record("analytics", "given", "--by-guardian", *VIRGINIA).ok()
    assert desk.asked("analytics") == "given"


@pytest.mark.parametrize("born", ["2010-06-01", "2018-03-01"])
def test_r16_where_law_does_not_end_it_a_guardians_yes_outlives_the_coming_of_age(desk: Desk, born: str) -> None:
    wrong = agreed(desk, *GERMANY, born="2020-03-01")
    corrected(desk, wrong, *GERMANY, born=born)
    desk.wait(100)
    assert desk.asked("analytics") == "given"


def test_r16_a_birth_that_is_told_late_voids_the_yes_that_they_were_too_young_for(desk: Desk) -> None:
    desk.record("analytics", "given", *GERMANY, "--at", "2023-06-01T12:00:00Z").ok()
    desk.record("marketing.email", "given", *GERMANY, "--at", "2025-06-01T12:00:00Z").ok()
    assert desk.asked("analytics") == desk.asked("marketing.email") == "given"
    told = desk.consent("minor", "member:1", "--born", "2009-05-17", *GERMANY, "--json").ok().json["entries"]
    assert [(one["needs"], one["since"], one["until"]) for one in told] == [
        ("guardian", "2023-06-01T12:00:00Z", "2025-05-17T12:00:00Z")
    ]
    assert desk.asked("analytics") == "under_age", "given at fourteen"
    assert desk.asked("marketing.email") == "given", "given at sixteen"
    desk.wait(1)
    desk.record("analytics", "given", *GERMANY).ok()
    assert desk.asked("analytics") == "given"


@pytest.mark.parametrize(
    ("words", "since"),
    [
        (("--age", "10"), None),  # of an age nobody knows how old they were before
        (("--born", "2016-05-17", "--at", "2026-02-01T12:00:00Z"), "2026-02-01T12:00:00Z"),
        (("--born", "2016-05-17"), "2025-06-01T12:00:00Z"),
    ],
)
def test_r16_an_age_counts_from_the_first_yes_where_nothing_else_is_said_and_the_birth_is_known(
    desk: Desk, words: tuple[str, ...], since: str | None
) -> None:
    for at in (
        "2025-08-01T12:00:00Z",
        "2025-06-01T12:00:00Z",
        "2016-05-01T12:00:00Z",
    ):  # before the birth
        desk.record("analytics", "given", *GERMANY, "--at", at).ok()
    (told,) = desk.consent("minor", "member:1", *words, *GERMANY, "--json").ok().json["entries"]
    assert told["since"] == (since or "2026-03-01T12:00:00Z")


def test_r16_a_yes_that_was_corrected_dates_no_age_back(desk: Desk) -> None:
    wrong = desk.record("analytics", "given", *GERMANY, "--at", "2023-06-01T12:00:00Z").ok().json["seq"]
    desk.consent("rectify", "member:1", "--entry", str(wrong), *SHOWN).ok()
    told = desk.consent("minor", "member:1", "--born", "2009-05-17", *GERMANY).ok()
    assert told.out.strip() == "old enough by the regimes that hold: nothing to record"


def test_r17_where_nobody_agrees_below_an_age_a_child_of_another_law_agrees_to_nothing_either(desk: Desk) -> None:
    desk.purpose("ads", "--trait", "sale")
    desk.purpose("ads.news", "--trait", "direct-marketing")
    desk.notice("ads", "ads.news", name="about").ok()
    desk.consent("minor", "member:1", "--born", "2011-01-01", *CALIFORNIA).ok()
    refused = desk.record("ads", "given", *CONNECTICUT)
    assert (refused.code, "below 18 nobody agrees to this" in refused.err) == (2, True)
    assert "42-529a" in refused.err
    desk.record("ads.news", "given", *CONNECTICUT).ok()
    desk.record("ads", "given", *CALIFORNIA).ok()
    asked = desk.consent("check", "member:1", "--purpose", "ads", *CONNECTICUT, "--json").json
    assert any("nobody agrees to it there below 18" in lack for lack in asked["falls_short"])
    desk.consent("minor", "member:1", "--born", "2011-01-01", *CONNECTICUT).ok()
    assert desk.asked("ads") == "under_age"
    told = desk.record("ads", "given", *CONNECTICUT).ok()
    assert "whoever agrees" in told.err + str(told.json), "it is taken, and opens nothing"


def test_r17_a_yes_for_a_purpose_above_covers_nothing_that_nobody_agrees_to(desk: Desk) -> None:
    desk.purpose("news", "--trait", "direct-marketing")
    desk.purpose("news.sold", "--trait", "sale")
    desk.purpose("news.mail", "--trait", "direct-marketing")
    desk.notice("news", "news.sold", "news.mail", name="about").ok()
    desk.consent("minor", "member:1", "--born", "2011-01-01", *CALIFORNIA).ok()
    assert desk.record("news", "given", *CONNECTICUT).ok().json["covers"] == ["news.mail"]
    assert desk.record("news", "given", *CONNECTICUT, who="member:2").ok().json["covers"] == ["news.mail", "news.sold"]


def test_r20_an_age_told_later_by_another_law_counts_beside_the_one_that_asks_for_separate_consent(desk: Desk) -> None:
    china = ("--regime", "cn-pipl", "--jurisdiction", "CN")
    desk.consent("minor", "member:1", "--born", "2012-06-01", *china).ok()
    desk.wait(1)
    desk.consent("minor", "member:1", "--born", "2015-06-01", *GERMANY).ok()
    desk.wait(100)
    assert desk.record("analytics", "given", *china).code == 2, "eleven by what was told last: consent is separate"


def test_below_an_age_at_which_nobody_agrees_no_guardian_is_advised(desk: Desk) -> None:
    desk.purpose("ads", "--trait", "sale")
    desk.notice("ads", name="ads").ok()
    law = ("--regime", "us-opt-out", "--jurisdiction", "US-OR")
    desk.consent("minor", "member:1", "--age", "14", *law).ok()
    opens = desk.record("ads", "given", "--action", "click", *law).ok().json["opens_nothing"]
    told = desk.consent("check", "member:1", "--purpose", "ads", "--explain").out
    for words in (opens, told):
        assert "At this age the law forbids it, whoever agrees." in words
        assert "Only the person's coming of age, and a new yes then, would change it." in words
        assert "A guardian" not in words


def test_r16_an_age_told_again_warns_of_no_yes_that_was_heard_by_the_first_and_of_one_of_its_own_moment(
    desk: Desk,
) -> None:
    agreed(desk, *GERMANY, born="2018-03-01")
    again = ("minor", "member:1", "--born", "2018-03-01", *GERMANY)
    assert desk.consent(*again).ok().err == "", "the yes came after the age"
    wrong = [entry.seq for entry in desk.entries() if entry.statement.type == "minor"]
    for seq in wrong:
        desk.consent("rectify", "member:1", "--entry", str(seq), *SHOWN).ok()
    yes = next(entry for entry in desk.entries() if entry.statement.type == "grant")
    assert "is not heard" in desk.consent(*again, "--at", format_time(yes.statement.at_us)).ok().err
    assert desk.asked("analytics") == "no_record"
