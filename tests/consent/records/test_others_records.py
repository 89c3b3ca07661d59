"""What others say by ISO/IEC TS 27560 is read for no more than it says; what closes a record's yes stands in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyshacl import validate
from rdflib import Graph

from imp_consent.ledger.entry import Statement
from imp_consent.policy.notice import Notice
from imp_consent.records.document import format_document
from imp_consent.records.facts import Facts
from imp_consent.records.graph import record_nodes, shared_nodes
from imp_consent.records.node import format_record
from imp_consent.records.parse import Copies, parse_record
from imp_consent.records.row import RecordRow
from imp_consent.records.terms import Terms
from imp_core.errors import BadInput

# rdflib's own reader of JSON-LD makes one of these; it is rdflib that has to change
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")

Node = dict[str, Any]
RECORD_ID = "0195f0a4-0000-7000-8000-000000000001"
FACTS = Facts(
    name="Shop Ltd",
    address="1 High Street, Dublin",
    contact="privacy@shop.example",
    storage=("IE", "our own cellar"),
    retention="P3Y",
    rights="https://shop.example/you",
    jurisdiction="IE",
)
NOTICE = Notice(
    name="newsletter",
    version=2,
    language="zh-Hans",
    controller="Shop Ltd",
    purposes=("marketing", "marketing.email"),
    withdrawal="您可以随时撤回。",
    text="Shop Ltd 会给您发邮件。\n\n您可以随时撤回。",
    data=("email",),
    recipients=("Mailer GmbH",),
)
SHA256 = NOTICE.sha256
TERMS = Terms(notices={SHA256: NOTICE})
GIVEN = RecordRow(
    person="member:17",
    position=1,
    statement=Statement(
        type="grant",
        purpose="marketing",
        channel="email",
        at_us=1_770_000_000_000_000,
        until_us=1_780_000_000_000_000,
        notice=SHA256,
        covers=("marketing.email",),
        traits=("direct-marketing",),
        consent="separate",
    ),
    action="ticked a box",
    jurisdiction="CN",
    details={"steps": 2},
)
STRANGE: Node = {
    "@type": "dpv:ConsentRecord",
    "dpv:hasDataSubject": {"@id": "member:9"},
    "dpv:hasProcess": {"dpv:hasPurpose": [{"dct:identifier": "analytics"}, {"dct:identifier": "marketing.email"}]},
    "dpv:hasNotice": f"urn:imp:notice:{SHA256}",
}
YES: Node = {
    "@type": "dpv:ConsentGiven",
    "dpv:isIndicatedAtTime": "2024-01-01T00:00:00Z",
    "dpv:hasDuration": {"@type": "dpv:TemporalDuration", "rdf:value": "P180D"},
}
ONE: Node = {"dpv:hasProcess": {"dpv:hasPurpose": {"dct:identifier": "analytics"}}}


@pytest.mark.parametrize(("state", "type_"), [("Withdrawn", "withdraw"), ("Refused", "refuse")])
def test_a_strangers_no_to_several_purposes_is_a_no_to_each(state: str, type_: str) -> None:
    no = {"@type": f"dpv:Consent{state}", "dpv:isIndicatedAtTime": "2024-04-20T00:00:00Z"}
    rows = parse_record({**STRANGE, "dpv:hasConsentStatus": [no]})
    assert [(row.position, row.statement.type, row.statement.purpose) for row in rows] == [
        (1, type_, "analytics"),
        (2, type_, "marketing.email"),
    ]


@pytest.mark.parametrize(
    ("change", "event", "where"),
    [
        ({}, {}, "dpv:hasPurpose"),
        ({**ONE, "dpv:hasNotice": []}, {}, "dpv:hasNotice"),
        ({**ONE, "dpv:hasNotice": [f"urn:imp:notice:{SHA256}", f"urn:imp:notice:{'a' * 64}"]}, {}, "dpv:hasNotice"),
        ({**ONE, "dpv:hasNotice": {"@type": "dpv:ConsentNotice"}}, {}, "dpv:hasNotice"),
        (ONE, {"dpv:hasDuration": None}, "dpv:hasDuration"),
        (
            ONE,
            {"dpv:hasDuration": {"@type": "dpv:UntilEventDuration", "rdf:value": "the sale ends"}},
            "dpv:hasDuration",
        ),
        (ONE, {"dpv:hasDuration": {"@type": "dpv:UntilEventDuration"}}, "dpv:hasDuration"),
        (ONE, {"dpv:hasDuration": {"@type": "dpv:IndeterminateDuration"}}, "dpv:hasDuration"),
    ],
)
def test_a_strangers_yes_is_for_one_purpose_after_one_notice_and_for_a_time_it_tells(
    change: Node, event: Node, where: str
) -> None:
    assert parse_record({**STRANGE, **ONE, "dpv:hasConsentStatus": [YES]})
    with pytest.raises(BadInput) as caught:
        parse_record({**STRANGE, **change, "dpv:hasConsentStatus": [{**YES, **event}]})
    assert caught.value.where == where


@pytest.fixture
def shape(project_folder: Path) -> Path:
    return project_folder / "tests" / "consent" / "records" / "dpv-27560.shacl.ttl"


def problems(nodes: list[Node], shape: Path) -> str:
    """What the shape finds wrong with these records; nothing where they conform."""
    data = Graph().parse(data="".join(format_document([*nodes, *shared_nodes(FACTS, TERMS)])), format="json-ld")
    conforms, _, report = validate(data, shacl_graph=Graph().parse(shape), advanced=False)
    return "" if conforms else str(report)


def _no(position: int, purpose: str, channel: str) -> RecordRow:
    said = Statement(type="withdraw", purpose=purpose, channel=channel, at_us=1_772_000_000_000_000)
    return RecordRow(person="member:17", position=position, statement=said)


def _states(node: Node) -> list[str]:
    return [event["@type"][0] for event in node["dpv:hasConsentStatus"]]


@pytest.mark.parametrize(("purpose", "channel"), [("*", ""), ("*", "email"), ("marketing.email", "email")])
def test_a_record_shows_every_no_that_closes_what_it_says_yes_to(shape: Path, purpose: str, channel: str) -> None:
    no = _no(2, purpose, channel)
    nodes = list(record_nodes([GIVEN, no], FACTS, TERMS, lambda _: RECORD_ID))
    assert _states(nodes[0]) == ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]
    assert problems([nodes[0]], shape) == ""
    assert parse_record(nodes[0]) == (GIVEN, no), "it is read for the scope it was said for"
    assert parse_record(nodes[1]) == (no,)
    copies = Copies()
    assert [row for node in nodes for row in parse_record(node) if not copies.has(row)] == [GIVEN, no]


def test_a_record_of_all_channels_shows_the_no_on_one_of_them() -> None:
    said = replace(GIVEN, statement=replace(GIVEN.statement, channel=""))
    nodes = list(record_nodes([said, _no(2, "marketing", "sms")], FACTS, TERMS, lambda _: RECORD_ID))
    assert _states(nodes[0]) == ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]
    assert nodes[0]["dpv:hasConsentStatus"][1]["imp:scope"] == {"imp:purpose": "marketing", "imp:channel": "sms"}


@pytest.mark.parametrize(("purpose", "channel"), [("analytics", ""), ("*", "sms"), ("marketing.email.weekly", "email")])
def test_a_no_to_something_else_is_in_no_other_record(purpose: str, channel: str) -> None:
    nodes = list(record_nodes([GIVEN, _no(2, purpose, channel)], FACTS, TERMS, lambda _: RECORD_ID))
    assert _states(nodes[0]) == ["dpv:ConsentGiven"]


def test_a_bundled_yes_is_no_consent_to_anybody_who_reads_its_record(shape: Path) -> None:
    bundled = replace(GIVEN, statement=replace(GIVEN.statement, bundled=True))
    node = format_record(RECORD_ID, [bundled], FACTS, TERMS)
    assert _states(node) == ["dpv:ConsentInvalidated"]
    assert problems([node], shape) == ""
    assert parse_record(node) == (bundled,)
