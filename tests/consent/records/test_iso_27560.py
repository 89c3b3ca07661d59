"""Records by ISO/IEC TS 27560 in JSON-LD: the golden record, its shape, its way back, and what is refused."""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyshacl import validate
from rdflib import Graph

from imp_consent.ledger.entry import Statement
from imp_consent.policy.notice import Notice, format_notice
from imp_consent.records.document import context, format_document, parse_document
from imp_consent.records.facts import Facts, read_facts
from imp_consent.records.graph import receipt_nodes, record_nodes, shared_nodes, terms_node
from imp_consent.records.node import format_record
from imp_consent.records.parse import is_record, parse_record
from imp_consent.records.row import RecordRow
from imp_consent.records.terms import Terms, format_terms, parse_terms
from imp_core.errors import BadInput, ImpError
from imp_core.gate import Purpose

# rdflib's own reader of JSON-LD makes one of these; it is rdflib that has to change
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")

Node = dict[str, Any]
SECRET = "ann-7c1f@example.com"  # noqa: S105 (what must never be shown)
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
TERMS = Terms(
    purposes={"marketing": Purpose(name="marketing", description="We send you offers.")},
    notices={SHA256: NOTICE},
    texts={SHA256: '{"controller":"Shop Ltd"}'},
)
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
OBJECTED = RecordRow(
    person="member:17",
    position=3,
    statement=Statement(
        type="object", purpose="marketing", channel="email", at_us=1_771_000_000_000_000, traits=("direct-marketing",)
    ),
)
GOLDEN: Node = {
    "@id": f"urn:uuid:{RECORD_ID}",
    "@type": "dpv:ConsentRecord",
    "dct:conformsTo": {"@id": "https://w3id.org/dpv/schema/dpv-27560#record"},
    "dct:identifier": RECORD_ID,
    "dpv:hasDataSubject": {"@type": "dpv:DataSubject", "dct:identifier": "member:17"},
    "dpv:hasNotice": [{"@id": f"urn:imp:notice:{SHA256}"}],
    "dpv:hasProcess": {
        "@type": "dpv:Process",
        "dpv:hasPurpose": [
            {
                "@type": "dpv:Purpose",
                "dct:identifier": "marketing",
                "dct:description": "We send you offers.",
                "skos:broader": {"@id": "dpv:DirectMarketing"},
            },
            {
                "@type": "dpv:Purpose",
                "dct:identifier": "marketing.email",
                "skos:broader": {"@id": "dpv:DirectMarketing"},
            },
        ],
        "dpv:hasPersonalData": [{"@type": "dpv:PersonalData", "dct:title": "email"}],
        "dpv:hasDataController": {"@id": "urn:imp:party:controller"},
        "dpv:hasRecipient": [
            {"@id": "urn:imp:party:controller"},
            {"@type": "dpv:Recipient", "dpv:hasName": "Mailer GmbH"},
        ],
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": [{"@id": "loc:IE"}, "our own cellar"]},
            {
                "@type": "dpv:StorageDuration",
                "dpv:hasDuration": {
                    "@type": "dpv:TemporalDuration",
                    "rdf:value": {"@type": "xsd:duration", "@value": "P3Y"},
                },
            },
        ],
        "dpv:hasJurisdiction": [{"@id": "loc:CN"}],
        "dpv:hasLegalBasis": [{"@id": "dpv:ExplicitlyExpressedConsent"}, {"@id": "imp:SeparateConsent"}],
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dpv:isExercisedAt": "privacy@shop.example",
            "dct:description": "您可以随时撤回。",
        },
        "dpv:hasRight": {"@type": "dpv:DataSubjectRight", "dpv:isExercisedAt": "https://shop.example/you"},
    },
    "dpv:hasEntity": {"@id": "urn:imp:party:controller"},
    "dpv:hasConsentStatus": [
        {
            "@type": ["dpv:ConsentGiven", "dpv:ExplicitlyExpressedConsent", "imp:SeparateConsent"],
            "dpv:isIndicatedAtTime": {"@type": "xsd:dateTime", "@value": "2026-02-02T02:40:00Z"},
            "dpv:hasDuration": {
                "@type": "dpv:UntilTimeDuration",
                "rdf:value": {"@type": "xsd:dateTime", "@value": "2026-05-28T20:26:40Z"},
            },
            "dpv:isIndicatedBy": {"@id": "dpv:DataSubject"},
            "imp:position": 1,
            "dpv:hasNotice": {"@id": f"urn:imp:notice:{SHA256}"},
            "dpv:hasIndicationMethod": "ticked a box",
            "dpv:hasJurisdiction": "CN",
            "imp:covers": ["marketing.email"],
            "imp:traits": ["direct-marketing"],
            "imp:details": '{"steps":2}',
        }
    ],
    "imp:hasEvent": [
        {
            "@type": ["imp:Objection"],
            "dpv:isIndicatedAtTime": {"@type": "xsd:dateTime", "@value": "2026-02-13T16:26:40Z"},
            "dpv:hasDuration": {"@type": "dpv:UntilEventDuration", "rdf:value": "the person says otherwise"},
            "dpv:isIndicatedBy": {"@id": "dpv:DataSubject"},
            "imp:position": 3,
            "imp:traits": ["direct-marketing"],
        }
    ],
    "imp:channel": "email",
}


def _statements() -> st.SearchStrategy[Statement]:
    names = st.sampled_from(["marketing", "marketing.email", "analytics"])
    times = st.integers(0, 4_000_000_000_000_000)
    return st.builds(
        Statement,
        type=st.sampled_from(["grant", "refuse", "withdraw", "object", "restrict", "lift", "basis", "minor", "signal"]),
        purpose=st.just("marketing"),
        channel=st.just("email"),
        at_us=times,
        until_us=st.none() | times,
        notice=st.sampled_from([None, SHA256]),
        covers=st.lists(names, unique=True).map(lambda found: tuple(sorted(found))),
        traits=st.sampled_from([(), ("direct-marketing", "sale")]),
        consent=st.sampled_from([None, "explicit", "separate"]),
        bundled=st.booleans(),
        informed=st.booleans(),
        by=st.sampled_from([None, "guardian"]),
        basis=st.sampled_from([None, "contract"]),
        lifts=st.sampled_from([None, "restrict"]),
        needs=st.sampled_from([None, "own"]),
    )


statements = _statements()


def _consent_of_a_consent(said: Statement) -> Statement:
    return said if said.type in {"grant", "refuse", "withdraw"} else replace(said, consent=None)


def document(nodes: list[Node]) -> str:
    return "".join(format_document(nodes))


def problems(text: str, shape: Path) -> str:
    """What the shape finds wrong with a document; nothing where it conforms."""
    conforms, _, report = validate(
        Graph().parse(data=text, format="json-ld"), shacl_graph=Graph().parse(shape), advanced=False
    )
    return "" if conforms else str(report)


@pytest.fixture
def shape(project_folder: Path) -> Path:
    return project_folder / "tests" / "consent" / "records" / "dpv-27560.shacl.ttl"


def test_a_record_reads_as_the_standard_says() -> None:
    assert format_record(RECORD_ID, [GIVEN, OBJECTED], FACTS, TERMS) == GOLDEN


def test_the_record_says_its_entries_again() -> None:
    assert is_record(GOLDEN)
    assert parse_record(GOLDEN) == (GIVEN, OBJECTED)


@given(st.lists(statements, min_size=1, max_size=5))
def test_every_record_comes_back_as_it_was(said: list[Statement]) -> None:
    rows = tuple(
        RecordRow(person="member:1", position=place, statement=_consent_of_a_consent(item))
        for place, item in enumerate(said, 1)
    )
    node = format_record(RECORD_ID, rows, FACTS, TERMS)
    assert parse_record(json.loads(json.dumps(node))) == rows


def test_a_record_and_a_receipt_conform_to_the_shape_of_the_guide(shape: Path) -> None:
    records = list(record_nodes([GIVEN, OBJECTED], FACTS, TERMS, lambda _: RECORD_ID))
    exported = document([*records, *shared_nodes(FACTS, TERMS), terms_node(TERMS)])
    assert problems(exported, shape) == ""
    receipt = receipt_nodes(RECORD_ID[:-1] + "2", [GIVEN], FACTS, TERMS, lambda _: RECORD_ID, created_us=1)
    assert problems(document(receipt), shape) == ""


def test_a_record_of_nobodys_consent_conforms_too(shape: Path) -> None:
    said = Statement(type="restrict", purpose="*", channel="", at_us=0)
    rows = [RecordRow(person="export:12", position=1, statement=said)]
    nodes = list(record_nodes(rows, FACTS, Terms(), lambda _: RECORD_ID))
    assert "dpv:ConsentUnknown" in json.dumps(nodes)
    assert problems(document([*nodes, *shared_nodes(FACTS, Terms())]), shape) == ""
    assert parse_record(nodes[0]) == tuple(rows)


@pytest.mark.parametrize(
    "path",
    [
        ("dct:conformsTo",),
        ("dct:identifier",),
        ("dpv:hasDataSubject",),
        ("dpv:hasNotice",),
        ("dpv:hasProcess",),
        ("dpv:hasEntity",),
        ("dpv:hasConsentStatus",),
        ("dpv:hasProcess", "dpv:hasPurpose"),
        ("dpv:hasProcess", "dpv:hasPersonalData"),
        ("dpv:hasProcess", "dpv:hasDataController"),
        ("dpv:hasProcess", "dpv:hasRecipient"),
        ("dpv:hasProcess", "dpv:hasStorageCondition"),
        ("dpv:hasProcess", "dpv:hasJurisdiction"),
        ("dpv:hasProcess", "dpv:hasConsentControl"),
        ("dpv:hasProcess", "dpv:hasRight"),
        ("dpv:hasConsentStatus", "dpv:isIndicatedAtTime"),
        ("dpv:hasConsentStatus", "dpv:hasDuration"),
        ("dpv:hasConsentStatus", "dpv:isIndicatedBy"),
        ("dpv:hasConsentStatus", "@type"),
    ],
)
def test_the_shape_misses_every_mandatory_field(shape: Path, path: tuple[str, ...]) -> None:
    node = copy.deepcopy(GOLDEN)
    parent: Any = node
    for name in path[:-1]:
        parent = parent[name][0] if isinstance(parent[name], list) else parent[name]
    del parent[path[-1]]
    assert problems(document([node, *shared_nodes(FACTS, TERMS)]), shape) != ""


def test_a_document_needs_no_network_to_be_read() -> None:
    text = document([GOLDEN])
    assert json.loads(text)["@context"] == context()
    triples = Graph().parse(data=text, format="json-ld")
    assert "https://w3id.org/dpv#ConsentGiven" in {str(item) for item in triples.objects()}


def test_every_term_is_one_that_dpv_has(project_text: Callable[[str], str]) -> None:
    known = set(project_text("tests/consent/records/dpv-2.2-terms.txt").split("\n"))
    source = "".join(
        project_text(f"consent/imp_consent/records/{name}.py") for name in ("node", "graph", "parse", "vocabulary")
    )
    assert {term for term in re.findall(r"dpv:([A-Za-z]+)", source) if term not in known} == set()


def test_a_document_is_one_line_a_node_and_reads_back() -> None:
    text = document([GOLDEN, {"@id": "x"}])
    assert text.count("\n") == 4
    assert list(parse_document(io.StringIO(text))) == [GOLDEN, {"@id": "x"}]


def test_a_document_laid_out_by_others_reads_the_same() -> None:
    whole = json.dumps({"@context": context(), "@graph": [GOLDEN]}, indent=2)
    assert [parse_record(node) for node in parse_document(io.StringIO(whole))] == [(GIVEN, OBJECTED)]
    alone = json.dumps({"@context": context(), **GOLDEN})
    assert [parse_record(node) for node in parse_document(io.StringIO(alone))] == [(GIVEN, OBJECTED)]


def test_whole_names_read_as_the_short_ones() -> None:
    long = json.loads(
        json.dumps(GOLDEN)
        .replace('"dpv:', '"https://w3id.org/dpv#')
        .replace('"dct:', '"http://purl.org/dc/terms/')
        .replace('"imp:', '"urn:imp:records#')
        .replace('"rdf:', '"http://www.w3.org/1999/02/22-rdf-syntax-ns#')
    )
    assert is_record(long)
    assert parse_record(long) == (GIVEN, OBJECTED)


def test_a_strangers_record_by_the_guide_is_read() -> None:
    """The guide's own example of required fields, with the hash of a notice."""
    node = {
        "@id": "https://example.com/a6f58318",
        "@type": "dpv:ConsentRecord",
        "dpv:hasDataSubject": {"@id": "member:9"},
        "dpv:hasProcess": [{"@type": "dpv:Process", "dpv:hasPurpose": {"dct:identifier": "analytics"}}],
        "dpv:hasNotice": f"urn:imp:notice:{SHA256}",
        "dpv:hasConsentStatus": [
            {"@type": "dpv:ConsentRequested"},
            {
                "@type": ["dpv:ConsentGiven", "dpv:ExpressedConsent"],
                "dpv:isIndicatedBy": "dpv:DataSubject",
                "dpv:isIndicatedAtTime": "2024-01-01T00:00:00Z",
                "dpv:hasDuration": {"@type": "dpv:TemporalDuration", "rdf:value": "P180D"},
            },
            {"@type": "dpv:ConsentWithdrawn", "dpv:isIndicatedAtTime": "2024-04-20T00:00:00Z"},
        ],
    }
    given_, withdrawn = parse_record(node)
    assert (given_.person, given_.statement.type, given_.statement.notice) == ("member:9", "grant", SHA256)
    assert given_.statement.until_us == given_.statement.at_us + 180 * 86_400_000_000
    assert (withdrawn.statement.type, withdrawn.position) == ("withdraw", 2)


def _event(**change: Any) -> Node:
    node = copy.deepcopy(GOLDEN)
    node["dpv:hasConsentStatus"][0] |= {name.replace("_", ":"): value for name, value in change.items()}
    return node


@pytest.mark.parametrize(
    "node",
    [
        {},
        {**GOLDEN, "dpv:hasProcess": []},
        {**GOLDEN, "dpv:hasProcess": [{}, {}]},
        {**GOLDEN, "dpv:hasDataSubject": 5},
        {**GOLDEN, "dpv:hasDataSubject": None},
        {**GOLDEN, "dpv:hasConsentStatus": [], "imp:hasEvent": []},
        {**GOLDEN, "dpv:hasConsentStatus": ["dpv:ConsentGiven"]},
        _event(**{"@type": ["dpv:ConsentExpired"]}),
        _event(**{"@type": ["dpv:ConsentRevoked"]}),
        _event(**{"@type": ["dpv:ConsentInvalidated"]}),
        _event(**{"@type": ["dpv:ImpliedConsent", "dpv:ConsentGiven"]}),
        _event(**{"@type": ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]}),
        _event(**{"@type": ["dpv:ExpressedConsent"]}),
        _event(dpv_isIndicatedAtTime=None),
        _event(dpv_isIndicatedAtTime="2024-01-01"),
        _event(dpv_hasDuration="P6M"),
        _event(dpv_hasDuration={"@type": "dpv:TemporalDuration", "rdf:value": "P6M"}),
        _event(dpv_hasDuration={"@type": "dpv:FixedOccurrencesDuration", "rdf:value": "1"}),
        _event(dpv_isIndicatedBy={"@id": "urn:somebody"}),
        _event(dpv_hasNotice="https://example.com/notice"),
        _event(imp_covers=[5]),
        _event(imp_position="first"),
        _event(imp_details={"steps": 2}),
        _event(imp_scope={"imp:purpose": "*", "imp:channel": ""}),
        _event(**{"@type": ["dpv:ConsentInvalidated"], "imp:bundled": "true"}),
    ],
)
def test_what_could_open_more_than_it_says_is_refused(node: Node) -> None:
    with pytest.raises(BadInput) as caught:
        parse_record({**node, "dct:identifier": SECRET})
    assert SECRET not in str(caught.value)
    assert caught.value.where


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(GOLDEN)), st.sampled_from(sorted(GOLDEN["dpv:hasConsentStatus"][0])), json_values)
def test_nothing_but_our_own_error_leaves_a_record(field: str, event_field: str, value: Any) -> None:
    for node in ({**GOLDEN, field: value}, _event(**{event_field: value})):
        try:
            parse_record(node)
        except ImpError:
            continue


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode(errors="replace")), st.integers(0, 900)
)
def test_nothing_but_our_own_error_leaves_a_document(noise: str, at: int) -> None:
    text = document([GOLDEN])
    for broken in (noise, text[:at] + noise + text[at:], text[:at]):
        try:
            list(parse_document(io.StringIO(broken)))
        except ImpError:
            continue


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"@graph":[5]}',
        '{"@graph":[\n{"a":1}\n',
        '{"@graph":[\n5\n]}\n',
        '{"@graph":[\n{"a":1},\n]}\n{}',
        '{"@graph":[\n{"a":"\\ud800"}\n]}\n',
        "[" * 100_000,
    ],
)
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        list(parse_document(io.StringIO(text)))


def test_terms_come_back_as_they_were() -> None:
    whole = Terms(
        purposes=TERMS.purposes,
        notices=TERMS.notices,
        texts={SHA256: format_notice(NOTICE).decode()},
    )
    found = parse_terms(format_terms(whole))
    assert (found.notices, found.texts, list(found.purposes)) == (whole.notices, whole.texts, ["marketing"])
    assert format_terms(found) == format_terms(whole)


@given(st.binary(max_size=200), st.integers(0, 900))
def test_nothing_but_our_own_error_leaves_terms(noise: bytes, at: int) -> None:
    sound = format_terms(TERMS)
    for broken in (noise, sound[:at] + noise + sound[at:], sound[:at]):
        try:
            parse_terms(broken)
        except ImpError:
            continue


def test_what_imp_toml_does_not_say_is_named_all_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        read_facts({"records": {"contact": "a@shop.example"}}, "Shop Ltd")
    mend = str(caught.value.mend)
    assert all(word in mend for word in ("address", "storage", "retention", "jurisdiction"))
    assert "contact" not in mend


@pytest.mark.parametrize(
    "table",
    [
        5,
        {"adress": "x"},
        {"address": 5, "contact": "c", "storage": ["IE"], "retention": "P3Y"},
        {"address": "a", "contact": "c", "storage": 5, "retention": "P3Y"},
        {"address": "a", "contact": "c", "storage": [5], "retention": "P3Y"},
        {"address": "a\nb", "contact": "c", "storage": "IE", "retention": "P3Y"},
    ],
)
def test_facts_that_cannot_be_read_are_refused(table: object) -> None:
    with pytest.raises(BadInput):
        read_facts({"records": table, "policy": {"jurisdiction": "IE"}}, "Shop Ltd")
