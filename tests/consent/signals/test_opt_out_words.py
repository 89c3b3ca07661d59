"""Replies: which of them take consent back, which only speak of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.signals.optout import Reply, Words, normalise_reply, packaged_words
from imp_core.errors import BadInput

WORDS = Words(packaged_words())


@pytest.mark.parametrize(
    "text",
    [
        "STOP", "stop", "Stop.", " sToP !!! ", "STOP\n", "“Stop”", "stop stop stop", "Stop!! STOP", "\u200bSTOP",
        "S\u200bTOP", "\uff33\uff34\uff2f\uff30", "STOP \U0001f6d1", "*STOP*", "UNSUBSCRIBE", "END", "Quit", "cancel",
        "REVOKE", "OPT OUT", "opt-out", "Opt_Out", "optout", "STOPALL", "Stop all", "退订",
        "退 订", "退订\uff01", "退訂",
        "【退订】", "TD", "td.", "\uff34\uff24", "T", "t", "R", "拒收", "수신거부", "配信停止", "ARRÊT", "arre\u0302t",
        "СТОП", "İPTAL", "إلغاء", "STOPP", "Cancelar", "no más", "opt out opt out",
    ],
)  # fmt: skip
def test_a_reply_that_is_such_a_word_and_nothing_else_is_an_opt_out(text):
    assert WORDS.read(text) is Reply.OPT_OUT


@pytest.mark.parametrize(
    "text",
    [
        "When does the sale end?", "Please stop texting me", "I want to cancel my order", "don't stop", "我要退订",
        "怎么退订会员", "STOP it, I love tulips", "how do I opt out", "Do not unsubscribe me", "回复TD退订",
        "stop" + " x" * 2_000,
    ],
)  # fmt: skip
def test_a_reply_that_only_mentions_a_word_is_no_opt_out_and_is_told_apart(text):
    assert WORDS.read(text) is Reply.MENTION


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "!!!",
        "\U0001f6d1",
        "yes",
        "Thanks!",
        "stopping by later",
        "unstoppable",
        "weekend",
        "好的",
        "1",
        "TDS",
        "2",
    ],
)
def test_any_other_reply_is_neither(text):
    assert WORDS.read(text) is Reply.OTHER


def test_the_words_of_the_american_rule_are_all_there():
    for word in ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"):
        assert word in WORDS.words


def test_a_company_may_add_words_of_its_own():
    words = Words([*packaged_words(), "Basta!", "别发了"])
    assert words.read("BASTA") is Reply.OPT_OUT
    assert words.read("别发了。") is Reply.OPT_OUT
    assert WORDS.read("BASTA") is Reply.OTHER


@pytest.mark.parametrize("word", ["", "!!", "x" * 41, 7, None])
def test_what_is_no_word_cannot_be_added(word):
    with pytest.raises(BadInput, match="not a word"):
        Words([word])


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing_more(text):
    once = normalise_reply(text)
    assert normalise_reply(once) == once


@given(st.sampled_from(sorted(WORDS.words)), st.text("!?.,;:… \t\n*\"'()[]", max_size=5), st.booleans())
def test_punctuation_around_a_word_and_its_case_never_matter(word, around, upper):
    text = around + (word.upper() if upper else word) + around
    assert WORDS.read(text) is Reply.OPT_OUT


@given(st.text(max_size=3_000))
def test_any_text_gets_one_of_the_three_answers(text):
    assert WORDS.read(text) in Reply
