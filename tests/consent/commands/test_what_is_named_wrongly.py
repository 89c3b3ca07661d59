"""What a newcomer names wrongly is wrong usage: exit code 2, with the place and the way to mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_core.context import Context


def refused(answer: Any, what: str, mend: str = "") -> None:
    """Check that an answer is wrong usage, told with what, where and mend."""
    assert answer.code == 2, answer.out + answer.err
    first, *rest = answer.err.splitlines()
    assert first.startswith("error: ")
    assert what in first
    assert [line.split(":")[0] for line in rest] == ["  where", "  mend"]
    assert mend in rest[1]


@pytest.mark.usefixtures("shop")
def test_keys_of_another_ledger_are_never_written_among(imp_here: Any, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    refused(imp_here("init", str(tmp_path / "second")), "holds keys already", "IMP_KEYS")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one.txt").write_text("mine")
    for words in ("letters", "letters/one.txt"):
        refused(imp_here("init", str(tmp_path / "second"), IMP_KEYS=str(tmp_path / words)), "keys", "IMP_KEYS")
    assert sorted(set(tmp_path.rglob("*")) - set(before)) == [tmp_path / "letters", tmp_path / "letters" / "one.txt"]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "words",
    [
        ("audit", "export", "/proc/foo"),
        ("audit", "report", "--out", "/proc/foo"),
        ("backup", "/proc/foo"),
        ("audit", "dpia", "--out", "/proc/foo"),
        ("consent", "export", "/proc/foo", "--format", "csv"),
    ],
)
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that takes nothing from anybody: Linux has /proc")
def test_a_place_that_takes_nothing_is_named_before_anything_is_done(
    imp_here: Any, words: tuple[str, ...], size: Any
) -> None:
    before = size()
    refused(imp_here(*words), "nothing can be written there", "another place")
    assert size() == before


@pytest.mark.parametrize("name", ["Shop\nLtd", "Shop\u2028Ltd", "Shop\tLtd", " \n"])
def test_the_controllers_name_is_one_line_wherever_it_is_written(imp_here: Any, shop: Context, name: str) -> None:
    keys = str(shop.workspace.root.parent / "others")
    refused(imp_here("init", "second", "--controller", name, IMP_KEYS=keys), "the controller", "")
    assert not Path(keys).exists()
    config = shop.workspace.root / "imp.toml"
    escaped = name.encode("unicode_escape").decode()
    config.write_text(config.read_text("utf-8").replace('"Shop Ltd"', f'"{escaped}"'), "utf-8")
    answer = imp_here("status")
    refused(answer, "the controller")
    assert f"{config}, [workspace] controller" in answer.err


def test_a_name_of_several_scripts_and_its_joiners_is_taken(imp_here: Any, tmp_path: Path) -> None:
    name = "שרה \u200dקאפ商店 Läden"
    imp_here("init", str(tmp_path / "second"), "--controller", name).ok()
    assert name in (tmp_path / "second" / "imp.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("before", "after", "what", "mend"),
    [
        ("controller =", "controler =", "[workspace] knows no controler", "did you mean controller"),
        ("k = 10", "kk = 10", "[privacy] knows no kk", "did you mean k"),
        ("k = 10", "timezone = 10", "[privacy] knows no timezone", "did you mean [workspace] timezone"),
        ("k = 10", "k = 10\n[keys]\nprovidr = 'folder'", "[keys] knows no providr", "did you mean provider"),
        ("k = 10", "nothing = 10", "[privacy] knows no nothing", "[privacy] knows: k"),
        ("[workspace]", "[workspaces]", "there is no [workspace], but a [workspaces]", "did you mean [workspace]"),
    ],
)
def test_a_misspelt_setting_that_stops_everything_is_named_with_the_nearest_right_one(
    imp_here: Any, shop: Context, before: str, after: str, what: str, mend: str
) -> None:
    config = shop.workspace.root / "imp.toml"
    config.write_text(config.read_text("utf-8").replace(before, after), "utf-8")
    answer = imp_here("status")
    refused(answer, what, mend)
    assert str(config) in answer.err


def test_numbers_beyond_the_end_of_the_log_are_not_an_empty_answer(imp_here: Any, size: Any, shop: Context) -> None:
    n = size()
    for words in (str(n), "99999", f"0,{n}-{n + 5}"):
        refused(imp_here("audit", "entries", words), f"the log has {n} entries", f"numbered 0 to {n - 1}")
    assert len(imp_here("audit", "entries", f"0-{n + 5}", "--json").ok().json["entries"]) == n
    assert imp_here("audit", "entries", "99999", "--json").json["error"]["where"] == "SEQS"


@pytest.mark.usefixtures("shop")
def test_nobody_says_what_will_be_known_at_a_time_to_come(imp_here: Any) -> None:
    asks = ("consent", "check", "member:1", "--purpose", "analytics")
    refused(imp_here(*asks, "--known-at", "2036-01-01T00:00:00Z"), "a time to come", "--at")
    assert imp_here(*asks, "--known-at", "2026-03-01T12:00:00Z", "--at", "2036-01-01T00:00:00Z").code == 1


@pytest.mark.usefixtures("shop")
def test_somebody_nobody_knows_is_told_of_and_no_file_stands_for_them(imp_here: Any, tmp_path: Path, size: Any) -> None:
    surely = ("--verified", "reasonable", "--how", "answered a code")
    for words in (("history", "member:王"), ("receipt", "member:王", *surely)):
        told = imp_here("consent", *words)
        assert (told.code, told.err) == (1, "")
        assert "nobody is known by the identifier; look at how it is spelt" in told.out
        found = imp_here("consent", *words, "--json")
        assert (found.code, found.json.get("entries", found.json.get("receipts"))) == (1, [])
    before = size()
    for asked in ((), ("--json",)):
        target = tmp_path / "theirs.csv"
        told = imp_here("consent", "export", str(target), "--format", "csv", "--person", "member:王", *surely, *asked)
        assert (told.code, target.exists(), size()) == (1, False, before)
        assert "nobody is known by this identifier" in told.err
    assert told.json["error"]["where"] == "--person"
    imp_here("consent", "record", "member:王", "--purpose", "analytics", "--state", "refused").ok()
    imp_here("consent", "export", str(target), "--format", "csv", "--person", "member:王", *surely).ok()
    imp_here("consent", "history", "member:王").ok()


RECORDS = """

[records]
address = "1 High Street, Dublin"
contact = "privacy@shop.example"
storage = ["IE"]
retention = "P3Y"

[policy]
jurisdiction = "IE"
"""


def test_a_file_of_another_kind_is_named_with_what_it_is_for(imp_here: Any, shop: Context, tmp_path: Path) -> None:
    with (shop.workspace.root / "imp.toml").open("a", encoding="utf-8") as config:
        config.write(RECORDS)
    imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "given").ok()
    table, terms, records, picture, empty = (
        str(tmp_path / name) for name in ("c.csv", "t.json", "r.27560", "p.png", "empty")
    )
    imp_here("consent", "export", table, "--format", "csv", "--terms", terms).ok()
    imp_here("consent", "export", records, "--format", "27560").ok()
    Path(picture).write_bytes(b"\x89PNG\r\n\x1a\n\0\0\xff")
    Path(empty).write_bytes(b"")
    read = ("consent", "import")
    tables = (*read, table, "--format", "records", "--terms")
    refused(imp_here(*tables, records), "not a document of purposes", "imp consent import FILE --format 27560")
    for other in (table, picture, empty):
        refused(imp_here(*tables, other), "not a document of purposes", "imp consent export --terms")
    refused(imp_here(*tables, str(tmp_path / "nix")), "cannot be read: No such file", "name")
    for other in (table, picture, terms, empty):
        refused(imp_here(*read, other, "--format", "27560"), "", "27560")
    for words in (("nix.csv",), (table, "--map", "nix.toml"), (str(tmp_path),)):
        refused(imp_here(*read, *words), "", "")
    assert imp_here("status", "--json").ok().json["people"] == 1


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("who", "mend"),
    [
        ("email:mei@", "like ann@example.com"),
        ("email:mei@localhost", "like ann@example.com"),
        ("phone:12", "country code"),
        ("imei:12", "all of its digits"),
        ("member:", "kind:value"),
        ("member:" + "王" * 300, "at most 254 characters"),
        ("pigeon:1", "email, phone"),
        ("王", "kind:value"),
    ],
)
def test_a_malformed_identifier_is_told_how_to_write_it_and_is_not_repeated(imp_here: Any, who: str, mend: str) -> None:
    answer = imp_here("consent", "check", who, "--purpose", "analytics")
    refused(answer, "identifier" if mend not in answer.err else "", mend)
    assert who.partition(":")[2][:4] not in answer.err or not who.partition(":")[2]


@pytest.mark.usefixtures("shop")
def test_what_an_auditor_and_an_operator_may_name_wrongly_has_a_mend(imp_here: Any, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    imp_here("audit", "export", str(tmp_path / "out")).ok()
    refused(imp_here("audit", "verify", str(tmp_path / "out"), "--vkey", str(empty)), "no verifier key", "log.vkey")
    refused(imp_here("audit", "entries", "--from", "2026-03-02", "--to", "2026-03-01"), "the period ends", "--from")
    refused(imp_here("audit", "entries", "--from", "yesterday"), "not a time", "")
    refused(imp_here("audit", "prove", "99999"), "", "numbered from 0")
    for words in (str(tmp_path / "nix.db"), str(tmp_path)):
        refused(imp_here("restore", words), "backup", "imp backup")


@pytest.mark.usefixtures("shop")
def test_a_row_is_told_from_a_line_of_the_file_and_from_one_of_a_spreadsheet(imp_here: Any, tmp_path: Path) -> None:
    """Where the word is "line" it is that of the file; a "row" counts below the header, and that is said with it."""
    rows, records, signals, rejects = (tmp_path / name for name in ("a.csv", "r.csv", "s.csv", "rejects.csv"))
    rows.write_text("identifier,purpose,state,at\nmember:1,analytics,given,2026-01-01\n", "utf-8")
    records.write_text("person,position,type,purpose,at\nmember:1,1,grant,analytics,2026-01-01\n", "utf-8")
    signals.write_text("identifier,kind,at,channel\nmember:1,gpc,2026-01-01,web\n", "utf-8")
    read = ("consent", "import")
    for words in ((*read, rows), (*read, records, "--format", "records")):
        refused(imp_here(*words), "line 2, at")
        assert "spreadsheet" not in imp_here(*words).err
        imp_here(*words, "--rejects", rejects)
        assert rejects.read_text("utf-8").startswith("line,field,problem\n2,at,")
    assert "as an editor counts lines" in " ".join(imp_here(*read, "--help").out.split())
    refused(imp_here("consent", "signal", "import", signals), "line 2, at")
    assert "as an editor counts lines" in " ".join(imp_here("consent", "signal", "import", "--help").out.split())
    assert "row 2 of a spreadsheet" in " ".join(imp_here("ingest", "--help").out.split())
