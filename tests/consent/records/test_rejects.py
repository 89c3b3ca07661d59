"""`imp consent import --format records --rejects`: what is sound is taken, what is faulty listed and tried again."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Cli = Any
SECRET = "secret-7c1f"  # noqa: S105 (what must never be shown)
ROW = {
    "person": "member:1", "position": 1, "type": "refuse", "purpose": "analytics", "channel": "",
    "at": "2026-01-01T10:00:00Z",
}  # fmt: skip


@pytest.fixture
def shop(imp_here: Cli, tmp_path: Path) -> Cli:
    imp_here("init", tmp_path / "workspace", "--controller", "Shop Ltd").ok()
    return imp_here


def write(path: Path, *rows: dict[str, Any]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(ROW))
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist([{name: str(value) for name, value in row.items()} for row in rows]), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def listed(path: Path) -> list[list[str]]:
    assert SECRET not in path.read_text()
    return list(csv.reader(path.read_text().splitlines()))[1:]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_faulty_entries_are_left_out_and_listed_without_values(shop: Cli, tmp_path: Path, name: str) -> None:
    rows = [
        ROW, ROW | {"person": SECRET}, ROW | {"person": "member:3", "purpose": SECRET},
        ROW | {"person": "member:4", "at": SECRET}, ROW | {"person": "member:5"},
    ]  # fmt: skip
    path, rejects = write(tmp_path / name, *rows), tmp_path / "rejects.csv"
    assert shop("consent", "import", path, "--format", "records").code == 2
    done = shop("consent", "import", path, "--format", "records", "--rejects", rejects, "--json").ok().json
    assert (done["rows"], done["rejected"], done["skipped"]) == (2, 3, 0)
    header = 1 if name == "a.csv" else 0
    found = [(int(place) - header, field) for place, field, _ in listed(rejects)]
    assert found == [(2, "person"), (3, "purpose"), (4, "at")]
    assert rejects.read_text().startswith("row," if name == "a.parquet" else "line,")
    assert shop("audit", "verify").code == 0


def test_the_same_file_again_counts_known_new_and_faulty_apart(shop: Cli, tmp_path: Path) -> None:
    rows = [ROW, ROW | {"person": "member:2", "purpose": "ads"}, ROW | {"person": "member:3", "purpose": "spam"}]
    path, rejects = write(tmp_path / "a.jsonl", *rows), tmp_path / "rejects.csv"
    words = ("consent", "import", path, "--format", "records", "--rejects", rejects)
    assert shop(*words).ok().out == "entry 2: 1 about 1 person, 2 faulty and left out\n"
    said = "nothing new: 1 entry of this file was imported before, 2 faulty and left out\n"
    assert shop(*words).ok().out == said
    size = len(shop("audit", "entries", "0-99", "--json").ok().json["entries"])
    assert shop(*words).ok().out == said
    assert len(shop("audit", "entries", "0-99", "--json").ok().json["entries"]) == size
    shop("consent", "purpose", "add", "ads", "--description", "We advertise.", "--trait", "none").ok()
    done = shop(*words, "--json").ok().json
    assert (done["rows"], done["skipped"], done["rejected"]) == (1, 1, 1)
    assert [row for row, _, _ in listed(rejects)] == ["3"]
    assert len(shop("consent", "history", "member:1", "--json").ok().json["entries"]) == 1
    assert len(shop("consent", "history", "member:2", "--json").ok().json["entries"]) == 1


def test_a_file_of_faults_alone_records_nothing_and_says_where_they_are(shop: Cli, tmp_path: Path) -> None:
    path, rejects = write(tmp_path / "a.jsonl", ROW | {"purpose": SECRET}), tmp_path / "rejects.csv"
    refused = shop("consent", "import", path, "--format", "records", "--rejects", rejects)
    assert refused.code == 2
    assert "every entry is faulty" in refused.err
    assert str(rejects) in refused.err
    assert len(listed(rejects)) == 1
    assert "holds nothing" in shop("consent", "history", "member:1").out


def test_of_a_document_of_records_only_the_faulty_entries_are_left_out_and_taken_once_mended(
    shop: Cli, tmp_path: Path
) -> None:
    config = tmp_path / "workspace" / "imp.toml"
    facts = '[policy]\njurisdiction = "IE"\n[records]\naddress = "Dublin"\ncontact = "p@shop.example"\n'
    config.write_text(config.read_text() + facts + 'storage = ["IE"]\nretention = "P3Y"\n')
    shop("consent", "purpose", "add", "ads", "--description", "We advertise.", "--trait", "none").ok()
    for purpose in ("analytics", "ads"):
        shop("consent", "record", "member:1", "--purpose", purpose, "--state", "refused").ok()
    document, rejects = tmp_path / "all.jsonld", tmp_path / "rejects.csv"
    shop("consent", "export", document, "--format", "27560").ok()
    other = {"IMP_HOME": str(tmp_path / "other"), "IMP_KEYS": str(tmp_path / "other-keys")}
    shop("init", tmp_path / "other", "--controller", "Shop Ltd", **other).ok()
    words = ("consent", "import", document, "--rejects", rejects, "--json")
    done = shop(*words, **other).ok().json
    assert (done["rows"], done["rejected"]) == (1, 1)
    assert [field for _, field, _ in listed(rejects)] == ["purpose"]
    done = shop(*words, "--terms", document, **other).ok().json
    assert (done["rows"], done["skipped"], done["rejected"], done["purposes"]) == (1, 1, 0, 1)
    assert shop(*words, **other).ok().json["skipped"] == 2
    assert shop("audit", "verify", **other).code == 0


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_yes_older_than_every_notice_is_warned_about_as_one_of_plain_rows_is(
    shop: Cli, tmp_path: Path, name: str
) -> None:
    yes = ROW | {"type": "grant", "at": "2020-01-01T10:00:00Z"}
    path = write(tmp_path / name, yes, yes | {"person": "member:2"}, ROW | {"person": "member:3"})
    done = shop("consent", "import", path, "--format", "records", "--json").ok()
    assert (done.json["rows"], done.json["older_than_notice"]) == (3, 2)
    assert "warning: 2 rows given are older than every notice registered here" in done.err
    again = shop("consent", "import", path, "--format", "records", "--json").ok()
    assert (again.json["older_than_notice"], again.err) == (0, "")
    rows = tmp_path / "plain.csv"
    rows.write_text("identifier,purpose,state,at\nmember:9,analytics,given,2020-01-01T10:00:00Z\n")
    assert "warning: 1 row given is older than every notice" in shop("consent", "import", rows).ok().err
