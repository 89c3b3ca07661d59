"""The page a person gets is in their language, every word of ours; what is quoted stays as it is."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from imp_consent.policy.closes import trait_words
from imp_consent.policy.decide import Reason
from imp_consent.policy.declared import TRAITS
from imp_consent.rights import wording
from imp_consent.rights.wording import choose_wording, languages, read_wording
from imp_core.errors import BadInput

Line = Any
WHO = "email:ann@example.com"
VERIFIED = ("--verified", "reasonable", "--how", "logged in")
TITLES = {
    "en": "Your data at Shop Ltd", "zh-Hans": "您在 Shop Ltd 的数据", "fr": "Vos données chez Shop Ltd",
    "de": "Ihre Daten bei Shop Ltd", "es": "Sus datos en Shop Ltd",
}  # fmt: skip
_BLANK = re.compile(r"\{\w+\}")


def page(shop: Line, folder: Path, *words: str, who: str = WHO) -> str:
    shop("consent", "access", who, *VERIFIED, "--out", folder, *words).ok()
    return (folder / "access.html").read_text(encoding="utf-8")


def plain(text: str) -> str:
    return re.sub(r"<style>.*?</style>|<[^>]+>", "", text, flags=re.S)


def test_every_language_has_every_text_with_the_same_blanks_and_says_something_in_each() -> None:
    english = read_wording("en")
    assert set(languages()) == set(TITLES)
    for tag in languages():
        found = read_wording(tag)
        assert found.tag == tag
        assert found.joint.strip() or tag == "zh-Hans"
        assert found.tables.keys() == english.tables.keys()
        for name, table in english.tables.items():
            assert list(found.tables[name]) == list(table), (tag, name)
            for key, text in table.items():
                mine = found.tables[name][key]
                assert mine.strip(), (tag, name, key)
                assert sorted(_BLANK.findall(mine)) == sorted(_BLANK.findall(text)), (tag, name, key)


def test_the_tables_know_every_reason_of_the_gate_and_every_kind_of_use() -> None:
    tables = read_wording("en").tables
    assert {str(reason) for reason in Reason} <= tables["reasons"].keys()
    assert {trait for trait in TRAITS if trait != "none"} <= tables["about"].keys()
    for trait in TRAITS:
        if trait in tables["about"]:
            assert tables["about"][trait] == trait_words([trait]), "two truths"


def test_no_language_is_english_by_another_name() -> None:
    english = read_wording("en").tables
    for tag in set(languages()) - {"en"}:
        tables = read_wording(tag).tables
        for name in ("page", "reasons", "said", "because", "kept"):
            longer = [key for key, text in english[name].items() if len(_BLANK.sub("", text)) > 16]
            assert [key for key in longer if tables[name][key] == english[name][key]] == [], (tag, name)


@pytest.mark.parametrize("tag", sorted(TITLES))
def test_the_page_is_in_the_language_that_is_asked_for_and_says_so(shop: Line, tmp_path: Path, tag: str) -> None:
    text = page(shop, tmp_path / "a", "--language", tag)
    assert f'<html lang="{tag}">' in text
    words = read_wording(tag)
    assert TITLES[tag] in plain(text)
    for key in ("permissions", "entries", "notices", "events", "messages", "uses", "received", "kept", "rights"):
        assert words.say("page", key) in plain(text), key
    assert words.say("said", "grant", purpose="analytics") in plain(text)
    assert 'lang="zh-Hans" dir="auto"' in text, "the notice stays in its own"
    assert "GDPR" in text, "the law is quoted as it stands"
    others = {other for key, other in TITLES.items() if key != tag}
    assert not any(other in plain(text) for other in others)


def test_without_a_word_it_is_in_that_of_the_notice_they_were_shown_last(shop: Line, tmp_path: Path) -> None:
    assert '<html lang="zh-Hans">' in page(shop, tmp_path / "a")
    done = shop("consent", "access", WHO, *VERIFIED, "--out", tmp_path / "b", "--json").ok().json
    assert done["language"] == "zh-Hans"
    nobody = page(shop, tmp_path / "c", who="member:nobody")
    assert ('<html lang="en">' in nobody, "We hold nothing about you" in nobody) == (True, True)


@pytest.mark.parametrize(("tag", "found"), [("fr-CA", "fr"), ("zh", "zh-Hans"), ("zh-TW", "zh-Hans"), ("DE_at", "de")])
def test_a_region_or_script_does_not_matter_where_there_is_the_language(tag: str, found: str) -> None:
    assert choose_wording(tag).tag == choose_wording(None, [tag]).tag == found


def test_of_a_language_there_is_none_of_the_page_is_english_unless_it_was_asked_for(shop: Line, tmp_path: Path) -> None:
    assert choose_wording(None, ["sw", "de"]).tag == choose_wording(None).tag == "en"
    with pytest.raises(BadInput, match="no words in this language"):
        choose_wording("sw")
    answer = shop("consent", "access", WHO, *VERIFIED, "--out", tmp_path / "a", "--language", "sw")
    assert (answer.code, "one of: de, en, es, fr, zh-Hans" in answer.err) == (2, True)
    assert not (tmp_path / "a").exists()
    assert shop("consent", "requests", "list", "--all").ok().out == "no request is open\n", "nothing was noted"


def test_what_a_computer_reads_is_the_same_in_every_language(shop: Line, tmp_path: Path) -> None:
    told = []
    for tag in ("en", "de"):
        page(shop, tmp_path / tag, "--language", tag)
        found = json.loads((tmp_path / tag / "access.json").read_bytes())
        told.append([entry["sentence"] for entry in found["entries"] if entry["type"] != "request"])
    assert told[0] == told[1]
    assert any(line.startswith("You agreed to “analytics”") for line in told[0])


def test_no_english_is_left_on_a_page_in_another_language(shop: Line, tmp_path: Path) -> None:
    for words in (
        ("object", WHO),
        ("restrict", WHO),
        ("signal", "record", WHO, "--kind", "gpc", "--raw", "1", "--channel", "web"),
    ):
        shop("consent", *words).ok()
    english = read_wording("en").tables
    text = plain(page(shop, tmp_path / "a", "--language", "zh-Hans"))
    told = [line for name in ("page", "said", "reasons", "because", "kept") for line in english[name].values()]
    left = {part.strip() for line in told for part in _BLANK.split(line) if len(part.strip()) > 12}
    assert [part for part in left if part in text] == []
    fields = {label for key, label in english["fields"].items() if len(label) > 9 and " " in label}
    assert [label for label in fields if label in text] == []


def test_a_phrase_is_said_again_in_another_language_and_others_stay() -> None:
    german = read_wording("de")
    assert (
        german.again("because", "a use for marketing.email names it") == "eine Verwendung für marketing.email nennt ihn"
    )
    assert german.again("because", "it is their lawyer") == "it is their lawyer"


def test_a_name_with_braces_is_filled_in_as_it_is(shop: Line) -> None:
    said = read_wording("fr").say("said", "described", said="x {0}", description="{purpose}")
    assert said == "x {0}. ({purpose})"


def test_the_language_files_are_flat_tables_of_text() -> None:
    folder = Path(wording.__file__).with_name("languages")
    for file in folder.glob("*.toml"):
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
        assert all(
            isinstance(text, str) for table in tables.values() if isinstance(table, dict) for text in table.values()
        )
