"""A row of a table of records: written and read, in every kind of file, and what is refused."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.entry import Statement
from imp_consent.records.row import COLUMNS, DETAILS, KINDS, RecordRow, format_row, parse_row
from imp_consent.records.table import TABLES, format_json_line, write_table
from imp_core.errors import BadInput, ImpError

SECRET = "ann-7c1f@example.com"  # noqa: S105 (what must never be shown)
GIVEN = RecordRow(
    person="member:17",
    position=2,
    statement=Statement(
        type="grant",
        purpose="marketing",
        channel="email",
        at_us=1_770_000_000_000_001,
        until_us=1_780_000_000_000_000,
        notice="0d" * 32,
        covers=("marketing.email", "marketing.sms"),
        traits=("direct-marketing",),
        consent="explicit",
        informed=True,
        by="guardian",
    ),
    action="ticked a box",
    evidence="form 12",
    jurisdiction="FR",
    details={"regimes": ["gdpr"], "steps": 2, "grounds": {"sale": "order 1"}},
)
CELLS = {
    "person": "member:17",
    "position": "2",
    "type": "grant",
    "purpose": "marketing",
    "channel": "email",
    "at": "2026-02-02T02:40:00.000001Z",
    "until": "2026-05-28T20:26:40Z",
    "notice": "0d" * 32,
    "covers": "marketing.email marketing.sms",
    "traits": "direct-marketing",
    "consent": "explicit",
    "bundled": "",
    "informed": "true",
    "by": "guardian",
    "basis": "",
    "lifts": "",
    "needs": "",
    "action": "ticked a box",
    "evidence": "form 12",
    "jurisdiction": "FR",
    "details": '{"grounds":{"sale":"order 1"},"regimes":["gdpr"],"steps":2}',
}

names = st.from_regex(r"[a-z][a-z0-9_-]{0,8}(\.[a-z][a-z0-9_-]{0,8}){0,2}", fullmatch=True)
lists = st.lists(names, max_size=3, unique=True).map(lambda found: tuple(sorted(found)))
lines = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=30)
times = st.integers(0, 4_000_000_000_000_000)
statements = st.builds(
    Statement,
    type=st.sampled_from(KINDS),
    purpose=names | st.just("*"),
    channel=names | st.just(""),
    at_us=times,
    until_us=st.none() | times,
    notice=st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex),
    covers=lists,
    traits=lists,
    consent=st.sampled_from([None, "explicit", "separate"]),
    bundled=st.booleans(),
    informed=st.booleans(),
    by=st.sampled_from([None, "guardian"]),
    basis=st.sampled_from([None, "contract", "legitimate-interest"]),
    lifts=st.sampled_from([None, "restrict", "object", "limit-sensitive"]),
    needs=st.sampled_from([None, "guardian", "own"]),
)
details = st.fixed_dictionaries(
    {},
    optional={
        "grounds": st.dictionaries(names, lines, max_size=3),
        "regimes": st.lists(names, max_size=3),
        "steps": st.integers(0, 9),
        "guardian": st.from_regex(r"export:[0-9a-f]{32}|erased", fullmatch=True),
    },
)
rows = st.builds(
    RecordRow,
    person=lines,
    position=st.integers(1, 999_999),
    statement=statements,
    action=st.none() | lines,
    evidence=st.none() | lines,
    jurisdiction=st.none() | lines,
    details=details,
)


def test_a_row_has_the_cells_that_are_documented() -> None:
    assert format_row(GIVEN) == CELLS
    assert tuple(CELLS) == COLUMNS


def test_the_cells_say_the_row_again() -> None:
    assert parse_row(CELLS) == GIVEN


@given(rows)
def test_every_row_comes_back_as_it_was(row: RecordRow) -> None:
    assert parse_row(format_row(row)) == row


@given(rows)
def test_a_line_of_json_says_the_same(row: RecordRow) -> None:
    assert parse_row(json.loads(format_json_line(row))) == row


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_every_kind_of_table_is_its_owners_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"records.{kind}"
    write_table(kind, path, [GIVEN, replace(GIVEN, position=3)])
    assert path.stat().st_mode & 0o777 == 0o600
    if kind == "parquet":
        assert pq.read_table(path).to_pylist()[0] == CELLS
    else:
        assert path.read_text(encoding="utf-8").count("member:17") == 2


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"person": ""}, "person"),
        ({"at": ""}, "at"),
        ({"at": "2026-01-01"}, "at"),
        ({"at": 5}, "at"),
        ({"until": "soon"}, "until"),
        ({"type": "withdrawn"}, "type"),
        ({"type": "erased"}, "type"),
        ({"purpose": "Marketing"}, "purpose"),
        ({"purpose": "**"}, "purpose"),
        ({"channel": "E-Mail"}, "channel"),
        ({"position": "0"}, "position"),
        ({"position": "1e3"}, "position"),
        ({"position": 10**30}, "position"),
        ({"notice": "0D" * 32}, "notice"),
        ({"covers": "a,b c!"}, "covers"),
        ({"traits": "Ⅷ"}, "traits"),
        ({"consent": "implied"}, "consent"),
        ({"bundled": "yes"}, "bundled"),
        ({"informed": 1}, "informed"),
        ({"by": "mother"}, "by"),
        ({"lifts": "withdraw"}, "lifts"),
        ({"needs": "none"}, "needs"),
        ({"action": "two\nlines"}, "action"),
        ({"evidence": "x" * 301}, "evidence"),
        ({"evidence": ["a"]}, "evidence"),
        ({"details": "[]"}, "details"),
        ({"details": "{"}, "details"),
        ({"details": '{"ssn":"1"}'}, "details"),
        ({"details": '{"steps":true}'}, "details"),
        ({"details": '{"grounds":{"a":1}}'}, "details"),
        ({"details": '{"regimes":"gdpr"}'}, "details"),
        ({"details": '{"guardian":"\\ud800"}'}, "details"),
        *(
            ({"details": f'{{"guardian":"{text}"}}'}, "details.guardian")
            for text in (SECRET, "王小明", "9f" * 16, "export:", "export:" + "9F" * 16, "export:" + "9f" * 17, "Erased")
        ),
        ({"details": '{"steps":' + "9" * 5_000 + "}"}, "details"),
    ],
)
def test_what_is_no_row_is_refused_by_its_field(change: dict[str, object], where: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_row({**CELLS, "person": SECRET, **change})
    assert caught.value.where == where
    assert SECRET not in str(caught.value)
    assert "\ud800" not in str(caught.value)


@given(st.dictionaries(st.sampled_from(COLUMNS), st.none() | st.booleans() | st.integers() | st.text() | st.floats()))
def test_nothing_but_our_own_error_leaves_a_row(cells: dict[str, object]) -> None:
    with pytest.raises(ImpError):
        parse_row({**CELLS, **cells, "type": "?"})
    with contextlib.suppress(ImpError):
        parse_row({**CELLS, **cells})


def test_every_detail_is_one_that_the_documents_name(project_text: Callable[[str], str]) -> None:
    page = project_text("docs/records.md")
    assert [name for name in (*COLUMNS, *DETAILS) if f"`{name}`" not in page] == []
