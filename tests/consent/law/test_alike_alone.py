"""What reaches another spelling of an address, once each, with its words, its notice and its law; and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.commands.erase import erase_and_tell
from imp_consent.ledger.suppression import Suppressed
from imp_core.context import Context
from imp_core.event import RawId
from tests.consent.law.at_the_door import CHINA, PLAIN, TAGGED, entries, say

OTHER = RawId("email", "jane.doe+shop@gmail.com")
STRANGER = RawId("email", "john@gmail.com")
HERE, THERE = (["gdpr", "eprivacy"], None), (["cn-pipl"], "CN")


def types(shop: Context, who: RawId) -> list[str]:
    return [told.statement.type for told in entries(shop, who)]


def law(told: Any) -> tuple[Any, Any]:
    return told.payload["regimes"], told.payload["jurisdiction"]


@pytest.mark.parametrize("type_", ["withdraw", "refuse", "object", "limit-sensitive"])
def test_a_no_by_an_act_of_their_own_reaches_whoever_is_alike_and_nobody_else(shop: Context, type_: str) -> None:
    for who in (PLAIN, STRANGER):
        say(shop, "grant", who=who)
    say(shop, type_, who=TAGGED)
    assert types(shop, PLAIN) == ["grant", type_]
    assert types(shop, STRANGER) == ["grant"]
    copy, own = entries(shop, PLAIN)[-1], entries(shop, TAGGED)[-1]
    assert copy.statement == own.statement
    assert (copy.payload.get("other_spelling"), own.payload.get("other_spelling")) == (True, None)


@pytest.mark.parametrize(("type_", "more"), [("grant", {}), ("restrict", {}), ("minor", {"needs": "own"})])
def test_what_is_no_opt_out_is_passed_on_to_nobody(shop: Context, type_: str, more: dict[str, Any]) -> None:
    say(shop, "refuse", who=PLAIN)
    say(shop, type_, who=TAGGED, **more)
    assert types(shop, PLAIN) == ["refuse"]


def test_what_the_other_has_said_already_is_not_written_again(shop: Context) -> None:
    say(shop, "grant", who=TAGGED)
    for who in (PLAIN, TAGGED, PLAIN):
        say(shop, "withdraw", who=who)
    assert types(shop, TAGGED).count("withdraw") == 2, "one passed on, one of their own"
    assert types(shop, PLAIN).count("withdraw") == 2, "each said it themselves"


def test_a_passed_on_withdrawal_took_no_steps_and_a_refusal_keeps_its_notice(shop: Context) -> None:
    say(shop, "refuse", who=PLAIN)
    say(shop, "withdraw", who=TAGGED, steps=3, notice="default")
    say(shop, "refuse", "experimentation", who=TAGGED)
    withdrawn, refused = entries(shop, PLAIN)[1:]
    assert (withdrawn.payload["steps"], "notice" in withdrawn.payload) == (0, False)
    assert ("steps" in refused.payload, refused.payload["notice"]["sha256"]) == (False, refused.statement.notice)


def test_the_law_that_is_known_of_one_holds_for_the_other_and_what_is_not_known_for_neither(shop: Context) -> None:
    say(shop, "grant", who=PLAIN, **CHINA)
    say(shop, "refuse", who=TAGGED)
    assert [law(entries(shop, who)[-1]) for who in (TAGGED, PLAIN)] == [HERE, THERE]
    say(shop, "grant", "experimentation", who=STRANGER)
    say(shop, "refuse", who=RawId("email", "jo.hn@gmail.com"), regimes=("cn-pipl",), jurisdiction="CN")
    assert law(entries(shop, STRANGER)[-1]) == THERE


def test_who_comes_with_a_yes_takes_over_what_was_taken_back_once_each_under_its_law(shop: Context, clock: Any) -> None:
    say(shop, "grant", who=PLAIN, **CHINA)
    clock.move_to(clock.now_us() + 1)
    for _ in range(2):
        say(shop, "withdraw", who=PLAIN)
    wrong = say(shop, "refuse", "experimentation", who=PLAIN, **{**CHINA, "consent": None})
    say(shop, "correction", "experimentation", who=PLAIN, corrects=wrong.seq)
    clock.move_to(clock.now_us() + 1)
    say(shop, "grant", "marketing.email", who=TAGGED)
    assert types(shop, TAGGED) == ["withdraw", "request", "grant"], "and the erasure that its law lets follow"
    taken = entries(shop, TAGGED)[0]
    assert (law(taken), taken.payload["other_spelling"]) == (THERE, True)


def test_what_is_taken_over_is_under_the_place_too_that_it_was_recorded_in(shop: Context) -> None:
    say(shop, "refuse", who=PLAIN, regimes=("gdpr",), jurisdiction="DE")
    say(shop, "grant", "experimentation", who=TAGGED)
    assert law(entries(shop, TAGGED)[0]) == (["gdpr"], "DE")


def test_only_who_said_no_yes_yet_takes_anything_over(shop: Context, clock: Any) -> None:
    subject = say(shop, "refuse", "experimentation", who=PLAIN).subject
    assert say(shop, "grant", "marketing.email", who=TAGGED).seq
    say(shop, "refuse", who=OTHER)
    clock.move_to(clock.now_us() + 1)
    say(shop, "withdraw", "marketing.email", who=subject)  # by a link, say, which names a person and no spelling
    clock.move_to(clock.now_us() + 1)
    before = types(shop, TAGGED)
    say(shop, "grant", who=TAGGED)
    assert types(shop, TAGGED) == [*before, "grant"]
    assert types(shop, OTHER) == ["refuse"]
    say(shop, "grant", "experimentation", who=OTHER)
    assert types(shop, OTHER) == ["refuse", "refuse", "withdraw", "grant"], "though a no was said before"


def test_only_an_address_has_other_spellings(shop: Context) -> None:
    for who in (RawId("member", "AB1"), RawId("member", "ab1")):
        say(shop, "withdraw", who=who)
    say(shop, "grant", who=RawId("member", "aB1"))
    assert [types(shop, RawId("member", name)) for name in ("AB1", "aB1")] == [["withdraw"], ["grant"]]


@pytest.mark.parametrize(("type_", "steps"), [("withdraw", 0), ("refuse", None), ("object", None)])
def test_a_no_under_an_erased_spelling_is_the_others_with_a_mark_and_took_them_no_steps(
    shop: Context, type_: str, steps: int | None
) -> None:
    for who in (PLAIN, TAGGED, STRANGER):
        say(shop, "grant", who=who)
    erase_and_tell(shop, [TAGGED])
    own = {"action": "click", "evidence": "letter 7", "more": {"grounds_said": "I moved"}}
    done = say(shop, type_, who=TAGGED, steps=3 if type_ == "withdraw" else None, **own)
    told = entries(shop, PLAIN)[-1]
    assert (done.seq, done.subject, told.statement.type) == (told.seq, told.subject, type_)
    assert (told.payload.get("other_spelling"), told.payload.get("steps")) == (True, steps)
    kept = [told.payload.get(name) for name in ("affirmative_action", "evidence", "grounds_said")]
    assert kept == [None, None, None], "their own act and words are nobody else's"
    assert types(shop, STRANGER) == ["grant"]
    with pytest.raises(Suppressed):
        say(shop, type_, who=TAGGED)
    assert types(shop, PLAIN) == ["grant", type_], "it was said already"
