"""Of a no for two channels or two purposes neither is lost without a word: it is refused, and nothing is written."""

from __future__ import annotations

import pytest

YES = ("consent", "record", "member:1", "--purpose", "analytics", "--state", "given")
TWO_CHANNELS = ("--channel", "email", "--channel", "sms")
TWO_PURPOSES = ("--purpose", "analytics", "--purpose", "marketing.email")


@pytest.mark.parametrize(
    "words",
    [
        ("record", "member:1", "--purpose", "analytics", "--state", "withdrawn", *TWO_CHANNELS),
        ("object", "member:1", *TWO_PURPOSES),
        ("restrict", "member:1", *TWO_PURPOSES),
        ("restrict", "member:1", *TWO_CHANNELS),
        ("limit", "member:1", *TWO_PURPOSES),
        ("record", "member:1", "--purpose", "analytics", "--state", "given", "--valid-for", "10d", "--valid-for", "9d"),
    ],
)
def test_two_of_what_has_one_value_are_refused_and_nothing_is_written(shop, imp_here, size, words):
    imp_here(*YES).ok()
    before = size()
    answer = imp_here("consent", *words)
    assert (answer.code, answer.out) == (2, "")
    assert "is given twice, and it has one value" in answer.err
    assert "run the command once for each" in answer.err
    assert size() == before


def test_the_order_of_two_purposes_changes_no_answer(shop, imp_here):
    imp_here(*YES).ok()
    there = imp_here("consent", "check", "member:1", *TWO_PURPOSES)
    back = imp_here("consent", "check", "member:1", *TWO_PURPOSES[2:], *TWO_PURPOSES[:2])
    assert (there.code, there.out, there.err) == (back.code, back.out, back.err)
    assert there.code == 2


def test_purposes_of_one_yes_may_still_be_several(shop, imp_here, size):
    before = size()
    imp_here(*YES, "--purpose", "marketing.email", "--each").ok()
    assert size() == before + 2
