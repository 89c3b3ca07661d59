"""Columns of a file: one that may be meant for a field is refused, what the mapping names has to be there."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imp_core.context import Context

Cli = Any
THEN, LATER = "2026-01-01T10:00:00Z", "2026-02-01T10:00:00Z"
HEADER = "identifier,purpose,state,at"
YES = f"member:1,analytics,given,{THEN}"
SAID = {"identifier": "member:1", "purpose": "analytics", "state": "given", "at": THEN}
SMS = ("consent", "check", "member:1", "--purpose", "analytics", "--channel", "sms")


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str], Path]:
    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text + "\n", encoding="utf-8")
        return path

    return written


Put = Callable[[str, str], Path]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("chanel", "channel"),
        ("Channel", "channel"),
        ("channels", "channel"),
        ("valid for", "valid_for"),
        ("Valid-For", "valid_for"),
        ("jurisdicton", "jurisdiction"),
    ],
)
@pytest.mark.parametrize("mapping", ['[file]\ntimezone = "UTC"', '[defaults]\nlanguage = "en"'])
def test_a_column_that_looks_like_a_field_is_not_passed_over_by_a_mapping_of_something_else(
    imp_here: Cli, shop: Context, put: Put, kind: str, column: str, field: str, mapping: str
) -> None:
    text = f"{HEADER},{column}\n{YES},email" if kind == "csv" else json.dumps({**SAID, column: "email"})
    path = put(f"c.{kind}", text)
    for dry in (("--dry-run",), ()):
        answer = imp_here("consent", "import", path, "--map", put("map.toml", mapping), *dry)
        assert (answer.code in (1, 2), f"is not read, and looks like {field}" in answer.out + answer.err) == (
            True,
            True,
        )
    assert imp_here(*SMS).code != 0
    more = "" if "[file]" in mapping else "\n[file]"
    told = put("told.toml", f"{mapping}{more}\nunread = {json.dumps([column])}")
    done = imp_here("consent", "import", path, "--map", told).ok()
    assert "not read" not in done.err


def test_a_column_may_look_like_a_field_that_another_fills(imp_here: Cli, shop: Context, put: Put) -> None:
    path = put("c.csv", f"{HEADER},valid_for,valid_from\n{YES},30d,2026-01-01")
    imp_here("consent", "import", path, "--map", put("map.toml", '[file]\ntimezone = "UTC"')).ok()


def test_a_default_does_not_hide_the_column_that_it_stands_for(imp_here: Cli, shop: Context, put: Put) -> None:
    path = put("c.csv", f"identifier,Purpose,state,at\n{YES}")
    refused = imp_here("consent", "import", path, "--map", put("map.toml", '[defaults]\npurpose = "essential"'))
    assert (refused.code, "column 2 of the header is not read, and looks like purpose" in refused.err) == (2, True)


def test_columns_that_nobody_reads_are_told_of_by_their_places_and_not_by_their_names(
    imp_here: Cli, shop: Context, put: Put
) -> None:
    path, mapping = put("c.csv", f"{HEADER},score,kanal\n{YES},7,email"), put("map.toml", '[file]\ntimezone = "UTC"')
    tried = imp_here("consent", "import", path, "--map", mapping, "--dry-run", "--json").ok().json["warnings"]
    done = imp_here("consent", "import", path, "--map", mapping).ok()
    assert tried[0].startswith("2 columns of the header are not read (numbers 5, 6): ")
    assert (tried[0] in done.err, "kanal" in done.err) == (True, False)
    of_json = put("c.jsonl", json.dumps({**SAID, "kanal": "email"}))
    done = imp_here("consent", "import", of_json, "--map", mapping).ok()
    assert "warning: 1 key of the file's objects is not read: " in done.err


@pytest.mark.parametrize("key", ["Kanal", "KANAL ", "sender"])
def test_a_key_that_the_mapping_names_has_to_be_in_some_object(
    imp_here: Cli, shop: Context, put: Put, key: str
) -> None:
    mapping = put("map.toml", '[columns]\nchannel = "kanal"')
    path = put("c.jsonl", json.dumps({**SAID, key: "email"}))
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert (refused.code, "no object of the file has the key kanal" in refused.err) == (2, True), refused.err
    path = put("c.jsonl", f"{json.dumps(SAID)}\n{json.dumps({**SAID, 'kanal': 'email'})}")
    imp_here("consent", "import", path, "--map", mapping).ok()


def test_a_key_written_otherwise_than_the_mapping_does_is_the_fault_of_its_row(
    imp_here: Cli, shop: Context, put: Put
) -> None:
    mapping = put("map.toml", '[columns]\nchannel = "kanal"')
    path = put("c.jsonl", "\n".join(json.dumps({**SAID, key: "email"}) for key in ("kanal", "Kanal")))
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert "line 2, row: a key that is not read, and looks like channel: " in refused.err


@pytest.mark.parametrize("unread", ['"comment"', "[5]", "true"])
def test_what_is_not_read_is_a_list_of_columns(imp_here: Cli, shop: Context, put: Put, unread: str) -> None:
    refused = imp_here(
        "consent", "import", put("c.csv", f"{HEADER}\n{YES}"), "--map", put("map.toml", f"[file]\nunread = {unread}")
    )
    assert (refused.code, "file.unread in the mapping must be a list of columns" in refused.err) == (2, True)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_column_that_is_called_like_a_field_and_is_none_can_be_left_aside(
    imp_here: Cli, shop: Context, put: Put, kind: str
) -> None:
    text = f"{HEADER},notice\n{YES},see the back" if kind == "csv" else json.dumps({**SAID, "notice": "see the back"})
    path, plain = put(f"c.{kind}", text), put("map.toml", '[file]\ntimezone = "UTC"')
    assert "notice" in imp_here("consent", "import", path, "--map", plain).err
    imp_here("consent", "import", path, "--map", put("map.toml", '[file]\nunread = ["notice"]')).ok()


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("mapped", ['[columns]\nchannel = "Medium"', '[identifier]\ncolumn = "Medium"'])
def test_no_column_is_both_read_and_not_read(imp_here: Cli, shop: Context, put: Put, kind: str, mapped: str) -> None:
    text = f"{HEADER},Medium\n{YES},sms" if kind == "csv" else json.dumps({**SAID, "Medium": "sms"})
    mapping = put("map.toml", f'{mapped}\n[file]\nunread = ["score", "Medium"]')
    for dry in (("--dry-run",), ()):
        refused = imp_here("consent", "import", put(f"c.{kind}", text), "--map", mapping, *dry)
        assert (refused.code, "names Medium as a column to read, and says that it is not read" in refused.err) == (
            2,
            True,
        )
    assert imp_here("consent", "check", "member:1", "--purpose", "analytics", "--channel", "phone").code == 1


def test_noes_are_taken_though_no_object_has_a_key_that_the_mapping_names(
    imp_here: Cli, shop: Context, put: Put
) -> None:
    imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--at", THEN).ok()
    mapping, lacking = put("map.toml", '[columns]\nchannel = "Medium"'), "no object of the file has the key Medium"
    noes = [{**SAID, "state": "withdrawn", "at": LATER}, {**SAID, "identifier": "member:2", "state": "refused"}]
    path = put("c.jsonl", "\n".join(map(json.dumps, noes)))
    tried = imp_here("consent", "import", path, "--map", mapping, "--dry-run", "--json").ok().json
    done = imp_here("consent", "import", path, "--map", mapping, "--json").ok()
    assert (tried["rows"], done.json["rows"], imp_here(*SMS).code) == (2, 2, 1)
    assert any(lacking in text for text in tried["warnings"])
    assert lacking in done.err
    faulty = put("d.jsonl", json.dumps({**SAID, "state": "unsure"}))
    assert lacking in imp_here("consent", "import", faulty, "--map", mapping).err


def test_a_no_is_taken_whatever_its_keys_look_like(imp_here: Cli, shop: Context, put: Put) -> None:
    imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--at", THEN).ok()
    rows = [
        {**SAID, "state": "withdrawn", "at": LATER, "Kanal": "x"},
        {**SAID, "identifier": "member:2", "kanal": "sms"},
    ]
    path, mapping = put("c.jsonl", "\n".join(map(json.dumps, rows))), put("map.toml", '[columns]\nchannel = "kanal"')
    done = imp_here("consent", "import", path, "--map", mapping).ok()
    assert ("1 key of the file's objects is not read" in done.err, imp_here(*SMS).code) == (True, 1)


CRM = "State,Estate,Content,Reaction,Step,Actions,Purposes,Regimen,Bundle,Languages,Language,Base"
CONSTANT = '[defaults]\npurpose = "analytics"\nstate = "given"\nlanguage = "en"'
OF_CRM = ("IL", "x", "y", "z", "1", "call", "all", "none", "gold", "en fr", "en", "b")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_columns_of_an_everyday_file_are_its_own(imp_here: Cli, shop: Context, put: Put, kind: str) -> None:
    row = {"identifier": "member:1", "at": THEN, **dict(zip(CRM.split(","), OF_CRM, strict=True))}
    text = f"{','.join(row)}\n{','.join(row.values())}" if kind == "csv" else json.dumps(row)
    path, mapping = put(f"c.{kind}", text), put("map.toml", CONSTANT)
    tried = imp_here("consent", "import", path, "--map", mapping, "--dry-run", "--json").ok().json
    done = imp_here("consent", "import", path, "--map", mapping, "--json").ok().json
    assert (tried["rows"], done["given"]) == (1, 1)
    assert done["warnings"][0].startswith("12 ")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("no", ["withdrawn", "Refused ", "nein"])
def test_a_column_of_states_belies_a_constant_yes(imp_here: Cli, shop: Context, put: Put, kind: str, no: str) -> None:
    rows = [
        {"identifier": f"member:{n}", "at": THEN, "State": state} for n, state in enumerate(("given", no, "IL", ""))
    ]
    csv = "\n".join(["identifier,at,State", *(",".join(row.values()) for row in rows)])
    path = put(f"c.{kind}", csv if kind == "csv" else "\n".join(map(json.dumps, rows)))
    mapping = put("map.toml", f'{CONSTANT}\n[states]\nnein = "refused"')
    where = "line 3" if kind == "csv" else "line 2"
    tried = imp_here("consent", "import", path, "--map", mapping, "--dry-run")
    assert (tried.code, f"or say that it is not read: [file] unread: {where}" in tried.out) == (1, True), tried.out
    assert imp_here("consent", "import", path, "--map", mapping).code == 2
    left = imp_here("consent", "import", path, "--map", mapping, "--rejects", put("r.csv", "")).ok()
    assert f"1 faulty row says no ({where})" in left.err
    assert [imp_here("consent", "check", f"member:{n}", "--purpose", "analytics").code for n in range(4)] == [
        0,
        1,
        0,
        0,
    ]
    noes = put("noes.toml", CONSTANT.replace("given", "withdrawn"))
    done = imp_here("consent", "import", path, "--map", noes, "--json").ok().json
    assert done["withdrawn"] == 4


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_state_that_a_typed_file_holds_as_a_number_or_as_bytes_belies_a_constant_yes_too(
    imp_here: Cli, shop: Context, put: Put, kind: str
) -> None:
    path, mapping = put(f"c.{kind}", ""), put("map.toml", f'{CONSTANT}\n[states]\n0 = "refused"\n1 = "given"')
    rows = [{"identifier": f"member:{n}", "at": THEN, "State": state} for n, state in enumerate((1, 0, 7, None))]
    if kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        as_bytes = [None if row["State"] is None else str(row["State"]).encode() for row in rows]
        pq.write_table(pa.Table.from_pylist(rows).set_column(2, "State", pa.array(as_bytes, pa.binary())), path)
    left = imp_here("consent", "import", path, "--map", mapping, "--rejects", put("r.csv", "")).ok()
    assert f"1 faulty row says no ({'line' if kind == 'jsonl' else 'row'} 2)" in left.err
    codes = [imp_here("consent", "check", f"member:{n}", "--purpose", "analytics").code for n in range(4)]
    assert codes == [0, 1, 0, 0]


def test_all_columns_that_may_be_meant_are_named_at_once(imp_here: Cli, shop: Context, put: Put) -> None:
    path, mapping = put("c.csv", f"Channel,{HEADER},Valid For,Notice\nsms,{YES},30d,x"), put("map.toml", "[file]")
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert "columns 1, 6 and 7 of the header are not read, and look like channel, notice and valid_for" in refused.err
    path = put("c.jsonl", json.dumps({**SAID, "Channel": "sms", "chanel": "sms", "Valid For": "30d"}))
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert "keys that are not read, and look like channel, channel and valid_for: " in refused.err


def test_a_file_of_many_keys_is_not_compared_key_by_key(
    imp_here: Cli, shop: Context, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    whole = difflib.SequenceMatcher
    monkeypatch.setattr(difflib, "SequenceMatcher", lambda *words: compared.append(words) or whole(*words))
    rows = [{**SAID, "score_a": n, **{f"k{n}_{key}": key for key in range(10)}} for n in range(150)]
    path = put("c.jsonl", "\n".join(map(json.dumps, rows)))
    imp_here("consent", "import", path, "--map", put("map.toml", "[file]"), "--dry-run")
    assert len(compared) < len(rows)
