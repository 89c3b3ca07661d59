"""Replies: which of them take consent back, which only speak of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.signals.optout import Reply, Words, normalise_reply, packaged_words
from imp_core.errors import BadInput

REPLIES = tomllib.loads(Path(__file__).with_name("replies.toml").read_text(encoding="utf-8"))
PACKAGED = packaged_words()
WORDS = Words(PACKAGED["words"], alone=PACKAGED["alone"], courtesy=PACKAGED["courtesy"])


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


@pytest.mark.parametrize("text", REPLIES["letter_by_letter"])
def test_a_word_written_letter_by_letter_is_that_word(text):
    assert WORDS.read(text) is Reply.OPT_OUT


@pytest.mark.parametrize("text", REPLIES["begins"] + ["stop" + " x" * 2_000])
def test_a_reply_that_begins_with_such_a_word_is_an_opt_out_whatever_follows(text):
    assert WORDS.read(text) is Reply.OPT_OUT


@pytest.mark.parametrize("text", REPLIES["mentions"] + ["x " * 900 + "stop"])
def test_a_reply_that_only_mentions_a_word_is_no_opt_out_and_is_told_apart(text):
    assert WORDS.read(text) is Reply.MENTION


@pytest.mark.parametrize("text", REPLIES["others"])
def test_any_other_reply_is_neither(text):
    assert WORDS.read(text) is Reply.OTHER


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_an_empty_reply_says_nothing(text):
    assert WORDS.read(text) is Reply.NOTHING


def test_the_words_of_courtesy_and_those_that_count_alone_are_data_and_no_word_is_in_two_lists_by_mistake():
    assert all(PACKAGED.values())
    plain = {name: {normalise_reply(word) for word in words} for name, words in PACKAGED.items()}
    assert not plain["words"] & plain["alone"]
    assert not plain["words"] & plain["courtesy"]
    assert not plain["alone"] & plain["courtesy"]


def test_the_words_of_the_american_rule_are_all_there():
    for word in ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"):
        assert word in WORDS.words


def test_a_company_may_add_words_of_its_own():
    words = Words(["Fertig!", "好了吗"])
    assert words.read("FERTIG") is Reply.OPT_OUT
    assert words.read("fertig, danke") is Reply.OPT_OUT
    assert words.read("好了吗。") is Reply.OPT_OUT
    assert WORDS.read("FERTIG") is Reply.OTHER


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
def test_any_text_gets_one_of_the_answers(text):
    assert WORDS.read(text) in Reply
