"""`imp audit` as an operator and an auditor use it: exit codes, JSON, text."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from imp_consent.ledger.checkpoint import open_checkpoint
from imp_consent.ledger.note import VerifierKey

CommandLine = Any  # the conftest's class: test folders are no packages
FIELDS = {
    "ok",
    "log_id",
    "size",
    "root",
    "checkpoint_size",
    "after_checkpoint",
    "persons_leaves",
    "orphaned_leaves",
    "lost_leaves",
    "living",
    "files",
    "problems",
    "notes",
}


@pytest.fixture
def shop(imp_here: CommandLine) -> CommandLine:
    """A workspace with three people's consent, one of whom withdrew."""
    imp_here("init", str(imp_here.workspace), "--controller", "Shop").ok()
    for name in ("ann", "ben", "cid"):
        imp_here("consent", "record", f"member:{name}", "--purpose", "analytics", "--state", "given").ok()
    imp_here("consent", "record", "member:cid", "--purpose", "analytics", "--state", "withdrawn").ok()
    return imp_here


def harm(shop: CommandLine, statement: str) -> None:
    with sqlite3.connect(shop.workspace / "ledger.db") as sql:
        sql.execute("DROP TRIGGER IF EXISTS entry_no_update")
        sql.execute(statement)
    sql.close()


def test_a_sound_workspace_verifies(shop: CommandLine) -> None:
    answer = shop("audit", "verify", "--json").ok().json
    assert set(answer) == FIELDS
    assert (answer["ok"], answer["problems"], answer["persons_leaves"], answer["living"]) == (True, [], 4, 3)
    text = shop("audit", "verify").ok().out
    assert text.endswith("ok: everything agrees\n")
    assert answer["root"] in text


def test_an_unfinished_file_is_shown_as_a_note_and_the_workspace_is_sound(shop: CommandLine) -> None:
    (shop.workspace / "archive" / "b00000001-v0-0123456789ab.parquet").write_bytes(b"half")
    text = shop("audit", "verify").ok().out
    assert "note: archive/b00000001-v0-0123456789ab.parquet: no row names it yet" in text
    assert text.endswith("ok: everything agrees\n")
    (note,) = shop("audit", "verify", "--json").ok().json["notes"]
    assert note["code"] == "archive.unfinished"


def test_a_harmed_workspace_exits_1_and_names_the_place(shop: CommandLine) -> None:
    harm(shop, "UPDATE entry SET leaf = CAST(replace(leaf, 'tester', 'nobody') AS BLOB) WHERE seq = 0")
    answer = shop("audit", "verify", "--json")
    assert answer.code == 1
    assert ("entry.hash", "entry 0") in [(found["code"], found["place"]) for found in answer.json["problems"]]
    text = shop("audit", "verify")
    assert text.code == 1
    assert "NOT OK:" in text.out
    assert "entry.hash  entry 0: " in text.out


def test_problems_come_with_what_to_do_about_them(shop: CommandLine) -> None:
    harm(shop, "UPDATE entry SET leaf = CAST(replace(leaf, 'tester', 'nobody') AS BLOB) WHERE seq = 0")
    problems = shop("audit", "verify", "--json").json["problems"]
    assert all("imp restore BACKUP" in problem["mend"] for problem in problems if problem["code"] == "entry.hash")
    assert "mend: stop writing, keep a copy as evidence" in shop("audit", "verify").out


@pytest.mark.parametrize("harmed", ["gone", "newer", "zeroed", "cut"])
def test_a_database_that_cannot_be_read_is_not_called_an_empty_one(shop: CommandLine, harmed: str) -> None:
    shop("consent", "check", "member:ann", "--purpose", "analytics").ok()
    database = shop.workspace / "ledger.db"
    if harmed == "gone":
        database.unlink()
    elif harmed == "newer":
        harm(shop, "UPDATE alembic_version SET version_num = 'm999'")
    else:
        data = database.read_bytes()
        database.write_bytes(bytes(len(data)) if harmed == "zeroed" else data[: len(data) // 3])
    text = shop("audit", "verify")
    assert text.code == 3
    assert "root" not in text.out
    assert ("  cannot be read" in text.out, "mend: " in text.out) == (True, True)
    answer = shop("audit", "verify", "--json")
    assert (answer.code, answer.json["ok"], answer.json["size"], answer.json["root"]) == (3, False, None, None)
    assert answer.json["checkpoint_size"] > 0


def test_a_terminal_is_not_flooded(shop: CommandLine) -> None:
    with sqlite3.connect(shop.workspace / "ledger.db") as sql:
        sql.executemany("INSERT INTO suppression VALUES (?, zeroblob(16))", [(bytes([i]) * 16,) for i in range(70)])
    sql.close()
    text = shop("audit", "verify").out
    assert "NOT OK: 71 problems" in text
    assert "… and 21 more: imp audit verify --json" in text
    assert len(shop("audit", "verify", "--json").json["problems"]) == 71


def test_no_identifier_is_told(shop: CommandLine) -> None:
    for table in ("identifier", "subject_key", "consent_state"):
        harm(shop, f"UPDATE {table} SET mac = zeroblob(16)")
    answer = shop("audit", "verify", "--json")
    assert answer.code == 1
    assert not any(name in answer.out for name in ("ann", "ben", "cid"))


def test_a_checkpoint_is_signed_printed_and_opened_with_the_verifier_key(shop: CommandLine, tmp_path: Path) -> None:
    again = shop("init", str(tmp_path / "second"), "--json", IMP_KEYS=str(tmp_path / "second-keys")).ok().json
    second = shop.in_folder(tmp_path / "second")
    note = second("audit", "checkpoint", IMP_KEYS=str(tmp_path / "second-keys")).ok().out
    checkpoint = open_checkpoint(note, VerifierKey.parse(again["verifier_key"]))
    info = second("audit", "checkpoint", "--json", IMP_KEYS=str(tmp_path / "second-keys")).ok().json
    assert info == {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "note": note,
    }
    assert (tmp_path / "second-keys" / "checkpoint").read_text(encoding="utf-8") == note


def test_a_database_rolled_back_signs_no_checkpoint_and_does_not_verify(shop: CommandLine) -> None:
    shutil.copyfile(shop.workspace / "ledger.db", shop.workspace / "older")
    shop("consent", "record", "member:dan", "--purpose", "analytics", "--state", "given").ok()
    (shop.workspace / "older").replace(shop.workspace / "ledger.db")
    answer = shop("audit", "verify", "--json")
    assert (answer.code, [problem["code"] for problem in answer.json["problems"]]) == (1, ["log.rolled-back"])
    refused = shop("audit", "checkpoint")
    assert refused.code == 3
    assert "rolled back" in refused.err
    told = shop("doctor")
    assert told.code == 1
    mends = [line.partition("mend: ")[2] for line in told.out.splitlines() if "mend: " in line]
    assert mends
    assert all(told.out.count(mend) == 1 for mend in mends)


def test_without_a_workspace_or_keys_nothing_is_verified(shop: CommandLine, tmp_path: Path) -> None:
    assert shop("audit", "verify", IMP_HOME=str(tmp_path / "nowhere")).code == 2
    refused = shop("audit", "verify", IMP_KEYS=str(tmp_path / "nowhere"))
    assert refused.code == 3
    assert "no keys" in refused.err
    next(shop.keys.glob("kek-*.key")).unlink()
    refused = shop("audit", "verify")
    assert refused.code == 3
    assert "kek" in refused.err


def test_erased_people_leave_a_workspace_that_verifies(shop: CommandLine) -> None:
    shop("consent", "erase", "member:cid", "--execute").ok()
    answer = shop("audit", "verify", "--json").ok().json
    assert (answer["living"], answer["persons_leaves"], answer["orphaned_leaves"]) == (2, 5, 3)


def test_the_document_of_an_imports_rejected_rows_may_not_be_taken_away(shop: CommandLine, tmp_path: Path) -> None:
    rows = ["identifier,purpose,state,at"]
    rows += [f"member:m{i},analytics,{'given' if i % 3 else 'refused'},2026-01-0{i + 1}T00:00:00Z" for i in range(9)]
    (tmp_path / "consent.csv").write_text("\n".join([*rows, "bad,analytics,given,2026-01-01T00:00:00Z"]) + "\n")
    rejects = ("--rejects", str(tmp_path / "rejects.csv"))
    shop("consent", "import", str(tmp_path / "consent.csv"), *rejects).ok()
    assert shop("audit", "verify").code == 0
    harm(shop, "DROP TRIGGER policy_no_delete")
    harm(shop, f"DELETE FROM policy WHERE body = '{json.dumps([10])}' OR body = CAST('[10]' AS BLOB)")
    found = {problem["code"] for problem in shop("audit", "verify", "--json").json["problems"]}
    assert "document.missing" in found


def test_a_checkpoint_kept_elsewhere_finds_a_history_that_was_put_back_whole(
    imp_here: CommandLine, tmp_path: Path
) -> None:
    imp_here("init", tmp_path / "workspace", "--controller", "Shop").ok()
    words = ("consent", "record", "member:1", "--purpose", "analytics", "--state")
    imp_here(*words, "given").ok()
    for name in ("workspace", "keys"):
        shutil.copytree(tmp_path / name, tmp_path / "backup" / name)
    imp_here(*words, "withdrawn").ok()
    pin = tmp_path / "pin.txt"
    pin.write_text(imp_here("audit", "checkpoint").ok().out)
    assert imp_here("audit", "verify", "--pinned", pin).code == 0
    for name in ("workspace", "keys"):
        shutil.rmtree(tmp_path / name)
        shutil.copytree(tmp_path / "backup" / name, tmp_path / name)
    assert imp_here("audit", "verify").code == 0, "with the keys' folder put back too, nothing inside can know"
    answer = imp_here("audit", "verify", "--pinned", pin, "--json")
    assert (answer.code, [found["code"] for found in answer.json["problems"]]) == (1, ["pinned.contradicted"])
    assert imp_here("audit", "verify", "--pinned", tmp_path / "nowhere").code == 2


@pytest.mark.parametrize("text", ["", "\n\n", "junk", "c2sp.org/tlog-proof@v1\njunk\n", "三行\n字\n吗\n\n—", None])
def test_a_pin_that_is_no_checkpoint_is_bad_input_not_a_broken_ledger(
    shop: CommandLine, tmp_path: Path, text: str | None
) -> None:
    pin = tmp_path / "pin.txt"
    sound = shop("audit", "checkpoint").ok().out
    pin.write_text(sound.replace("\n\n", "\n\n\n") if text is None else text, encoding="utf-8")
    shop("audit", "export", tmp_path / "out").ok()
    (key,) = (tmp_path / "out").glob("*vkey*")
    for words in ((), (tmp_path / "out", "--vkey", key)):
        answer = shop("audit", "verify", *words, "--pinned", pin, "--json")
        assert (answer.code, answer.json["error"]["what"], answer.json["error"]["where"]) == (
            2,
            "not a checkpoint",
            str(pin),
        )
        assert "NOT OK" not in answer.out


def test_a_pin_of_another_log_is_named_as_that(shop: CommandLine, tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text(shop("audit", "checkpoint").ok().out)
    origin, *rest = own.read_text().split("\n")
    pin = tmp_path / "pin.txt"
    pin.write_text("\n".join(["imp.local/other", *rest]))
    answer = shop("audit", "verify", "--pinned", own, "--pinned", pin)
    assert (answer.code, f"this pin is of the log imp.local/other, not of this one, {origin}" in answer.err) == (
        2,
        True,
    )
    assert str(pin) in answer.err
    assert "keys" not in answer.err
    pin.write_text("\n".join(["mei@example.com", *rest]))
    answer = shop("audit", "verify", "--pinned", pin)
    assert (answer.code, "this pin is of another log" in answer.err, "mei@" in answer.err) == (2, True, False)


def test_a_pin_of_this_log_that_somebody_changed_is_still_a_finding(shop: CommandLine, tmp_path: Path) -> None:
    pin = tmp_path / "pin.txt"
    origin, size, *rest = shop("audit", "checkpoint").ok().out.split("\n")
    pin.write_text("\n".join([origin, str(int(size) - 1), *rest]))
    answer = shop("audit", "verify", "--pinned", pin, "--json")
    assert (answer.code, [found["code"] for found in answer.json["problems"]]) == (1, ["pinned.signature"])
