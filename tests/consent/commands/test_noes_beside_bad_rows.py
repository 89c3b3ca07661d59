"""A file of noes: what can be read holds at once, whatever is wrong with somebody else's row, which is named."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.runtime import open_log
from imp_core.context import Context

Cli = Any
HEAD = "identifier,kind,at,raw\n"
AT = "2026-03-01T10:00:00Z"
GOOD = f"phone:+16505551212,reply,{AT},STOP\nphone:+16505551213,reply,{AT},don't stop\n"
MAIL = ("--purpose", "marketing.email", "--json")


@pytest.fixture
def asked(imp_here: Cli) -> Callable[[str], str]:
    """Why a number gets nothing by sms."""

    def ask(number: str) -> str:
        return str(imp_here("consent", "check", f"phone:{number}", "--channel", "sms", *MAIL).json["reason"])

    return ask


def written(folder: Path, rows: str, name: str = "replies.csv") -> str:
    path = folder / name
    path.write_text(HEAD + rows, encoding="utf-8")
    return str(path)


def listed(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def heard(imp_here: Cli, file: str, *options: str) -> Any:
    return imp_here("consent", "signal", "import", file, "--channel", "sms", *options)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (f"phone:01711234567,reply,{AT},STOP", "identifier"),
        (f"ann@example.com,reply,{AT},STOP", "identifier"),
        (f"member:2\u200b,reply,{AT},STOP", "identifier"),
        (f"phone:+16505551214,fax,{AT},STOP", "kind"),
        ("phone:+16505551214,reply,yesterday,STOP", "at"),
        ("phone:+16505551214,reply,2030-01-01T00:00:00Z,STOP", "at"),
        (f"phone:+16505551214,gpc,{AT}", "row"),
    ],
)
def test_r52_a_bad_row_holds_up_nobodys_no_and_is_named_by_the_line_of_the_file(
    imp_here: Cli, shop: Context, asked: Callable[[str], str], tmp_path: Path, bad: str, field: str
) -> None:
    file = written(tmp_path, f"\n{bad}\n{GOOD}")
    rejects = tmp_path / "left.csv"
    done = heard(imp_here, file, "--rejects", str(rejects))
    assert (done.code, "left out            1" in done.out) == (1, True)
    assert f"error: 1 row was left out: line 3, {field}: " in done.err
    assert "import the file again" in done.err
    assert asked("+16505551212") == "channel_opt_out"
    assert [row[:2] for row in listed(rejects)] == [["line", "field"], ["3", field]]
    shown = done.out + done.err + rejects.read_text(encoding="utf-8")
    assert not any(word in shown for word in ("01711234567", "6505551", "ann@", "fax", "yesterday"))


def test_r52_an_answer_in_json_counts_the_rows_left_out_and_names_them(
    imp_here: Cli, shop: Context, tmp_path: Path
) -> None:
    file = written(tmp_path, f"phone:12,reply,{AT},STOP\n{GOOD}nobody,fax,{AT},x\n")
    answer = heard(imp_here, file, "--json")
    found = answer.json
    assert (answer.code, found["recorded"], found["mentions"], found["rejected"]) == (1, 1, [4], 2)
    assert [(one["row"], one["field"]) for one in found["rejects"]] == [(2, "identifier"), (5, "kind")]
    assert found["counted_in"] == "line"


def test_r52_a_dry_run_names_the_same_rows_and_records_nothing(imp_here: Cli, shop: Context, tmp_path: Path) -> None:
    size = open_log(shop).size
    file = written(tmp_path, f"{GOOD}phone:12,reply,{AT},STOP\n")
    dry = heard(imp_here, file, "--dry-run", "--json")
    assert (dry.code, dry.json["recorded"], dry.json["rejected"], dry.json["dry_run"]) == (1, 1, 1, True)
    assert (open_log(shop).size, "would be left out: line 4" in dry.err) == (size, True)


def test_r52_the_mended_file_records_what_was_left_out_and_nothing_twice(
    imp_here: Cli, asked: Callable[[str], str], shop: Context, tmp_path: Path
) -> None:
    assert heard(imp_here, written(tmp_path, f"{GOOD}phone:12,reply,{AT},STOP\n")).code == 1
    done = heard(imp_here, written(tmp_path, f"{GOOD}phone:+16505551219,Stop,{AT},\n"), "--json").ok().json
    assert (done["recorded"], done["held"], done["rejected"]) == (1, 1, 0)
    assert asked("+16505551219") == "channel_opt_out"


def test_r52_rows_before_a_place_where_the_file_breaks_off_hold(
    imp_here: Cli, shop: Context, asked: Callable[[str], str], tmp_path: Path
) -> None:
    done = heard(imp_here, written(tmp_path, f'{GOOD}phone:+16505551214,reply,{AT},"STOP\nphone:1,reply,{AT},STOP\n'))
    assert (done.code, asked("+16505551212")) == (1, "channel_opt_out")
    assert "line 3, file: nothing after it could be read: quotes that do not match" in done.err


def test_where_no_row_can_be_read_nothing_is_recorded_and_the_rejects_say_why(
    imp_here: Cli, shop: Context, tmp_path: Path
) -> None:
    size, rejects = open_log(shop).size, tmp_path / "left.csv"
    rows = f"phone:12,reply,{AT},STOP\nphone:13,reply,{AT},STOP\n"
    refused = heard(imp_here, written(tmp_path, rows), "--rejects", str(rejects))
    assert (refused.code, open_log(shop).size) == (2, size)
    assert "nothing was recorded: line 2, identifier" in refused.err
    assert [row[0] for row in listed(rejects)] == ["line", "2", "3"]


def test_r52_a_file_says_in_which_encoding_it_is(
    imp_here: Cli, shop: Context, asked: Callable[[str], str], tmp_path: Path
) -> None:
    path = tmp_path / "replies.csv"
    rows = "".join(
        f"phone:+861380013800{number},reply,{AT},{text}\n" for number, text in enumerate(("退订", "谢谢你们的活动"))
    )
    path.write_bytes((HEAD + rows).encode("gb18030"))
    refused = heard(imp_here, str(path))
    assert (refused.code, "--encoding gb18030" in refused.err) == (2, True)
    assert heard(imp_here, str(path), "--encoding", "gb18030", "--json").ok().json["recorded"] == 1
    assert asked("+8613800138000") == "channel_opt_out"


def test_a_column_that_is_not_known_may_have_been_meant_to_be_another(
    imp_here: Cli, shop: Context, tmp_path: Path
) -> None:
    path = tmp_path / "replies.csv"
    path.write_text(f"identifier,kind,at,Channel\nphone:+16505551212,stop,{AT},sms\n", encoding="utf-8")
    refused = imp_here("consent", "signal", "import", str(path))
    assert (refused.code, "column 4" in refused.err, "did you mean channel?" in refused.err) == (2, True, True)


def test_r40_an_unknown_channel_is_refused_for_every_kind_of_signal(
    imp_here: Cli, shop: Context, tmp_path: Path
) -> None:
    words = ("consent", "signal", "record", "device:tab-1", "--kind", "gpc", "--raw", "1", "--channel", "wbe")
    refused = imp_here(*words)
    assert (refused.code, "--channel" in refused.err, "did you mean web?" in refused.err) == (2, True, True)
    path = tmp_path / "gpc.csv"
    rows = "".join(f"device:tab-{number},gpc,{AT},1,{name}\n" for number, name in enumerate(("web", "wbe")))
    path.write_text("identifier,kind,at,raw,channel\n" + rows, encoding="utf-8")
    done = imp_here("consent", "signal", "import", str(path), "--json")
    assert (done.code, done.json["recorded"], done.json["rejects"][0]["field"]) == (1, 1, "channel")


@pytest.mark.parametrize(
    ("encoding", "name"), [("utf-8", "UTF-8"), ("gb18030", "GB18030"), ("shift_jis", "CP932"), ("cp1252", "CP1252")]
)
def test_r52_a_byte_that_is_no_text_is_the_fault_of_its_row_alone(
    imp_here: Cli, shop: Context, asked: Callable[[str], str], tmp_path: Path, encoding: str, name: str
) -> None:
    path = tmp_path / "replies.csv"
    text = "STOP é" if encoding == "cp1252" else "停止"
    good = [f"phone:+1650555121{n},reply,{AT},{text}\n".encode(encoding) for n in range(3)]
    bad = f"phone:+16505551219,reply,{AT},STOP ".encode() + b"\xff\x81\n"
    if encoding == "cp1252":
        bad = bad.replace(b"\xff", b"")
    path.write_bytes(HEAD.encode() + good[0] + bad + good[1] + bad + good[2])
    for options in (("--dry-run",), ()):
        done = heard(imp_here, str(path), "--encoding", encoding, "--json", *options)
        assert (done.code, [(one["row"], one["field"]) for one in done.json["rejects"]]) == (
            1,
            [(3, "row"), (5, "row")],
        )
        assert (done.err.count(f"not text in {name}"), done.err.count("save it as UTF-8")) == (2, 1)
    assert [asked(f"+1650555121{n}") for n in (0, 1, 2)] == ["channel_opt_out"] * 3
    assert asked("+16505551219") != "channel_opt_out"


def test_r52_an_object_that_is_no_text_holds_no_other_up_and_a_header_that_is_none_is_refused(
    imp_here: Cli, shop: Context, asked: Callable[[str], str], tmp_path: Path
) -> None:
    path, size = tmp_path / "replies.jsonl", open_log(shop).size
    line = '{"identifier": "phone:+1650555121%d", "kind": "stop", "at": "%s"}\n'
    rows = [(line % (number, AT)).encode() for number in (1, 2)]
    path.write_bytes(rows[0].replace(b"5551211", b"\xe9") + rows[1])
    done = heard(imp_here, str(path))
    assert (done.code, "line 1, row: not text in UTF-8" in done.err) == (1, True)
    assert asked("+16505551212") == "channel_opt_out"
    size = open_log(shop).size
    table = tmp_path / "replies.csv"
    wide = (HEAD + GOOD).encode("utf-16")
    for content, mend in ((b"\xe9" + HEAD.encode() + GOOD.encode(), "save it as UTF-8"), (wide, "--encoding utf-16")):
        table.write_bytes(content)
        refused = heard(imp_here, str(table))
        assert (refused.code, "line 1" in refused.err, mend in refused.err) == (2, True, True), refused.err
    assert ("not text in UTF-8" in refused.err, open_log(shop).size) == (True, size)
