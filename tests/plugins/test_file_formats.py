"""The formats say the same, and a file that cannot be read as a whole says why and is refused whole."""

from __future__ import annotations

import datetime
import gzip
import json
import os
import tracemalloc
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imp_channel_file.read import read_events
from imp_core.errors import BadInput
from imp_core.event import RawEvent, RawId, RowFault

CSV = (
    "type,identifier,at,purpose,id,name,amount,quantity\n"
    "outcome,member:1,2026-03-01T09:30:00Z,analytics,m1,order,29.99,1\n"
    'outcome,member:二,2026-03-01T09:30:00.250000Z,analytics,m2,"下单, 完成",0.000001,\n'
)
ROWS = [
    {"type": "outcome", "identifier": "member:1", "purpose": "analytics", "id": "m1", "name": "order", "quantity": 1},
    {
        "type": "outcome",
        "identifier": "member:二",
        "purpose": "analytics",
        "id": "m2",
        "name": "下单, 完成",
        "quantity": None,
    },
]
TIMES = ["2026-03-01T09:30:00Z", "2026-03-01T09:30:00.250000Z"]
AMOUNTS = ["29.99", "0.000001"]


@pytest.fixture
def expected(take):
    events = take(CSV)
    assert [event.amount_micros for event in events] == [29_990_000, 1]
    assert [event.quantity for event in events] == [1, None]
    return events


def test_gzipped_csv_says_the_same(take, expected):
    assert take(CSV, "events.csv.gz", packed=True) == expected


def test_gzip_is_known_by_its_bytes_not_by_its_name(take, expected):
    assert take(CSV, "events.csv", packed=True) == expected


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_and_a_byte_order_mark_make_no_difference(take, expected, line_end):
    assert take(b"\xef\xbb\xbf" + CSV.replace("\n", line_end).encode()) == expected


def test_tab_separated_values_say_the_same(take, expected):
    assert take(CSV.replace(",", "\t").replace("\t 完成", ", 完成"), "events.tsv") == expected


@pytest.mark.parametrize("name", ["events.jsonl", "events.ndjson", "events"])
@pytest.mark.parametrize("packed", [False, True])
def test_json_lines_say_the_same_with_amounts_exact(take, expected, name, packed):
    lines = [
        json.dumps({**row, "at": at, "amount": "AMOUNT"}, ensure_ascii=False).replace('"AMOUNT"', amount)
        for row, at, amount in zip(ROWS, TIMES, AMOUNTS, strict=True)
    ]
    assert take("\n\n".join(lines), name, packed=packed) == expected


@pytest.mark.parametrize("typed", [False, True])
def test_parquet_says_the_same_with_text_or_typed_columns(take, expected, typed):
    table = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    if typed:
        table["at"] = pa.array([datetime.datetime.fromisoformat(at) for at in TIMES], pa.timestamp("us", "UTC"))
        table["amount"] = pa.array([Decimal(amount) for amount in AMOUNTS], pa.decimal128(18, 6))
        table["name"] = pa.array(table["name"]).dictionary_encode()
    else:
        table |= {"at": TIMES, "amount": AMOUNTS}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(table), sink, row_group_size=1)
    assert take(sink.getvalue().to_pybytes(), "events.parquet") == expected


def test_parquet_timestamps_keep_their_instant_whatever_unit_and_zone(tmp_path):
    instant = datetime.datetime(2026, 3, 1, 9, 30, tzinfo=datetime.UTC)
    for unit, zone in (("s", "UTC"), ("ms", "Asia/Shanghai"), ("ns", "America/New_York")):
        columns = {
            "type": ["touchpoint"], "identifier": ["member:1"], "purpose": ["analytics"],
            "at": pa.array([instant], pa.timestamp(unit, zone)),
        }  # fmt: skip
        pq.write_table(pa.table(columns), tmp_path / "t.parquet")
        (event,) = read_events(tmp_path / "t.parquet")
        assert event.event_us == int(instant.timestamp()) * 1_000_000


def parquet(**columns):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


PLAIN = parquet(type=["outcome"], identifier=["member:1"], purpose=["p"], at=["2026-03-01T00:00:00Z"], name=["n"])
NAIVE = parquet(
    type=["outcome"], identifier=["member:1"], purpose=["p"], name=["n"],
    at=pa.array([datetime.datetime(2026, 3, 1)], pa.timestamp("us")),  # noqa: DTZ001 (the zone is what is missing)
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("missing.csv", None, "no such file"),
        ("empty.csv", "", "empty"),
        ("blank.csv", "\ufeff \n\r\n", "empty"),
        ("empty.jsonl", "", "empty"),
        ("header.csv", "type,identifier,at,purpose\n", "no row"),
        ("header.csv", "ann@example.com,2026-03-01T00:00:00Z\n", "column 1 is not a field"),
        ("half.csv", "type,identifier,purpose\noutcome,member:1,analytics\n", "nothing fills the field at"),
        ("twice.csv", "type,identifier,at,at,purpose\na,b,c,d,e\n", "column at twice"),
        ("utf16.csv", CSV.encode("utf-16"), "UTF-16 or binary"),
        ("utf16.csv", CSV.encode("utf-16-le"), "UTF-16 or binary"),
        ("gbk.csv", CSV.encode("gbk"), "not UTF-8"),
        (
            "late.csv",
            (CSV + "outcome,member:1,2026-03-01T09:30:00Z,analytics,m,order,1,1\n" * 5000).encode() + b"\xff",
            "not UTF-8",
        ),
        ("junk.csv", bytes(range(256)) * 40, "binary"),
        ("junk.csv", b"\x89\x90\xfe\xfd" * 40, "not UTF-8"),
        ("junk", b"\x00\x01\x02", "binary"),
        ("open.csv", CSV + '"outcome,member:1\n', "quotes"),
        ("book.xlsx", b"PK\x03\x04" + bytes(30), "ZIP archive or an Excel"),
        ("cut.csv.gz", gzip.compress(CSV.encode() * 500)[:-20], "gzip"),
        ("cut.csv.gz", b"\x1f\x8b\x08\x00junk", "gzip"),
        ("crc.csv.gz", gzip.compress(CSV.encode())[:-8] + bytes(8), "gzip"),
        ("array.json", "[1, 2]\n", "not JSON lines"),
        ("text.jsonl", "hello\n", "not JSON lines"),
        ("text.parquet", CSV, "not a Parquet file"),
        ("cut.parquet", PLAIN[:-40], "damaged or cut off"),
        ("hole.parquet", PLAIN[:4] + bytes(60) + PLAIN[64:], "damaged or cut off"),
        ("naive.parquet", NAIVE, "times without a zone"),
        ("rowless.parquet", parquet(type=pa.array([], pa.string()), identifier=[], at=[], purpose=[]), "no row"),
        ("packed.parquet", gzip.compress(PLAIN), "gzipped Parquet"),
        ("long.csv", CSV + "x" * 3_000_000, "over a million characters"),
        ("wide.csv", CSV + "x" * 200_000 + ",\n", "over 131,072 characters"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_refused_by_name(take, name, content, problem):
    with pytest.raises(BadInput, match=problem) as caught:
        take(content, name)
    assert name in (caught.value.where or "")
    assert caught.value.exit_code == 2
    assert "ann@example.com" not in str(caught.value)


def test_a_folder_and_a_file_without_permission_are_refused(take, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(BadInput, match="not a regular file"):
        take(None, "folder.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(BadInput, match="not a regular file"):
        take(None, "pipe.csv")


def test_later_lines_that_are_no_objects_are_bad_rows(take):
    good = json.dumps({"type": "touchpoint", "at": "2026-03-01T00:00:00Z", "purpose": "analytics"})
    rows = take("\n".join([good, "{", "[]", good + good, '{"purpose": NaN}', '{"unknown": 1}', good]), "x.jsonl")
    assert [row.row for row in rows if isinstance(row, RowFault)] == [2, 3, 4, 5, 6]
    assert [row.row for row in rows if isinstance(row, RawEvent)] == [1, 7]


def test_half_a_character_cannot_pass(take):
    good = {"type": "outcome", "at": "2026-03-01T00:00:00Z", "purpose": "analytics", "identifier": "member:1"}
    rows = take("\n".join(json.dumps({**good, "name": name}) for name in ("\U0001f600", "\ud83d")), "x.jsonl")
    assert rows[0].name == "\U0001f600"
    assert isinstance(rows[1], RowFault)


def test_typed_values_are_not_mistaken_for_one_another(take):
    good = {"type": "outcome", "at": "2026-03-01T00:00:00Z", "purpose": "analytics", "name": "n"}
    cases = [("identifier", "member:1", "quantity", 1), ("identifier", "member:1", "quantity", True)]
    cases += [("identifier", "member:1", "name", 1.5), ("identifier", ["member:1"], "quantity", 1)]
    rows = take("\n".join(json.dumps({**good, a: b, c: d}) for a, b, c, d in cases), "x.jsonl")
    assert [type(row) for row in rows] == [RawEvent, RowFault, RowFault, RowFault]
    assert [row.field for row in rows[1:]] == ["quantity", "name", "identifier"]


def test_a_chinese_export_is_read_by_its_own_column_names(take):
    mapping = """
        [file]
        encoding = "gb18030"
        [identifier]
        kind = "member"
        column = "会员编号"
        [defaults]
        type = "outcome"
        purpose = "analytics"
        currency = "CNY"
        [columns]
        at = "时间"
        name = "事件"
        amount = "金额"
    """
    body = "会员编号,时间,事件,金额,备注\n张三,2026-03-01T09:30:00+08:00,下单,199.90,无\n"
    (event,) = take(body.encode("gbk"), "订单.csv", mapping)
    assert (event.identifier, event.name, event.amount_micros) == (RawId("member", "张三"), "下单", 199_900_000)
    assert take(body, "订单.csv", mapping.replace("gb18030", "utf-8"))[0].name == "下单"
    assert take(body.encode("utf-16"), "订单.csv", mapping.replace("gb18030", "utf-16"))[0].name == "下单"


@pytest.mark.parametrize("encoding", ["cp1252", "iso-8859-1", "cp1251"])
def test_utf_8_that_is_declared_to_be_a_single_byte_encoding_is_refused_before_any_row(take, encoding):
    mapping = f'''
        [file]
        encoding = "{encoding}"
        [identifier]
        kind = "member"
        column = "who"
        [defaults]
        type = "outcome"
        purpose = "analytics"
        name = "order"
        [columns]
        at = "when"
    '''
    plain = "who,when\n" + "1,2026-03-01T09:30:00Z\n" * 3000
    with pytest.raises(BadInput, match="this is UTF-8") as caught:
        take(plain + "größe,2026-03-01T09:30:00Z\n", "x.csv", mapping)
    assert caught.value.mend == "leave the encoding out"
    assert len(take(plain, "x.csv", mapping)) == 3000


@pytest.mark.parametrize("format_", ["csv.gz", "jsonl", "parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path, format_):
    def write(count):
        names = ("type", "identifier", "at", "purpose", "name", "amount")
        rows = [
            (
                "outcome",
                f"member:{i}",
                f"2026-03-01T00:{i % 60:02}:{i // 60 % 60:02}.{i:06}Z",
                "analytics",
                "order",
                f"{i}.5",
            )
            for i in range(count)
        ]
        path = tmp_path / f"{count}.{format_}"
        if format_ == "csv.gz":
            path.write_bytes(gzip.compress("\n".join(",".join(row) for row in (names, *rows)).encode(), 1))
        elif format_ == "jsonl":
            path.write_text("\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in rows))
        else:
            pq.write_table(pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))), path)
        return path

    def peak(path):
        tracemalloc.start()
        try:
            count = sum(isinstance(item, RawEvent) for item in read_events(path))
            return count, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak(write(9_000)), peak(write(27_000))
    assert (small[0], large[0]) == (9_000, 27_000)
    # The memory of converted times is bounded above both sizes: allow for it, not for the rows (some 30 MB).
    assert large[1] - small[1] < 9_000_000
