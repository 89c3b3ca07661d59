"""`imp consent import --dry-run` judges as the import does, and keeps nothing."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_core.context import Context

Cli = Any
Size = Callable[[], int]

HEADER = "identifier,purpose,state,at,notice,action\n"
YES = "{},analytics,given,2026-01-01T10:00:00Z,,click\n"
SECRET = "secret-7c1f"  # noqa: S105 (what must never be shown)
FAULTY = (
    HEADER + YES.format("member:1") + YES.format("email:" + SECRET) + "\n" + YES.format("member:2")
    + "member:3,ads,given,2026-01-01T10:00:00Z,,click\n"
    + "member:4,analytics,given,2026-01-01T10:00:00Z,spring,click\n"
    + "member:5,analytics,given,2026-01-01T10:00:00Z,,pre_ticked\n"
    + "member:6,ads,refused,2026-01-01T10:00:00Z,,\n"
)  # fmt: skip


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def written(name: str, content: str) -> Path:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return written


Write = Callable[[str, str], Path]


def ledger(shop: Context) -> bytes:
    return shop.workspace.database.read_bytes()


def test_a_dry_run_says_what_would_be_recorded_and_records_nothing(
    shop: Context, imp_here: Cli, write: Write, size: Size
) -> None:
    path = write("c.csv", HEADER + YES.format("member:1") + "member:2,analytics,refused,2026-01-01T10:00:00Z,,\n")
    before = size(), ledger(shop)
    said = imp_here("consent", "import", path, "--dry-run", "--json").ok().json
    assert (said["rows"], said["types"], said["people"]) == (2, {"given": 1, "refused": 1}, 2)
    assert (said["rejected"], said["reasons"], said["refused"]) == (0, [], False)
    assert (size(), ledger(shop)) == before
    text = imp_here("consent", "import", path, "--dry-run").ok().out
    assert f"dry run: nothing was recorded; this records it: imp consent import {path}\n" in text
    done = imp_here(*shlex.split(said["then"])[1:], "--json").ok().json
    assert (done["rows"], done["people"], size()) == (2, 2, before[0] + 3)
    again = imp_here("consent", "import", path, "--dry-run", "--json").ok().json
    assert (again["rows"], again["skipped"], again["then"]) == (0, 2, None)
    assert "nothing new is there to record" in imp_here("consent", "import", path, "--dry-run").ok().out


def test_it_names_every_reason_with_its_lines_and_what_is_missing_and_no_value(
    shop: Context, imp_here: Cli, write: Write, size: Size
) -> None:
    path, before = write("c.csv", FAULTY), size()
    tried = imp_here("consent", "import", path, "--dry-run", "--json")
    said = tried.json
    assert (tried.code, said["refused"], said["rows"], said["rejected"]) == (1, True, 2, 5)
    assert said["counted_in"] == "line"
    reasons = [(one["field"], one["problem"].split(":")[0], one["count"], one["rows"]) for one in said["reasons"]]
    assert reasons == [
        ("purpose", "unknown purpose", 2, [6, 9]),
        ("identifier", "not an e-mail address", 1, [3]),
        ("notice", "no notice has this name or hash", 1, [7]),
        ("action", reasons[3][1], 1, [8]),
    ]
    assert (said["unknown_purposes"], said["unknown_notices"], said["other_names"]) == ([], [], 2)
    text = imp_here("consent", "import", path, "--dry-run")
    assert text.code == 1
    assert "  purpose: unknown purpose: lines 6, 9\n" in text.out
    assert "2 other words name no purpose or notice here" in text.out
    assert f"leave them out: imp consent import {path} --rejects rejects.csv" in text.out
    assert SECRET not in text.out + text.err + json.dumps(said)
    assert size() == before


def test_what_it_promises_is_what_the_import_then_does(
    shop: Context, imp_here: Cli, write: Write, tmp_path: Path
) -> None:
    path, rejects = write("c.csv", FAULTY), tmp_path / "rejects.csv"
    words = ("consent", "import", path, "--rejects", rejects)
    tried = imp_here(*words, "--dry-run", "--json").ok().json
    assert not rejects.exists()
    assert tried["refused"] is False
    done = imp_here(*shlex.split(tried["then"])[1:], "--json").ok().json
    assert (done["rows"], done["rejected"], done["people"]) == (tried["rows"], tried["rejected"], tried["people"])
    listed = [(int(line), field) for line, field, _ in list(csv.reader(rejects.read_text().splitlines()))[1:]]
    promised = [(line, reason["field"]) for reason in tried["reasons"] for line in reason["rows"]]
    assert sorted(listed) == sorted(promised)


def test_a_row_is_judged_after_the_rows_before_it_as_the_import_judges_it(
    shop: Context, imp_here: Cli, write: Write
) -> None:
    """A basis after a withdrawal is refused for what a row of the same file says (EDPB 05/2020 §§121-123)."""
    said = (
        "identifier,purpose,state,at,basis,grounds\nmember:1,analytics,given,2026-01-01T10:00:00Z,,\n"
        "member:1,analytics,withdrawn,2026-01-02T10:00:00Z,,\n"
        "member:1,analytics,basis,2026-01-03T10:00:00Z,contract,contract=order 7\n"
    )
    path = write("c.csv", said)
    tried = imp_here("consent", "import", path, "--dry-run", "--json").json
    refused = imp_here("consent", "import", path)
    assert refused.code == 2
    (reason,) = tried["reasons"]
    assert f"line {reason['rows'][0]}, {reason['field']}: {reason['problem']}" in refused.err
    assert reason["rows"] == [4]


def test_words_that_are_no_names_and_columns_that_were_confused_are_counted_not_shown(
    shop: Context, imp_here: Cli, write: Write
) -> None:
    at = "2026-01-01T10:00:00Z"
    odd = write("odd.csv", f"identifier,purpose,state,at\nmember:1,ann@{SECRET}.org,refused,{at}\n")
    said = imp_here("consent", "import", odd, "--dry-run")
    assert "1 other word names no purpose or notice here" in said.out
    many = write("many.csv", "identifier,purpose,state,at\n" + "".join(
        f"member:{n},customer-{n},refused,{at}\n" for n in range(21)
    ))  # fmt: skip
    tried = imp_here("consent", "import", many, "--dry-run", "--json").json
    assert (tried["unknown_purposes"], tried["other_names"], tried["then"]) == ([], 21, None)
    text = imp_here("consent", "import", many, "--dry-run")
    assert "customer-" not in text.out + text.err
    assert "look which column is which (--map)" in text.out
    assert "every row is faulty" in text.out
    assert SECRET not in said.out + said.err


def test_a_word_is_shown_where_five_people_have_it_or_as_the_known_name_that_it_looks_like(
    shop: Context, imp_here: Cli, write: Write
) -> None:
    at = "2026-01-01T10:00:00Z"
    said = [f"member:{n},letters,refused,{at}," for n in range(5)]
    said += [f"member:{n},leaflets,refused,{at}," for n in range(4)]  # one too few
    said += [f"member:7,ann-miller-1971,refused,{at},"] * 9  # many rows, of one
    said += [f"member:8,Analytic,refused,{at},"]
    said += [f"member:{n},analytics,given,{at},spring" for n in range(5)]
    path = write("c.csv", "identifier,purpose,state,at,notice\n" + "\n".join(said) + "\n")
    tried = imp_here("consent", "import", path, "--dry-run", "--json").json
    assert (tried["unknown_purposes"], tried["unknown_notices"]) == (["letters"], ["spring"])
    assert (tried["like"], tried["other_names"]) == (["analytics"], 2)
    text = imp_here("consent", "import", path, "--dry-run")
    assert "no purpose here is called letters; imp consent purpose add letters" in text.out
    assert "no notice here is called spring" in text.out
    assert "a word that is not known here looks like analytics" in text.out
    assert not any(word in text.out + text.err + json.dumps(tried) for word in ("leaflets", "miller", "Analytic"))


def test_records_and_their_terms_are_tried_too(shop: Context, imp_here: Cli, tmp_path: Path, write: Write) -> None:
    imp_here("consent", "purpose", "add", "ads", "--description", "We advertise.", "--trait", "none").ok()
    imp_here("consent", "record", "member:1", "--purpose", "ads", "--state", "refused").ok()
    out, terms = tmp_path / "out.csv", tmp_path / "terms.json"
    imp_here("consent", "export", out, "--format", "csv", "--terms", terms).ok()
    other = {"IMP_HOME": str(tmp_path / "other"), "IMP_KEYS": str(tmp_path / "other-keys")}
    imp_here("init", tmp_path / "other", "--controller", "Shop Ltd", **other).ok()
    words = ("consent", "import", out, "--format", "records", "--dry-run", "--json")
    lacking = imp_here(*words, **other)
    assert (lacking.code, lacking.json["other_names"]) == (1, 1)
    tried = imp_here(*words, "--terms", terms, **other).ok().json
    assert (tried["rows"], tried["types"], tried["purposes"], tried["refused"]) == (1, {"refuse": 1}, 1, False)
    assert "ads" not in imp_here("consent", "purpose", "list", "--json", **other).out
    assert imp_here(*shlex.split(tried["then"])[1:], "--json", **other).ok().json["purposes"] == 1


@pytest.mark.parametrize("content", ["", "identifier,purpose,state\n", 'identifier,purpose,state,at\n"member:1\n'])
def test_a_file_that_cannot_be_read_is_refused_as_by_the_import(
    shop: Context, imp_here: Cli, write: Write, content: str
) -> None:
    path = write("c.csv", content)
    real, tried = imp_here("consent", "import", path), imp_here("consent", "import", path, "--dry-run")
    assert (tried.code, tried.err, tried.out) == (2, real.err, "")


@pytest.mark.parametrize("again", ["the same file", "saved again"])
def test_a_file_of_which_some_rows_were_imported_before_is_not_said_to_be_faulty_throughout(
    shop: Context, imp_here: Cli, write: Write, again: str
) -> None:
    rows = HEADER + YES.format("member:1") + YES.format("email:x")
    imp_here("consent", "import", write("a.csv", rows), "--rejects", write("r.csv", "").parent / "left.csv").ok()
    path = write("a.csv", rows + ("" if again == "the same file" else "\n"))
    tried = imp_here("consent", "import", path, "--dry-run")
    assert (tried.code, "the import would be refused: every row that is new is faulty" in tried.out) == (1, True)
    real = imp_here("consent", "import", path)
    assert (real.code, "every row is faulty" in tried.out + real.err) == (2, False)
