"""Whether the words of a saying can be meant at all, of whatever law: purpose, time, channel and texts of one line."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.policy.sayable import check_words
from imp_consent.policy.saying import Saying
from imp_core.errors import BadInput

NOW_US = 1000
PURPOSES = ("analytics", "marketing.email")
CHANNELS = ("email", "sms")


def check(*, now_us: int = NOW_US, **said: Any) -> None:
    words: dict[str, Any] = {"type": "grant", "purpose": "analytics", "at_us": NOW_US}
    check_words(Saying(**(words | said)), PURPOSES, CHANNELS, now_us=now_us)


def refusal(**said: Any) -> tuple[str, str | None, str | None]:
    """What is refused, where, and how it is mended."""
    with pytest.raises(BadInput) as refused:
        check(**said)
    return refused.value.what, refused.value.where, refused.value.mend


def test_a_yes_is_for_a_purpose_there_is_and_a_no_for_that_or_what_it_lies_below() -> None:
    for type_ in ("grant", "basis", "refuse", "withdraw", "guardian"):
        for purpose in PURPOSES:
            check(type=type_, purpose=purpose)
    for purpose in ("marketing", "*"):
        check(type="refuse", purpose=purpose)
        check(type="guardian", purpose=purpose)
        for type_ in ("grant", "basis"):
            assert refusal(type=type_, purpose=purpose)[:2] == ("unknown purpose", "purpose")
    for purpose in ("market", "marketing.", "analytics.web", "email", "分析"):
        for type_ in ("grant", "refuse"):
            what, where, mend = refusal(type=type_, purpose=purpose)
            assert (what, where) == ("unknown purpose", "purpose")
            assert (mend or "").endswith("see: imp consent purpose list")


def test_what_was_said_was_said_between_1970_and_now_both_included() -> None:
    check(at_us=NOW_US)
    check(at_us=0)
    check(at_us=0, now_us=0)
    mend = "record what has been said, when it was said"
    assert refusal(at_us=NOW_US + 1) == ("a time to come", "at", mend)
    assert refusal(at_us=-1) == ("a time before 1970", "at", mend)
    assert refusal(at_us=1, now_us=0)[0] == "a time to come"


def test_a_channel_is_one_of_the_workspaces_or_none_at_all() -> None:
    for channel in ("", *CHANNELS):
        check(channel=channel)
    for channel in ("e mail", "-sms", "SMS", "短信", "x" * 65, "two\nlines"):
        assert refusal(channel=channel)[:2] == ("not a name of a channel", "channel")
    for channel in ("emial", "x" * 64, "3d"):
        what, where, mend = refusal(channel=channel)
        assert (what, where) == ("unknown channel", "channel")
        assert (mend or "").startswith(
            "did you mean email? " * (channel == "emial") + "one of email, sms; others go into"
        )


@pytest.mark.parametrize("where", ["action", "evidence", "grounds"])
def test_what_somebody_wrote_down_is_one_line_of_up_to_300_characters(where: str) -> None:
    def said(text: str) -> dict[str, Any]:
        return {where: {"balance": "weighed", "notice": text} if where == "grounds" else text}

    for text in ("x", "点击了按钮", "x" * 300):
        check(**said(text))
    for text in ("", "x" * 301, "two\nlines", "a\u2028b", "\ud800"):
        what, told, mend = refusal(**said(text))
        assert (what, told) == ("not one line of at most 300 characters", where)
        assert mend == "shorten it, or leave it out"
    check(**{where: {} if where == "grounds" else None})
