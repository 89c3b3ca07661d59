"""Which restrictions, objections and limits a lift leaves in force, and where."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.policy.limiting import limits_in_force
from imp_consent.policy.scope import Scope


@dataclass(frozen=True)
class Entry:
    seq: int
    statement: Statement


def history(*words: tuple[str, int] | tuple[str, int, str] | tuple[str, int, str, str]) -> list[Entry]:
    """Entries numbered from 0: (type, time[, purpose[, channel]]); "lift-object" is a lift of objections."""
    entries = []
    for seq, (word, at_us, *rest) in enumerate(words):
        type_, _, lifts = word.partition("-") if word.startswith("lift") else (word, "", "")
        purpose, channel = (*rest, *("news", "")[len(rest) :])
        said = Statement(type=type_, purpose=purpose, channel=channel, at_us=at_us, lifts=lifts or None)
        entries.append(Entry(seq, said))
    return entries


def standing(entries: list[Entry], type_: str = "restrict", *within: str) -> list[int]:
    scope = [Scope(*within)] if within else []
    return [entry.seq for entry in limits_in_force(entries, type_, *scope)]


def test_what_was_asked_for_stands_until_a_lift_of_its_own_type_and_of_a_later_time() -> None:
    assert standing(history(("restrict", 5))) == [0]
    assert standing(history(("restrict", 5), ("lift-restrict", 6))) == []
    assert standing(history(("restrict", 5), ("lift-restrict", 5))) == [0]
    assert standing(history(("restrict", 5), ("lift-restrict", 4))) == [0]
    assert standing(history(("restrict", 5), ("lift-object", 6))) == [0]
    assert standing(history(("restrict", 5), ("lift-restrict", 6), ("restrict", 7))) == [2]
    assert standing(history(("restrict", 5), ("restrict", 6))) == [0, 1], "one does not lift another"


def test_only_entries_of_the_type_that_is_asked_for_are_answered() -> None:
    both = history(("restrict", 5), ("object", 5), ("grant", 5), ("lift-object", 6))
    assert standing(both) == [0]
    assert standing(both, "object") == []
    assert standing(both[:-1], "object") == [1]


def test_a_corrected_limit_stands_no_more_and_a_corrected_lift_lifts_nothing() -> None:
    entries = history(("restrict", 5), ("lift-restrict", 6))
    for wrong, left in ((0, []), (1, [0])):
        correction = Entry(2, Statement(type="correction", purpose="news", channel="", at_us=7, corrects=wrong))
        assert standing([*entries, correction]) == left


@pytest.mark.parametrize(
    ("limit", "lift", "within", "stands"),
    [
        (("news", ""), ("*", ""), (), False),
        (("news.mail", ""), ("news", ""), (), False),
        (("news", ""), ("news.mail", ""), (), True),
        (("news", ""), ("news.mail", ""), ("news.mail", ""), False),
        (("news", ""), ("news.mail", ""), ("news.mail.daily", ""), False),
        (("news", ""), ("news.mail", ""), ("news.sms", ""), True),
        (("news", "mail"), ("news", ""), (), False),
        (("news", ""), ("news", "mail"), (), True),
        (("news", ""), ("news", "mail"), ("news", "mail"), False),
        (("news", ""), ("news", "mail"), ("news", "sms"), True),
        (("news", "mail"), ("news", "sms"), (), True),
    ],
)
def test_a_lift_takes_away_as_much_as_it_reaches(
    limit: tuple[str, str], lift: tuple[str, str], within: tuple[str, ...], stands: bool
) -> None:
    entries = history(("restrict", 5, *limit), ("lift-restrict", 6, *lift))
    assert standing(entries, "restrict", *within) == [0] * stands


@pytest.mark.parametrize(
    ("limit", "within", "common"),
    [
        (("news", ""), ("shop", ""), False),
        (("news", ""), ("news.mail", "mail"), True),
        (("news.mail", ""), ("news", ""), True),
        (("*", ""), ("news", ""), True),
        (("news", "sms"), ("news", "mail"), False),
        (("news", "sms"), ("news", "sms"), True),
        (("news", "sms"), ("news", ""), True),
        (("newsletter", ""), ("news", ""), False),
    ],
)
def test_a_limit_of_something_else_is_none_here(limit: tuple[str, str], within: tuple[str, str], common: bool) -> None:
    assert standing(history(("restrict", 5, *limit)), "restrict", *within) == [0] * common
