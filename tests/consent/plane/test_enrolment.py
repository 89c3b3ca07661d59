"""The denominators of experiments: every exposed unit once, by variant, day and reason, and nobody's data."""

from __future__ import annotations

import pytest

from imp_consent.gate import decide_many
from imp_consent.ledger.entry import Statement
from imp_consent.plane.remove import request_erasure, resume
from imp_consent.plane.view import ConsentView
from imp_core.clock import DAY_US
from imp_core.event import RawId


def test_a_unit_counts_once_however_often_it_is_exposed_and_by_whichever_file(shop):
    shop.give("1", "2")
    shop.take(shop.exposure("1", "m1"), shop.exposure("1", "m2"), shop.exposure("2", "m3", "b"))
    result = shop.take(shop.exposure("1", "m4"), shop.exposure("2", "m5", "b"))
    assert result.enrolled == {}
    assert shop.enrolment() == {("banner", 1, "a", "admitted"): 1, ("banner", 1, "b", "admitted"): 1}


def test_experiments_and_phases_count_apart(shop):
    shop.give("1")
    shop.take(shop.exposure("1", "m1"), shop.exposure("1", "m2", phase=2), shop.exposure("1", "m3", experiment="other"))
    assert shop.enrolment() == {
        ("banner", 1, "a", "admitted"): 1,
        ("banner", 2, "a", "admitted"): 1,
        ("other", 1, "a", "admitted"): 1,
    }


def test_a_unit_is_counted_on_the_utc_day_and_in_the_variant_of_its_first_row(shop):
    shop.give("1")
    shop.take(shop.exposure("1", "m1", "a", days_ago=3), shop.exposure("1", "m2", "b", days_ago=2))
    day = shop.now // DAY_US - 3
    assert shop.table("SELECT variant, day, n FROM enrolment_count") == [("a", day, 1)]


def test_denied_people_keep_their_place_in_the_denominator_by_reason_once_a_file(shop):
    shop.say("refused", "refuse", at=shop.now - 9 * DAY_US)
    shop.take(
        shop.exposure("refused", "m1"),
        shop.exposure("refused", "m2"),
        shop.exposure("unknown", "m3", "b"),
        shop.exposure(" unknown ", "m4", "b"),
        shop.exposure("another", "m5", "b"),
        shop.event("refused", "m6"),
    )
    assert shop.enrolment() == {
        ("banner", 1, "a", "refused"): 1,
        ("banner", 1, "b", "no_record"): 2,
        ("banner", 1, "", "no_record_files"): 1,
    }


@pytest.mark.parametrize("reason", ["refused", "withdrawn", "expired"])
def test_a_denied_unit_of_somebody_known_counts_once_whatever_files_bring_it(shop, reason: str):
    _deny(shop, "1", reason)
    assert shop.take(shop.exposure("1", "m1")).enrolled == {reason: 1}
    for number in range(2, 5):  # the same export, day by day
        assert shop.take(shop.exposure("1", "m1"), shop.exposure("1", f"m{number}")).enrolled == {}
    assert shop.enrolment() == {("banner", 1, "a", reason): 1}
    assert shop.rows() == []


def _deny(shop, member: str, reason: str) -> None:
    if reason == "refused":
        shop.say(member, "refuse", at=shop.now - 9 * DAY_US)
    else:
        shop.give(member)
    if reason == "withdrawn":
        shop.say(member, "withdraw", at=shop.now - 9 * DAY_US)
    if reason == "expired":
        shop.clock.move_to(shop.now + 1000 * DAY_US)
        until = Statement(
            type="grant", purpose="analytics", channel="", at_us=shop.now - 9 * DAY_US, until_us=shop.now - 8 * DAY_US
        )
        with shop.log.write() as transaction:
            subject = transaction.subject_for(RawId("member", member))
            transaction.append_person(subject, until, {"recorded_us": shop.now})


def test_a_fair_experiment_stays_fair_however_many_overlapping_files_bring_its_refusers(shop):
    people = [str(number) for number in range(40)]
    for person in people[:20]:
        shop.say(person, "refuse", at=shop.now - 9 * DAY_US)
    shop.give(*people[20:])
    rows = [shop.exposure(person, f"m{person}", "ab"[int(person) % 2]) for person in people]
    for size in (10, 30, 40):  # each file holds those before it
        shop.take(*rows[:size])
    assert shop.enrolment() == {
        ("banner", 1, variant, reason): 10 for variant in "ab" for reason in ("admitted", "refused")
    }


def test_who_was_counted_as_denied_keeps_that_place_when_admitted_later(shop):
    shop.say("1", "refuse", at=shop.now - 9 * DAY_US)
    shop.take(shop.exposure("1", "m1"))
    shop.give("1", days_ago=5)
    result = shop.take(shop.exposure("1", "m2"))
    assert (result.admitted, result.enrolled) == (1, {})
    assert shop.enrolment() == {("banner", 1, "a", "refused"): 1}
    assert shop.take(shop.exposure("1", "m3")).enrolled == {}


def test_who_is_denied_as_unknown_and_as_known_in_one_file_is_remembered_as_known(shop):
    shop.say("2", "refuse", at=shop.now - 9 * DAY_US)
    house = {"unit_kind": "household", "unit": "h1"}
    for number in (1, 3):
        shop.take(shop.exposure("9", f"m{number}", **house), shop.exposure("2", f"m{number + 1}", **house))
    assert shop.enrolment() == {("banner", 1, "a", "refused"): 1}


def test_people_nobody_knows_count_once_a_file_and_the_files_are_counted_too(shop):
    shop.give("1")
    shop.take(shop.exposure("8", "m1"), shop.exposure("9", "m2", "b"), shop.exposure("9", "m3", experiment="other"))
    shop.take(shop.exposure("9", "m4", "b"), shop.exposure("9", "m5", "b", phase=2))
    shop.take(shop.exposure("1", "m6"))
    found = shop.enrolment()
    assert {key[:2]: n for key, n in found.items() if key[3] == "no_record_files"} == {
        ("banner", 1): 2, ("banner", 2): 1, ("other", 1): 1,
    }  # fmt: skip
    assert found["banner", 1, "b", "no_record"] == 2
    where = "SELECT DISTINCT variant, day FROM enrolment_count WHERE reason = 'no_record_files'"
    assert shop.table(where) == [("", 0)]
    view = ConsentView(shop.log, shop.workspace)
    assert [row.n for row in view.enrolment("banner") if row.reason == "no_record_files"] == [2, 1]


def test_who_is_erased_between_gate_and_commit_is_counted_and_not_remembered(shop):
    shop.give("1")
    other = shop.other_log()
    other.compact = lambda: True  # it would wait for the intake's snapshot

    def erase(*arguments, **named):
        answer = decide_many(*arguments, **named)
        if not shop.table("SELECT 1 FROM entry WHERE CAST(leaf AS TEXT) LIKE '%\"erased\"%'"):
            request_erasure(other, [shop.subject("1")], {"recorded_us": shop.now})
            resume(other, shop.workspace)
        return answer

    assert shop.take(shop.exposure("1", "m1"), decide=erase).admitted == 0
    other.close()
    assert shop.table("SELECT count(*) FROM dedupe") == [(0,)]
    assert shop.enrolment() == {("banner", 1, "a", "no_record"): 1, ("banner", 1, "", "no_record_files"): 1}


def test_of_people_nobody_knows_nothing_but_the_count_is_kept(shop):
    shop.take(shop.exposure("unknown", "m1"))
    assert shop.table("SELECT count(*) FROM dedupe") == [(0,)]
    assert shop.rows() == []


def test_who_was_denied_once_and_admitted_once_in_a_file_counts_as_admitted(shop):
    shop.give("1", days_ago=5)
    result = shop.take(shop.exposure("1", "m1", days_ago=9), shop.exposure("1", "m2", days_ago=1))
    assert result.enrolled == {"admitted": 1}
    assert shop.enrolment() == {("banner", 1, "a", "admitted"): 1}


def test_who_was_counted_as_admitted_is_not_counted_again_after_withdrawing(shop):
    shop.give("1")
    shop.take(shop.exposure("1", "m1"))
    shop.say("1", "withdraw", at=shop.now)
    shop.take(shop.exposure("1", "m2"))
    assert shop.enrolment() == {("banner", 1, "a", "admitted"): 1}


def test_counts_of_one_cell_add_up_over_files(shop):
    shop.give("1", "2", "3")
    shop.take(shop.exposure("1", "m1"), shop.exposure("2", "m2"))
    shop.take(shop.exposure("3", "m3"))
    assert shop.table("SELECT n FROM enrolment_count") == [(3,)]


def test_units_other_than_people_count_by_their_own_id(shop):
    shop.give("1", "2", "3")
    units = {"unit_kind": "household"}
    shop.take(
        shop.exposure("1", "m1", unit="h1", **units),
        shop.exposure("2", "m2", unit="h1", **units),
        shop.exposure("3", "m3", unit="h2", **units),
        shop.exposure("9", "m4", unit="h2", **units),
    )
    assert shop.enrolment() == {("banner", 1, "a", "admitted"): 2}


@pytest.mark.parametrize("dry_run", [True, False])
def test_duplicates_and_dry_runs_count_nothing(shop, dry_run: bool):
    shop.give("1")
    if not dry_run:
        shop.take(shop.exposure("1", "m1"))
    before = shop.enrolment()
    assert shop.take(shop.exposure("1", "m1", "b"), dry_run=dry_run).enrolled == {}
    assert shop.enrolment() == before
