"""The mapping file: what it can say, and that what it cannot say is refused by name."""

from __future__ import annotations

import csv
import gzip
import io
from decimal import Decimal

import pytest

from imp_channel_file.read import read_events
from imp_core.clock import parse_time
from imp_core.errors import BadInput
from imp_core.event import EventType, RawEvent, RawId, RowFault

BASE = """
    [identifier]
    kind = "member"
    column = "customer"
    [defaults]
    type = "outcome"
    purpose = "analytics"
    name = "order"
    [columns]
    at = "when"
"""
WIDE = """
    [identifier]
    kind = "member"
    column = "customer"
    [defaults]
    purpose = "experimentation"
    at = 2008-03-20T00:00:00Z
    [[event]]
    defaults = { type = "exposure", experiment = "hillstrom", phase = 1 }
    columns = { variant = "segment" }
    [[event]]
    when = "visit"
    defaults = { type = "outcome", name = "visit" }
    [[event]]
    when = "spend"
    defaults = { type = "outcome", name = "order", currency = "USD" }
    columns = { amount = "spend" }
"""


def test_constants_fill_what_columns_leave_empty(take):
    mapping = BASE + 'name = "event"\n'
    events = take("customer,when,event\n7,2026-03-01T00:00:00Z,\n8,2026-03-01T00:00:00Z,refund\n", mapping=mapping)
    assert [(event.identifier, event.name) for event in events] == [
        (RawId("member", "7"), "order"),
        (RawId("member", "8"), "refund"),
    ]


def test_columns_that_are_not_mapped_are_left_alone(take):
    (event,) = take("customer,email,when\n7,ann@example.com,2026-03-01T00:00:00Z\n", mapping=BASE)
    assert event.props is None
    assert "example.com" not in repr(event)


@pytest.mark.parametrize(("form", "value"), [("unix_s", "1772328600"), ("unix_ms", "1772328600000")])
def test_times_may_be_declared_as_unix_time(take, form, value):
    (event,) = take(f"customer,when\n7,{value}\n", mapping=f'time = "{form}"\n{BASE}')
    assert event.event_us == parse_time("2026-03-01T01:30:00Z")


def test_identifiers_without_a_declared_kind_carry_their_own(take):
    mapping = BASE.replace('kind = "member"', "")
    rows = take("customer,when\nphone:+8613800138000,2026-03-01T00:00:00Z\n7,2026-03-01T00:00:00Z\n", mapping=mapping)
    assert rows[0].identifier == RawId("phone", "+8613800138000")
    assert rows[1] == RowFault(row=2, field="identifier", problem="not an identifier written as kind:value")


def test_props_are_the_named_columns_only(take):
    mapping = BASE + '[props]\ndevice = "设备"\n'
    rows = take("customer,when,设备,other\n7,2026-03-01T00:00:00Z,手机,x\n8,2026-03-01T00:00:00Z,,x\n", mapping=mapping)
    assert [row.props for row in rows] == [{"device": "手机"}, None]


def test_the_delimiter_may_be_declared(take):
    (event,) = take("customer;when\n7;2026-03-01T00:00:00Z\n", mapping=BASE + '[file]\ndelimiter = ";"\n')
    assert event.identifier == RawId("member", "7")


def test_a_wide_row_yields_the_events_its_columns_say_yes_to(take):
    events = take("customer,segment,visit,spend\n1,Mens E-Mail,1,29.99\n2,No E-Mail,0,0\n", mapping=WIDE)
    assert [(event.row, event.type, event.name, event.variant, event.amount_micros) for event in events] == [
        (1, EventType.EXPOSURE, None, "Mens E-Mail", None),
        (1, EventType.OUTCOME, "visit", None, None),
        (1, EventType.OUTCOME, "order", None, 29_990_000),
        (2, EventType.EXPOSURE, None, "No E-Mail", None),
    ]
    assert len({event.message_id for event in events}) == 4


def test_events_that_share_the_id_of_their_row_get_different_ids(take):
    mapping = WIDE + '[columns]\nid = "id"\n'
    events = take("customer,segment,visit,spend,id\n1,Mens E-Mail,1,29.99,m1\n", mapping=mapping)
    assert [event.message_id for event in events] == ["m1#1", "m1#2", "m1#3"]


def test_a_row_is_taken_whole_or_not_at_all_and_each_fault_is_said_once(take):
    rows = take("customer,segment,visit,spend\n,,1,lots\n2,Mens E-Mail,1,lots\n", mapping=WIDE)
    assert [(row.row, row.field) for row in rows] == [(1, "identifier"), (1, "amount"), (2, "amount")]
    assert all(isinstance(row, RowFault) for row in rows)


def test_a_time_column_as_condition_says_whether_it_is_there(take):
    mapping = (
        BASE + '[[event]]\n[[event]]\nwhen = "opened"\ncolumns = { at = "opened" }\ndefaults = { name = "open" }\n'
    )
    rows = take(
        "customer,when,opened\n7,2026-03-01T00:00:00Z,\n8,2026-03-01T00:00:00Z,1970-01-01T00:00:00Z\n", mapping=mapping
    )
    assert [(row.row, row.name) for row in rows] == [(1, "order"), (2, "order"), (2, "open")]


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ("[columns", "not TOML"),
        (BASE + "[colums]\n", "unknown key in the mapping: colums"),
        (BASE + 'varient = "x"\n', "unknown key in the mapping: columns.varient"),
        (BASE.replace("purpose", "porpoise"), "unknown key in the mapping: defaults.porpoise"),
        (BASE.replace("kind", "sort"), "unknown key in the mapping: identifier.sort"),
        (BASE + '[file]\nquote = "x"\n', "unknown key in the mapping: file.quote"),
        (BASE + '[[event]]\nif = "x"\n', "unknown key in the mapping: event.if"),
        (BASE + '[[event]]\ncolumns = { varient = "x" }\n', "unknown key in the mapping: event.columns.varient"),
        (BASE + '[event]\nwhen = "x"\n', r"event in the mapping: write each as a table \[\[event\]\]"),
        (BASE + "[[event]]\nwhen = 1\n", "event.when in the mapping"),
        (BASE.replace("[defaults]", '[defaults]\nid = "1"'), "defaults.id in the mapping"),
        (BASE.replace("[defaults]", '[defaults]\nidentifier = "member:1"'), "defaults.identifier in the mapping"),
        (BASE.replace("[defaults]", '[defaults]\ncurrency = "dollars"'), "defaults.currency in the mapping"),
        (BASE.replace('"outcome"', '"outcomes"'), "defaults.type in the mapping"),
        (BASE.replace("[defaults]", "[defaults]\nat = 2026-03-01T00:00:00"), "defaults.at in the mapping"),
        (BASE.replace('type = "outcome"', ""), "nothing fills the field type"),
        (BASE.replace('purpose = "analytics"', ""), "nothing fills the field purpose"),
        (BASE.replace('at = "when"', ""), "nothing fills the field at"),
        (BASE.replace('column = "customer"', ""), "identifier.column in the mapping"),
        (BASE + 'identifier = "who"\n', "columns.identifier in the mapping"),
        (
            BASE.replace('[identifier]\n    kind = "member"\n    column = "customer"', ""),
            "nothing fills the field identifier",
        ),
        (BASE + "name = 1\n", "columns.name in the mapping: must be a text"),
        ('time = "minutes"\n' + BASE, "time in the mapping: must be one of iso, unix_s, unix_ms"),
        ("time = 1\n" + BASE, "time in the mapping"),
        (BASE + '[file]\nencoding = "ebcdic"\n', "file.encoding in the mapping"),
        (BASE + '[file]\ndelimiter = "||"\n', "file.delimiter in the mapping"),
        ("file = 1\n" + BASE, "file in the mapping: must be a table"),
    ],
)
def test_a_mapping_that_cannot_be_followed_is_refused_by_the_name_of_its_key(take, mapping, problem):
    with pytest.raises(BadInput, match=problem) as caught:
        take("customer,when\n7,2026-03-01T00:00:00Z\n", mapping=mapping)
    assert "map.toml" in (caught.value.where or "")


def test_a_mapping_that_is_missing_or_not_text_is_refused(take, tmp_path):
    take("customer,when\n7,2026-03-01T00:00:00Z\n", mapping=BASE)
    with pytest.raises(BadInput, match="the mapping cannot be read"):
        list(read_events(tmp_path / "events.csv", tmp_path / "none.toml"))
    (tmp_path / "map.toml").write_bytes("名 = 1".encode("gbk"))
    with pytest.raises(BadInput, match="the mapping is not UTF-8"):
        list(read_events(tmp_path / "events.csv", tmp_path / "map.toml"))


@pytest.mark.parametrize("name", ["events.csv", "events.jsonl"])
def test_a_mapped_column_the_file_lacks_is_named_with_the_file(take, name):
    body = "customer,time\n7,2026-03-01T00:00:00Z\n" if name.endswith("csv") else '{"customer": 7, "time": "x"}\n'
    with pytest.raises(BadInput, match="the file has no column when") as caught:
        take(body, name, mapping=BASE)
    assert name in (caught.value.where or "")


def test_hillstroms_wide_rows_become_exposures_visits_and_orders(data_folder, tmp_path):
    source = data_folder / "hillstrom" / "hillstrom.csv.gz"
    with gzip.open(source, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[:5_001]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["customer", *rows[0]])
    writer.writerows([number, *row] for number, row in enumerate(rows[1:], 1))
    (tmp_path / "sample.csv").write_text(out.getvalue(), encoding="utf-8")
    (tmp_path / "map.toml").write_text(WIDE, encoding="utf-8")

    events = list(read_events(tmp_path / "sample.csv", tmp_path / "map.toml"))

    assert all(isinstance(event, RawEvent) for event in events)
    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert [event.variant for event in events if event.type == "exposure"] == [row["segment"] for row in table]
    assert sum(event.name == "visit" for event in events) == sum(row["visit"] == "1" for row in table)
    spent = sum(Decimal(row["spend"]) for row in table)
    assert sum(event.amount_micros or 0 for event in events) == spent * 1_000_000
