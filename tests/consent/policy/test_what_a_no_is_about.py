"""Which of a person's yeses and bases a no ends: their law is the one it is said under."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.ended import consent_ends, ended_by
from imp_consent.policy.ended import ends as ends_that
from imp_consent.policy.saying import Saying

Words = tuple[str, str] | tuple[str, str, dict[str, Any]]


def told(words: Sequence[Words]) -> Iterator[PersonEntry]:
    """Entries, the first of which is entry 1, said at 1, and so on."""
    for seq, (type_, purpose, *more) in enumerate(words, start=1):
        said = {"channel": "", "at_us": seq} | (more[0] if more else {})
        payload = {"task": said.pop("task", None)}
        statement = Statement(type=type_, purpose=purpose, **said)
        yield PersonEntry(seq=seq, subject=1, statement=statement, payload=payload)


def ended(no: Words, *words: Words, at_us: int = 100) -> list[int]:
    """The seqs of what a no ends of these entries."""
    history = list(told(words))
    type_, purpose, *rest = no
    return [
        entry.seq for entry in ended_by(Saying(type=type_, purpose=purpose, **{"at_us": at_us, **dict(*rest)}), history)
    ]


@pytest.mark.parametrize("type_", ["refuse", "withdraw", "object", "restrict", "limit-sensitive", "signal", "minor"])
def test_a_no_ends_yeses_and_bases_of_its_purpose_and_of_what_lies_below(type_: str) -> None:
    words = (
        ("grant", "news"),
        ("basis", "news.mail", {"basis": "contract"}),
        ("grant", "shop"),
        ("refuse", "news.sms"),
    )
    assert ended((type_, "news"), *words) == [1, 2]
    assert ended((type_, "news.mail"), *words) == [2]
    assert ended((type_, "*"), *words) == [1, 2, 3]


@pytest.mark.parametrize("type_", ["grant", "basis", "link", "unlink", "request", "correction", "lift", "guardian"])
def test_what_is_no_no_ends_nothing(type_: str) -> None:
    assert ended((type_, "news"), ("grant", "news")) == []


def test_a_yes_of_several_purposes_is_ended_by_a_no_about_one_of_them() -> None:
    both = ("grant", "news", {"covers": ("shop",)})
    assert ended(("withdraw", "news"), both) == [1]
    assert ended(("withdraw", "shop"), both) == [1]
    assert ended(("withdraw", "ads"), both) == []


@pytest.mark.parametrize(
    ("yes", "no", "met"),
    [("", "", True), ("sms", "", True), ("", "sms", True), ("sms", "sms", True), ("sms", "email", False)],
)
def test_a_no_on_a_channel_ends_what_was_permitted_there_or_everywhere(yes: str, no: str, met: bool) -> None:
    assert ended(("withdraw", "news", {"channel": no}), ("grant", "news", {"channel": yes})) == [1] * met


def test_a_no_ends_what_was_said_by_its_own_time_and_nothing_after_it() -> None:
    words = (("grant", "news"), ("grant", "news"))
    assert [ended(("withdraw", "news"), *words, at_us=at_us) for at_us in (0, 1, 2)] == [[], [1], [1, 2]]


def test_what_had_run_out_by_then_is_ended_only_where_nothing_else_is() -> None:
    out = ("grant", "news", {"until_us": 10})
    still = ("grant", "news", {"until_us": 11})
    assert ended(("withdraw", "news"), out, still, at_us=10) == [2]
    assert ended(("withdraw", "news"), still, out, ("grant", "news"), at_us=10) == [1, 3]
    assert ended(("withdraw", "news"), out, still, at_us=11) == [1, 2], "neither stands any more: both did"


@pytest.mark.parametrize("type_", ["withdraw", "refuse"])
def test_what_was_taken_back_before_is_ended_only_where_nothing_else_is(type_: str) -> None:
    assert ended(("withdraw", "news"), ("grant", "news"), (type_, "news"), ("grant", "news")) == [3]
    assert ended(("withdraw", "news"), ("grant", "news"), (type_, "*"), ("grant", "news")) == [3]
    assert ended(("withdraw", "news"), ("grant", "news"), (type_, "news")) == [1]
    assert ended(("withdraw", "news"), ("grant", "news"), (type_, "shop"), ("grant", "news")) == [1, 3]


@pytest.mark.parametrize("type_", ["object", "restrict", "signal", "minor", "lift"])
def test_what_takes_no_yes_back_leaves_it_to_be_ended(type_: str) -> None:
    assert ended(("withdraw", "news"), ("grant", "news"), (type_, "news"), ("grant", "news")) == [1, 3]


@pytest.mark.parametrize(("at_us", "found"), [(4, [1, 2]), (5, [1]), (7, [1]), (9, [1]), (10, [1, 2])])
def test_a_taking_back_counts_from_the_time_of_the_yes_until_that_of_the_no(at_us: int, found: list[int]) -> None:
    sms = {"channel": "sms", "at_us": 5}
    words = (("grant", "news", {"at_us": 5}), ("grant", "news", sms), ("withdraw", "news", {**sms, "at_us": at_us}))
    assert ended(("withdraw", "news"), *words, at_us=9) == found


def test_a_yes_taken_back_in_part_stands() -> None:
    both, fresh = ("grant", "news", {"covers": ("shop",)}), ("grant", "news")
    assert ended(("withdraw", "news"), both, ("withdraw", "shop"), fresh) == [1, 3]
    assert ended(("withdraw", "news"), both, ("withdraw", "*"), fresh) == [3]
    assert ended(("withdraw", "news"), ("grant", "news"), ("withdraw", "news", {"channel": "sms"}), fresh) == [1, 3]
    on_sms = ("grant", "news", {"channel": "sms"})
    assert ended(("withdraw", "news"), on_sms, ("withdraw", "news", {"channel": "sms"}), fresh) == [3]


def test_one_of_several_takings_back_is_enough() -> None:
    words = (("grant", "news"), ("withdraw", "news"), ("withdraw", "shop"), ("grant", "news"))
    assert ended(("withdraw", "news"), *words) == [4]


def test_what_was_corrected_away_is_neither_ended_nor_takes_anything_back() -> None:
    wrong = ("correction", "news", {"corrects": 1})
    assert ended(("withdraw", "news"), ("grant", "news"), ("grant", "news"), wrong) == [2]
    words = (("grant", "news"), ("withdraw", "news"), ("correction", "news", {"corrects": 2}), ("grant", "news"))
    assert ended(("withdraw", "news"), *words) == [1, 4]


def ends(said: Words, *words: Words) -> bool:
    """Whether consent has ended by what is said, or known, after these entries: at 100, unless it says when."""
    type_, purpose, *more = said
    fields = {"channel": "", "at_us": 100} | dict(*more)
    said = Statement(type=type_, purpose=purpose, **fields)
    return consent_ends(said, list(told(words)), noted="withdrawal", now_us=200)


def test_a_withdrawal_ends_consent_whatever_is_known_and_what_takes_none_back_does_not() -> None:
    assert ends(("withdraw", "news"))
    for type_ in ("object", "restrict", "basis", "minor", "lift"):
        assert not ends((type_, "news"), ("grant", "news"), ("withdraw", "news", {"at_us": 200}))


def test_a_refusal_ends_a_yes_that_stands_and_nothing_else() -> None:
    yes = ("grant", "news")
    assert ends(("refuse", "news"), ("grant", "shop"), yes)
    assert ends(("refuse", "*"), yes)
    assert not ends(("refuse", "news"))
    assert not ends(("refuse", "shop"), yes)
    assert not ends(("refuse", "news"), ("basis", "news", {"basis": "contract"}))
    assert not ends(("refuse", "news"), yes, ("withdraw", "news"))
    assert not ends(("refuse", "news"), ("grant", "news", {"until_us": 100}))
    assert not ends(("refuse", "news"), yes, ("correction", "news", {"corrects": 1}))


def test_a_yes_that_comes_to_be_known_after_its_no_has_ended() -> None:
    yes = ("grant", "news", {"at_us": 5})
    for no in (("withdraw", "*"), ("refuse", "news")):
        assert ends(yes, (*no, {"at_us": 9}))
        assert ends(yes, (*no, {"at_us": 5}))
        assert not ends(yes, (*no, {"at_us": 4}))
        assert not ends(yes, (*no, {"at_us": 9}), ("correction", "*", {"corrects": 1}))
    assert not ends(yes)
    assert not ends(yes, ("object", "news", {"at_us": 9}))
    assert not ends(yes, ("withdraw", "shop", {"at_us": 9}))
    assert ends(yes, ("withdraw", "shop", {"at_us": 9}), ("withdraw", "news", {"at_us": 9}))


def test_a_yes_that_had_run_out_by_then_is_ended_by_a_withdrawal_and_by_no_refusal() -> None:
    yes = ("grant", "news", {"at_us": 5, "until_us": 9})
    assert ends(yes, ("withdraw", "news", {"at_us": 9}))
    assert not ends(yes, ("refuse", "news", {"at_us": 9}))
    assert ends(yes, ("refuse", "news", {"at_us": 8}))


def test_what_was_noted_since_the_no_is_not_noted_again() -> None:
    yes, no = ("grant", "news", {"at_us": 5}), ("withdraw", "news", {"at_us": 9})
    noted = ("request", "*", {"at_us": 9, "task": "withdrawal"})
    assert not ends(yes, no, noted)
    assert ends(yes, no, noted, no)
    assert not ends(yes, no, noted, no, noted)
    assert ends(yes, no, ("request", "*", {"at_us": 9, "task": "retention-elapsed"}))


YES, ANEW = ("grant", "news", {"at_us": 5}), ("grant", "news", {"at_us": 15})
NO_BETWEEN = {"at_us": 9}


@pytest.mark.parametrize("type_", ["withdraw", "refuse"])
def test_a_no_that_comes_to_be_known_after_a_later_yes_has_ended_nothing(type_: str) -> None:
    for purpose in ("news", "*"):
        no = (type_, purpose, NO_BETWEEN)
        assert not ends(no, YES, ANEW)
        assert not ends(YES, no, ANEW), "nor has it where the first yes is known last"
        assert ends(no, YES)
        assert ends(no, YES, ("grant", "news", NO_BETWEEN)), "at one time the no counts"
        assert ends(no, YES, ("grant", "shop", {"at_us": 15})), "of another purpose"
        assert ends(no, YES, ("grant", "shop", {"at_us": 5}), ANEW) == (purpose == "*"), "one of two is closed still"
        assert not ends(no, YES, ("grant", "shop", {"at_us": 5}), ("grant", "news", {"at_us": 15, "covers": ("shop",)}))


def test_a_later_yes_that_was_bundled_opens_nothing() -> None:
    assert ends(("withdraw", "news", NO_BETWEEN), YES, ("grant", "news", {"at_us": 15, "bundled": True}))


@pytest.mark.parametrize(("until_us", "ended"), [(200, True), (201, False)])
def test_a_later_yes_that_ran_out_by_now_opens_nothing(until_us: int, *, ended: bool) -> None:
    assert ends(("withdraw", "news", NO_BETWEEN), YES, ("grant", "news", {"at_us": 15, "until_us": until_us})) == ended


@pytest.mark.parametrize(
    ("since", "ended"),
    [
        (("withdraw", "news", {"at_us": 15}), True),
        (("refuse", "*", {"at_us": 20}), True),
        (("withdraw", "news", {"at_us": 20, "channel": "sms"}), True),
        (("withdraw", "news", {"at_us": 14}), False),
        (("withdraw", "shop", {"at_us": 20}), False),
        (("object", "news", {"at_us": 20}), False),
    ],
)
def test_a_later_yes_that_was_taken_back_opens_nothing(since: Words, *, ended: bool) -> None:
    assert ends(("withdraw", "news", NO_BETWEEN), YES, ANEW, since) == ended
    assert ends(("withdraw", "news", NO_BETWEEN), YES, ANEW, ("correction", "news", {"corrects": 2}))


@pytest.mark.parametrize(
    ("yes", "no", "anew", "ended"),
    [
        ("", "", "sms", True),
        ("", "sms", "sms", False),
        ("", "sms", "email", True),
        ("sms", "", "sms", False),
        ("sms", "", "", False),
        ("sms", "", "email", True),
        ("sms", "sms", "", True),
    ],
)
def test_a_later_yes_opens_the_channels_that_it_is_about(yes: str, no: str, anew: str, *, ended: bool) -> None:
    said = ("withdraw", "news", {**NO_BETWEEN, "channel": no})
    assert (
        ends(said, ("grant", "news", {"at_us": 5, "channel": yes}), ("grant", "news", {"at_us": 15, "channel": anew}))
        == ended
    )


def test_a_withdrawal_of_a_yes_that_is_not_on_record_ends_what_no_later_yes_opened() -> None:
    no = ("withdraw", "news", NO_BETWEEN)
    assert ends(no, ("grant", "shop", {"at_us": 15}))
    assert not ends(no, ANEW)
    assert ends(no, ANEW, ("withdraw", "news", {"at_us": 20, "channel": "sms"})), "it is about every channel"
    assert not ends(
        ("withdraw", "news", {**NO_BETWEEN, "channel": "sms"}),
        ("grant", "news", {"at_us": 15, "channel": "sms"}),
        ("withdraw", "news", {"at_us": 20, "channel": "email"}),
    )


@pytest.mark.parametrize(
    ("no", "words", "ended"),
    [
        ("withdraw", ("grant", "news"), True),
        ("withdraw", ("basis", "news", {"basis": "legitimate-interest"}), True),
        ("withdraw", ("basis", "news", {"basis": "contract"}), False),
        ("withdraw", ("basis", "news", {"basis": "public-task"}), False),
        ("object", ("basis", "news", {"basis": "public-task"}), True),  # GDPR 21(1)
        ("object", ("basis", "news", {"basis": "contract"}), False),
        ("object", ("basis", "news", {"basis": "legitimate-interest"}), True),
        ("withdraw", ("grant", "news", {"until_us": 50}), False),  # it had ended before
    ],
)
def test_a_no_ends_what_stood_and_rests_on_nothing_that_outlives_it(no: str, words: Words, ended: bool) -> None:
    history = list(told([words]))
    assert ends_that(Saying(type=no, purpose="news", at_us=100), history[0], history) is ended
