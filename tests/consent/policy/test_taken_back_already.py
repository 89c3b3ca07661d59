"""When one more withdrawal takes nothing back: only where that very channel was withdrawn and no yes came since."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.policy.scope import is_withdrawn

NEW = Statement(type="withdraw", purpose="news.mail", channel="email", at_us=10)
BEFORE = replace(NEW, at_us=3)


def said(type_: str, at_us: int, *, purpose: str = "news.mail", channel: str = "email", covers: tuple[str, ...] = ()):
    return Statement(type=type_, purpose=purpose, channel=channel, at_us=at_us, covers=covers)


def test_of_nothing_said_nothing_is_withdrawn() -> None:
    assert not is_withdrawn([], NEW)
    assert is_withdrawn([BEFORE], NEW)
    assert is_withdrawn([replace(BEFORE, purpose="news")], NEW)
    assert not is_withdrawn([replace(BEFORE, purpose="news.mail.daily")], NEW), "one below it leaves the rest"
    assert not is_withdrawn([replace(BEFORE, channel="")], NEW), "a yes on every channel reopens that one only"
    assert not is_withdrawn([replace(BEFORE, traits=("sale",))], NEW)


def test_what_was_said_at_that_very_time_counts_and_what_is_of_later_does_not() -> None:
    assert is_withdrawn([replace(NEW)], NEW)
    assert not is_withdrawn([replace(NEW, at_us=11)], NEW)
    assert not is_withdrawn([BEFORE, said("grant", 10)], NEW)
    assert is_withdrawn([BEFORE, said("grant", 11)], NEW)


def test_the_latest_withdrawal_counts_and_a_yes_of_its_time_gives_way_to_it() -> None:
    assert is_withdrawn([BEFORE, said("grant", 5), replace(NEW, at_us=7)], NEW)
    assert is_withdrawn([said("grant", 3), BEFORE], NEW), "of one time the no outweighs"
    assert not is_withdrawn([BEFORE, said("grant", 4)], NEW)


@pytest.mark.parametrize(
    ("yes", "met"),
    [
        (said("grant", 5), True),
        (said("basis", 5), True),
        (said("guardian", 5), True),
        (said("guardian", 5, purpose="news"), True),
        (said("guardian", 5, purpose="news.mail.daily"), True),
        (said("guardian", 5, purpose="shop"), False),
        (said("grant", 5, channel=""), True),
        (said("grant", 5, channel="sms"), False),
        (said("guardian", 5, channel="sms"), False),
        (said("grant", 5, purpose="news.mail.daily"), True),
        (said("grant", 5, purpose="news", covers=("news.mail",)), True),
        (said("grant", 5, purpose="news"), False),
        (said("grant", 5, purpose="shop"), False),
        (said("lift", 5), False),
        (said("refuse", 5), False),
    ],
)
def test_a_yes_since_then_is_met_where_the_withdrawal_would_close_it(yes: Statement, met: bool) -> None:
    assert is_withdrawn([BEFORE, yes], NEW) is not met


def test_a_withdrawal_on_every_channel_meets_a_yes_on_any() -> None:
    everywhere = [replace(BEFORE, channel=""), said("grant", 5, channel="sms")]
    assert not is_withdrawn(everywhere, replace(NEW, channel=""))
    assert is_withdrawn(everywhere[:1], replace(NEW, channel=""))


def test_a_click_after_more_than_a_moment_is_no_second_click() -> None:
    late = replace(NEW, at_us=BEFORE.at_us + 10_000_000)
    assert is_withdrawn([BEFORE], late)
    assert not is_withdrawn([BEFORE], replace(late, at_us=late.at_us + 1)), "a yes between may come to be known"
