"""Replies through the command line: what is a no in any reasonable words, and who is to read what is left (r52)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imp_core.context import Context

Cli = Any
HEAD = "identifier,kind,at,raw\n"
PHONE = "phone:+1650555121"


@pytest.fixture
def desk(shop: Context, imp_here: Cli, tmp_path: Path) -> Cli:
    given = (f"{PHONE}{number},marketing.email,given,2026-01-05T10:00:00Z,click\n" for number in range(8))
    path = tmp_path / "given.csv"
    path.write_text("identifier,purpose,state,at,action\n" + "".join(given), encoding="utf-8")
    imp_here("consent", "import", str(path)).ok()
    return imp_here


def file_of(folder: Path, *replies: str) -> str:
    rows = (f'{PHONE}{number},reply,2026-03-01T10:00:00Z,"{reply}"\n' for number, reply in enumerate(replies))
    path = folder / "replies.csv"
    path.write_text(HEAD + "".join(rows), encoding="utf-8")
    return str(path)


def asked(desk: Cli, number: int) -> str:
    words = ("--purpose", "marketing.email", "--channel", "sms", "--json")
    found = desk("consent", "check", f"{PHONE}{number}", *words).json
    return "permitted" if found["permitted"] else found["reason"]


@pytest.mark.parametrize(
    "reply", ["请不要再发了", "S T O P", "s.t.o.p.", "désabonnez-moi", "please stop texting me", "Stop it"]
)
def test_r52_a_no_in_any_reasonable_words_is_one(desk: Cli, tmp_path: Path, reply: str) -> None:
    done = desk("consent", "signal", "import", file_of(tmp_path, reply), "--channel", "sms", "--json").ok().json
    assert (done["recorded"], done["mentions"], done["others"], done["mend"]) == (1, [], [], None)
    assert asked(desk, 0) == "channel_opt_out"


def test_r52_every_reply_that_was_not_understood_is_named_by_its_line_and_by_nothing_else(
    desk: Cli, tmp_path: Path
) -> None:
    said = ("STOP", "Bitte nicht stoppen", "Thanks!", "喜欢郁金香", "delete everything you have", "", "don't stop")
    file = file_of(tmp_path, *said)
    shown = desk("consent", "signal", "import", file, "--channel", "sms", "--dry-run").ok().out
    assert "dry run: nothing was recorded" in shown
    shown = desk("consent", "signal", "import", file, "--channel", "sms").ok().out
    assert "replies to be read  2 (line 3, 8)" in shown
    assert "other replies       3 (line 4-6)" in shown
    assert "say nothing         1" in shown
    assert "imp consent signal record KIND:VALUE --kind stop --channel" in shown
    done = desk("consent", "signal", "import", file, "--channel", "sms", "--json").ok()
    assert (done.json["mentions"], done.json["others"], done.json["nothing"]) == ([3, 8], [4, 5, 6], 1)
    assert "--kind stop" in done.json["mend"]
    for text in (shown, done.out):
        assert not any(word in text for word in ("tulip", "郁金香", "delete everything", "6505551", "stoppen"))
    assert [asked(desk, number) for number in (0, 1, 2, 3)] == [
        "channel_opt_out",
        "permitted",
        "permitted",
        "permitted",
    ]


def test_r52_what_the_mend_says_records_the_no(desk: Cli) -> None:
    words = ("--kind", "stop", "--channel", "sms", "--at", "2026-02-01T10:00:00Z")
    assert desk("consent", "signal", "record", f"{PHONE}3", *words, "--json").ok().json["recorded"] == 1
    assert asked(desk, 3) == "channel_opt_out"


def test_r52_no_reply_ever_gives_anything(desk: Cli, tmp_path: Path) -> None:
    desk("consent", "signal", "record", f"{PHONE}0", "--kind", "stop", "--channel", "sms").ok()
    for reply in ("don't stop", "START", "yes please", "unstop", "重新订阅"):
        desk("consent", "signal", "import", file_of(tmp_path, reply), "--channel", "sms").ok()
        assert asked(desk, 0) == "channel_opt_out"


@pytest.mark.parametrize("type_", [pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.binary())])
def test_r52_a_reply_that_parquet_holds_as_bytes_is_the_text_that_they_are(
    desk: Cli, tmp_path: Path, type_: pa.DataType
) -> None:
    path, rejects = tmp_path / "replies.parquet", tmp_path / "left.csv"
    said = [b"STOP", "arr\u00eat".encode("latin-1"), None, "请不要再发了".encode()]
    rows = {
        "identifier": pa.array([f"{PHONE}{number}".encode() for number in range(4)], pa.binary()),
        "kind": ["reply"] * 4,
        "at": ["2026-03-01T10:00:00Z"] * 4,
        "raw": pa.array(said, pa.binary()).cast(type_) if type_ != pa.binary() else pa.array(said, type_),
    }
    pq.write_table(pa.table(rows), path)
    done = desk("consent", "signal", "import", path, "--channel", "sms", "--rejects", rejects, "--json")
    assert (done.code, done.json["recorded"], done.json["nothing"], done.json["rejected"]) == (1, 2, 1, 1)
    assert "row 2, raw: not a text" in done.err
    assert rejects.read_text(encoding="utf-8").splitlines() == ["row,field,problem", "2,raw,not a text"]
    assert [asked(desk, number) for number in (0, 3)] == ["channel_opt_out"] * 2


@pytest.mark.parametrize("raw", [["STOP"], 1.5, True, {"text": "STOP"}])
def test_r52_a_reply_that_is_no_text_is_a_row_left_out_and_not_one_that_says_nothing(
    desk: Cli, tmp_path: Path, raw: object
) -> None:
    path = tmp_path / "replies.jsonl"
    said = ("STOP", raw, 7, None)
    rows = (
        {"identifier": f"{PHONE}{number}", "kind": "reply", "at": "2026-03-01T10:00:00Z", "raw": one}
        for number, one in enumerate(said)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = desk("consent", "signal", "import", path, "--channel", "sms", "--json")
    found = done.json
    assert (done.code, found["recorded"], found["others"], found["nothing"]) == (1, 1, [3], 1)
    assert [(one["row"], one["field"], one["problem"]) for one in found["rejects"]] == [(2, "raw", "not a text")]
    assert "STOP" not in done.err
