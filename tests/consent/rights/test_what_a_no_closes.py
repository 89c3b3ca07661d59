"""What people, clerks and other companies are told of a no that closes some kinds of use, and by which law."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.policy.closes import closed_by, said_about, trait_words
from imp_consent.policy.declared import TRAITS
from imp_consent.policy.regime import packaged
from imp_core.clock import SECOND_US, SimulatedClock

Line = Any
WHO = "email:ann@example.com"
VERIFIED = ("--verified", "reasonable", "--how", "answered a code")
MARKETING = ["direct-marketing", "targeted-advertising"]
WORDS = "direct marketing and targeted advertising"


def copy(shop: Line, command: str, folder: Path) -> tuple[Any, str]:
    """The document that a command writes, and the page or the schema beside it."""
    shop("consent", command, WHO, "--out", folder, *VERIFIED).ok()
    (document,) = (path for path in folder.glob("*.json") if "schema" not in path.name)
    (beside,) = (path for path in folder.iterdir() if path != document)
    return json.loads(document.read_bytes()), beside.read_text(encoding="utf-8")


def test_an_objection_to_direct_marketing_is_nowhere_called_one_to_everything(shop: Line, tmp_path: Path) -> None:
    shop("consent", "record", WHO, "--purpose", "marketing.email", "--state", "given", "--action", "click").ok()
    done = shop("consent", "object", WHO, "--json").ok().json
    assert done["closes"] == MARKETING
    found, page = copy(shop, "access", tmp_path / "copy")
    (entry,) = (entry for entry in found["entries"] if entry["type"] == "object")
    assert (entry["sentence"], entry["closes"]) == (f"You objected to {WORDS}.", MARKETING)
    assert f"You objected to {WORDS}." in page
    moved, schema = copy(shop, "portability", tmp_path / "move")
    jsonschema.validate(moved, json.loads(schema))
    assert [said["closes"] for said in moved["said"] if said["type"] == "object"] == [MARKETING]
    assert [said["closes"] for said in moved["said"] if said["type"] == "grant"] == [None, None]
    history = shop("consent", "history", WHO)
    assert f"object: {WORDS}" in history.out
    (line,) = (one for one in shop("consent", "history", WHO, "--json").json["entries"] if one["type"] == "object")
    assert (line["about"], line["closes"]) == (WORDS, MARKETING)
    told = shop("consent", "check", WHO, "--purpose", "marketing.email", "--explain")
    assert f"the person objected to {WORDS}" in told.out
    for text in (page, history.out, told.out):
        assert "objected to “everything”" not in text
        assert "object *" not in text
        assert "every purpose" not in text


def test_r40_a_signal_says_what_it_closes_and_one_that_could_not_be_read_that_it_closes_nothing(
    shop: Line, tmp_path: Path
) -> None:
    for raw in ("1", "0"):
        shop("consent", "signal", "record", WHO, "--kind", "gpc", "--raw", raw, "--channel", "web").ok()
    found, page = copy(shop, "access", tmp_path / "copy")
    sold = "the sale of data, the sharing of data for advertising and targeted advertising"
    said = [entry["sentence"] for entry in found["entries"] if entry["type"] == "signal"]
    assert said == [
        f"Your browser, device or message told us no, which closes {sold}.",
        "Your browser, device or message told us no, which closes nothing, as it could not be read.",
    ]
    assert "出售数据、为广告共享数据和定向广告" in page


def test_another_objection_is_told_as_one_to_what_rests_on_interests(shop: Line) -> None:
    shop("consent", "object", WHO, "--purpose", "analytics").ok()
    told = shop("consent", "history", WHO).out
    assert "object: analytics, as far as it rests on interests rather than on consent" in told


def test_history_says_of_a_request_its_kind_of_a_lift_what_it_lifts_and_of_an_entry_that_it_was_corrected(
    shop: Line, clock: SimulatedClock
) -> None:
    shop("consent", "restrict", WHO).ok()
    clock.move_to(clock.now_us() + 10 * SECOND_US)
    told = ("--told", "letter", "--told-at", "2026-03-01T12:00:05Z")
    shop("consent", "lift", WHO, "--of", "restrict", *told).ok()
    first = shop("consent", "history", WHO, "--json").ok().json["entries"][0]["seq"]
    done = shop("consent", "rectify", WHO, "--entry", str(first), *VERIFIED, "--json").ok().json
    lines = shop("consent", "history", WHO).ok().out
    for words in (
        "request: restrict",
        "restrict: everything",
        "lift: restriction for everything",
        f"correction: entry {first} counts no more",
        f"corrected by entry {done['seq']})",
    ):
        assert words in lines
    assert "*" not in lines
    assert "{" not in lines


def test_every_kind_of_use_has_words_and_a_yes_closes_nothing() -> None:
    assert all(trait_words([trait]) != trait for trait in TRAITS - {"none", "profiling"})
    yes = Statement(type="grant", purpose="ads", channel="", at_us=0, traits=("direct-marketing",))
    assert (closed_by(yes), said_about(yes)) == (None, "ads")
    no = Statement(type="object", purpose="ads", channel="", at_us=0, traits=("profiling",))
    assert said_about(no) == "profiling, within ads"


@pytest.mark.parametrize(
    ("law", "state", "cited", "never"),
    [
        (("us-ca", "US-CA"), "given", "CCPA", "GDPR"),
        (("us-ca", "US-CA"), "withdrawn", "CCPA", "GDPR"),
        (("cn-pipl", "CN"), "given", "PIPL", "GDPR"),
        (("cn-pipl", "CN"), "withdrawn", "PIPL 15", "GDPR"),
        (("gdpr", "FR"), "withdrawn", "GDPR 7(3)", "PIPL"),
        (("us-opt-out", "US-CO"), "refused", "CRS", "GDPR"),
    ],
)
def test_an_answer_cites_the_law_its_entries_were_recorded_under_not_one_for_all(
    shop: Line, tmp_path: Path, law: tuple[str, str], state: str, cited: str, never: str
) -> None:
    who = "member:new"
    words = ("--purpose", "analytics", "--state", state, "--action", "click")
    shop("consent", "record", who, *words, "--regime", law[0], "--jurisdiction", law[1]).ok()
    told = shop("consent", "check", who, "--purpose", "analytics", "--explain", "--json").json
    sentence = next(one for one in told["explanation"] if "(The law: " in one)
    shop("consent", "access", who, "--out", tmp_path / "copy", *VERIFIED).ok()
    found = json.loads((tmp_path / "copy" / "access.json").read_bytes())["permissions"]
    source = next(one["source"] for one in found if one["purpose"] == "analytics")
    other = next(one["source"] for one in found if one["purpose"] == "experimentation")
    for text in (told["source"], sentence, source, other):
        assert never not in text
    for text in (told["source"], sentence, source):
        assert cited in text


def test_where_nothing_is_known_of_a_person_the_law_of_the_workspace_is_cited(shop: Line, setting: Any) -> None:
    words = ("consent", "check", "member:nobody", "--purpose", "analytics", "--json")
    assert shop(*words).json["source"] == "GDPR 6(1), 7(1), 25(2); ePrivacy 5(3)"
    setting('[policy]\nregimes = ["cn-pipl"]')
    assert shop(*words).json["source"] == "PIPL 6, 13, 14"


def test_the_rule_that_an_entry_met_is_cited_before_what_a_law_says_in_general(shop: Line) -> None:
    shop("consent", "minor", WHO, "--age", "12", "--regime", "gdpr", "--jurisdiction", "FR").ok()
    told = shop("consent", "check", WHO, "--purpose", "analytics", "--json").json
    assert (told["reason"], told["source"]) == (
        "under_age", "GDPR 8(1); loi 78-17 (Informatique et Libertés), art. 45, al. 2"
    )  # fmt: skip


def test_every_law_that_is_shipped_says_what_its_answers_rest_on_but_the_one_for_where_none_is_named() -> None:
    for regime in packaged():
        reasons = {"given", "no_record", "withdrawn", "erased"} if regime.name not in {"default", "eprivacy"} else set()
        assert reasons <= regime.general.sources.keys(), regime.name
