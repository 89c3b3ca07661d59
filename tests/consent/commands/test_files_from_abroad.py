"""Files as spreadsheets write them: in encodings of their own, with times of their place, about people nobody knows."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imp_core.clock import format_time
from imp_core.context import Context

Cli = Any
Entries = Callable[[str], list[Any]]
HEADER = "identifier,purpose,state,at\n"
RECORD = ("consent", "record", "member:1", "--purpose", "analytics", "--state")
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


DAYS = 'dates = "%d.%m.%Y"\ntimezone = "Europe/Berlin"'


@pytest.mark.parametrize("encoding", ["cp1252", "cp1250", "iso-8859-1", "iso-8859-15", "cp1251", "koi8-r"])
@pytest.mark.parametrize("packed", [False, True])
def test_utf_8_that_is_declared_to_be_a_single_byte_encoding_is_not_read_as_names_of_nobody(
    shop: Context, imp_here: Cli, tmp_path: Path, encoding: str, packed: bool
) -> None:
    text = HEADER + row("member:plain") * 2000 + row("member:größe", "withdrawn")
    path, mapping = put(tmp_path, text, file=f'encoding = "{encoding}"')
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert (refused.code, "this is UTF-8" in refused.err, "leave the encoding out" in refused.err) == (2, True, True)


@pytest.mark.parametrize(("encoding", "who"), [("gb18030", "王芳"), ("euc-kr", "김철수"), ("shift_jis", "山田")])
def test_utf_8_that_is_declared_to_be_an_older_encoding_of_east_asia_is_not_read_as_names_of_nobody(
    shop: Context, imp_here: Cli, tmp_path: Path, encoding: str, who: str
) -> None:
    path, mapping = put(tmp_path, HEADER + row(f"member:{who}", "withdrawn"), file=f'encoding = "{encoding}"')
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert (refused.code, "this is UTF-8" in refused.err, "leave the encoding out" in refused.err) == (2, True, True)
    assert imp_here("consent", "import", path).ok()


def test_ascii_is_read_in_any_encoding_that_is_declared(shop: Context, imp_here: Cli, tmp_path: Path) -> None:
    path, mapping = put(tmp_path, HEADER + row(), file='encoding = "cp1252"')
    imp_here("consent", "import", path, "--map", mapping).ok()


@pytest.mark.parametrize(
    ("encoding", "who"),
    [("cp1251", "иванов"), ("koi8-r", "рёмин"), ("euc-kr", "김철수"), ("euc-kr", "똠방"), ("shift_jis", "①山田")],
)
def test_other_scripts_are_read_where_they_are_declared_and_not_called_chinese(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, encoding: str, who: str
) -> None:
    written = {"euc-kr": "cp949", "shift_jis": "cp932"}.get(encoding, encoding)
    path, mapping = put(tmp_path, HEADER + row(f"member:{who}", "refused"), written, file=f'encoding = "{encoding}"')
    refused = imp_here("consent", "import", path)
    assert (refused.code, '"gb18030"; it looks' in refused.err, encoding in refused.err) == (2, False, True), (
        refused.err
    )
    imp_here("consent", "import", path, "--map", mapping).ok()
    (entry,) = entries(f"member:{who}")
    assert entry.statement.type == "refuse"


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
        ('dates = "%d.%m.%Y %H:%M UTC"\ntimezone = "UTC"', "05.01.2026 09:30 UTC", "2026-01-05T09:30:00Z"),
        ('timezone = "Asia/Shanghai"', "2026-01-05 09:30", "2026-01-05T01:30:00Z"),
        ('timezone = "Asia/Shanghai"', "2026-01-05T09:30:00Z", "2026-01-05T09:30:00Z"),
        ('timezone = "UTC"', "2026-01-05", "2026-01-05T00:00:00Z"),
        (GERMAN, "2025-10-26T02:30:00+01:00", "2025-10-26T01:30:00Z"),
        (GERMAN, "2025-10-26T02:30:00+02:00", "2025-10-26T00:30:00Z"),
        (DAYS, "2026-01-05T09:30:00Z", "2026-01-05T09:30:00Z"),
        ('timezone = "Asia/Shanghai"', "2026-01-05+02:00", "2026-01-04T22:00:00Z"),
        ('timezone = "Asia/Shanghai"', "2026-W02-1", "2026-01-04T16:00:00Z"),
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
        (GERMAN, "2026-01-05T09:30:00", "not a time as the mapping says, such as 28.11.2026 21:34"),
        (GERMAN, "31.02.2026 09:30", "not a time as the mapping says"),
        (GERMAN, "05.01.2999 09:30", "a time to come"),
        ('timezone = "Asia/Shanghai"', "yesterday", "not a time in ISO 8601"),
        ('timezone = "Asia/Shanghai"', "2026-W04", "not a time in ISO 8601"),  # of which of its days?
        ('timezone = "Asia/Shanghai"', "2026W04", "not a time in ISO 8601"),
        ('timezone = "Asia/Shanghai"', "2026-01-20_12", "not a time in ISO 8601"),
        ('timezone = "Asia/Shanghai"', "2026-01-20T09", "not a time in ISO 8601"),
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
        ('dates = "%d.%d.%Y"\ntimezone = "UTC"', "not a pattern of times"),
        ('dates = "%d.%m.%Y"', "without file.timezone: of which zone"),
        ('dates = "%d.%m.%Y %H:%M %Z"\ntimezone = "America/New_York"', "%Z, which tells no offset"),
        ('dates = "%d.%m.%Y %H:%M %Z"', "%Z, which tells no offset"),
        ('dates = "%d.%m.%Y %I:%M"\ntimezone = "UTC"', "does not tell morning from evening"),
        ('dates = "%d.%m.%Y %H:%M %p"\ntimezone = "UTC"', "does not tell morning from evening"),
        ('dates = "%d.%m.%Y %p"\ntimezone = "UTC"', "does not tell morning from evening"),
        ('dates = "%d.%m.%Y %H"\ntimezone = "UTC"', "does not tell hour and minute"),
        ('dates = "%d.%m.%Y %M:%S"\ntimezone = "UTC"', "does not tell hour and minute"),
        ('timezone = "Berlin"', "not a zone of the IANA database"),
        ('timezone = "Europe"', "not a zone of the IANA database"),
        ('timezone = "../../etc/passwd"', "not a zone of the IANA database"),
        ('timezone = ""', "not a zone of the IANA database"),
        ('timezone = "localtime"', "not a zone of the IANA database"),  # of whichever machine reads it
        ('timezone = "posixrules"', "not a zone of the IANA database"),
        ('timezone = "Factory"', "not a zone of the IANA database"),
        ("dates = 5", "must be a text"),
    ],
)
def test_a_mapping_that_cannot_tell_times_is_refused_before_any_row(
    shop: Context, imp_here: Cli, tmp_path: Path, file: str, problem: str
) -> None:
    path, mapping = put(tmp_path, HEADER + row(), file=file)
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert (refused.code, problem in refused.err, str(mapping) in refused.err) == (2, True, True), refused.err


@pytest.mark.parametrize("state", ["withdrawn", "refused"])
@pytest.mark.parametrize(("file", "day"), [(DAYS, "20.01.2026"), ('timezone = "Europe/Berlin"', "2026-01-20")])
def test_a_yes_of_the_same_day_does_not_outlive_a_no_of_which_only_the_day_is_known(
    shop: Context, imp_here: Cli, tmp_path: Path, state: str, file: str, day: str
) -> None:
    imp_here(*RECORD, "given", "--at", "2026-01-20T21:00:00Z").ok()
    path, mapping = put(tmp_path, HEADER + row(at=day) + row(state=state, at=day), file=file)
    imp_here("consent", "import", path, "--map", mapping).ok()
    assert imp_here("consent", "check", "member:1", "--purpose", "analytics", "--json").json["reason"] == state
    imp_here(*RECORD, "given", "--at", "2026-01-21T00:00:00+01:00").ok()
    assert imp_here("consent", "check", "member:1", "--purpose", "analytics").code == 0


@pytest.mark.parametrize(
    ("zone", "state", "day", "read"),
    [
        ("Europe/Berlin", "given", "2025-10-26", "2025-10-25T22:00:00Z"),
        ("Europe/Berlin", "withdrawn", "2025-10-26", "2025-10-26T22:59:59.999999Z"),
        ("America/Havana", "given", "2025-11-02", "2025-11-02T04:00:00Z"),  # its first hour is there twice
        ("America/Asuncion", "withdrawn", "2024-03-23", "2024-03-24T03:59:59.999999Z"),  # its last hour is
        ("America/Asuncion", "given", "2023-10-01", "2023-10-01T04:00:00Z"),  # it begins at one
    ],
)
def test_a_day_begins_and_ends_as_the_clocks_there_do(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, zone: str, state: str, day: str, read: str
) -> None:
    path, mapping = put(tmp_path, HEADER + row(state=state, at=day), file=f'timezone = "{zone}"')
    imp_here("consent", "import", path, "--map", mapping).ok()
    (entry,) = entries("member:1")
    assert format_time(entry.statement.at_us) == read


@pytest.mark.parametrize(
    ("day", "read"),
    [
        ("2026-01-20+01:00", "2026-01-20T22:59:59.999999Z"),
        ("2026-01-20-05:00", "2026-01-21T04:59:59.999999Z"),
        ("2026-01-20Z", "2026-01-20T23:59:59.999999Z"),
        ("20260120+0100", "2026-01-20T22:59:59.999999Z"),
    ],
)
@pytest.mark.parametrize("file", ["", 'timezone = "Europe/Berlin"', DAYS])
def test_a_day_with_an_offset_is_the_day_there_and_no_time_of_day(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, day: str, read: str, file: str
) -> None:
    imp_here(*RECORD, "given", "--at", "2026-01-20T09:00:00Z").ok()
    path, mapping = put(tmp_path, HEADER + row(state="withdrawn", at=day), file=file)
    imp_here("consent", "import", path, "--map", mapping).ok()
    assert format_time(entries("member:1")[-1].statement.at_us) == read
    assert imp_here("consent", "check", "member:1", "--purpose", "analytics", "--json").json["reason"] == "withdrawn"


def test_a_no_of_today_counts_now_and_not_at_a_time_to_come(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries
) -> None:
    now = shop.clock.now_us()
    today = format_time(now)[:10]
    path, mapping = put(tmp_path, HEADER + row(state="withdrawn", at=today), file='timezone = "UTC"')
    imp_here("consent", "import", path, "--map", mapping).ok()
    (entry,) = entries("member:1")
    assert now <= entry.statement.at_us <= shop.clock.now_us()
    path, mapping = put(tmp_path, HEADER + row(state="withdrawn", at="2999-01-01"), file='timezone = "UTC"')
    assert "line 2, at: a time to come" in imp_here("consent", "import", path, "--map", mapping).err


@pytest.mark.parametrize(
    ("at", "read"),
    [
        ("2025-10-26T00:00:00Z", "2025-10-26T00:00:00Z"),
        ("2025-10-27T09:30:00", "2025-10-27T08:30:00Z"),
        ('"27.10.2025 09:30"', "2025-10-27T08:30:00Z"),
    ],
)
def test_the_mapping_s_own_time_is_read_as_toml_writes_it(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, at: str, read: str
) -> None:
    path, mapping = put(tmp_path, HEADER + row(at=""), file=f"{GERMAN}\n[defaults]\nat = {at}")
    imp_here("consent", "import", path, "--map", mapping).ok()
    (entry,) = entries("member:1")
    assert format_time(entry.statement.at_us) == read


def test_who_has_a_time_that_is_no_one_moment_is_told_how_to_write_it(
    shop: Context, imp_here: Cli, tmp_path: Path
) -> None:
    path, mapping = put(tmp_path, HEADER + row(at="26.10.2025 02:30"), file=GERMAN)
    mend = "with its offset, like 2026-10-25T02:30:00+01:00, which is read beside any pattern"
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert (refused.code, mend in refused.err) == (2, True), refused.err
    assert mend in imp_here("consent", "import", path, "--map", mapping, "--dry-run").out
    other, mapping = put(tmp_path, HEADER + row(at="26.10.2025"), file=GERMAN)
    assert mend not in imp_here("consent", "import", other, "--map", mapping).err


def test_times_of_parquet_without_a_zone_are_of_the_place_that_the_mapping_names(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries
) -> None:
    moments = [datetime(2026, 1, 5, 9, 30), datetime(2025, 10, 26, 2, 30)]  # noqa: DTZ001 (that is what is tried)
    whole = {"identifier": ["member:1", "member:2"], "purpose": ["analytics"] * 2, "state": ["given"] * 2}
    path, mapping = tmp_path / "people.parquet", put(tmp_path, "", file='timezone = "Europe/Berlin"')[1]
    pq.write_table(pa.table({**whole, "at": pa.array(moments, pa.timestamp("ns"))}), path)
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert (refused.code, "row 2, at: a local time that the clocks there showed twice" in refused.err) == (2, True)
    imp_here("consent", "import", path, "--map", mapping, "--rejects", tmp_path / "rejects.csv").ok()
    (entry,) = entries("member:1")
    assert format_time(entry.statement.at_us) == "2026-01-05T08:30:00Z"


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


def test_r08_chinese_names_that_are_utf_8_by_accident_are_asked_about_and_not_read_as_somebody_elses(
    shop: Context, imp_here: Cli, tmp_path: Path
) -> None:
    names = ("魏伟", "叶伟", "姚强")
    for name in names:
        imp_here("consent", "record", f"member:{name}", "--purpose", "analytics", "--state", "given").ok()
    noes = "".join(row(f"member:{name}", "withdrawn", "2026-03-01T12:00:00Z") for name in names)
    text = HEADER + "".join(row(f"member:{n}", "refused") for n in range(200)) + noes
    path, mapping = put(tmp_path, text, "gb18030", file='encoding = "gb18030"')
    for more in ((), ("--dry-run",), ("--rejects", tmp_path / "r.csv")):
        asked = imp_here("consent", "import", path, *more)
        assert (asked.code, "this reads as UTF-8, and as Chinese names" in asked.err) == (2, True)
        assert '[file] encoding = "utf-8", or in the mapping: [file] encoding = "gb18030"' in asked.err
    imp_here("consent", "import", path, "--map", mapping).ok()
    for name in names:
        assert imp_here("consent", "check", f"member:{name}", "--purpose", "analytics").code == 1


def test_what_is_said_to_be_utf_8_is_read_as_it_and_is_the_mapping_that_it_was(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries
) -> None:
    greek = "魏伟".encode("gb18030").decode()
    path, mapping = put(tmp_path, HEADER + row(f"member:{greek}"), file='encoding = "utf-8"')
    assert imp_here("consent", "import", path).code == 2
    imp_here("consent", "import", path, "--map", mapping).ok()
    assert len(entries(f"member:{greek}")) == 1
    path, mapping = put(tmp_path, HEADER + row("member:2"), file='encoding = "utf-8"')
    imp_here("consent", "import", path, "--map", mapping).ok()
    mapping.write_text("[file]\n")
    assert "imported before" in imp_here("consent", "import", path, "--map", mapping).ok().out


def test_of_noes_of_nobody_known_those_named_beyond_ascii_and_then_withdrawals_are_shown_first(
    shop: Context, imp_here: Cli, tmp_path: Path
) -> None:
    text = HEADER + "".join(row(f"member:{n}", "refused") for n in range(9))
    path, _ = put(tmp_path, text + row("member:Müller", "refused") + row("member:x", "withdrawn"))
    said = imp_here("consent", "import", path).ok().err
    assert "1 withdrawal and 10 refusals are of people unknown until now (lines 11, 12, 2, 3, 4 and 6 more)" in said
