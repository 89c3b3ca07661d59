"""What is not said is not taken for said: that a request was carried out, and that nobody asked for an erasure."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.rights.verification import KINDS
from imp_consent.runtime import open_log
from imp_core.context import Context

Line = Any
WHO = "email:ann@example.com"


def opened(shop: Line, kind: str) -> str:
    return str(shop("consent", "requests", "open", kind, WHO, "--json").ok().json["id"])


def state(shop: Line, id_: str) -> str:
    found = shop("consent", "requests", "list", "--all", "--json").ok().json["requests"]
    return next(str(line["state"]) for line in found if line["id"] == id_)


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_is_not_answered_by_noting_it_unless_it_is_said_to_be_done(shop: Line, kind: str) -> None:
    id_ = opened(shop, kind)
    for words in ((), ("--outcome", "answered"), ("--done",)):
        refused = shop("consent", "requests", "answer", id_, *words)
        assert (refused.code, "--outcome" in refused.err, state(shop, id_)) == (2, True, "open"), words
    told = shop("consent", "requests", "answer", id_, "--outcome", "answered").err
    assert "nothing was carried out" in told
    command = "record … --state withdrawn" if kind in {"opt-out", "withdraw"} else kind
    assert f"imp consent {command}; where that was done in another way, add --done" in told
    shop("consent", "requests", "answer", id_, "--outcome", "answered", "--done").ok()
    assert state(shop, id_) == "answered"


def test_done_goes_with_an_answer_alone(shop: Line) -> None:
    id_ = opened(shop, "access")
    words = ("--outcome", "refused", "--because", "excessive")
    refused = shop("consent", "requests", "answer", id_, *words, "--done")
    assert (refused.code, "--done" in refused.err, state(shop, id_)) == (2, True, "open")
    shop("consent", "requests", "answer", id_, *words).ok()


@pytest.mark.parametrize("how", [(), ("--how", "rang up")])
@pytest.mark.parametrize("execute", [(), ("--execute",)])
def test_r34_who_asks_for_an_erasure_and_shows_nothing_is_refused_in_whatever_words(
    shop: Line, context: Context, how: tuple[str, ...], execute: tuple[str, ...]
) -> None:
    size = open_log(context).size
    answer = shop("consent", "erase", WHO, "--verified", "none", *how, *execute)
    assert (answer.code, "needs the level contact" in answer.err) == (1, True)
    assert open_log(context).size == size


def test_an_erasure_of_ones_own_accord_says_nothing_of_who_asks(shop: Line) -> None:
    shop("consent", "erase", WHO).ok()
    shop("consent", "erase", WHO, "--execute").ok()
    assert shop("consent", "history", WHO, "--json").json["entries"] == []
