"""What several regimes come to together, rule by rule, in whatever order they are named."""

from __future__ import annotations

from dataclasses import replace

from imp_consent.policy.regime import packaged
from imp_consent.policy.rules import Clock, Need, Period, Reprompt, Rules, Validity, combine

GDPR, CALIFORNIA, CHINA = (packaged().regime(name).general for name in ("gdpr", "us-ca", "cn-pipl"))
MONTH, WEEK = Period(months=1), Period(days=7)


def both_ways(one: Rules, other: Rules) -> tuple[Rules, Rules]:
    return combine([one, other]), combine([other, one])


def test_of_one_regime_alone_its_own_rules_hold() -> None:
    assert combine([GDPR]) is GDPR


def test_the_place_is_known_where_one_of_them_knows_it() -> None:
    there = replace(GDPR, jurisdiction="FR")
    assert [found.jurisdiction for found in both_ways(there, CALIFORNIA)] == ["FR", "FR"]
    assert [found.jurisdiction for found in both_ways(GDPR, CALIFORNIA)] == [None, None]


def test_what_one_of_them_demands_all_demand() -> None:
    lax = replace(GDPR, opt_in=False, bundled_void=False, objection_traits=frozenset({"sale"}), erase_on=frozenset())
    strict = replace(
        GDPR,
        opt_in=True,
        bundled_void=True,
        objection_traits=frozenset({"sharing"}),
        erase_on=frozenset({"withdrawal"}),
    )
    for found in both_ways(lax, strict):
        assert (found.opt_in, found.bundled_void, found.erase_on) == (True, True, {"withdrawal"})
        assert found.objection_traits == {"sale", "sharing"}
    for found in both_ways(lax, lax):
        assert (found.opt_in, found.bundled_void) == (False, False)


def test_a_signal_closes_what_any_of_them_says_it_closes() -> None:
    one = replace(GDPR, signal_traits={"gpc": frozenset({"sale"}), "stop": frozenset({"sharing"})})
    other = replace(GDPR, signal_traits={"gpc": frozenset({"profiling"})})
    for found in both_ways(one, other):
        assert found.signal_traits == {"gpc": {"sale", "profiling"}, "stop": {"sharing"}}


def test_rules_add_up_and_none_is_said_twice() -> None:
    for found in both_ways(GDPR, CHINA):
        for name in ("conditions", "needs", "valid_for", "reprompt", "ages", "lifts"):
            own = {*getattr(GDPR, name), *getattr(CHINA, name)}
            assert sorted(map(repr, getattr(found, name))) == sorted(map(repr, own)), name
        assert found.refused_actions == GDPR.refused_actions | CHINA.refused_actions
        assert found.limit_traits == GDPR.limit_traits | CHINA.limit_traits


def test_every_source_is_named_and_one_that_both_name_once() -> None:
    one, other = (
        replace(GDPR, sources={"bases": "A", "limit": "B"}),
        replace(GDPR, sources={"bases": "A", "limit": "C"}),
    )
    assert [found.sources for found in both_ways(one, other)] == [
        {"bases": "A", "limit": "B; C"},
        {"bases": "A", "limit": "C; B"},
    ]
    (first, _) = both_ways(one, replace(GDPR, sources={"actions": "D"}))
    assert first.sources == {"bases": "A", "limit": "B", "actions": "D"}


def test_a_request_is_answered_within_the_first_period_to_end_and_extended_only_where_all_let_it_be() -> None:
    slow = replace(GDPR, clocks={"*": Clock(within=MONTH, extension=MONTH, source="A")})
    quick = replace(GDPR, clocks={"access": Clock(within=WEEK, extension=WEEK, source="B")})
    never = replace(GDPR, clocks={"access": Clock(within=WEEK, extension=None, source="B")})
    for found in both_ways(slow, quick):
        clock = found.clock("access")
        assert clock is not None
        assert clock.extension is not None
        assert (clock.within.after(0), clock.extension.after(0)) == (WEEK.after(0), WEEK.after(0))
        assert found.clock("erase") == slow.clocks["*"]
    for found in both_ways(slow, never):
        clock = found.clock("access")
        assert clock is not None
        assert clock.extension is None
    (first, second) = both_ways(slow, quick)
    assert [found.clocks["access"].source for found in (first, second)] == ["A; B", "B; A"]


def test_bases_are_those_that_all_who_speak_of_bases_allow() -> None:
    silent, one = replace(GDPR, bases=None), replace(GDPR, bases=frozenset({"contract", "soft-opt-in"}))
    other = replace(GDPR, bases=frozenset({"contract", "public-task"}))
    assert [found.bases for found in both_ways(one, other)] == [{"contract"}] * 2
    assert [found.bases for found in both_ways(one, silent)] == [one.bases] * 2
    assert combine([silent, silent]).bases is None
    assert combine([one, replace(GDPR, bases=frozenset())]).bases == frozenset()


def test_somebody_needs_what_everybody_under_an_age_does_and_nothing_from_that_birthday_on() -> None:
    ages = CALIFORNIA.ages
    oldest = max(age.below for age in ages)
    assert CALIFORNIA.under(oldest) == ()
    assert {age.below for age in CALIFORNIA.under(oldest - 1)} == {oldest}
    assert len(CALIFORNIA.under(1)) == len({(age.needs, age.traits) for age in ages})


def test_a_need_concerns_what_has_its_trait_none_that_excuses_it_and_one_of_those_it_goes_with() -> None:
    need = Need(trait="sale", source="law")
    assert [need.concerns(traits) for traits in ((), ("sale",), ("sharing", "sale"))] == [False, True, True]
    excused = replace(need, unless=frozenset({"analytics", "sharing"}))
    assert [excused.concerns(traits) for traits in (("sale",), ("sale", "sharing"))] == [True, False]
    paired = replace(need, having=frozenset({"analytics", "sharing"}))
    assert [paired.concerns(traits) for traits in (("sale",), ("sale", "sharing"), ("sharing",))] == [
        False,
        True,
        False,
    ]


def test_the_strongest_consent_that_a_need_of_such_data_names_is_needed_and_else_the_weakest_there_is() -> None:
    needs = (
        Need(trait="sale", source="law"),
        Need(trait="sale", source="law", consent="explicit"),
        Need(trait="sharing", source="law", consent="separate"),
        Need(trait="profiling", source="law"),
    )
    rules = replace(GDPR, needs=needs)
    assert rules.consent_needed(("sale",)) == "explicit"
    assert rules.consent_needed(("sharing", "sale")) == "separate"
    assert rules.consent_needed(("profiling",)) == "expressed"
    assert rules.consent_needed(()) == "expressed"


def test_nobody_asks_again_after_the_noes_that_a_rule_of_such_data_names() -> None:
    sale = Reprompt(trait="sale", after=frozenset({"refuse", "withdraw"}), period=MONTH, source="law")
    every = Reprompt(trait="*", after=frozenset({"object"}), period=WEEK, source="law")
    rules = replace(GDPR, reprompt=(sale, every))
    assert [rules.wait(no, ("sale",)) for no in ("refuse", "object", "signal")] == [(sale,), (every,), ()]
    assert [rules.wait(no, ("sharing",)) for no in ("refuse", "object")] == [(), (every,)]


def test_a_yes_holds_as_long_as_every_rule_of_such_data_lets_it_and_a_no_where_they_speak_of_noes() -> None:
    sale = Validity(trait="sale", period=MONTH, refusals=False, source="law")
    every = Validity(trait="*", period=Period(days=90), refusals=True, source="law")
    rules = replace(GDPR, valid_for=(sale, every))
    assert str(rules.validity(("sale",))) == "1 month or 90 days"
    assert rules.validity(("sharing",)) == every.period == rules.validity(("sale",), refusal=True)
    assert replace(GDPR, valid_for=(sale,)).validity(("sale",), refusal=True) is None


def test_a_no_of_a_law_that_is_none_any_more_meets_the_strictest() -> None:
    laws = packaged()
    assert laws.rules_of_no(["us-ca"], "US-CA") == laws.rules(["us-ca"], "US-CA")
    assert laws.rules_of_no(["of-yesterday"], None) == laws.strictest() != laws.rules(["us-ca"], "US-CA")
    assert laws.rules_of_no(None, "not a place") == laws.strictest()
