"""`imp audit uses`: which uses there were, and which a late denial flags; never whose data."""

from __future__ import annotations

import re

import pytest


def found(shop, *words):
    return shop("audit", "uses", *words, "--json").json["uses"]


def test_every_use_names_its_plugin_purpose_actor_and_counts(shop):
    early, late = found(shop)
    assert (early["action"], early["plugin"], early["purposes"]) == ("collect", "file", ["analytics"])
    assert (early["actor"], early["permitted"], early["denied"]) == ("tester", 40, {})
    assert (late["permitted"], late["denied"]) == (28, {"withdrawn": 12})
    assert (early["state"], early["at"]) == ("done", "2026-03-11T13:00:00Z")


def test_r59_a_withdrawal_that_came_late_flags_the_use_whose_data_it_is_older_than(shop):
    early, late = found(shop)
    assert early["flag"] is None
    assert late["flag"]["people"] is None, "one person: fewer than k"
    assert late["flag"]["reasons"] == {"withdrawn": None}
    assert late["flag"]["entries"][0] == late["flag"]["entries"][1] > late["seq"]
    assert [use["seq"] for use in found(shop, "--flagged")] == [late["seq"]]


def test_flags_count_people_from_k_on_and_name_nobody(shop):
    shop.say(*((f"m{who}", "analytics", "withdrawn", 35) for who in range(12, 24)))
    answer = shop("audit", "uses", "--flagged", "--json")
    (late,) = answer.json["uses"]
    assert late["flag"]["people"] == 13
    assert late["flag"]["reasons"] == {"withdrawn": 13}
    assert "member" not in answer.out
    assert "m30" not in answer.out


def test_r54_a_reason_of_few_is_not_told_by_what_the_others_leave_of_all_people(shop):
    shop.say(*((f"m{who}", "analytics", "withdrawn", 35) for who in range(12, 24)))
    shop.say(*((f"m{who}", "analytics", "refused", 35) for who in (24, 25)))
    answer = shop("audit", "uses", "--flagged", "--json")
    (late,) = answer.json["uses"]
    assert late["flag"]["people"] == 15
    assert late["flag"]["reasons"] == {"refused": None, "withdrawn": None}, "15 less 13 would be 2"
    text = shop("audit", "uses", "--flagged").out
    assert "denied since: refused few, withdrawn few" in text
    assert "'few' is fewer than 10, or would tell that" in text


def test_a_withdrawal_in_time_flags_nothing(shop):
    shop.go_to(50)
    shop.visit("later")
    shop.go_to(51)
    shop.say(*((f"m{who}", "analytics", "withdrawn", 51) for who in range(12, 24)))
    assert [use["at"] for use in found(shop, "--flagged")] == ["2026-04-10T13:00:00Z"]


@pytest.mark.parametrize(
    ("words", "n"),
    [
        (("--from", "2026-03-11", "--to", "2026-03-11"), 1),
        (("--from", "2026-03-12"), 1),
        (("--to", "2026-03-11T13:00:00Z"), 0),
        (("--purpose", "analytics"), 2),
        (("--purpose", "essential"), 0),
        (("--plugin", "file"), 2),
        (("--plugin", "experiments"), 0),
    ],
)
def test_uses_are_chosen_by_period_purpose_and_plugin(shop, words, n):
    assert len(found(shop, *words)) == n


@pytest.mark.parametrize("flagged", [(), ("--flagged",)])
def test_a_plugin_that_is_none_is_refused_not_found_to_have_used_nothing(shop, flagged):
    answer = shop("audit", "uses", "--plugin", "fiel", *flagged, code=2)
    assert "--plugin" in answer.err
    assert "one of: experiments, file" in answer.err


def test_a_parent_purpose_takes_what_is_below_it(shop):
    shop.visit("mail", members=range(15), purpose="marketing.email")
    assert [use["purposes"] for use in found(shop, "--purpose", "marketing")] == [["marketing.email"]]


@pytest.mark.parametrize("words", [("--from", "yesterday"), ("--to", "2026-13-01"), ("--from", "2026-03-01T09:00")])
def test_a_period_that_is_none_is_refused_by_its_option(shop, words):
    answer = shop("audit", "uses", *words, code=2)
    assert words[0] in answer.err


def test_a_period_that_ends_before_it_begins_is_refused(shop):
    assert "ends before it begins" in shop("audit", "uses", "--from", "2026-03-02", "--to", "2026-03-01", code=2).err


def test_the_table_tells_the_same_and_marks_flags(shop):
    out = shop("audit", "uses").out
    assert "collect analytics  file  by tester  permitted 28; denied: withdrawn 12" in out
    assert "FLAGGED: denied since: withdrawn few; entries" in out
    assert "2 uses, 1 flagged; 'few' is fewer than 10" in out


def test_looking_at_uses_writes_nothing(shop):
    before = shop("audit", "uses", "--json").json["size"]
    assert shop("audit", "uses", "--json").json["size"] == before


def test_a_shop_without_customers_has_no_uses(empty_shop):
    assert found(empty_shop) == []


def test_a_purpose_that_nobody_declared_is_no_purpose_without_uses(shop):
    refused = shop("audit", "uses", "--purpose", "analytcs", code=2)
    assert "unknown purpose" in refused.err
    assert "analytcs" not in refused.err
    shop("audit", "uses", "--purpose", "marketing")  # what stands below it is one


def test_entries_that_are_not_there_are_answered_with_those_that_are(shop):
    refused = shop("audit", "entries", "99999", code=2)
    assert re.search(r"there is no entry 99999: the log has \d+ entries\n.*\n.*numbered 0 to \d+\n", refused.err)
