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


@pytest.mark.parametrize("command", [("check",), ("may-ask",)])
@pytest.mark.parametrize(
    ("meant", "mend"),
    [("emial", "did you mean email? one of ads, app, email"), ("EMAIL", "did you mean email?"), ("邮件", "one of ads")],
)
def test_a_channel_that_nothing_knows_is_told_what_it_may_be_where_it_is_asked_about(
    shop, imp_here, command, meant, mend
):
    imp_here("consent", "record", "member:1", *YES, "--purpose", "analytics").ok()
    imp_here(
        "consent", "record", "member:1", "--state", "withdrawn", "--purpose", "analytics", "--channel", "email"
    ).ok()
    answer = imp_here("consent", *command, "member:1", "--purpose", "analytics", "--channel", meant, "--json")
    assert (answer.code, answer.json["error"]["what"]) == (2, "unknown channel")
    assert answer.json["error"]["where"] == "--channel"
    assert answer.json["error"]["mend"].startswith(mend)
    assert meant not in answer.out + answer.err


def test_the_tags_of_a_page_are_not_told_of_a_channel_that_nothing_knows(shop, imp_here):
    answer = imp_here("consent", "signal", "consent-mode", "member:1", "--channel", "wbe")
    assert (answer.code, "did you mean web?" in answer.err) == (2, True)


def test_a_channel_that_only_records_know_any_more_is_asked_about_and_meant(shop, imp_here):
    settings = shop.workspace.root / "imp.toml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(f'{before}\n[policy]\nchannels = ["kiosk"]\n', encoding="utf-8")
    words = ("member:1", "--purpose", "analytics", "--channel")
    imp_here("consent", "record", *words, "kiosk", "--state", "given").ok()
    settings.write_text(before, encoding="utf-8")
    assert imp_here("consent", "check", *words, "kiosk").code == 0
    assert imp_here("consent", "check", "member:2", *words[1:], "kiosk").code == 1, (
        "of somebody else it is a channel too"
    )
    assert "did you mean kiosk?" in imp_here("consent", "check", *words, "kiosq").err
    assert imp_here("consent", "record", *words, "kiosk", "--state", "given").code == 2, "nothing new on it"
