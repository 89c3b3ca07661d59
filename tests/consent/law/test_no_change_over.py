"""Whoever asked for consent stays with it: no other basis takes its place, and none holds in retrospect (row 11)."""

from __future__ import annotations

from typing import Any

import pytest

from imp_core.errors import BadInput
from tests.consent.law.conftest import NOW_US, Desk

YESTERDAY = "2026-02-28T12:00:00Z"
ORDER = ("--basis", "contract", "--evidence", "order 9")
WEIGHED = ("--basis", "legitimate-interest", "--ground", "assessment=paper 3")
LAW = ("--basis", "legal-obligation", "--ground", "law=tax code 7")


def rest(desk: Desk, purpose: str, *words: str, who: str = "member:1") -> Any:
    return desk.consent("basis", who, "--purpose", purpose, *words, "--json")


def failed(answer: Any) -> str:
    """What was said on standard error, having checked that it was refused as bad input."""
    assert answer.code == 2, answer.out
    return str(answer.err)


@pytest.mark.parametrize("words", [ORDER, ("--basis", "public-task", "--ground", "law=act 3")])
@pytest.mark.parametrize("no", ["withdrawn", "refused"])
def test_r11_no_contract_and_no_task_opens_what_consent_was_taken_back_for(
    desk: Desk, no: str, words: tuple[str, ...]
) -> None:
    desk.record("analytics").ok()
    desk.wait(1)
    desk.record("analytics", no).ok()
    desk.wait(1)
    for when in ((), ("--at", YESTERDAY), ("--at", "2020-01-01T00:00:00Z")):
        refused = failed(rest(desk, "analytics", *words, *when))
        assert "rested on consent" in refused
        assert "EDPB 05/2020 §§121-123" in refused
        assert "ask for consent again" in refused
    assert desk.asked("analytics") == ("withdrawn" if no == "withdrawn" else "refused")
    assert desk.asked("analytics", "--at", YESTERDAY) == "no_record"


def test_r11_a_withdrawal_of_everything_closes_to_a_contract_what_there_was_a_yes_to(desk: Desk) -> None:
    desk.record("analytics").ok()
    desk.wait(1)
    desk.record("*", "withdrawn").ok()
    desk.wait(1)
    assert "rested on consent" in failed(rest(desk, "analytics", *ORDER))


def test_r12_a_later_order_is_fulfilled_after_a_withdrawal_of_everything(desk: Desk) -> None:
    desk.record("analytics").ok()
    desk.wait(1)
    desk.record("*", "withdrawn").ok()
    desk.wait(1)
    rest(desk, "essential", *ORDER).ok()
    assert desk.asked("essential") == "basis"


@pytest.mark.parametrize("words", [ORDER, WEIGHED, LAW])
def test_no_basis_is_dated_back_over_a_no_to_everything(desk: Desk, words: tuple[str, ...]) -> None:
    desk.record("*", "withdrawn").ok()
    desk.wait(1)
    refused = failed(rest(desk, "essential", *words, "--at", YESTERDAY))
    assert "dated back over a no" in refused
    assert "leave out --at" in refused
    assert desk.asked("essential", "--at", YESTERDAY) == "no_record"


def test_what_the_law_commands_holds_whatever_consent_was_taken_back(desk: Desk) -> None:
    desk.record("analytics").ok()
    desk.wait(1)
    desk.record("analytics", "withdrawn").ok()
    desk.wait(1)
    rest(desk, "analytics", *LAW).ok()
    assert desk.asked("analytics") == "basis"


def test_a_contract_on_record_before_the_no_goes_on_and_is_renewed(desk: Desk) -> None:
    rest(desk, "analytics", *ORDER).ok()
    desk.wait(1)
    desk.record("analytics").ok()
    desk.wait(1)
    desk.record("analytics", "withdrawn").ok()
    desk.wait(1)
    rest(desk, "analytics", *ORDER).ok()
    assert desk.asked("analytics") == "basis"


def test_in_china_a_withdrawal_is_met_by_no_contract_either(desk: Desk) -> None:
    law = ("--regime", "cn-pipl", "--jurisdiction", "CN")
    desk.record("analytics", "given", *law).ok()
    desk.wait(1)
    desk.record("analytics", "withdrawn", *law).ok()
    desk.wait(1)
    assert "PIPL 5, 15, 47(1)(3)" in failed(rest(desk, "analytics", *ORDER, *law))


def test_a_legitimate_interest_after_an_objection_is_recorded_with_a_warning(desk: Desk) -> None:
    desk.consent("object", "member:1", "--purpose", "essential").ok()
    desk.wait(1)
    closed = rest(desk, "essential", *WEIGHED).ok().json["opens_nothing"]
    assert closed.startswith("it opens nothing now (objected)")
    desk.consent("object", "member:2", "--purpose", "essential").ok()
    desk.wait(1)
    said = desk.consent("basis", "member:2", "--purpose", "essential", *WEIGHED).ok().out
    assert "\nwarning: it opens nothing now (objected)" in said
    assert rest(desk, "essential", *WEIGHED, who="member:3").ok().json["opens_nothing"] is None


def test_only_a_consent_or_a_no_on_the_channel_in_question_closes_it_to_a_contract(law: Any) -> None:
    words = {"basis": "contract", "evidence": "order 9"}
    law.write("grant", "analytics", at_us=NOW_US - 9, channel="sms")
    law.write("withdraw", "*", at_us=NOW_US - 8)
    assert law.write("basis", "analytics", channel="post", **words).basis == "contract"
    with pytest.raises(BadInput, match="rested on consent"):
        law.write("basis", "analytics", channel="sms", **words)
    with pytest.raises(BadInput, match="rested on consent"):
        law.write("basis", "analytics", **words)  # every channel: sms too


def test_a_yes_that_came_after_the_no_says_nothing_of_what_had_been_asked_before(law: Any) -> None:
    law.write("withdraw", "*", at_us=NOW_US - 8)
    law.write("grant", "analytics", at_us=NOW_US - 7)
    assert law.write("basis", "analytics", basis="contract", evidence="order 9").basis == "contract"


@pytest.mark.parametrize("no", ["object", "restrict", "limit-sensitive", "signal"])
def test_a_no_of_whatever_kind_is_not_dated_back_over_if_it_is_about_such_data(law: Any, no: str) -> None:
    law.declare("ads", traits=("profiling",))
    words = {"basis": "legitimate-interest", "grounds": {"assessment": "3"}, "at_us": NOW_US - 9}
    law.write(no, "*", at_us=NOW_US - 8, traits=("sale",))
    assert law.write("basis", "ads", **words).basis == "legitimate-interest"
    law.history.clear()
    law.write(no, "*", at_us=NOW_US - 8, traits=("sale", "profiling"))
    with pytest.raises(BadInput, match="dated back over a no"):
        law.write("basis", "ads", **words)
    with pytest.raises(BadInput, match="dated back over a no"):
        law.write("basis", "ads", **{**words, "at_us": NOW_US - 8})
    assert law.write("basis", "ads", **{**words, "at_us": NOW_US - 7}).basis == "legitimate-interest"


def test_what_was_on_record_before_a_no_may_be_recorded_again_from_then_and_not_from_before(law: Any) -> None:
    words = {"basis": "legal-obligation", "grounds": {"law": "tax code"}}
    law.write("basis", "analytics", at_us=NOW_US - 9, **words)
    law.write("withdraw", "*", at_us=NOW_US - 5)
    assert law.write("basis", "analytics", at_us=NOW_US - 7, **words).basis == "legal-obligation"
    with pytest.raises(BadInput, match="dated back over a no"):
        law.write("basis", "analytics", at_us=NOW_US - 10, **words)


SHORT = ("--at", "2019-01-01T00:00:00Z", "--valid-for", "30d")


@pytest.mark.parametrize(("words", "why"), [(ORDER, "rested on consent"), (WEIGHED, "took consent back")])
def test_r11_a_basis_that_had_run_out_by_the_no_opens_nothing_after_it(
    desk: Desk, words: tuple[str, ...], why: str
) -> None:
    rest(desk, "analytics", *words, *SHORT).ok()
    desk.record("analytics", "given", "--at", "2021-01-01T00:00:00Z").ok()
    desk.record("analytics", "withdrawn", "--at", "2024-01-01T00:00:00Z").ok()
    assert why in failed(rest(desk, "analytics", *words))
    assert why in failed(rest(desk, "analytics", *words, "--at", "2025-01-01T00:00:00Z"))
    assert desk.asked("analytics") == "withdrawn"


def test_no_basis_is_dated_back_into_a_time_after_the_one_on_record_had_run_out(desk: Desk) -> None:
    rest(desk, "essential", *ORDER, *SHORT).ok()
    desk.record("*", "withdrawn", "--at", "2024-01-01T00:00:00Z").ok()
    for when in ("2020-01-01T00:00:00Z", "2019-01-15T00:00:00Z"):  # from within its time it would go on beyond it
        assert "dated back over a no" in failed(rest(desk, "essential", *ORDER, "--at", when))
    assert desk.asked("essential", "--at", "2022-01-01T00:00:00Z") == "expired"
    rest(desk, "essential", *ORDER).ok()


def test_r11_a_basis_renewed_before_the_no_was_on_record_by_then(desk: Desk) -> None:
    rest(desk, "analytics", *ORDER, *SHORT).ok()
    rest(desk, "analytics", *ORDER, "--at", "2023-12-20T00:00:00Z", "--valid-for", "30d").ok()
    desk.record("analytics", "withdrawn", "--at", "2024-01-01T00:00:00Z").ok()
    rest(desk, "analytics", *ORDER).ok()
    assert desk.asked("analytics") == "basis"


def test_r11_a_basis_ends_in_the_very_moment_in_which_its_time_is_up(law: Any) -> None:
    words = {"basis": "contract", "evidence": "order 9"}
    law.write("basis", "analytics", at_us=NOW_US - 9, until_us=NOW_US - 5, **words)
    law.write("withdraw", "analytics", at_us=NOW_US - 6)
    assert law.write("basis", "analytics", **words).basis == "contract"
    law.write("withdraw", "analytics", at_us=NOW_US - 5)
    law.history.pop(2)  # the renewal
    with pytest.raises(BadInput, match="rested on consent"):
        law.write("basis", "analytics", **words)


def test_r11_a_basis_for_what_the_purpose_was_once_is_none_for_what_it_became(desk: Desk) -> None:
    rest(desk, "analytics", *ORDER).ok()
    desk.wait(1)
    desk.consent("purpose", "change", "analytics", "--description", "We sell.").ok()
    desk.wait(1)
    desk.record("analytics", "withdrawn").ok()
    desk.wait(1)
    assert "rested on consent" in failed(rest(desk, "analytics", *ORDER))


def test_r11_who_refused_what_a_notice_asks_for_refused_all_that_it_lists(desk: Desk) -> None:
    for name in ("orders", "orders.advice", "orders.post"):
        desk.purpose(name)
    desk.notice("orders", "orders.advice").ok()
    desk.wait(1)
    desk.record("orders", "refused").ok()
    desk.wait(1)
    assert "rested on consent" in failed(rest(desk, "orders.advice", *ORDER))
    rest(desk, "orders.post", *ORDER).ok()  # nobody was asked for that
    desk.record("orders", "withdrawn", who="member:2").ok()  # said of itself, and no answer to a notice
    desk.wait(1)
    rest(desk, "orders.advice", *ORDER, who="member:2").ok()
