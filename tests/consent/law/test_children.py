"""Children: who agrees for them or with them, what their data is, and what is said to be missing."""

from __future__ import annotations

import html
import json
import re
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.openers import OPENERS, too_young, what_opens
from imp_consent.policy.scope import Scope
from imp_consent.policy.state import timeline
from imp_consent.rights.wording import languages, read_wording
from imp_core.errors import BadInput
from tests.consent.law.conftest import NOW_US, Desk

FRANCE = ("--jurisdiction", "FR")
CHINA = ("--regime", "cn-pipl", "--jurisdiction", "CN")
GUARDIAN = "A guardian's authorisation (imp consent guardian)"
EITHER = "a yes of the child's own or, with --by-guardian, of the guardian's"
AUTHORISED = ("--guardian", "member:9", "--role", "mother", "--verification", "ID card", "--purpose", "analytics")


def young(desk: Desk, *law: str, age: str = "10") -> Any:
    return desk.consent("minor", "member:1", "--age", age, *law, "--json").ok().json["entries"][0]


def explained(desk: Desk, *words: str) -> str:
    answer = desk.consent("check", "member:1", "--purpose", "analytics", "--explain", *words)
    return str(answer.out)


@pytest.mark.parametrize("place", ["FR", "GF", "GP", "MF", "MQ", "RE", "YT"])
def test_r16_in_france_a_guardian_alone_opens_nothing_for_a_child(desk: Desk, place: str) -> None:
    law = ("--jurisdiction", place)
    needed = young(desk, *law)
    assert (needed["needs"], needed["below"]) == ("both", 15)
    assert "art. 45, al. 2" in needed["source"]
    desk.wait(1)
    desk.consent("guardian", "member:1", *AUTHORISED, *law).ok()
    desk.wait(1)
    taken = desk.record("analytics", "given", "--by-guardian", *law).ok().json
    assert desk.asked("analytics") == "under_age"
    assert "A yes of the child's own would change it" in taken["opens_nothing"]
    assert "neither is enough alone" in taken["opens_nothing"]
    desk.wait(1)
    assert desk.record("analytics", "given", *law).ok().json["opens_nothing"] is None
    assert desk.asked("analytics") == "given"


def test_r16_in_france_a_child_alone_opens_nothing_and_is_told_what_is_missing(desk: Desk) -> None:
    young(desk, *FRANCE)
    desk.wait(1)
    taken = desk.record("analytics", "given", *FRANCE).ok().json["opens_nothing"]
    assert "A guardian's authorisation (imp consent guardian) would change it" in taken
    said = explained(desk)
    assert "neither is enough alone" in said
    assert "A guardian's authorisation (imp consent guardian) would change it, recorded from now on." in said
    desk.consent("guardian", "member:1", *AUTHORISED, *FRANCE).ok()
    desk.wait(1)
    assert desk.asked("analytics") == "given"


def test_r16_whoever_has_said_nothing_needs_both_and_is_told_so(desk: Desk) -> None:
    young(desk, *FRANCE)
    desk.wait(1)
    assert "A guardian's authorisation (imp consent guardian) and a yes of the child's own would" in explained(desk)
    young(desk, "--jurisdiction", "DE")
    assert "a yes of the child's own" in explained(desk)


def test_r16_a_guardians_newer_yes_does_not_replace_the_childs_own(law: Any) -> None:
    decided = {}
    for order in permutations(("guardian", "own", "by")):
        law.history.clear()
        law.jurisdiction = "FR"
        law.write("minor", "*", needs="both", at_us=NOW_US - 10)
        for place, word in enumerate(order):
            at_us = NOW_US - 9 + place
            if word == "guardian":
                law.write("guardian", "*", at_us=at_us, by="guardian", more=_NAMED)
            else:
                try:
                    law.write("grant", "analytics", at_us=at_us, by="guardian" if word == "by" else None)
                except BadInput:
                    assert "guardian" in order[place:], "a guardian's yes waits for the authorisation"
        now = timeline(law.history, Scope("analytics", ""))[-1]
        decided[order] = (now.permit, sorted(told.statement.by or "own" for told in _of(law, now.entries)))
    assert decided.pop(("guardian", "own", "by")) == (True, ["guardian", "guardian", "own"])
    assert decided.pop(("guardian", "by", "own")) == (True, ["guardian", "own"])
    assert decided.pop(("own", "guardian", "by")) == (True, ["guardian", "guardian", "own"])
    assert set(map(str, decided.values())) == {str((True, ["guardian", "own"]))}, "no yes of a guardian's was written"


def _of(law: Any, seqs: tuple[int, ...]) -> list[Any]:
    return [told for told in law.history if told.seq in seqs]


_NAMED = {"guardian": "00", "role": "mother", "verification": "ID card"}


def test_r16_a_child_who_takes_it_back_is_not_outvoted_by_a_guardian(desk: Desk) -> None:
    young(desk, *FRANCE)
    for words in (("guardian",), ("given",), ("withdrawn",), ("guardian",), ("by",)):
        desk.wait(1)
        if words == ("guardian",):
            desk.consent("guardian", "member:1", *AUTHORISED, *FRANCE).ok()
        elif words == ("by",):
            desk.record("analytics", "given", "--by-guardian", *FRANCE).ok()
        else:
            desk.record("analytics", words[0], *FRANCE).ok()
    assert desk.asked("analytics") == "under_age"
    desk.wait(1)
    desk.record("analytics", "given", *FRANCE).ok()
    assert desk.asked("analytics") == "given"


def test_r16_after_a_childs_withdrawal_the_advice_names_all_that_opens_it(desk: Desk) -> None:
    law = ("--jurisdiction", "DE")
    young(desk, *law)
    desk.wait(1)
    desk.consent("guardian", "member:1", *AUTHORISED, *law).ok()
    desk.wait(1)
    desk.record("analytics", "given", *law).ok()
    assert desk.asked("analytics") == "given"
    desk.wait(1)
    desk.record("analytics", "withdrawn", *law).ok()
    desk.wait(1)
    said = explained(desk)
    assert "A guardian's authorisation (imp consent guardian), and then a yes of the child's own or" in said
    desk.consent("guardian", "member:1", *AUTHORISED, *law).ok()
    desk.wait(1)
    assert desk.asked("analytics") == "withdrawn"
    desk.record("analytics", "given", *law).ok()
    assert desk.asked("analytics") == "given", "as was said"


def test_r16_what_nobody_can_open_now_is_not_said_to_be(law: Any) -> None:
    law.write("minor", "*", needs="guardian", at_us=NOW_US - 10)
    law.write("restrict", "*", at_us=NOW_US - 9)
    assert what_opens(law.history, law.purposes["analytics"], "", NOW_US) is None
    law.history.clear()
    law.write("minor", "*", needs="own", at_us=NOW_US - 10)
    only = DeclaredPurpose(name="analytics", description="x", traits=("none",))
    assert what_opens(law.history, only, "email", NOW_US) == (
        "A yes of the child's own would change it, recorded from now on."
    )


def opens(law: Any, at_us: int = NOW_US) -> str | None:
    return what_opens(law.history, law.purposes["analytics"], "", at_us)


def test_r16_what_is_tried_is_what_would_hold_in_the_next_moment(law: Any) -> None:
    law.history.append(_told(2, type="minor", purpose="*", needs="guardian", until_us=NOW_US + 2, at_us=NOW_US - 10))
    law.history.append(_told(3, type="minor", purpose="*", needs="own", at_us=NOW_US - 10))
    assert opens(law) == f"{GUARDIAN}, and then {EITHER} would change it, recorded from now on."
    assert opens(law, NOW_US + 1) == "A yes of the child's own would change it, recorded from now on."


def test_r16_an_authorisation_that_runs_out_is_given_anew_and_no_yes_of_the_childs_own_is_enough(law: Any) -> None:
    law.history.append(_told(2, type="minor", purpose="*", needs="guardian", at_us=NOW_US - 10))
    law.history.append(_told(3, type="guardian", purpose="*", at_us=NOW_US - 9, until_us=NOW_US + 1))
    law.history.append(_told(4, type="grant", purpose="analytics", at_us=NOW_US - 8))
    assert opens(law) == f"{GUARDIAN} would change it, recorded from now on."
    assert opens(law, NOW_US - 2) == (
        "A guardian's authorisation is on record (entry 3), and is no yes by itself. A yes of the child's own or, with "
        "--by-guardian, of the guardian's would change it, recorded from now on."
    )


def test_r16_of_several_authorisations_on_record_the_newest_is_named(law: Any) -> None:
    law.history.append(_told(2, type="minor", purpose="*", needs="guardian", at_us=NOW_US - 10))
    for seq, at_us in ((3, NOW_US - 8), (4, NOW_US - 7), (5, NOW_US - 9)):  # the last was recorded late
        law.history.append(_told(seq, type="guardian", purpose="*", at_us=at_us))
    assert str(opens(law)).startswith("A guardian's authorisation is on record (entry 4), and is no yes by itself.")


def test_r16_a_yes_of_the_childs_own_counts_over_a_signal_that_the_child_is_told_of(law: Any) -> None:
    law.history.append(_told(2, type="minor", purpose="*", needs="own", at_us=NOW_US - 10))
    law.history.append(_told(3, type="signal", purpose="*", traits=("sale",), at_us=NOW_US - 9))
    law.declare("analytics", traits=("sale",))
    assert opens(law) == "A yes of the child's own would change it, recorded from now on."


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"type": "minor", "needs": "own"}, "At this age only a yes of the child's own counts."),
        ({"type": "minor", "needs": "guardian"}, "At this age a parent or guardian has to authorise it."),
        ({"type": "minor"}, None),
        ({"type": "restrict"}, None),
    ],
)
def test_r16_what_an_age_asks_for_is_said_of_an_age_alone(words: dict[str, Any], why: str | None) -> None:
    assert too_young([_told(1, purpose="*", at_us=1, **words).statement]) == why


def _told(seq: int, **said: Any) -> Any:
    return SimpleNamespace(seq=seq, statement=Statement(**({"channel": ""} | said)))


def test_r20_in_china_whatever_is_known_of_a_child_is_sensitive(desk: Desk) -> None:
    desk.record("analytics", "given", *CHINA, who="member:2").ok()
    young(desk, *CHINA)
    desk.wait(1)
    desk.consent("guardian", "member:1", *AUTHORISED, *CHINA).ok()
    desk.wait(1)
    for by in ((), ("--by-guardian",)):
        refused = desk.record("analytics", "given", *by, *CHINA)
        assert (refused.code, "needs separate consent (PIPL 28, 29, 30)" in refused.err) == (2, True), refused.err
    separate = ("--consent", "separate", "--evidence", "screen 5", "--by-guardian")
    refused = desk.record("analytics", "given", *separate, *CHINA)
    assert (refused.code, "why the data is necessary" in refused.err) == (2, True), refused.err
    desk.consent(
        "purpose", "change", "analytics", "--necessity", "Without it no page is made safe.", "--editorial"
    ).ok()
    desk.record("analytics", "given", *separate, *CHINA).ok()
    assert desk.asked("analytics") == "given"
    assert "sensitive" in desk.entries()[-1].statement.traits
    desk.wait(1)
    desk.consent("limit", "member:1", *CHINA).ok()
    assert desk.asked("analytics") == "limited"


def test_r20_a_child_who_came_of_age_is_no_child_any_more(desk: Desk) -> None:
    young(desk, *CHINA, age="13")
    desk.wait(366)
    desk.record("analytics", "given", *CHINA).ok()
    assert desk.asked("analytics") == "given"
    assert "sensitive" not in desk.entries()[-1].statement.traits


def test_r20_an_age_that_was_told_late_counts_for_what_was_said_before(law: Any) -> None:
    law.regimes, law.jurisdiction = ("cn-pipl",), "CN"
    law.write("minor", "*", needs="guardian", at_us=NOW_US, until_us=NOW_US + 5)
    with pytest.raises(BadInput, match="separate consent"):
        law.write("grant", "analytics", at_us=NOW_US - 5)
    law.history.clear()
    law.write("minor", "*", needs="both", at_us=NOW_US, until_us=NOW_US + 5)
    with pytest.raises(BadInput, match="separate consent"):  # by another law, but nobody knows how young
        law.write("grant", "analytics", at_us=NOW_US - 5)
    assert "sensitive" not in law.write("grant", "analytics", at_us=NOW_US + 5).traits, "of age"
    law.history.clear()
    law.write("minor", "*", needs="guardian", at_us=NOW_US)  # until nobody knows when
    with pytest.raises(BadInput, match="separate consent"):
        law.write("grant", "analytics")


def test_r16_in_china_nobody_authorises_everything_at_once_for_a_child(desk: Desk) -> None:
    desk.record("analytics", "given", *CHINA).ok()  # before the age was known, so an ordinary yes
    desk.wait(1)
    young(desk, *CHINA)
    everything = (*AUTHORISED[:-2], *CHINA)
    refused = desk.consent("guardian", "member:1", *everything)
    assert refused.code == 2
    assert "for a child's data consent is separate (PIPL 28, 31; PIPL 28, 29, 30)" in refused.err
    assert "--purpose NAME" in refused.err


def test_r20_in_china_no_guardian_opens_an_ordinary_yes_from_before_the_age_was_known(desk: Desk) -> None:
    desk.record("analytics", "given", *CHINA).ok()
    desk.wait(1)
    assert young(desk, *CHINA)["source"] == "PIPL 28, 31"
    desk.consent("guardian", "member:1", *AUTHORISED, *CHINA).ok()
    desk.wait(1)
    assert desk.asked("analytics") == "under_age"
    desk.consent("purpose", "change", "analytics", "--necessity", "No page is safe without.", "--editorial").ok()
    desk.record("analytics", "given", "--consent", "separate", "--evidence", "screen 5", *CHINA).ok()
    assert desk.asked("analytics") == "given"


def test_r20_under_chinese_and_german_law_a_child_is_told_of_under_both(desk: Desk) -> None:
    told = desk.consent("minor", "member:1", "--age", "10", "--regime", "gdpr", "--regime", "cn-pipl", "--json").ok()
    assert [(entry["below"], entry["source"]) for entry in told.json["entries"]] == [
        (14, "PIPL 28, 31"),
        (16, "GDPR 8(1)"),
    ]


def test_r16_a_guardian_says_yes_for_no_adult(desk: Desk) -> None:
    desk.record("analytics", "withdrawn").ok()
    desk.wait(1)
    desk.consent("guardian", "member:1", *AUTHORISED).ok()
    desk.wait(1)
    refused = desk.record("analytics", "given", "--by-guardian")
    assert (refused.code, "whoever is old enough says yes themselves" in refused.err) == (2, True)
    assert "imp consent minor" in refused.err
    desk.consent("minor", "member:1", "--age", "15", "--jurisdiction", "DE").ok()
    desk.wait(1)
    desk.record("analytics", "given", "--by-guardian").ok()
    assert desk.asked("analytics") == "given"
    desk.wait(366)
    refused = desk.record("analytics", "given", "--by-guardian")
    assert (refused.code, desk.asked("analytics")) == (2, "given"), "what was agreed to for the child stays"


@pytest.mark.parametrize("place", ["DE", "FR"])
def test_r16_a_guardians_refusal_ends_what_the_guardian_authorised(desk: Desk, place: str) -> None:
    law = ("--jurisdiction", place)
    young(desk, *law)
    desk.consent("guardian", "member:1", *AUTHORISED, *law).ok()
    desk.wait(1)
    desk.record("analytics", "refused", "--by-guardian", *law).ok()
    desk.wait(1)
    desk.record("analytics", "given", *law).ok()
    assert desk.asked("analytics") == "under_age"
    desk.consent("guardian", "member:1", *AUTHORISED, *law).ok()
    desk.wait(1)
    assert desk.asked("analytics") == "given", "authorised anew"


def test_r16_a_yes_that_nobody_authorised_does_not_ripen_on_a_birthday(desk: Desk) -> None:
    young(desk, "--jurisdiction", "DE", age="15")
    desk.record("analytics", "given", "--jurisdiction", "DE").ok()
    desk.wait(366)
    assert desk.asked("analytics") == "under_age"
    desk.record("analytics", "given", "--jurisdiction", "DE").ok()
    assert desk.asked("analytics") == "given"


def test_r16_an_age_under_another_law_takes_no_protection_away(desk: Desk) -> None:
    young(desk, "--jurisdiction", "DE", age="12")
    desk.record("analytics", "given").ok()
    desk.wait(1)
    young(desk, "--jurisdiction", "ES", age="12")
    desk.wait(366 * 3)
    assert desk.asked("analytics") == "under_age", "16 in Germany, 14 in Spain"


def test_r16_an_age_that_was_wrong_is_corrected_where_something_shows_it(desk: Desk) -> None:
    desk.record("analytics", "given").ok()
    desk.wait(1)
    wrong = young(desk, "--jurisdiction", "DE", age="12")["seq"]
    assert desk.asked("analytics") == "under_age"
    asked = ("rectify", "member:1", "--entry", str(wrong), "--verified", "high", "--how", "passport")
    refused = desk.consent(*asked)
    assert (refused.code, "--evidence" in refused.err) == (1, True), refused.err
    desk.consent(*asked, "--evidence", "copy of the passport").ok()
    assert desk.asked("analytics") == "given"


def test_r17_a_guardian_sells_nothing_of_a_teenager_in_california_though_gdpr_asks_a_guardian_too(desk: Desk) -> None:
    law = ("--regime", "gdpr", "--regime", "us-ca", "--jurisdiction", "US-CA")
    desk.purpose("sale", "--trait", "sale")
    desk.notice("sale").ok()
    named = (*AUTHORISED[:-1], "sale")
    told = desk.consent("minor", "member:1", "--born", "2012-01-01", *law, "--json").ok().json["entries"]
    assert [(entry["needs"], entry["below"]) for entry in told] == [("guardian", 16), ("own", 16)]
    desk.consent("guardian", "member:1", *named, *law).ok()
    desk.wait(1)
    desk.record("sale", "given", "--by-guardian", *law).ok()
    assert desk.asked("sale") == "under_age", "fourteen: the person's own to say (CCPA §1798.120(c))"
    desk.record("sale", "given", *law).ok()
    assert desk.asked("sale") == "given"


def test_r17_what_a_guardian_agreed_to_for_a_child_in_california_ends_at_thirteen_under_gdpr_too(desk: Desk) -> None:
    law = ("--regime", "gdpr", "--regime", "us-ca", "--jurisdiction", "US-CA")
    desk.purpose("sale", "--trait", "sale")
    desk.notice("sale").ok()
    desk.consent("minor", "member:1", "--born", "2014-03-01", *law).ok()
    desk.consent("guardian", "member:1", *AUTHORISED[:-1], "sale", *law).ok()
    desk.wait(1)
    assert desk.record("sale", "given", "--by-guardian", *law).ok().json["until"] == "2027-03-01T12:00:00Z"
    assert desk.asked("sale") == "given"


@pytest.mark.parametrize(
    "law",
    [
        ("--regime", "cn-pipl", "--regime", "gdpr", "--jurisdiction", "CN"),
        (
            "--regime",
            "us-ca",
        ),
    ],
)
def test_r16_each_of_several_ages_that_were_wrong_is_corrected(desk: Desk, law: tuple[str, ...]) -> None:
    desk.consent("minor", "member:1", "--age", "10", *law).ok()
    wrong = [entry.seq for entry in desk.entries() if entry.statement.type == "minor"]
    assert len(wrong) > 1
    shown = ("--verified", "high", "--how", "passport", "--evidence", "copy of the passport")
    for seq in wrong:
        desk.consent("rectify", "member:1", "--entry", str(seq), *shown).ok()


def test_r16_of_two_guardians_either_is_enough_as_long_as_it_stands(desk: Desk) -> None:
    young(desk, "--jurisdiction", "DE")
    desk.consent("guardian", "member:1", *AUTHORISED).ok()
    desk.wait(1)
    father = ("--guardian", "member:8", "--role", "father", "--verification", "form", "--purpose", "analytics")
    desk.consent("guardian", "member:1", *father, "--valid-for", "30d").ok()
    desk.record("analytics", "given").ok()
    desk.wait(40)
    assert desk.asked("analytics") == "given"


def test_an_explanation_says_that_it_was_a_guardian_who_agreed(desk: Desk) -> None:
    young(desk, "--jurisdiction", "DE")
    desk.consent("guardian", "member:1", *AUTHORISED).ok()
    desk.wait(1)
    desk.record("analytics", "given", "--by-guardian").ok()
    assert "a parent or guardian, for the person, said yes to analytics" in explained(desk)
    assert "the person said yes" not in explained(desk)


def test_r16_where_a_childs_data_need_no_separate_consent_everything_may_be_authorised(desk: Desk) -> None:
    young(desk, "--jurisdiction", "DE")
    desk.consent("guardian", "member:1", *AUTHORISED[:-2], "--jurisdiction", "DE").ok()


MISSING = {
    "de": ("Ihre eigene Einwilligung ist nötig", "die Zustimmung einer sorgeberechtigten Person ist nötig"),
    "en": ("your own consent is needed", "a guardian's authorisation is needed"),
    "es": ("se necesita su propio consentimiento", "se necesita la autorización de un tutor"),
    "fr": ("votre propre consentement est nécessaire", "l'autorisation d'un titulaire de l'autorité parentale"),
    "zh-Hans": ("需要您本人的同意", "需要监护人的授权"),
}


def copied(desk: Desk, folder: Path, *words: str) -> tuple[str, str | None]:
    """Because of what, by the child's copy, analytics may not be done, and what its file says is missing."""
    how = ("--verified", "reasonable", "--how", "seen")
    desk.consent("access", "member:1", "--out", str(folder), *how, *words).ok()
    (row,) = re.findall(r"<tr><td>[^\n]*>analytics<[^\n]*</tr>", (folder / "access.html").read_text(encoding="utf-8"))
    cells = [html.unescape(re.sub("<[^>]+>", "", cell)) for cell in row.split("</td>")]
    said = json.loads((folder / "access.json").read_bytes())["permissions"]
    return cells[4], next(one["missing"] for one in said if one["purpose"] == "analytics")


@pytest.mark.parametrize("tag", sorted(MISSING))
def test_r16_the_copy_of_a_child_names_whose_word_is_missing(desk: Desk, tmp_path: Path, tag: str) -> None:
    own, guardian = MISSING[tag]
    young(desk, *FRANCE)
    desk.wait(1)
    desk.consent("guardian", "member:1", *AUTHORISED, *FRANCE).ok()
    assert "A yes of the child's own would change it" in explained(desk)
    assert copied(desk, tmp_path / "authorised", "--language", tag) == (own, "own")
    desk.wait(1)
    desk.record("analytics", "given", *FRANCE).ok()
    given = read_wording(tag).say("reasons", "given")
    assert copied(desk, tmp_path / "both", "--language", tag) == (given, None)
    desk.consent("minor", "member:2", "--age", "10", *FRANCE).ok()
    desk.record("analytics", "given", *FRANCE, who="member:2").ok()
    desk.imp = lambda *words, imp=desk.imp: imp(*("member:2" if word == "member:1" else word for word in words))
    because, missing = copied(desk, tmp_path / "alone", "--language", tag)
    assert (because.startswith(guardian), missing) == (True, "guardian")


def test_every_language_says_what_is_missing_for_each_that_opens() -> None:
    for tag in languages():
        reasons = read_wording(tag).tables["reasons"]
        assert {f"under_age-{name}" for name in OPENERS} <= reasons.keys()
        assert len(set(reasons.values())) == len(reasons), "no two of them say the same"


@pytest.mark.parametrize("place", ["DE", "CN"])
def test_r16_where_a_guardian_authorised_both_ways_to_say_yes_are_named(desk: Desk, place: str) -> None:
    law = ("--regime", "cn-pipl", "--jurisdiction", "CN") if place == "CN" else ("--jurisdiction", place)
    desk.consent("minor", "member:1", "--age", "8", *law).ok()
    desk.wait(1)
    authorised = desk.consent("guardian", "member:1", *AUTHORISED, *law, "--json").ok().json["seq"]
    said = explained(desk)
    assert f"A guardian's authorisation is on record (entry {authorised}), and is no yes by itself." in said
    assert "A yes of the child's own or, with --by-guardian, of the guardian's would change it, recorded" in said
    desk.consent("minor", "member:2", "--age", "8", *law).ok()
    other = desk.consent("check", "member:2", "--purpose", "analytics", "--explain").out
    assert "is on record" not in other, "nobody authorised anything for this one"
