"""Addresses and numbers where none belongs: masked where they are no option, told of where they would stay for good."""

from __future__ import annotations

from typing import Any

import pytest

from imp_core.context import Context

Cli = Any
TOLD = "looks like somebody's address or number"


@pytest.mark.parametrize("word", ["--anna@example.de", "--+4915112340000", "-anna@example.de", "--anna@example.de=1"])
def test_r55_an_identifier_that_is_taken_for_an_option_is_not_repeated(shop: Context, imp_here: Cli, word: str) -> None:
    for flags in ((), ("--json",)):
        refused = imp_here("consent", "check", word, "--purpose", "analytics", *flags)
        assert refused.code == 2
        assert not any(part in refused.out + refused.err for part in ("anna", "example.de", "4915112340000"))


def test_r55_a_misspelt_option_is_still_named(shop: Context, imp_here: Cli) -> None:
    assert "--purposee" in imp_here("consent", "check", "member:1", "--purposee", "analytics").err


@pytest.mark.parametrize("actor", ["jane@example.com", "+49 151 1234 0000"])
def test_r55_who_acts_under_an_address_is_told_that_it_stays_in_the_open_log(
    shop: Context, imp_here: Cli, actor: str
) -> None:
    words = ("consent", "record", "member:1", "--purpose", "analytics", "--state", "refused")
    assert "the name of whoever acts looks like an address" in imp_here("--actor", actor, *words).ok().err
    assert "whoever acts" not in imp_here("--actor", "Jane, DPO", *words).ok().err


@pytest.mark.parametrize(
    "words", ["Ask jo@shop.example for offers.", "We call you from +86 138 0013 8000.", "(030) 12345678"]
)
def test_r55_a_description_with_an_address_or_a_number_is_told_of(shop: Context, imp_here: Cli, words: str) -> None:
    add = ("consent", "purpose", "add", "marketing.calls", "--trait", "direct-marketing", "--description")
    done = imp_here(*add, words).ok()
    assert (TOLD in done.err, words in done.err) == (True, False)


@pytest.mark.parametrize(
    "words", ["We send you offers.", "我们向您发送优惠信息。", "Offers of 2026, up to 50 % off 1,000 things"]
)
def test_a_description_that_names_nobody_is_taken_in_silence(shop: Context, imp_here: Cli, words: str) -> None:
    add = ("consent", "purpose", "add", "marketing.calls", "--trait", "direct-marketing", "--description")
    assert TOLD not in imp_here(*add, words).ok().err
