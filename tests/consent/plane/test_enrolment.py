"""The denominators of experiments: every exposed unit once, by variant, day and reason, and nobody's data."""

from __future__ import annotations

import pytest

from imp_core.clock import DAY_US


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
    assert shop.enrolment() == {("banner", 1, "a", "refused"): 1, ("banner", 1, "b", "no_record"): 2}


def test_of_denied_people_nothing_but_the_count_is_kept(shop):
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
