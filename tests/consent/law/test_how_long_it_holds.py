"""When what somebody said ends: as it says itself, and at the earlier of two ends it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from imp_consent.policy.cuts import Cut
from imp_consent.policy.period import Period
from imp_consent.policy.rules import Validity
from imp_core.clock import DAY_US, parse_time
from imp_core.errors import BadInput

NOW_US = parse_time("2026-03-01T12:00:00Z")
GUARDIAN = {"guardian": "member:9", "role": "parent", "verification": "card"}


@pytest.mark.parametrize(
    ("type_", "said"),
    [("guardian", {"more": GUARDIAN}), ("minor", {"needs": "own"}), ("restrict", {}), ("grant", {}), ("refuse", {})],
)
def test_whatever_may_end_ends_after_its_days_or_at_its_time_whichever_comes_first(
    law: Any, type_: str, said: dict[str, Any]
) -> None:
    law.show("analytics")
    assert law.write(type_, "analytics", valid_for_days=2, **said).until_us == NOW_US + 2 * DAY_US
    for days, until in ((2, 5), (5, 2)):
        both = law.write(type_, "analytics", valid_for_days=days, until_us=NOW_US + until * DAY_US, **said)
        assert both.until_us == NOW_US + 2 * DAY_US
    assert law.write(type_, "analytics", **said).until_us is None


@pytest.mark.parametrize("type_", ["withdraw", "object", "signal", "limit-sensitive"])
def test_what_takes_back_ends_at_no_time(law: Any, type_: str) -> None:
    assert law.write(type_, "analytics", valid_for_days=2, until_us=NOW_US + 1).until_us is None


def test_of_several_changes_the_first_after_a_yes_ends_it_and_those_it_was_given_after_do_not(law: Any) -> None:
    law.show("analytics")
    law.cuts = [Cut("analytics", NOW_US + days * DAY_US, 90 + days) for days in (3, 2, 5, 0, -1)]
    assert law.write("grant", "analytics").until_us == NOW_US + 2 * DAY_US
    shown = {"basis": "legitimate-interest", "grounds": {"assessment": "paper 3"}}
    assert law.write("basis", "analytics", **shown).until_us is None, "no purpose became another"
    law.cuts = [cut._replace(bases=cut.seq > 92) for cut in law.cuts]
    assert law.write("basis", "analytics", **shown).until_us == NOW_US + 3 * DAY_US


def test_a_notice_named_by_its_hash_was_read_as_it_says_now_though_it_became_known_here_only_later(law: Any) -> None:
    sha256 = law.show("analytics", "analytics.web").sha256
    law.declare("analytics.web")
    change = Cut("analytics", NOW_US + DAY_US, 1, notice="shown")  # by the very entry that holds the notice
    for cuts, named, until, covers in (
        ([change], sha256, None, ("analytics.web",)),
        ([change], sha256[:8], None, ("analytics.web",)),
        ([change], "shown", change.at_us, ()),
        ([change], None, change.at_us, ()),
        ([change._replace(seq=2)], sha256, change.at_us, ()),
    ):
        law.cuts = cuts
        said = law.write("grant", "analytics", notice=named)
        assert (said.until_us, said.covers) == (until, covers), named


@pytest.mark.parametrize("refusals", [True, False])
def test_a_refusal_ages_only_where_the_law_says_that_refusals_do(law: Any, refusals: bool) -> None:
    made = law.case()
    month = Validity(trait="*", period=Period(days=30), refusals=refusals, source="house")
    case = replace(made, rules=replace(made.rules, valid_for=(month,)))
    law.case = lambda: case
    assert law.write("grant", "analytics").until_us == NOW_US + 30 * DAY_US
    assert law.write("refuse", "analytics").until_us == (NOW_US + 30 * DAY_US if refusals else None)
    assert law.write("refuse", "*").until_us is None, "of no purpose of its own"


def test_a_consent_that_took_no_step_is_taken_under_a_notice_that_counts_none(law: Any) -> None:
    law.show("analytics")
    assert law.write("grant", "analytics", steps=0).type == "grant"
    law.show("analytics", grant_steps=1, withdraw_steps=1)
    with pytest.raises(BadInput, match="it takes 1 steps to withdraw what was given in 0"):
        law.write("grant", "analytics", steps=0)
    assert law.write("grant", "analytics", steps=1).type == "grant"
