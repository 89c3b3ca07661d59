"""A file imported by a mended mapping, or saved again, records what reads otherwise than before, and no more."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.ledger.entry import PersonEntry
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

Cli = Any
Entries = Callable[[str], list[PersonEntry]]
Size = Callable[[], int]

AT, LATER = "2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z"
HEADER = "identifier,purpose,state,at\n"
MAPPED = '[states]\nyes = "given"\n'


def states(entries: list[PersonEntry]) -> list[str]:
    return [entry.statement.type for entry in entries]


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_mended_mapping_records_the_rows_it_mends_and_not_the_others_once_more(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, size: Size, *, in_parts: bool
) -> None:
    path, mapping, rejects = tmp_path / "c.csv", tmp_path / "m.toml", tmp_path / "r.csv"
    path.write_text(f"{HEADER}member:1,analytics,yes,{AT}\nmember:2,analytics,no,{AT}\nmember:3,analytics,yes,{AT}\n")
    mapping.write_text(MAPPED)
    words = ("consent", "import", path, "--map", mapping, "--rejects", rejects)
    parts = ("--in-parts",) if in_parts else ()
    imp_here(*words, *parts).ok()
    mapping.write_text(MAPPED + 'no = "refused"\n')
    before, plan = size(), imp_here(*words, "--dry-run", "--json").ok().json
    assert (plan["rows"], plan["repeated"], plan["rejected"], size()) == (1, 2, 0, before)
    done = imp_here(*words, *parts)
    assert "1 row about 1 person (0 given, 1 refused, 0 withdrawn), 2 imported before" in done.ok().out
    assert "warning: 2 rows say what another import recorded (lines 2, 4): the file was saved again" in done.err
    assert [states(entries(f"member:{n}")) for n in (1, 2, 3)] == [["grant"], ["refuse"], ["grant"]]
    again = imp_here(*words, *parts).ok()
    assert "nothing new: all 3 rows of this file were imported before" in again.out
    assert again.err == ""
    assert imp_here("audit", "verify").ok()


def test_rows_that_a_mended_mapping_reads_otherwise_are_recorded_and_named(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries
) -> None:
    path, mapping = tmp_path / "c.csv", tmp_path / "m.toml"
    path.write_text(f"{HEADER}member:1,analytics,yes,{AT}\nmember:1,analytics,no,{LATER}\n")
    mapping.write_text('[states]\nyes = "given"\nno = "given"\n')
    imp_here("consent", "import", path, "--map", mapping).ok()
    assert imp_here("consent", "check", "member:1", "--purpose", "analytics").code == 0
    mapping.write_text('[states]\nyes = "given"\nno = "withdrawn"\n')
    done = imp_here("consent", "import", path, "--map", mapping, "--json").ok()
    assert (done.json["rows"], done.json["repeated"], done.json["withdrawn"]) == (1, 1, 1)
    said = "1 row was recorded from this file before, read otherwise (line 3): what was recorded then stands too"
    assert said in done.err
    assert "imp consent rectify" in done.err
    assert states(entries("member:1")) == ["grant", "grant", "withdraw"]
    assert imp_here("consent", "check", "member:1", "--purpose", "analytics").code == 1


def test_a_file_that_was_saved_again_records_what_is_new_in_it(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries
) -> None:
    one, other = tmp_path / "c.csv", tmp_path / "d.csv"
    said = f"member:1,analytics,given,{AT}\nmember:2,analytics,refused,{AT}\n"
    one.write_text(HEADER + said)
    imp_here("consent", "import", one).ok()
    other.write_bytes(("\ufeff" + HEADER + f"member:9,analytics,given,{AT}\n" + said).replace("\n", "\r\n").encode())
    done = imp_here("consent", "import", other, "--json").ok()
    assert (done.json["rows"], done.json["repeated"]) == (1, 2)
    assert "(lines 3, 4)" in done.err
    assert [len(entries(f"member:{n}")) for n in (1, 2, 9)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        ("evidence", "form 1", "form 2"),
        ("action", "ticked a box", "signed"),
        ("valid_for", "30d", "60d"),
        ("consent", "", "explicit"),
        ("jurisdiction", "DE", "FR"),
        ("regime", "gdpr", "gdpr+eprivacy"),
        ("channel", "", "email"),
        ("at", AT, LATER),
    ],
)
def test_rows_that_say_anything_else_are_recorded(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, column: str, first: str, second: str
) -> None:
    row = {"identifier": "member:1", "purpose": "analytics", "state": "given", "at": AT}
    for n, value in enumerate((first, second, second), 1):
        path = tmp_path / f"{n}.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(row | {column: value}))
            writer.writeheader()
            writer.writerow(row | {column: value})
            file.write("\n" * n)  # saved again, it is another file
        imp_here("consent", "import", path).ok()
    assert len(entries("member:1")) == 2


def test_a_no_that_a_later_yes_outweighs_is_said_again_and_what_was_typed_is_no_import(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries
) -> None:
    path = tmp_path / "c.csv"
    words = ("consent", "record", "member:1", "--purpose", "analytics", "--at", AT)
    imp_here(*words, "--state", "refused").ok()
    for n in range(3):
        path.write_text(HEADER + f"member:1,analytics,refused,{AT}\n" + "\n" * n)
        imp_here("consent", "import", path).ok()
        if n == 1:
            imp_here(*words[:-1], LATER, "--state", "given").ok()
    assert states(entries("member:1")) == ["refuse", "refuse", "grant", "refuse"]


def test_alike_rows_of_one_file_are_each_recorded(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries
) -> None:
    path = tmp_path / "c.csv"
    path.write_text(HEADER + f"member:1,analytics,refused,{AT}\n" * 2)
    assert imp_here("consent", "import", path, "--json").ok().json["rows"] == 2
    assert len(entries("member:1")) == 2


@pytest.mark.parametrize("state", ["refused", "withdrawn"])
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("valid_for", "180d"),
        ("consent", "explicit"),
        ("basis", "contract"),
        ("informed", "yes"),
        ("bundled", "yes"),
        ("grounds", "sale=order 7"),
        ("steps", "2"),
        ("language", "tlh"),
        ("notice", "nope"),
        ("by", "guardian"),
        ("regime", "cn-pipl"),
        ("regime", "gdrp"),
        ("jurisdiction", "CN"),
        ("jurisdiction", "Wonderland"),
    ],
)
def test_a_no_of_a_file_saved_again_is_recorded_once_whatever_its_row_says_that_a_no_does_not_keep(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, column: str, value: str, state: str
) -> None:
    imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--regime", "gdpr").ok()
    path, mapping = tmp_path / "c.csv", tmp_path / "m.toml"
    mapping.write_text(f'[defaults]\n{column} = "{value}"\n')
    done = []
    for n in range(3):
        path.write_text(f"{HEADER}member:1,analytics,{state},2026-03-01T12:00:00Z\n" + "\n" * n)
        answer = imp_here("consent", "import", path, "--map", mapping, "--json").ok().json
        done.append((answer["rows"], answer["repeated"]))
    noes = [one for one in states(entries("member:1")) if one in ("refuse", "withdraw")]
    assert (done, len(noes)) == ([(1, 0), (0, 1), (0, 1)], 1)


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        ("regime", "gdpr", "cn-pipl"),
        ("jurisdiction", "DE", "CN"),
        ("jurisdiction", "", "CN"),
        ("regime", "pilp", "cn-pipl"),
        ("by", "", "guardian"),
        ("channel", "email", ""),
        ("evidence", "form 1", "form 2"),
    ],
)
def test_a_no_that_a_file_saved_again_says_otherwise_is_recorded(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, column: str, first: str, second: str
) -> None:
    path = tmp_path / "c.csv"
    for value in (first, second, second):
        path.write_text(f"identifier,purpose,state,at,{column}\nmember:1,analytics,withdrawn,{AT},{value}\n")
        imp_here("consent", "import", path).ok()
        path.write_text(path.read_text() + "\n")
    assert states(entries("member:1")).count("withdraw") == 2


def test_a_no_in_a_file_saved_again_is_recorded_where_it_reached_not_all_who_may_be_the_same_person(
    shop: Context, imp_here: Cli, tmp_path: Path
) -> None:
    (tmp_path / "c.csv").write_text(f"{HEADER}email:jane.doe+x@gmail.com,analytics,withdrawn,{LATER}\n")
    (tmp_path / "d.csv").write_text(f"{HEADER}email:jane.doe+x@gmail.com,analytics,withdrawn,{LATER}\n\n")
    imp_here("consent", "import", tmp_path / "c.csv").ok()
    imp_here("consent", "record", "member:7", "--purpose", "analytics", "--state", "given", "--at", AT).ok()
    shop.close()
    with open_log(shop).write() as transaction:  # as links were written before they shared what was said no to
        subject = transaction.find_subject(RawId("member", "7"))
        assert subject is not None
        transaction.subjects.link(RawId("email", "janedoe@gmail.com"), subject)
    shop.close()
    assert imp_here("consent", "check", "member:7", "--purpose", "analytics").code == 0
    assert imp_here("consent", "import", tmp_path / "d.csv", "--json").ok().json["withdrawn"] == 1
    assert imp_here("consent", "check", "member:7", "--purpose", "analytics").code == 1
    (tmp_path / "d.csv").write_text(f"{HEADER}email:jane.doe+x@gmail.com,analytics,withdrawn,{LATER}\n\n\n")
    assert imp_here("consent", "import", tmp_path / "d.csv", "--json").ok().json["repeated"] == 1


def test_a_refusal_that_a_file_saved_again_says_for_another_period_is_recorded(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries
) -> None:
    path, done = tmp_path / "c.csv", []
    for n, period in enumerate(("10d", "", "", "10d", "20d")):
        path.write_text(f"identifier,purpose,state,at,valid_for\nmember:1,analytics,refused,{AT},{period}\n" + "\n" * n)
        done.append(imp_here("consent", "import", path, "--json").ok().json["rows"])
    assert done == [1, 1, 0, 0, 1]
    assert [entry.payload["valid_for_days"] for entry in entries("member:1")] == [10, None, 20]
