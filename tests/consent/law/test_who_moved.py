"""Whether a yes or a basis would do under another law than the one it was recorded under."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.period import Period
from imp_consent.policy.regime import packaged
from imp_consent.policy.reprompt import may_ask
from imp_consent.policy.suffices import falls_short
from imp_core.clock import DAY_US, parse_time

NOW_US = parse_time("2026-03-01T12:00:00Z")
GDPR, CHINA = packaged().rules(("gdpr",)), packaged().rules(("cn-pipl",), "CN")
FRENCH = packaged().rules(("eprivacy",), "FR")


def lacks(rules: Any, *traits: str, at_us: int = NOW_US, type_: str = "grant", **said: Any) -> int:
    """How many things something said for a purpose with these traits lacks."""
    purpose = DeclaredPurpose(name="p", description="We do.", traits=traits)
    statement = Statement(type=type_, purpose="p", channel="", at_us=NOW_US, **said)
    found = falls_short(statement, purpose, rules, at_us=at_us)
    assert all(word.endswith(")") for word in found), "each with its source"
    return len(found)


@pytest.mark.parametrize(("kind", "short"), [(None, (1, 1)), ("explicit", (0, 1)), ("separate", (0, 0))])
def test_a_yes_of_a_weaker_kind_than_the_law_there_needs_falls_short(kind: str | None, short: tuple[int, int]) -> None:
    special = tuple(min(lacks(rules, "special-category", consent=kind), 1) for rules in (GDPR, CHINA))
    assert special == short
    assert lacks(GDPR, "analytics", consent=kind) == 0


def test_a_yes_older_than_it_holds_there_falls_short_from_that_very_moment() -> None:
    ends = Period.parse("6 months").after(NOW_US)
    assert lacks(FRENCH, "terminal", at_us=ends - 1) == 0
    assert lacks(FRENCH, "terminal", at_us=ends) == 1
    assert lacks(FRENCH, "analytics", at_us=ends) == 0
    assert lacks(GDPR, "terminal", at_us=ends) == 0


def test_a_basis_that_the_law_there_does_not_know_or_not_for_such_data_falls_short() -> None:
    assert lacks(GDPR, "analytics", type_="basis", basis="contract") == 0
    assert lacks(GDPR, "analytics", type_="basis", basis="opt-out-notice") == 1
    assert lacks(packaged().rules(("eprivacy",)), "analytics", type_="basis", basis="contract") == 1, "it names none"
    assert lacks(GDPR, "special-category", type_="basis", basis="legitimate-interest") == 1


def test_asked_by_the_rules_of_a_place_somebody_waits_by_them_whatever_was_recorded(law: Any) -> None:
    law.regimes, law.jurisdiction = ("eprivacy",), "FR"
    law.declare("tracking", traits=("terminal",))
    law.write("refuse", "tracking")
    ends = Period.parse("6 months").after(NOW_US)
    assert may_ask(law.case(), "tracking", "", at_us=NOW_US).allowed, "nothing of a wait was recorded"
    asked = may_ask(law.case(), "tracking", "", at_us=NOW_US, by_rules=True)
    assert (asked.allowed, asked.not_before_us, asked.entry) == (False, ends, 2)
    assert may_ask(law.case(), "tracking", "", at_us=ends, by_rules=True).allowed
    law.history[0].payload["ask_again_us"] = ends + DAY_US
    assert may_ask(law.case(), "tracking", "", at_us=ends, by_rules=True).not_before_us == ends + DAY_US
    law.history[0].payload["ask_again_us"] = NOW_US + 1
    assert may_ask(law.case(), "tracking", "", at_us=NOW_US, by_rules=True).not_before_us == ends
    law.write("restrict", "analytics")
    assert may_ask(law.case(), "analytics", "", at_us=NOW_US, by_rules=True).allowed
