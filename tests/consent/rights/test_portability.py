"""`imp consent portability`: what a person provided, by a schema of its own, and nothing that was derived."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imp_core.context import Context

Line = Any
WHO = "email:ann@example.com"
VERIFIED = ("--verified", "reasonable", "--how", "answered a code")


@pytest.fixture
def moved(shop: Line, tmp_path: Path) -> Path:
    """Ann's data, to take elsewhere."""
    shop("consent", "portability", WHO, "--out", tmp_path / "move", *VERIFIED).ok()
    return tmp_path / "move"


def test_r33_what_a_person_provided_is_structured_and_what_was_derived_is_left_out(moved: Path) -> None:
    text = (moved / "portability.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert found["schema"] == "imp-portability/1"
    assert [said["type"] for said in found["said"]] == ["grant"]
    events = {event["type"]: event["fields"] for event in found["events"]}
    assert sorted(events) == ["outcome", "touchpoint"]
    assert events["outcome"]["amount_micros"] == 12_500_000
    assert [(trait["key"], trait["value"]) for trait in found["traits"]] == [("size", "ANN-TRAIT")]
    assert found["left_out"] == 1
    assert "ANN-INFERRED" not in text


def test_r33_the_document_is_valid_by_the_schema_beside_it(moved: Path) -> None:
    schema = json.loads((moved / "portability.schema.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads((moved / "portability.json").read_bytes())
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "segments": []}, schema)


def test_nothing_of_anybody_else_is_moved(moved: Path, planted: tuple[str, ...]) -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in sorted(moved.iterdir()))
    assert [word for word in (*planted, "Eve Employee", "ann@example.com") if word in written] == []


def test_what_rests_on_interests_and_not_on_consent_or_contract_is_left_out(shop: Line, tmp_path: Path) -> None:
    said = json.loads(shop("consent", "history", WHO, "--json").ok().out)["entries"][0]
    assert said["type"] == "grant"
    shop("consent", "rectify", WHO, "--entry", str(said["seq"]), *VERIFIED).ok()
    shop("consent", "portability", WHO, "--out", tmp_path / "after", *VERIFIED).ok()
    found = json.loads((tmp_path / "after" / "portability.json").read_bytes())
    assert found["said"] == [], "what was corrected was never said"


def test_a_person_who_is_not_known_provided_nothing(shop: Line, tmp_path: Path) -> None:
    shop("consent", "portability", "member:nobody", "--out", tmp_path / "none", *VERIFIED).ok()
    found = json.loads((tmp_path / "none" / "portability.json").read_bytes())
    assert (found["known"], found["said"], found["events"], found["traits"]) == (False, [], [], [])


def test_both_files_are_the_persons_alone_to_read(moved: Path, opened: Context) -> None:
    assert opened is not None
    assert {path.name: path.stat().st_mode & 0o777 for path in moved.iterdir()} == {
        "portability.json": 0o600,
        "portability.schema.json": 0o600,
    }
