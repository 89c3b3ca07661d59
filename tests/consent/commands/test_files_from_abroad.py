"""Files as spreadsheets write them: in encodings of their own, with times of their place, about people nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_core.clock import format_time
from imp_core.context import Context

Cli = Any
Entries = Callable[[str], list[Any]]
HEADER = "identifier,purpose,state,at\n"
MULLER = "email:müller@example.com"


def put(folder: Path, text: str, encoding: str = "utf-8", *, file: str = "") -> tuple[Path, Path]:
    """A file and its mapping."""
    path, mapping = folder / "people.csv", folder / "map.toml"
    path.write_bytes(text.encode(encoding))
    mapping.write_text(f"[file]\n{file}\n", encoding="utf-8")
    return path, mapping


def row(who: str = "member:1", state: str = "given", at: str = "2026-01-05T10:00:00Z") -> str:
    return f"{who},analytics,{state},{at}\n"


def test_a_western_spreadsheet_is_told_its_encoding_and_its_withdrawal_reaches_whom_it_is_of(
    shop: Context, imp_here: Cli, tmp_path: Path
) -> None:
    imp_here("consent", "record", MULLER, "--purpose", "analytics", "--state", "given").ok()
    text = HEADER + row("member:größe", "refused") + row(MULLER, "withdrawn", "2026-03-01T12:00:00Z")
    path, mapping = put(tmp_path, text, "cp1252", file='encoding = "cp1252"')
    refused = imp_here("consent", "import", path)
    assert refused.code == 2
    assert '[file] encoding = "cp1252"; it looks like text as spreadsheets of Western Europe' in refused.err
    assert "gb18030" not in refused.err
    done = imp_here("consent", "import", path, "--map", mapping).ok()
    assert "1 withdrawn" in done.out
    assert imp_here("consent", "check", MULLER, "--purpose", "analytics", "--json").json["reason"] == "withdrawn"


@pytest.mark.parametrize(
    ("encoding", "mend"),
    [("gbk", 'encoding = "gb18030"; it looks like Chinese text'), ("utf-16", 'encoding = "utf-16"; it looks like Uni')],
)
def test_other_spreadsheets_are_told_theirs(
    shop: Context, imp_here: Cli, tmp_path: Path, encoding: str, mend: str
) -> None:
    path, _ = put(tmp_path, HEADER + row("member:张三") + row("member:李四"), encoding)
    refused = imp_here("consent", "import", path)
    assert (refused.code, mend in refused.err) == (2, True), refused.err


def test_an_encoding_that_is_declared_and_is_not_the_file_s_is_refused_where_that_can_be_seen(
    shop: Context, imp_here: Cli, tmp_path: Path
) -> None:
    path, mapping = put(tmp_path, HEADER + "member:\x81,analytics,given,2026-01-05T10:00:00Z\n", "latin-1")
    mapping.write_text('[file]\nencoding = "cp1252"\n')
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert (refused.code, "not text in CP1252" in refused.err) == (2, True)
    mapping.write_text('[file]\nencoding = "ebcdic"\n')
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert (refused.code, "utf-8, gb18030, utf-16, cp1252, cp1250" in refused.err) == (2, True)


GERMAN = 'dates = "%d.%m.%Y %H:%M"\ntimezone = "Europe/Berlin"'


@pytest.mark.parametrize(
    ("file", "at", "read"),
    [
        (GERMAN, "05.01.2026 09:30", "2026-01-05T08:30:00Z"),
        (GERMAN, " 05.07.2025 09:30 ", "2025-07-05T07:30:00Z"),
        ('dates = "%d.%m.%y"\ntimezone = "Europe/Berlin"', "05.01.26", "2026-01-04T23:00:00Z"),
        ('dates = "%m/%d/%Y %I:%M %p"\ntimezone = "America/New_York"', "01/05/2026 09:30 PM", "2026-01-06T02:30:00Z"),
        ('dates = "%Y年%m月%d日 %H:%M"\ntimezone = "Asia/Shanghai"', "2026年01月05日 09:30", "2026-01-05T01:30:00Z"),
        ('dates = "%d.%m.%Y %H:%M %z"', "05.01.2026 09:30 +0200", "2026-01-05T07:30:00Z"),
        ('timezone = "Asia/Shanghai"', "2026-01-05 09:30", "2026-01-05T01:30:00Z"),
        ('timezone = "Asia/Shanghai"', "2026-01-05T09:30:00Z", "2026-01-05T09:30:00Z"),
        ('timezone = "UTC"', "2026-01-05", "2026-01-05T00:00:00Z"),
    ],
)
def test_times_are_read_as_the_mapping_says_they_are_written(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, file: str, at: str, read: str
) -> None:
    path, mapping = put(tmp_path, HEADER + row(at=at), file=file)
    imp_here("consent", "import", path, "--map", mapping).ok()
    (entry,) = entries("member:1")
    assert format_time(entry.statement.at_us) == read


@pytest.mark.parametrize(
    ("file", "at", "problem"),
    [
        (GERMAN, "30.03.2025 02:30", "a local time that the clocks there skipped"),
        (GERMAN, "26.10.2025 02:30", "a local time that the clocks there showed twice"),
        (GERMAN, "2026-01-05T09:30:00Z", "not a time as the mapping says, such as 28.11.2026 21:34"),
        (GERMAN, "31.02.2026 09:30", "not a time as the mapping says"),
        (GERMAN, "05.01.2999 09:30", "a time to come"),
        ('timezone = "Asia/Shanghai"', "yesterday", "not a time in ISO 8601"),
        ('dates = "%d.%m.%Y"\ntimezone = "Pacific/Kiritimati"', "01.01.0001", "a time before 1970"),
    ],
)
def test_a_time_that_is_no_one_moment_or_written_otherwise_is_the_fault_of_its_row(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, file: str, at: str, problem: str
) -> None:
    path, mapping = put(tmp_path, HEADER + row("member:2", at=at), file=file)
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert (refused.code, f"line 2, at: {problem}" in refused.err) == (2, True), refused.err
    assert (at in refused.err, entries("member:2")) == (False, [])


@pytest.mark.parametrize("at", ["05.01.2026 09:30", "2026-01-05 09:30", "1/5/26"])
def test_whose_times_are_not_read_is_told_how_one_looks_and_how_to_declare_others(
    shop: Context, imp_here: Cli, tmp_path: Path, at: str
) -> None:
    path, _ = put(tmp_path, HEADER + row(at=at))
    refused = imp_here("consent", "import", path)
    assert refused.code == 2
    assert "write times like 2026-03-01T09:30:00Z" in refused.err
    assert '[file] dates = "%d.%m.%Y %H:%M", timezone = "Europe/Berlin"' in refused.err
    tried = imp_here("consent", "import", path, "--dry-run")
    assert (tried.code, "write times like 2026-03-01T09:30:00Z" in tried.out) == (1, True), tried.out


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ('dates = "%H:%M"\ntimezone = "UTC"', "does not tell a day"),
        ('dates = "%d.%m."\ntimezone = "UTC"', "does not tell a day"),
        ('dates = "%Q"\ntimezone = "UTC"', "not a pattern of times"),
        ('dates = "%d.%m.%Y"', "without file.timezone: of which zone"),
        ('timezone = "Berlin"', "not a zone of the IANA database"),
        ('timezone = "Europe"', "not a zone of the IANA database"),
        ('timezone = "../../etc/passwd"', "not a zone of the IANA database"),
        ('timezone = ""', "not a zone of the IANA database"),
        ("dates = 5", "must be a text"),
    ],
)
def test_a_mapping_that_cannot_tell_times_is_refused_before_any_row(
    shop: Context, imp_here: Cli, tmp_path: Path, file: str, problem: str
) -> None:
    path, mapping = put(tmp_path, HEADER + row(), file=file)
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert (refused.code, problem in refused.err, str(mapping) in refused.err) == (2, True, True), refused.err


def test_a_mapping_from_before_there_were_patterns_is_the_one_it_was(tmp_path: Path) -> None:
    from imp_consent.commands.columns import ColumnMap  # noqa: PLC0415 (the hash by itself)

    assert ColumnMap().sha256 == "c4767581e53928fdb2cac1c94a08ea67497c28c0130fd7d28630e76a3b4f7264"
    assert ColumnMap(timezone="UTC").sha256 != ColumnMap().sha256


def test_withdrawals_and_refusals_of_people_unknown_until_then_are_told(
    shop: Context, imp_here: Cli, tmp_path: Path
) -> None:
    imp_here(
        "consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--at", "2026-01-01T00:00:00Z"
    ).ok()
    rows = [row("member:1", "withdrawn"), row("member:7", "withdrawn"), row("member:8", "refused"), row("member:9")]
    path, _ = put(tmp_path, HEADER + "".join(rows) + row("member:9", "withdrawn", "2026-01-06T10:00:00Z"))
    done = imp_here("consent", "import", path, "--json").ok()
    (text,) = [text for text in done.json["warnings"] if "unknown until now" in text]
    assert text.startswith("1 withdrawal and 1 refusal are of people unknown until now (lines 3, 4): ")
    assert f"warning: {text}\n" in done.err
    again, _ = put(tmp_path, HEADER + row("member:77", "withdrawn"))
    assert (
        "warning: 1 withdrawal is of somebody unknown until now (line 2): " in imp_here("consent", "import", again).err
    )
    known, _ = put(tmp_path, HEADER + row("member:8", "withdrawn", "2026-02-01T00:00:00Z"))
    assert imp_here("consent", "import", known).ok().err == ""


@pytest.mark.parametrize(
    ("format_", "name", "mend"),
    [
        ("27560", "out.jsonld", "--terms {path}"),
        ("records", "out.csv", "--terms FILE, which the export wrote beside it"),
    ],
)
def test_records_about_what_is_not_known_here_name_the_option_that_takes_it_over(
    shop: Context, imp_here: Cli, tmp_path: Path, format_: str, name: str, mend: str
) -> None:
    config = shop.workspace.root / "imp.toml"
    facts = '[policy]\njurisdiction = "IE"\n[records]\naddress = "Dublin"\ncontact = "p@shop.example"\n'
    config.write_text(config.read_text() + facts + 'storage = ["IE"]\nretention = "P3Y"\n')
    imp_here("consent", "purpose", "add", "tips", "--description", "We give tips.", "--trait", "none").ok()
    (tmp_path / "tips.txt").write_text("Shop Ltd asks for tips.\n\nYou can withdraw your consent at any time.")
    imp_here("consent", "notice", "add", tmp_path / "tips.txt", "--name", "tips", "--purpose", "tips").ok()
    imp_here("consent", "record", "member:1", "--purpose", "tips", "--state", "given").ok()
    imp_here("consent", "record", "member:2", "--purpose", "tips", "--state", "refused").ok()
    path, terms = tmp_path / name, tmp_path / "terms.json"
    words = ("--format", "27560") if format_ == "27560" else ("--format", "csv", "--terms", terms)
    imp_here("consent", "export", path, *words).ok()
    other, keys = imp_here.in_folder(tmp_path / "other"), str(tmp_path / "keys-of-the-other")
    (tmp_path / "other").mkdir()
    other("init", "--controller", "Shop Ltd", IMP_KEYS=keys).ok()
    refused = other("consent", "import", path, "--format", format_, IMP_KEYS=keys)
    assert refused.code == 2
    assert f"take that over with them: {mend.format(path=path)}; or " in refused.err, refused.err
    tried = other("consent", "import", path, "--format", format_, "--dry-run", IMP_KEYS=keys)
    assert (tried.code, mend.format(path=path) in tried.out) == (1, True)
    own = path if format_ == "27560" else terms
    done = other("consent", "import", path, "--format", format_, "--terms", own, IMP_KEYS=keys).ok()
    assert "taken over" in done.out
    assert "unknown until now" not in done.err, "who is called by a pseudonym is never known"
