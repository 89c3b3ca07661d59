"""Consent under a notice that was changed since, and bases after a no or for a purpose that became another one."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.policy.cuts import Cut
from imp_core.clock import DAY_US, parse_time
from imp_core.errors import BadInput

Desk = Any
NOW_US = parse_time("2026-03-01T12:00:00Z")
INTEREST = ("--basis", "legitimate-interest", "--ground", "assessment=LIA 12")


def test_r15_nobody_agrees_to_a_version_that_was_replaced_by_a_materially_different_one(desk: Desk) -> None:
    first = desk.notice("analytics").ok().json["sha256"]
    desk.wait(1)
    assert desk.notice("analytics", more="And now we sell it.").ok().json["material"] == ["analytics"]
    desk.wait(1)
    late = desk.record("analytics", "given", "--notice", first)
    assert (late.code, "GDPR 7, 13(3); PIPL 14(2)" in late.err) == (2, True)
    assert desk.asked("analytics") == "no_record"
    then = desk.record("analytics", "given", "--notice", first, "--at", "2026-03-02T00:00:00Z", who="member:2").ok()
    assert then.json["until"] == "2026-03-02T12:00:00Z", "what was agreed to before it ends with the change"
    desk.record("analytics", "given", "--notice", "shown").ok()
    assert desk.asked("analytics") == "given"


def test_r15_an_editorial_version_leaves_the_one_before_it_as_good(desk: Desk) -> None:
    first = desk.notice("analytics").ok().json["sha256"]
    desk.wait(1)
    desk.notice("analytics", more="Spelt better.", words=("--editorial",)).ok()
    desk.record("analytics", "given", "--notice", first).ok()
    assert desk.asked("analytics") == "given"


@pytest.mark.parametrize(
    ("cut", "refused"),
    [
        (Cut("analytics", NOW_US - 1, 9, notice="shown"), True),
        (Cut("analytics", NOW_US, 9, notice="shown"), True),
        (Cut("*", NOW_US - 1, 9, notice="shown"), True),
        (Cut("analytics", NOW_US + 1, 9, notice="shown"), False),
        (Cut("analytics", NOW_US - 1, 1, notice="shown"), False),
        (Cut("analytics", NOW_US - 1, 9, notice="other"), False),
        (Cut("analytics", NOW_US - 1, 9, bases=True), False),
        (Cut("experimentation", NOW_US - 1, 9, notice="shown"), False),
    ],
)
def test_only_a_later_version_of_the_same_notice_makes_it_outdated_for_what_changed(
    law: Any, cut: Cut, refused: bool
) -> None:
    law.cuts = [cut]
    if refused:
        with pytest.raises(BadInput, match="changed in substance") as caught:
            law.write("grant", "analytics")
        assert caught.value.where == "notice"
    else:
        law.write("grant", "analytics")


def test_a_yes_above_leaves_out_the_purpose_below_of_which_a_newer_version_says_something_else(law: Any) -> None:
    for name in ("shop", "shop.advice", "shop.news"):
        law.declare(name)
    law.show("shop", "shop.advice", "shop.news")
    assert law.write("grant", "shop").covers == ("shop.advice", "shop.news")
    law.cuts = [Cut("shop.advice", NOW_US - DAY_US, 9, notice="shown")]
    assert law.write("grant", "shop").covers == ("shop.news",)


def test_a_yes_under_a_short_name_with_which_the_hash_begins_too_names_no_hash(law: Any) -> None:
    names = (f"{number:x}" for number in range(4096))
    name = next(name for name in names if law.show("analytics", name=name).sha256.startswith(name))
    law.cuts = [Cut("analytics", NOW_US + 5, 1, notice=name)]
    assert law.write("grant", "analytics", notice=name).until_us == NOW_US + 5
    assert law.write("grant", "analytics", notice=law.notice.sha256[:8]).until_us is None, (
        "they had seen that very text"
    )


def test_a_basis_from_before_its_purpose_changed_and_recorded_after_it_ends_at_the_change(law: Any) -> None:
    law.cuts = [Cut("essential", NOW_US + 5, 9, notice="shown"), Cut("essential", NOW_US + 9, 10, bases=True)]
    words = {"basis": "contract", "evidence": "order 7"}
    assert law.write("basis", "essential", **words).until_us == NOW_US + 9
    assert law.write("basis", "essential", until_us=NOW_US + 7, **words).until_us == NOW_US + 7
    assert law.write("basis", "essential", at_us=NOW_US + 9, **words).until_us is None
    assert law.write("basis", "essential", at_us=NOW_US + 9, valid_for_days=1, **words).until_us == NOW_US + 9 + DAY_US


@pytest.mark.parametrize("bases", [False, True])
def test_a_basis_from_before_a_no_holds_on_unless_its_purpose_itself_had_changed_by_then(law: Any, bases: bool) -> None:
    words = {"basis": "contract", "evidence": "order 7"}
    law.write("basis", "essential", **words)
    law.cuts = [Cut("essential", NOW_US + 5, 9, notice=None if bases else "shown", bases=bases)]
    law.write("refuse", "essential", at_us=NOW_US + 10)
    if bases:
        with pytest.raises(BadInput, match="this purpose rested on consent"):
            law.write("basis", "essential", at_us=NOW_US + 20, **words)
    else:
        law.write("basis", "essential", at_us=NOW_US + 20, **words)


def test_r15_a_purpose_that_turns_into_a_sale_ends_the_basis_it_was_used_on(desk: Desk) -> None:
    california = ("--regime", "us-ca", "--jurisdiction", "US-CA")
    desk.purpose("ads", "--trait", "profiling")
    desk.notice("ads").ok()
    desk.consent("basis", "member:1", "--purpose", "ads", "--basis", "opt-out-notice", *california).ok()
    assert desk.asked("ads") == "basis"
    desk.wait(1)
    desk.consent("purpose", "change", "ads", "--trait", "sale").ok()
    assert desk.asked("ads") == "notice_changed"
    explained = desk.consent("check", "member:1", "--purpose", "ads", "--explain", "--json").json["explanation"]
    assert any("the policy was changed in substance" in sentence for sentence in explained)
    assert any("another basis was for, has since changed" in sentence for sentence in explained)


def test_r11_after_a_refusal_nobody_changes_over_to_legitimate_interest(desk: Desk) -> None:
    desk.record("analytics", "refused").ok()
    desk.wait(1)
    late = desk.consent("basis", "member:1", "--purpose", "analytics", *INTEREST)
    assert (late.code, "the person said no" in late.err) == (2, True)
    assert desk.asked("analytics") == "refused"


def test_r11_a_withdrawal_that_comes_late_closes_the_interest_recorded_before_it(desk: Desk) -> None:
    desk.wait(5)
    words = ("--purpose", "analytics", *INTEREST, "--at", "2026-03-05T00:00:00Z")
    desk.consent("basis", "member:1", *words).ok()
    assert desk.asked("analytics") == "basis"
    desk.record("analytics", "withdrawn", "--at", "2026-03-04T00:00:00Z").ok()
    assert desk.asked("analytics") == "withdrawn"
    desk.consent("basis", "member:1", *words).ok()  # it was on record by then; but it opens nothing
    assert desk.asked("analytics") == "withdrawn"


def test_r17_a_guardians_yes_sells_nothing_of_somebody_of_fourteen(desk: Desk) -> None:
    california = ("--regime", "us-ca", "--jurisdiction", "US-CA")
    desk.purpose("sale", "--trait", "sale")
    desk.notice("sale").ok()
    guardian = ("--guardian", "member:99", "--role", "parent", "--verification", "ID")
    for who, age in (("member:1", "14"), ("member:2", "11")):
        desk.consent("minor", who, "--age", age, *california).ok()
        desk.consent("guardian", who, *guardian, *california).ok()
        desk.wait(0.01)
        assert desk.record("sale", "given", "--by-guardian", *california, who=who).code == (2 if age == "14" else 0)
    assert desk.asked("sale", who="member:1") == "no_record"
    assert desk.asked("sale", who="member:2") == "given", "below thirteen it is the guardian's to say"
    desk.record("sale", "given", *california).ok()
    assert desk.asked("sale") == "given", "the person's own"
