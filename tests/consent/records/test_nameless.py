"""An export under pseudonyms and a proof hold no word in which somebody might be named."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from imp_consent.commands.export_records import export_records
from imp_consent.commands.proof import prove_consent
from imp_consent.commands.record import record
from imp_consent.policy.door import Door
from imp_consent.policy.saying import Saying
from imp_consent.records.vocabulary import CONDITIONS
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

ANN = RawId("member", "17")


@pytest.fixture
def told(shop: Context) -> Context:
    """A shop where words of its own name Ann in an act and in grounds."""
    record(shop, ANN, purpose="analytics", state="given", action="phone call with Ann Smith")
    record(shop, ANN, purpose="marketing.email", state="given", action="click")
    with open_log(shop).write() as transaction:
        grounds = {"law": "Ann Smith's contract", "seen by Ann Smith": "yes"}
        at_us = transaction.now_us
        said = Saying(type="basis", purpose="analytics", at_us=at_us, basis="contract", grounds=grounds)
        Door(shop, transaction, surface="command line").append(ANN, said)
    return shop


@pytest.mark.parametrize("format_", ["jsonl", "27560"])
def test_r60_an_export_without_names_holds_only_acts_and_conditions_of_the_law(told: Context, format_: str) -> None:
    path = told.directory / "export"
    export_records(told, path, format_=format_)
    text = path.read_text(encoding="utf-8")
    assert "Ann Smith" not in text
    assert "click" in text
    export_records(told, path, format_=format_, people=[ANN], force=True)
    assert "Ann Smith" in path.read_text(encoding="utf-8"), "under their own identifier they are told in full"


def test_r58_a_proof_holds_no_words_of_somebodys_own(told: Context, tmp_path: Path) -> None:
    made = prove_consent(told, ANN, out=tmp_path / "proof")
    assert "Ann Smith" not in made.receipt
    nodes = json.loads(made.receipt)["@graph"]
    events = [event for node in nodes for event in node.get("dpv:hasConsentStatus", [])]
    assert [event["dpv:hasIndicationMethod"] for event in events if "dpv:hasIndicationMethod" in event] == ["click"]


def test_every_condition_of_the_packaged_law_may_be_told(project_folder: Path) -> None:
    regimes = (project_folder / "consent" / "imp_consent" / "policy" / "regimes").glob("*.toml")
    laws = [tomllib.loads(path.read_text(encoding="utf-8")) for path in regimes]
    named = {
        name for law in laws for rule in (*law.get("condition", ()), *law.get("lift", ())) for name in rule["needs"]
    }
    assert named
    assert named <= CONDITIONS
