"""For how long nobody asks again: after the last no that a rule speaks of, unless somebody agreed since."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.policy.period import Period
from imp_consent.policy.reprompt import may_ask
from imp_consent.policy.rules import Reprompt
from imp_core.clock import DAY_US


def told(law: Any, *words: tuple[str, int, int | None], **said: Any) -> None:
    """Entries about "analytics": type, event time, and until when nobody asks again."""
    for type_, at_us, until_us in words:
        statement = Statement(type=type_, **({"purpose": "analytics", "channel": "", "at_us": at_us} | said))
        payload = {} if until_us is None else {"ask_again_us": until_us}
        law.history.append(SimpleNamespace(seq=len(law.history), statement=statement, payload=payload))


def asking(law: Any, at_us: int, *, purpose: str = "analytics", channel: str = "") -> tuple[int | None, int | None]:
    found = may_ask(law.case(), purpose, channel, at_us=at_us)
    assert found.allowed == (found.not_before_us is None)
    return found.not_before_us, found.entry


def test_of_several_noes_the_one_that_lasts_longest_is_waited_for(law: Any) -> None:
    told(law, ("refuse", 1, 50), ("refuse", 2, 90), ("withdraw", 3, 70))
    assert asking(law, 4) == (90, 1)
    assert asking(law, 89) == (90, 1)
    assert asking(law, 90) == (None, None)


def test_a_yes_ends_the_wait_for_noes_before_it_and_for_none_at_its_time_or_after(law: Any) -> None:
    told(law, ("refuse", 5, 50), ("grant", 5, None))
    assert asking(law, 6) == (50, 0), "of one time the no outweighs"
    told(law, ("grant", 7, None))
    assert asking(law, 8) == (None, None)
    told(law, ("grant", 1, None))
    assert asking(law, 8) == (None, None), "the latest yes counts"
    told(law, ("refuse", 9, 60))
    assert asking(law, 10) == (60, 4)


def test_a_no_that_no_rule_speaks_of_makes_nobody_wait(law: Any) -> None:
    told(law, ("refuse", 5, None), ("restrict", 5, 60))
    assert asking(law, 6) == (None, None)


@pytest.mark.parametrize(("traits", "waits"), [((), True), (("analytics",), False), (("profiling",), True)])
def test_a_no_to_some_traits_is_about_purposes_that_have_one(law: Any, traits: tuple[str, ...], waits: bool) -> None:
    law.declare("shaping", traits=("profiling", "sale"))
    told(law, ("object", 5, 60), purpose="shaping", traits=traits)
    assert (asking(law, 6, purpose="shaping") == (60, 0)) is waits


def test_a_no_on_one_channel_is_waited_for_there(law: Any) -> None:
    told(law, ("refuse", 5, 60), channel="sms")
    assert asking(law, 6, channel="sms") == (60, 0)
    assert asking(law, 6, channel="email") == (None, None)


@pytest.mark.parametrize(
    ("type_", "own_us", "waits"),
    [
        ("refuse", None, (DAY_US + 5, None)),
        ("refuse", 50, (DAY_US + 5, 50)),
        ("refuse", 2 * DAY_US, (2 * DAY_US, 2 * DAY_US)),
        ("withdraw", 50, (50, 50)),
        ("withdraw", None, (None, None)),
    ],
)
def test_the_rules_that_hold_now_make_them_wait_where_they_are_asked_for_beside_what_was_recorded(
    law: Any, type_: str, own_us: int | None, waits: tuple[int | None, int | None]
) -> None:
    told(law, (type_, 5, own_us))
    rule = Reprompt(trait="*", after=frozenset({"refuse"}), period=Period(days=1), source="law")
    made = law.case()
    case = replace(made, rules=replace(made.rules, reprompt=(rule,)))
    found = [may_ask(case, "analytics", "", at_us=6, by_rules=by_rules) for by_rules in (True, False)]
    assert tuple(one.not_before_us for one in found) == waits
    assert [one.entry for one in found] == [None if until_us is None else 0 for until_us in waits]
    assert may_ask(case, "analytics", "", at_us=DAY_US + 5, by_rules=True).allowed == (waits[0] != 2 * DAY_US)
