"""Which purposes the newest no of a person closes, of those that they had permitted and nothing had closed since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.policy.closed import closed_by
from imp_consent.policy.declared import DeclaredPurpose

PURPOSES = {
    name: DeclaredPurpose(name=name, description="We do.", traits=traits)
    for name, traits in (("news", ("direct-marketing",)), ("news.mail", ("direct-marketing",)), ("shop", ("none",)))
}


@dataclass(frozen=True)
class Entry:
    seq: int
    statement: Statement


def ended(*words: tuple[str, str] | tuple[str, str, dict[str, Any]]) -> tuple[str, ...]:
    """What the last of these entries ends: each a type, a purpose and what else it says."""
    history = []
    for seq, (type_, purpose, *more) in enumerate(words):
        fields = {"channel": "", "at_us": seq} | (more[0] if more else {})
        history.append(Entry(seq, Statement(type=type_, purpose=purpose, **fields)))
    return closed_by(history, PURPOSES.get)


def test_a_withdrawal_ends_what_was_permitted_there_and_below() -> None:
    assert ended(("grant", "news"), ("withdraw", "news")) == ("news",)
    assert ended(("grant", "news", {"covers": ("news.mail",)}), ("withdraw", "news")) == ("news", "news.mail")
    assert ended(("grant", "news", {"covers": ("news.mail",)}), ("withdraw", "news.mail")) == ("news.mail",)
    assert ended(("grant", "news"), ("basis", "shop", {"basis": "contract"}), ("withdraw", "*")) == ("news", "shop")
    assert ended(("grant", "shop"), ("withdraw", "news")) == ()


def test_what_was_not_permitted_or_closed_before_is_not_ended_again() -> None:
    assert ended(("withdraw", "news")) == ()
    assert ended(("grant", "news"), ("withdraw", "news"), ("refuse", "news")) == ()
    assert ended(("withdraw", "news"), ("grant", "news"), ("refuse", "news")) == ("news",)
    assert ended(("grant", "news", {"bundled": True}), ("withdraw", "news")) == ()
    wrong = {"corrects": 0}
    assert ended(("grant", "news"), ("correction", "news", wrong), ("withdraw", "news")) == ()


@pytest.mark.parametrize("type_", ["grant", "restrict", "minor", "lift", "erase-requested"])
def test_what_is_no_no_ends_nothing(type_: str) -> None:
    assert ended(("grant", "news"), (type_, "news")) == ()
    assert ended(("grant", "news"), (type_, "news"), ("withdraw", "news")) == ("news",)


@pytest.mark.parametrize(
    ("yes", "no", "met"),
    [("", "", True), ("sms", "", True), ("", "sms", True), ("sms", "sms", True), ("sms", "mail", False)],
)
def test_a_no_on_a_channel_ends_what_was_permitted_there_or_everywhere(yes: str, no: str, met: bool) -> None:
    assert ended(("grant", "news", {"channel": yes}), ("withdraw", "news", {"channel": no})) == ("news",) * met


def test_an_objection_ends_other_bases_and_with_traits_whatever_has_one_of_them() -> None:
    interest = ("basis", "shop", {"basis": "legitimate-interest"})
    assert ended(interest, ("grant", "news"), ("object", "*")) == ("shop",)
    assert ended(interest, ("grant", "news"), ("object", "*", {"traits": ("direct-marketing",)})) == ("news",)
    sold = ("grant", "shop", {"traits": ("sale",)})
    assert ended(sold, ("signal", "*", {"traits": ("sale",)})) == ("shop",), "by what it was when it was permitted"
    assert ended(("grant", "gone", {"traits": ("sale",)}), ("signal", "*", {"traits": ("sale",)})) == ("gone",)
    assert ended(("grant", "gone"), ("signal", "*", {"traits": ("sale",)})) == ()


@pytest.mark.parametrize(
    ("lift", "again"),
    [
        ({}, True),
        ({"channel": "email"}, True),
        ({"lifts": "restrict"}, False),
        ({"at_us": 0}, False),  # it was before the objection, and is known only now
        ({"at_us": 1}, False),  # at one time the no counts
        ({"at_us": 3}, True),
        ({"at_us": 9}, False),  # it will be
    ],
)
def test_an_objection_after_a_lift_that_reached_the_one_before_it_ends_something(
    lift: dict[str, object], again: bool
) -> None:
    words = [("basis", "shop"), ("object", "shop"), ("lift", "*", {"lifts": "object", **lift}), ("object", "shop")]
    assert ended(*words) == (("shop",) if again else ())


@pytest.mark.parametrize(
    ("first", "then", "again"), [("email", "", True), ("", "email", False), ("sms", "email", True)]
)
def test_a_no_that_an_earlier_one_did_not_cover_ends_something(first: str, then: str, again: bool) -> None:
    noes = [("withdraw", "shop", {"channel": channel}) for channel in (first, then)]
    assert ended(("grant", "shop"), *noes) == (("shop",) if again else ())


@pytest.mark.parametrize(("where", "again"), [("email", True), ("", True), ("sms", False)])
def test_a_lift_on_one_channel_leaves_a_no_on_the_others_as_it_was(where: str, again: bool) -> None:
    noes = [("object", "shop", {"channel": "email"})] * 2
    lift = ("lift", "shop", {"lifts": "object", "channel": where})
    assert ended(("basis", "shop"), noes[0], lift, noes[1]) == (("shop",) if again else ())
