"""What a person asks for is under the law that their entries were recorded under, whatever the workspace's is."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.event import RawId

Line = Any
WHO, BEN = "member:li", "email:ann@example.com"
VERIFIED = ("--verified", "reasonable", "--how", "answered a code")
# In a house of the GDPR, on Sunday 1 March 2026: 15 business days under the PIPL, one month under the GDPR.
PIPL_DUE, GDPR_DUE = "2026-03-20", "2026-04-01"


def known(shop: Line, regime: str = "cn-pipl", place: str = "CN", purpose: str = "analytics") -> None:
    words = ("--purpose", purpose, "--state", "given", "--action", "click")
    shop("consent", "record", WHO, *words, "--regime", regime, "--jurisdiction", place).ok()


def law_of(context: Context, type_: str, who: str = WHO) -> tuple[Any, Any]:
    """The law that stands in the person's newest entry of a type."""
    with open_log(context).read() as reader:
        history = reader.history(reader.find_subject(RawId.parse(who)) or 0)
    entry = [one for one in history if one.statement.type == type_][-1]
    return entry.payload["regimes"], entry.payload["jurisdiction"]


def requests(shop: Line) -> list[tuple[str, list[str], str]]:
    found = shop("consent", "requests", "list", "--all", "--json").ok().json["requests"]
    return [(one["kind"], one["regimes"], str(one["due"])[:10]) for one in found]


@pytest.mark.parametrize(
    ("command", "type_"), [("object", "object"), ("restrict", "restrict"), ("limit", "limit-sensitive")]
)
def test_a_no_and_its_clock_are_under_the_law_of_the_persons_entries(
    shop: Line, context: Context, command: str, type_: str
) -> None:
    known(shop)
    shop("consent", command, WHO).ok()
    assert law_of(context, type_) == law_of(context, "request") == (["cn-pipl"], "CN")
    shop("consent", command, BEN).ok()
    assert law_of(context, type_, BEN)[0] == ["gdpr", "eprivacy"]
    assert requests(shop) == [(command, ["cn-pipl"], PIPL_DUE), (command, ["gdpr", "eprivacy"], GDPR_DUE)]


def test_a_request_that_is_opened_answered_or_corrected_by_runs_by_the_clock_of_their_law(
    shop: Line, context: Context, tmp_path: Any
) -> None:
    known(shop)
    entry = shop("consent", "history", WHO, "--json").ok().json["entries"][0]["seq"]
    shop("consent", "requests", "open", "erase", WHO).ok()
    shop("consent", "access", WHO, "--out", tmp_path / "copy", *VERIFIED).ok()
    shop("consent", "portability", WHO, "--out", tmp_path / "move", *VERIFIED).ok()
    shop("consent", "rectify", WHO, "--entry", str(entry), *VERIFIED).ok()
    assert {(regimes[0], due) for _, regimes, due in requests(shop)} == {("cn-pipl", PIPL_DUE)}
    assert len(requests(shop)) == 4
    assert law_of(context, "request") == (["cn-pipl"], "CN")


def test_a_law_that_is_named_goes_before_that_of_the_entries(shop: Line, context: Context) -> None:
    known(shop)
    shop("consent", "restrict", WHO, "--regime", "gdpr", "--jurisdiction", "FR").ok()
    assert law_of(context, "restrict") == (["gdpr"], "FR")
    assert requests(shop) == [("restrict", ["gdpr"], GDPR_DUE)]


def test_who_moved_to_where_the_law_of_their_entries_does_not_hold_asks_under_the_workspaces(
    shop: Line, context: Context
) -> None:
    known(shop, "us-ca", "US-CA")
    shop("consent", "restrict", WHO, "--jurisdiction", "NL").ok()
    assert law_of(context, "restrict") == (["gdpr", "eprivacy"], "NL")
    known(shop)
    shop("consent", "restrict", WHO, "--jurisdiction", "BE").ok()
    assert law_of(context, "restrict") == (["eprivacy", "gdpr", "cn-pipl"], "BE"), "theirs holds there too (PIPL 3)"


def test_an_open_request_keeps_the_law_it_was_noted_under(shop: Line, context: Context) -> None:
    known(shop)
    shop("consent", "requests", "open", "restrict", WHO, "--regime", "gdpr", "--jurisdiction", "FR").ok()
    shop("consent", "restrict", WHO).ok()
    assert law_of(context, "restrict") == (["gdpr"], "FR")


@pytest.mark.parametrize(
    ("regime", "place"), [("us-ca", "US-CA"), ("us-opt-out", "US-CO"), ("cn-pipl", "CN"), ("eprivacy", "FR")]
)
@pytest.mark.parametrize("words", [(), ("--everything",), ("--purpose", "marketing.email")])
def test_r26_an_objection_closes_direct_marketing_under_whichever_law_the_person_is(
    shop: Line, context: Context, clock: SimulatedClock, regime: str, place: str, words: tuple[str, ...]
) -> None:
    known(shop, regime, place, "marketing.email")
    clock.move_to(clock.now_us() + DAY_US)
    check = ("consent", "check", WHO, "--purpose", "marketing.email", "--json")
    assert shop(*check).json["reason"] == "given"
    shop("consent", "object", WHO, *words).ok()
    assert law_of(context, "object") == ([regime], place)
    assert shop(*check).json["reason"] == "objected"
