"""For how long what is kept is said once: a person's copy, the record of processing and the assessment say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imp_consent.rights.kept import contradictions, kept, kept_texts
from imp_consent.rights.wording import read_wording
from imp_core.errors import BadInput

Line = Any
WHO = "email:ann@example.com"
VERIFIED = ("--verified", "reasonable", "--how", "logged in")
EVENTS = ("exposure", "outcome", "touchpoint", "trait")
ARCHIVE = ", ".join(f"archive.{name}" for name in EVENTS)
ALL: dict[str, Any] = {"evidence": 1095, "requests": 31, "archive": dict.fromkeys(EVENTS, 9)}
PERIODS = (
    '[retention]\nevidence = 1095\nrequests = 1\n[retention.archive]\ntouchpoint = 395\n[records]\nretention = "P3Y"\n'
)


def put(shop: Line, text: str) -> None:
    with (shop.workspace / "imp.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{text}")


def copy(shop: Line, folder: Path, tag: str) -> tuple[str, list[str]]:
    shop("consent", "access", WHO, *VERIFIED, "--out", folder, "--language", tag).ok()
    return (folder / "access.html").read_text(encoding="utf-8"), json.loads((folder / "access.json").read_bytes())[
        "retention"
    ]


def test_the_copy_the_record_and_the_assessment_name_the_same_periods(shop: Line, tmp_path: Path) -> None:
    put(shop, PERIODS)
    recorded = shop("audit", "records", "--json").ok().json["retention"]
    page, told = copy(shop, tmp_path / "a", "en")
    assert (
        told
        == recorded
        == [
            "events of type touchpoint: 395 days",
            "proof of consent: 1095 days after the last permission ended",
            "what people asked: 1 day after it was answered",
            "as records of consent say: 3 years",
        ]
    )
    markdown, assessment = shop("audit", "records").ok().out, shop("audit", "dpia").ok().out
    for line in recorded:
        assert line in page
        assert line in markdown
        assert line in assessment
    chinese, _ = copy(shop, tmp_path / "zh", "zh-Hans")
    for line in kept_texts(kept({"retention": {"evidence": 1095}}), read_wording("zh-Hans")):
        assert line in chinese


@pytest.mark.parametrize(
    ("tag", "told", "words"),
    [
        ("en", "P3Y", "3 years"),
        ("en", "P1Y6M", "1 year and 6 months"),
        ("de", " P3Y ", "3 Jahre"),
        ("de", "P1Y1M2W1D", "1 Jahr, 1 Monat, 2 Wochen und 1 Tag"),
        ("fr", "P24M", "24 mois"),
        ("es", "P0D", "0 días"),
        ("zh-Hans", "P3Y", "3 年"),
        ("zh-Hans", "六年", "六年"),
        ("de", "P", "P"),
        ("de", "P3X", "P3X"),
        ("en", "PT5H", "PT5H"),
        ("en", "three years", "three years"),
    ],
)
def test_a_duration_is_told_in_plain_words_of_the_language_and_other_words_as_they_are(
    shop: Line, tmp_path: Path, tag: str, told: str, words: str
) -> None:
    put(shop, f'[records]\nretention = "{told}"\n')
    page, _ = copy(shop, tmp_path / "a", tag)
    (line,) = kept_texts(kept({"records": {"retention": told}}), read_wording(tag))
    assert line.endswith(words)
    assert line in page


def test_where_no_period_is_set_both_say_so_in_the_same_words(shop: Line, tmp_path: Path) -> None:
    page, told = copy(shop, tmp_path / "a", "en")
    assert told == shop("audit", "records", "--json").ok().json["retention"] == []
    said = "no period is set: data is kept until somebody asks for its erasure"
    assert said in page
    assert said in shop("audit", "records").ok().out


@pytest.mark.parametrize(
    ("told", "schedule", "found"),
    [
        ("P3Y", ALL, []),
        ("P1Y", {"evidence": 300}, [f"({ARCHIVE}, requests are not set)"]),
        ("P1Y", {"evidence": 300, "requests": 300}, [f"({ARCHIVE} are not set)"]),
        ("P3Y", ALL | {"archive": dict.fromkeys(EVENTS[1:], 9)}, ["(archive.exposure is not set)"]),
        ("P3Y", ALL | {"archive": ALL["archive"] | {"outcome": 1200}}, ["(archive.outcome = 1200)"]),
        ("P1Y6M", ALL | {"requests": 900}, ["(evidence = 1095)", "(requests = 900)"]),
        ("P52W", {}, [f"({ARCHIVE}, evidence, requests are not set)"]),
        ("P30D", ALL | {"evidence": 30}, ["(requests = 31)"]),
        ("as long as the law asks", {}, []),
        (None, {}, []),
    ],
)
def test_a_period_that_people_are_told_and_that_is_not_carried_out_is_named(
    told: str | None, schedule: dict[str, Any], found: list[str]
) -> None:
    config = {"retention": schedule, "records": {} if told is None else {"retention": told}}
    lines = contradictions(config)
    assert len(lines) == len(found)
    assert all(what in line and str(told) in line for what, line in zip(found, lines, strict=True))


def test_the_record_of_processing_asks_for_one_period(shop: Line) -> None:
    put(shop, PERIODS.replace("P3Y", "P1Y"))
    missing = shop("audit", "records", "--json").ok().json["missing"]
    for what in ("evidence = 1095", "archive.exposure, archive.outcome, archive.trait are not set"):
        assert any("[records] retention tells people P1Y" in line and what in line for line in missing), missing


def test_a_schedule_that_is_none_is_refused_by_the_record(shop: Line) -> None:
    put(shop, "[retention]\nevidence = -1\n")
    assert shop("audit", "records").code == 2
    with pytest.raises(BadInput):
        kept({"retention": {"evidence": "long"}})
