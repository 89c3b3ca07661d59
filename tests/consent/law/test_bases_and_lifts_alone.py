"""The rules of bases and of lifts by themselves, condition by condition."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.policy.basis_rules import check_basis
from imp_consent.policy.lift_rules import check_lift
from imp_consent.policy.rules import Age, Condition, Lift, Need
from imp_consent.policy.saying import Saying
from imp_consent.policy.write_rules import check_statement
from imp_core.errors import BadInput

AT = 100
OWN = {"legitimate-interest", "soft-opt-in"}


def told(law: Any, *words: tuple[str, int] | tuple[str, int, dict[str, Any]]) -> None:
    """Entries about "shop", recorded in this order: type, event time, and what else they say."""
    for type_, at_us, *more in words:
        fields = {"purpose": "shop", "channel": "", "at_us": at_us} | (more[0] if more else {})
        entry = SimpleNamespace(seq=len(law.history), statement=Statement(type=type_, **fields), payload={})
        law.history.append(entry)


def case(law: Any, *conditions: Condition, lifts: tuple[Lift, ...] = (), needs: tuple[Need, ...] = ()) -> Any:
    law.declare("shop", traits=("sale",))
    made = law.case()
    rules = replace(made.rules, bases=frozenset(OWN), conditions=conditions, needs=needs, lifts=lifts)
    return replace(made, rules=rules)


def basis(found: Any, name: str = "legitimate-interest", **said: Any) -> str:
    """Why a basis may not be recorded; empty where it may."""
    try:
        check_basis(Saying(type="basis", purpose="shop", at_us=AT, basis=name, **said), found)
    except BadInput as error:
        return error.what
    return ""


def lift(found: Any, lifts: str = "restrict", **said: Any) -> str:
    """Why a lift may not be recorded; empty where it may."""
    try:
        check_lift(Saying(type="lift", purpose="shop", at_us=AT, lifts=lifts, **said), found)
    except BadInput as error:
        return error.what
    return ""


def condition(*needs: str, of: str = "legitimate-interest", traits: tuple[str, ...] = ()) -> Condition:
    return Condition(basis=of, needs=needs, source="law", traits=frozenset(traits))


def test_only_bases_that_there_are_and_that_these_laws_know_are_recorded(law: Any) -> None:
    assert basis(case(law)) == ""
    assert basis(case(law), "because") == "not a basis"
    assert basis(case(law), "contract").startswith("no basis here is contract")
    none = case(law)
    assert basis(replace(none, rules=replace(none.rules, bases=None))).startswith("no basis here")


@pytest.mark.parametrize(
    ("allowed", "named"), [({"soft-opt-in", "contract"}, "contract, soft-opt-in"), (set(), "none"), (None, "none")]
)
def test_the_bases_that_these_laws_allow_are_named_where_another_is_meant(
    law: Any, allowed: set[str] | None, named: str
) -> None:
    made = case(law)
    found = replace(made, rules=replace(made.rules, bases=None if allowed is None else frozenset(allowed)))
    with pytest.raises(BadInput) as refused:
        check_basis(Saying(type="basis", purpose="shop", at_us=AT, basis="legitimate-interest"), found)
    assert refused.value.mend == f"allowed are: {named}"


def test_a_basis_that_is_to_be_shown_says_where_the_proof_is_or_what_it_rests_on(law: Any) -> None:
    found = case(law, condition("evidence"))
    assert basis(found) == "the basis legitimate-interest is to be shown, and nothing says by what (law)"
    assert basis(found, evidence=" ") == basis(found)
    assert basis(found, grounds={"order": " "}) == basis(found)
    assert basis(found, evidence="合同 7") == basis(found, grounds={"order": "7"}) == ""
    assert basis(case(law, condition("evidence", of="contract"))) == "", "of another basis it is not asked"
    both = case(law, condition("evidence", "assessment"))
    assert basis(both, evidence="file 7") == "the basis legitimate-interest rests on: assessment (law)"
    assert (
        basis(both, grounds={"assessment": "\t"})
        == "the basis legitimate-interest is to be shown, and nothing says by what (law)"
    )
    assert (
        basis(both, evidence="7", grounds={"assessment": " "})
        == "the basis legitimate-interest rests on: assessment (law)"
    )


def test_data_that_rests_on_some_bases_only_is_used_on_no_other(law: Any) -> None:
    only = Need(trait="sale", source="law", bases=frozenset({"soft-opt-in"}))
    assert basis(case(law, needs=(only,)), "soft-opt-in") == ""
    assert (
        basis(case(law, needs=(only,))) == "data with the trait sale is not used on the basis legitimate-interest (law)"
    )
    assert basis(case(law, needs=(replace(only, trait="sharing"),))) == ""
    assert basis(case(law, needs=(replace(only, bases=None),))) == ""
    unsaid = Need(trait="sale", source="law", says=("necessity",))
    assert "does not say" in basis(case(law, needs=(unsaid,)))


def test_a_basis_that_is_a_notice_needs_one_that_was_shown_and_others_need_none(law: Any) -> None:
    found = case(law)
    found = replace(found, rules=replace(found.rules, bases=frozenset({"opt-out-notice", "legitimate-interest"})))
    assert basis(found, "opt-out-notice") == ""
    unseen = replace(found, shown=None)
    assert basis(unseen, "opt-out-notice").startswith("the basis opt-out-notice is a notice, and none names this")
    assert basis(unseen) == ""


def test_a_condition_is_of_its_own_basis_and_met_by_what_shows_it(law: Any) -> None:
    found = case(law, condition("assessment"))
    assert basis(found) == "the basis legitimate-interest rests on: assessment (law)"
    assert basis(found, grounds={"assessment": ""}) != ""
    assert basis(found, grounds={"assessment": "paper 3"}) == ""
    assert basis(found, "soft-opt-in") == ""
    both = case(law, condition("assessment"), condition("sale"))
    assert basis(both, grounds={"assessment": "x"}) == "the basis legitimate-interest rests on: sale (law)"


def test_a_condition_may_keep_a_basis_to_some_data(law: Any) -> None:
    assert basis(case(law, condition(traits=("sale", "sharing")))) == ""
    assert basis(case(law, condition(traits=("sharing",)))) == "the basis legitimate-interest is for sharing only (law)"


@pytest.mark.parametrize("no", ["withdraw", "refuse"])
def test_r11_after_a_no_only_a_basis_that_was_recorded_before_it_goes_on(law: Any, no: str) -> None:
    found = condition("no-withdrawal")
    own = ("basis", 1, {"basis": "legitimate-interest"})
    told(law, own, (no, 50))
    assert basis(case(law, found)) == ""
    told(law, (no, 60), own)
    assert basis(case(law, found)) == "", "the first time it was recorded counts"
    del law.history[:]
    told(law, (no, 50), own)
    assert basis(case(law, found)) != ""
    del law.history[:]
    told(law, ("basis", 1, {"basis": "soft-opt-in"}), ("basis", 1, {"basis": "legitimate-interest", "purpose": "*"}))
    assert basis(case(law, found)) == ""
    told(law, (no, 100))
    assert basis(case(law, found)) != "", "another's record, and a no of that very time"
    law.history[-1].statement = replace(law.history[-1].statement, at_us=101)
    assert basis(case(law, found)) == "", "one of a later time is for later"
    told(law, ("object", 50), ("signal", 50))
    assert basis(case(law, found)) == ""


@pytest.mark.parametrize("no", ["withdraw", "refuse", "object"])
def test_r38_whoever_opted_out_of_such_data_by_then_is_not_written_to_on_another_basis(law: Any, no: str) -> None:
    found = condition("no-opt-out")
    told(law, (no, 101), ("grant", 1), ("signal", 1), (no, 50, {"purpose": "analytics"}), (no, 50, {"channel": "sms"}))
    assert basis(case(law, found), channel="email") == ""
    assert basis(case(law, found), channel="sms") != ""
    told(law, (no, 50, {"traits": ("profiling",)}))
    assert basis(case(law, found), channel="email") == ""
    told(law, (no, 50, {"traits": ("profiling", "sale")}))
    assert "opted out before" in basis(case(law, found), channel="email")
    del law.history[:]
    told(law, ("basis", 1, {"basis": "legitimate-interest"}), (no, 100))
    assert basis(case(law, found)) != "", "whatever was recorded before"


GAVE, EVERYTHING = ("grant", 10), ("withdraw", 20, {"purpose": "*"})
OWN_BEFORE = ("basis", 1, {"basis": "legitimate-interest"})


@pytest.mark.parametrize(
    ("history", "channel", "closed"),
    [
        ([EVERYTHING], "", False),
        ([("refuse", 20)], "", True),
        ([GAVE, EVERYTHING], "", True),
        ([("grant", 20), EVERYTHING], "", True),
        ([("grant", 21), EVERYTHING], "", False),
        ([("grant", 10, {"purpose": "analytics", "covers": ("shop",)}), EVERYTHING], "", True),
        ([("grant", 10, {"purpose": "analytics"}), EVERYTHING], "", False),
        ([("grant", 10, {"purpose": "analytics"}), GAVE, EVERYTHING], "", True),
        ([("grant", 10, {"channel": "email"}), EVERYTHING], "", True),
        ([("grant", 10, {"channel": "email"}), EVERYTHING], "sms", False),
        ([("grant", 10, {"channel": "sms"}), EVERYTHING], "sms", True),
        ([GAVE, EVERYTHING], "sms", True),
        ([OWN_BEFORE, GAVE, EVERYTHING], "", False),
        ([OWN_BEFORE, GAVE, EVERYTHING], "sms", False),
        ([("basis", 1, {"basis": "legitimate-interest", "channel": "sms"}), GAVE, EVERYTHING], "", True),
        ([("basis", 1, {"basis": "soft-opt-in"}), GAVE, EVERYTHING], "", True),
        ([GAVE, EVERYTHING, OWN_BEFORE], "", True),
        ([GAVE, ("object", 20)], "", False),
    ],
)
def test_r11_no_basis_takes_the_place_of_consent_that_was_asked_for_and_taken_back(
    law: Any, history: list[Any], channel: str, *, closed: bool
) -> None:
    told(law, *history)
    why = basis(case(law, condition("no-swap")), channel=channel)
    assert ("rested on consent" in why, why == "") == (closed, not closed)


NOES = ("withdraw", "refuse", "object", "restrict", "limit-sensitive", "signal")


@pytest.mark.parametrize(
    ("history", "closed"),
    [
        *(([(no, 99)], False) for no in NOES),
        *(([(no, 100)], True) for no in NOES),
        ([("grant", 200)], False),
        ([("withdraw", 99), ("withdraw", 101)], True),
        ([("withdraw", 200, {"traits": ("profiling",)})], False),
        ([("withdraw", 200, {"traits": ("profiling", "sale")})], True),
        ([OWN_BEFORE, ("withdraw", 200)], False),
        ([("withdraw", 200), OWN_BEFORE], True),
        ([("basis", 100, {"basis": "legitimate-interest"}), ("withdraw", 200)], False),
        ([("basis", 101, {"basis": "legitimate-interest"}), ("withdraw", 200)], True),
        ([("basis", 101, {"basis": "legitimate-interest"}), OWN_BEFORE, ("withdraw", 200)], False),
    ],
)
def test_no_basis_is_dated_back_over_a_no_unless_it_was_on_record_before(
    law: Any, history: list[Any], *, closed: bool
) -> None:
    told(law, *history)
    why = basis(case(law, condition("not-before-a-no")))
    assert ("not dated back" in why, why == "") == (closed, not closed)


TOLD = Lift(type="restrict", needs=("notified",), source="law")


def test_only_what_these_laws_let_anybody_lift_is_lifted_and_when_what_they_want_is_shown(law: Any) -> None:
    found = case(law, lifts=(TOLD, Lift(type="restrict", needs=("letter",), source="law")))
    shown = {"notified": "x", "letter": "y"}
    assert lift(found, "object").startswith("nothing these regimes let anybody lift")
    assert "once the person was told of it first" in lift(found)
    assert "once letter" in lift(found, grounds={"notified": "x"})
    assert lift(found, grounds={"notified": "", "letter": "y"}) != ""
    assert lift(found, grounds=shown) == "", "it reaches nothing that is known"


def test_what_these_laws_let_be_lifted_is_named_else_what_opens_it_again(law: Any) -> None:
    twice = (TOLD, Lift(type="object", needs=(), source="law"), Lift(type="object", needs=("x",), source="law"))
    for lifts, mend in (
        ((TOLD, *twice), "they let be lifted: object, restrict"),
        ((), "only the person's own later consent opens it again"),
    ):
        with pytest.raises(BadInput) as refused:
            check_lift(Saying(type="lift", purpose="shop", at_us=AT, lifts="limit-sensitive"), case(law, lifts=lifts))
        assert (refused.value.where, refused.value.mend) == ("lifts", mend)


@pytest.mark.parametrize(
    ("told_us", "well"), [(None, False), ("soon", False), (49, False), (50, True), (100, True), (101, False)]
)
def test_r28_the_person_is_told_after_the_restriction_was_made_and_by_the_time_of_the_lift(
    law: Any, told_us: int | str | None, well: bool
) -> None:
    told(law, ("restrict", 20), ("restrict", 50), ("restrict", 100), ("object", 90))
    more = {} if told_us is None else {"told_us": told_us}
    assert (lift(case(law, lifts=(TOLD,)), grounds={"notified": "x"}, more=more) == "") is well


def test_r26_an_objection_to_direct_marketing_is_not_lifted_and_one_beside_another_is(law: Any) -> None:
    found = Lift(type="object", needs=(), source="law")
    told(law, ("object", 20, {"traits": ("sale",)}))
    assert lift(case(law, lifts=(found,)), "object").startswith("an objection to direct marketing is not lifted")
    told(law, ("object", 30))
    assert lift(case(law, lifts=(found,)), "object") == ""
    del law.history[:]
    told(law, ("object", 100, {"traits": ("sale",)}))
    assert lift(case(law, lifts=(found,)), "object") == "", "one of that time or later it does not reach"
    told(law, ("limit-sensitive", 20, {"traits": ("sensitive",)}))
    limits = replace(found, type="limit-sensitive")
    assert lift(case(law, lifts=(limits,)), "limit-sensitive") == "", "only objections are like that"


@pytest.mark.parametrize(
    ("adds", "consent", "well"),
    [((), "separate", True), (("sensitive",), "explicit", True), (("sensitive",), "separate", False)],
)
def test_r16_everything_is_authorised_at_once_but_where_a_childs_data_need_separate_consent(
    law: Any, adds: tuple[str, ...], consent: str, well: bool
) -> None:
    needs = (Need(trait="sensitive", source="law", consent=consent),)
    found = case(law, needs=needs)
    ages = (Age(below=14, needs="guardian", source="law", adds=frozenset(adds)),)
    found = replace(found, rules=replace(found.rules, ages=ages))
    named = {"guardian": "ab" * 16, "role": "mother", "verification": "form"}
    said = Saying(type="guardian", purpose="*", at_us=AT, by="guardian", more=named)
    if well:
        assert check_statement(said, found).type == "guardian"
    else:
        with pytest.raises(BadInput, match="every purpose at once"):
            check_statement(said, found)


@pytest.mark.parametrize(
    ("traits", "well"), [((), True), (("sale",), True), (("profiling", "sale"), True), (("profiling",), False)]
)
def test_r16_a_guardian_says_yes_to_uses_of_which_an_age_is_on_record(
    law: Any, traits: tuple[str, ...], well: bool
) -> None:
    found = case(law)
    told(law, ("minor", AT - 2, {"needs": "guardian", "traits": traits}), ("guardian", AT - 1))
    said = Saying(type="grant", purpose="shop", at_us=AT, by="guardian")
    if well:
        assert check_statement(said, found).by == "guardian"
    else:
        with pytest.raises(BadInput, match="no age was recorded at which a guardian agrees"):
            check_statement(said, found)


@pytest.mark.parametrize(("by", "covered"), [(None, ("shop.news", "shop.stats")), ("guardian", ("shop.news",))])
def test_r16_a_guardians_yes_covers_what_they_could_agree_to_by_itself(
    law: Any, by: str | None, covered: tuple[str, ...]
) -> None:
    law.declare("shop.news", traits=("sale", "profiling"))
    law.declare("shop.stats", traits=("profiling",))
    found = case(law)
    told(law, ("minor", AT - 2, {"needs": "guardian", "traits": ("sale",)}), ("guardian", AT - 1))
    assert check_statement(Saying(type="grant", purpose="shop", at_us=AT, by=by), found).covers == covered


def test_a_guardian_who_may_not_agree_is_told_so_by_the_law_that_holds(law: Any) -> None:
    found = case(law)
    ages = (
        Age(below=13, needs="guardian", source="our law 7"),
        Age(below=18, needs="own", source="our law 8", traits=frozenset({"sale"})),
    )
    found = replace(found, rules=replace(found.rules, ages=ages))
    said = Saying(type="grant", purpose="shop", at_us=AT, by="guardian")
    with pytest.raises(BadInput, match=r"no guardian's authorisation .* \(our law 7\)"):
        check_statement(said, found)
    told(law, ("guardian", AT - 1))
    with pytest.raises(BadInput, match=r"no age was recorded .* \(our law 7\)"):
        check_statement(said, found)


def test_a_bundled_separate_consent_is_refused_by_the_law_that_asks_for_separate_consent(law: Any) -> None:
    needs = (
        Need(trait="sensitive", source="our law 9", consent="separate"),
        Need(trait="profiling", source="our law 10", consent="explicit"),
    )
    said = Saying(type="grant", purpose="shop", at_us=AT, consent="separate", bundled=True)
    with pytest.raises(BadInput, match=r"not shared with another purpose \(our law 9\)"):
        check_statement(said, case(law, needs=needs))


@pytest.mark.parametrize(
    ("minor", "forbidden"),
    [
        (None, False),
        ({"needs": "guardian"}, True),
        ({"needs": "own", "traits": ("profiling",)}, True),
        ({"needs": "nobody", "traits": ("profiling",)}, True),  # told of another use that nobody agrees to
        ({"needs": "nobody", "traits": ("sale",)}, False),  # told of this one: that entry closes it
        ({"needs": "guardian", "until_us": AT}, False),
    ],
)
def test_r17_whoever_is_a_child_by_any_age_on_record_agrees_to_nothing_that_nobody_agrees_to(
    law: Any, minor: dict[str, Any] | None, forbidden: bool
) -> None:
    found = case(law)
    ages = (
        Age(below=18, needs="nobody", source="our law 7", traits=frozenset({"profiling"})),
        Age(below=18, needs="nobody", source="our law 8", traits=frozenset({"sale"})),
        Age(below=16, needs="own", source="our law 9", traits=frozenset({"sale"})),
    )
    found = replace(found, rules=replace(found.rules, ages=ages))
    if minor is not None:
        told(law, ("minor", AT - 2, minor))
    said = Saying(type="grant", purpose="shop", at_us=AT)
    if forbidden:
        with pytest.raises(BadInput, match=r"below 18 nobody agrees .* \(our law 8\)"):
            check_statement(said, found)
    else:
        assert check_statement(said, found).type == "grant"
