"""`imp consent portability`: what a person provided, by a schema of its own, and nothing that was derived."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.rights import portability
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

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


def test_r33_only_events_on_consent_or_contract_are_moved(
    shop: Line, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = portability.own_rows
    wanted = {"touchpoint": "contract", "outcome": "legitimate-interest"}
    seqs: dict[str, int] = {}
    with open_log(context).write() as transaction:
        subject = transaction.find_subject(RawId.parse(WHO))
        assert subject is not None
        for basis in wanted.values():
            said = Statement(type="basis", purpose="analytics", channel="", at_us=transaction.now_us, basis=basis)
            seqs[basis] = transaction.append_person(subject, said, {"recorded_us": transaction.now_us})

    def resting(*given: Any) -> list[Any]:
        return [
            replace(row, fields={**row.fields, "basis_seq": seqs[wanted[row.fields["type"]]]})
            for row in whole(*given)
            if row.fields["type"] in wanted
        ]

    monkeypatch.setattr(portability, "own_rows", resting)
    found = portability.provided(open_log(context), context.workspace, RawId.parse(WHO))
    assert ([event.type for event in found.events], found.left_out) == (["touchpoint"], 1)


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
