"""A misspelt purpose, channel or trait is refused with the name that may have been meant, whatever the command."""

from __future__ import annotations

import pytest

YES = ("--state", "given")


@pytest.mark.parametrize(
    "words",
    [
        ("consent", "record", "member:1", *YES, "--purpose", "analytcs"),
        ("consent", "check", "member:1", "--purpose", "analytcs"),
        ("consent", "may-ask", "member:1", "--purpose", "analytcs"),
        ("consent", "restrict", "member:1", "--purpose", "analytcs"),
        ("consent", "purpose", "show", "analytcs"),
        ("consent", "purpose", "change", "analytcs", "--description", "x"),
        ("audit", "uses", "--purpose", "analytcs"),
    ],
)
def test_a_misspelt_purpose_is_told_what_it_may_be(shop, imp_here, words):
    answer = imp_here(*words, "--json")
    assert answer.code == 2
    assert answer.json["error"]["what"] == "unknown purpose"
    assert answer.json["error"]["mend"] == "did you mean analytics? see: imp consent purpose list"
    assert "analytcs" not in answer.out + answer.err


def test_what_is_like_nothing_is_neither_guessed_nor_repeated(shop, imp_here):
    answer = imp_here("consent", "check", "member:1", "--purpose", "zoe")
    assert (answer.code, "mend: see: imp consent purpose list" in answer.err, "zoe" in answer.err) == (2, True, False)


def test_a_misspelt_channel_is_told_what_it_may_be(shop, imp_here):
    answer = imp_here("consent", "record", "member:1", *YES, "--purpose", "analytics", "--channel", "emial", "--json")
    assert answer.code == 2
    assert answer.json["error"]["mend"].startswith("did you mean email? one of ads, app, email")
    assert "emial" not in answer.out + answer.err


def test_a_misspelt_trait_is_told_by_its_place_and_what_it_may_be(shop, imp_here):
    words = ("consent", "purpose", "add", "news", "--description", "We send news.", "--data", "identifier")
    answer = imp_here(*words, "--trait", "profiling", "--trait", "electronic-mial", "--json")
    assert (answer.code, answer.json["error"]["what"]) == (2, "1 unknown trait")
    assert answer.json["error"]["mend"].startswith("number 2 of its traits: did you mean electronic-mail?; known are:")
    assert "mial" not in answer.out + answer.err
