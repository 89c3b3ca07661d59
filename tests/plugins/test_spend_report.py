"""Spend reports through the channel `file`. Every fixture is synthetic: made up after the columns platforms write."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imp_channel_file.channel import FileChannel
from imp_channel_file.mapping import read_mapping
from imp_channel_file.named import mapping_text, shipped_names
from imp_channel_file.report import SpendPages
from imp_channel_file.spend_mapping import parse_spend_mapping
from imp_core.channel import ChannelContext, Source, SpendRow, Window
from imp_core.errors import BadInput
from imp_core.event import RowFault

PLAIN = """
[spend]
day = "day"
campaign = "campaign"
cost = "cost"
impressions = "impressions"
clicks = "clicks"
content = "ad"
currency = "currency"
[defaults]
currency = "EUR"
"""
GOOGLE = """Campaign report (synthetic)
"March 1, 2026 - March 2, 2026"
Day,Campaign,Currency code,Cost,Impr.,Clicks
2026-03-01,Spring,USD,"1,204.50","48,210","1,930"
2026-03-02,Total War,USD,10.00,100, --
Total: Account,,,"1,214.50","48,310","1,930"
Total: Campaigns,,,"1,214.50","48,310","1,930"
"""
META = """Reporting starts,Reporting ends,Campaign name,Day,Amount spent (GBP),Impressions,Clicks (all)
2026-03-01,2026-03-02,,,20.25,1100,57
2026-03-01,2026-03-02,Spring,2026-03-01,20.00,1000,50
2026-03-01,2026-03-02,Spring,2026-03-02,0.25,100,7
"""
BAIDU = """数据生成时间\uff1a2026-03-03 16:28
数据生成条件\uff1a
1. 时间范围\uff1a20260301
2. 时间单位\uff1a分日

日期,推广计划,账户,展现,点击,消费,点击率
2026-03-01,春季-品牌词,toyshop,"1,200",36,"¥1,080.50",3.00%
2026-03-02,春季-品牌词,toyshop,900,-,88.00,0.00%
合计,-,-,"2,100",36,"1,168.50",1.71%
"""
DOUYIN = """时间-天,项目名称,单元名称,消耗,展示数,点击数
2026-03-01,春季,视频一,1000.55,20000,300
总计,-,-,1000.55,20000,300
"""
XIAOHONGSHU = "时间,计划名称,消费,展现量,点击量\n2026-03-01,春季,300.00,5000,120\n合计,,300.00,5000,120\n"
WECHAT = "日期,广告名称,创意名称,花费,曝光次数,点击次数\n2026/3/1,朋友圈-春季,图一,99.90,10000,80\n"


@pytest.fixture
def report(tmp_path):
    """`report(content, mapping)`: every page's rows and faults; a mapping is TOML, or a name."""

    def report(content, mapping=PLAIN, name="spend.csv", window=None, settings=None, page=None):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        where = mapping
        if "[" in mapping:
            where = tmp_path / "map.toml"
            where.write_text(mapping, encoding="utf-8")
        channel = FileChannel()
        if page:
            channel._pages = SpendPages(page=page)
        first, last = window or (None, None)
        asked = Window(first_day=first, last_day=last, source=Source(path=path, mapping=Path(where)))
        rows, faults, cursor = [], [], None
        while True:
            found = channel.report(ChannelContext(settings=settings or {}, now_us=0), asked, cursor)
            rows += found.rows
            faults += found.faults
            cursor = found.cursor
            if cursor is None:
                return rows, faults

    return report


def row(day, campaign, cost, currency, number, **more):
    return SpendRow(day=day, campaign=campaign, cost=Decimal(cost), currency=currency, row=number, **more)


def test_a_google_report_is_read_from_below_its_title_to_above_its_totals(report):
    rows, faults = report(GOOGLE, "google-ads", settings={"tz": "America/New_York"})
    zone = {"tz": "America/New_York"}
    assert rows == [
        row("2026-03-01", "Spring", "1204.50", "USD", 1, impressions=48210, clicks=1930, **zone),
        row("2026-03-02", "Total War", "10.00", "USD", 2, impressions=100, clicks=None, **zone),
    ]
    assert faults == []


def test_a_meta_report_names_its_currency_in_the_header_and_sums_up_in_a_row_without_a_name(report):
    rows, faults = report(META, "meta-ads")
    assert [(item.day, item.cost, item.currency, item.clicks, item.row) for item in rows] == [
        ("2026-03-01", Decimal("20.00"), "GBP", 50, 2),
        ("2026-03-02", Decimal("0.25"), "GBP", 7, 3),
    ]
    assert faults == []


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
def test_a_baidu_report_is_read_in_whichever_encoding_it_comes(report, encoding):
    rows, faults = report(BAIDU.encode(encoding), "baidu")
    zone = {"tz": "Asia/Shanghai"}
    assert rows == [
        row("2026-03-01", "春季-品牌词", "1080.50", "CNY", 1, impressions=1200, clicks=36, **zone),
        row("2026-03-02", "春季-品牌词", "88.00", "CNY", 2, impressions=900, clicks=None, **zone),
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("content", "mapping", "expected"),
    [
        (DOUYIN, "douyin", ("2026-03-01", "春季", "视频一", "1000.55", 20000, 300)),
        (XIAOHONGSHU, "xiaohongshu", ("2026-03-01", "春季", None, "300.00", 5000, 120)),
        (WECHAT, "wechat", ("2026-03-01", "朋友圈-春季", "图一", "99.90", 10000, 80)),
    ],
    ids=["douyin", "xiaohongshu", "wechat"],
)
def test_chinese_platforms_have_mappings_of_their_own(report, content, mapping, expected):
    (found,), faults = report(content, mapping)
    shown = (found.day, found.campaign, found.content, str(found.cost), found.impressions, found.clicks)
    assert shown == expected
    assert (found.currency, found.tz, faults) == ("CNY", "Asia/Shanghai", [])


def test_the_marketing_apis_field_names_are_read_from_json_lines(report):
    lines = '{"stat_datetime": "2026-03-01 00:00:00", "campaign_name": "春季", "cost": 12.34, "show": 9, "click": 1}\n'
    (found,), _ = report(lines, "douyin", name="spend.jsonl")
    assert (found.day, found.cost, found.impressions) == ("2026-03-01", Decimal("12.34"), 9)


def test_every_shipped_mapping_can_be_read_and_says_where_its_columns_come_from():
    for name in shipped_names():
        text, where = mapping_text(Path(name))
        assert text.startswith("# "), name
        if "[spend]" in text:
            parse_spend_mapping(text, where=where)
        else:
            read_mapping(Path(name))


def test_costs_are_exact_whatever_their_size(report):
    cost = "9007199254740993.000001"
    (found,), _ = report(f"day,campaign,cost\n2026-03-01,a,{cost}\n")
    assert str(found.cost) == cost
    (long,), _ = report("day,campaign,cost\n2026-03-01,a,1234567890123456789.12345678901234567890\n")
    assert str(long.cost) == "1234567890123456789.12345678901234567890"
    (cents,), _ = report("day,campaign,cost\n2026-03-01,a,1234567890123456789\n", PLAIN + '[format]\nunit = "0.01"\n')
    assert str(cents.cost) == "12345678901234567.89"


@pytest.mark.parametrize(
    ("form", "written", "cost"),
    [
        ('thousands = "."\ndecimal = ","', "1.234.567,50", "1234567.50"),
        ("thousands = ' '\ndecimal = ','", "1 234,5", "1234.5"),
        ('symbols = ["$", "US$"]', "-$5.00", "-5.00"),
        ('symbols = ["$", "US$"]', "US$ 5", "5"),
        ('symbols = ["€"]', "5.00 €", "5.00"),
        ('symbols = ["$"]', "$-5.00", "-5.00"),
        ('thousands = ","', "1234567.5", "1234567.5"),
        ("", "\u00a07.00 ", "7.00"),
    ],
)
def test_amounts_are_read_as_the_mapping_says_they_are_written(report, form, written, cost):
    rows, faults = report(f'day,campaign,cost\n2026-03-01,a,"{written}"\n', f"{PLAIN}[format]\n{form}\n")
    assert faults == []
    assert str(rows[0].cost) == cost


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("", "1,234"), ("", "1,5"), ('thousands = ","', "1,23"), ('thousands = ","', "12,34,567"), ("", "$5"),
        ('symbols = ["$"]', "--$5"), ('symbols = ["$"]', "-$-5"), ('symbols = ["$"]', "$"), ("", "1e3"), ("", "NaN"),
        ("", "\uff11\uff12"), ("", "1 2"),
    ],
)  # fmt: skip
def test_an_amount_written_otherwise_is_a_fault_that_does_not_repeat_it(report, form, written):
    rows, faults = report(f'day,campaign,cost\n2026-03-01,a,"{written}"\n', f"{PLAIN}[format]\n{form}\n")
    problem = "not an amount as the mapping's [format] says they are written"
    assert (rows, faults) == ([], [RowFault(row=1, field="cost", problem=problem)])


@pytest.mark.parametrize(
    ("form", "written", "day"),
    [
        ("YYYY-MM-DD", "2026-03-01", "2026-03-01"),
        ("YYYY/M/D", "2026/3/1", "2026-03-01"),
        ("DD.MM.YYYY", "01.03.2026", "2026-03-01"),
        ("M/D/YYYY", "3/1/2026", "2026-03-01"),
        ("YYYYMMDD", "20260301", "2026-03-01"),
        ("YYYY年M月D日", "2026年3月1日", "2026-03-01"),
        ("YYYY-MM-DD 00:00:00", "2026-03-01 00:00:00", "2026-03-01"),
        ("YYYY-MM-DD", "2026-02-30", None),
        ("YYYY-MM-DD", "01.03.2026", None),
        ("YYYY-MM-DD 00:00:00", "2026-03-01 13:00:00", None),
        ("YYYY-MM-DD", "", None),
    ],
)
def test_days_are_read_as_the_mapping_says_they_are_written(report, form, written, day):
    rows, faults = report(f"day,campaign,cost\n{written},a,1\n", f'{PLAIN}[format]\nday = "{form}"\n')
    if day is None:
        problem = "missing" if not written else f"not a day written as {form}"
        assert (rows, faults) == ([], [RowFault(row=1, field="day", problem=problem)])
    else:
        assert ([item.day for item in rows], faults) == ([day], [])


def test_a_row_is_a_total_only_by_the_words_of_the_mapping_and_only_without_a_day(report):
    content = "day,campaign,cost\n2026-03-01,合计,1\n合计,,2\n,合计,3\nTotal: 4,,4\n,,5\n,b,6\n"
    rows, faults = report(content, PLAIN + '[totals]\nwords = ["合计", "Total: *"]\n')
    assert [(item.campaign, item.row) for item in rows] == [("合计", 1)]
    assert [(fault.row, fault.field) for fault in faults] == [(5, "day"), (6, "day")]
    rows, faults = report(content, PLAIN)
    assert [fault.row for fault in faults] == [2, 3, 4, 5, 6]
    rows, faults = report(content, PLAIN + '[totals]\nwords = [""]\n')
    assert [fault.row for fault in faults] == [2, 3, 4, 6]


def test_what_is_missing_or_of_another_kind_is_a_fault_of_its_row(report):
    content = (
        "day,campaign,cost,impressions,clicks\n2026-03-01,,1,,\n2026-03-01,a,,,\n2026-03-01,a,1,1.5,\n2026-03-01,a\n"
    )
    rows, faults = report(content)
    assert rows == []
    assert [(fault.row, fault.field, fault.problem) for fault in faults] == [
        (1, "campaign", "missing"),
        (2, "cost", "missing"),
        (3, "impressions", "not a whole number"),
        (4, "row", "2 fields where the header has 5"),
    ]


def test_numbers_no_ledger_could_hold_are_faults_before_they_are_spelt_out(report):
    lines = "".join(
        f'{{"day": "2026-03-01", "campaign": "a", "cost": {cost}, "impressions": {n}}}\n'
        for cost, n in (("1e999999", 1), ("1", "1e999999"), ("1", "9223372036854775808"), ("true", 1), ('"x"', 1))
    )
    rows, faults = report(lines, name="spend.jsonl")
    assert rows == []
    assert [fault.field for fault in faults] == ["cost", "impressions", "impressions", "cost", "cost"]


def test_parquet_is_read_with_its_types(report, tmp_path):
    table = pa.table(
        {
            "day": pa.array([date(2026, 3, 1)], pa.date32()),
            "campaign": pa.array(["a"]),
            "cost": pa.array([Decimal("12.340000")], pa.decimal128(18, 6)),
            "impressions": pa.array([7], pa.int64()),
        }
    )
    pq.write_table(table, tmp_path / "spend.parquet")
    (found,), faults = report(None, name="spend.parquet")
    assert (found.day, found.cost, found.impressions, faults) == ("2026-03-01", Decimal("12.34"), 7, [])


@pytest.mark.parametrize("page", [1, 2, 3, 10, 11, 100])
def test_pages_together_are_the_file_whatever_their_size(report, page):
    content = "day,campaign,cost\n" + "".join(f"2026-03-{day:02},a,{day}\n" for day in range(1, 11))
    rows, faults = report(content, page=page)
    assert [item.row for item in rows] == list(range(1, 11))
    assert faults == []


def test_any_page_can_be_asked_for_alone(tmp_path):
    path, mapping = tmp_path / "spend.csv", tmp_path / "map.toml"
    path.write_text("day,campaign,cost\n" + "".join(f"2026-03-{day:02},a,{day}\n" for day in range(1, 11)))
    mapping.write_text(PLAIN)
    window = Window(source=Source(path=path, mapping=mapping))
    pages = SpendPages(page=4)
    first = pages.next(window, None, tz="UTC")
    again = SpendPages(page=4).next(window, first.cursor, tz="UTC")
    assert [item.row for item in again.rows] == [5, 6, 7, 8]
    assert [item.row for item in pages.next(window, None, tz="UTC").rows] == [1, 2, 3, 4]
    for bad in ("", "-1", "x", "\uff11"):
        with pytest.raises(BadInput, match="not a cursor"):
            pages.next(window, bad, tz="UTC")


def test_the_days_asked_for_are_both_included(report):
    content = "day,campaign,cost\n" + "".join(f"2026-03-{day:02},a,{day}\n" for day in range(1, 11))
    rows, _ = report(content, window=("2026-03-03", "2026-03-05"))
    assert [item.day for item in rows] == ["2026-03-03", "2026-03-04", "2026-03-05"]


@pytest.mark.parametrize(
    ("content", "mapping", "problem"),
    [
        (None, PLAIN, "no such file"),
        ("", PLAIN, "empty"),
        ("day,campaign,cost\n", PLAIN, "holds no row"),
        ("day,campaign\n2026-03-01,a\n", PLAIN, "no column cost"),
        ("day,campaign,cost,cost\n2026-03-01,a,1,1\n", PLAIN, "twice"),
        (b"day,campaign,cost\n2026-03-01,\xff\xfe\xff,1\n", PLAIN, "not UTF-8"),
        ("x\n", "nobody", "no mapping of this name"),
        ("x\n", "segment-track", "not for spend"),
        ("day,campaign,cost\n2026-03-01,a,1\n", PLAIN.replace('currency = "EUR"', 'tz = "UTC"'), "which currency"),
        ("Day,Campaign name,Amount spent (USD),Amount spent (EUR)\n2026-03-01,a,1,1\n", "meta-ads", "no column Amount"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_refused_whole(report, content, mapping, problem):
    with pytest.raises(BadInput) as caught:
        report(content, mapping)
    assert problem in str(caught.value)


def test_a_report_needs_a_file_and_a_mapping(tmp_path):
    pages = SpendPages()
    with pytest.raises(BadInput, match="no file was named"):
        pages.next(Window(), None, tz="UTC")
    with pytest.raises(BadInput, match="no mapping was named"):
        pages.next(Window(source=Source(path=tmp_path / "x.csv")), None, tz="UTC")


@pytest.mark.parametrize(
    "toml",
    [
        "", "[spend]", "x", '[spend]\nday = 1\ncampaign = "c"\ncost = "x"', PLAIN + "[more]", PLAIN + "[file]\nx = 1",
        PLAIN.replace('day = "day"', ""), PLAIN.replace('"ad"', '"{currency}"'), PLAIN + '[file]\nencoding = "latin-1"',
        PLAIN + "[file]\npreamble = -1", PLAIN + "[file]\npreamble = true", PLAIN + '[file]\ndelimiter = ";;"',
        PLAIN + '[format]\nday = "YYYY"', PLAIN + '[format]\nday = "YYYY-MM-DD-D"', PLAIN + '[format]\nday = "YYYY-DD"',
        PLAIN + '[format]\nthousands = "."', PLAIN + '[format]\nthousands = "1"', PLAIN + '[format]\ndecimal = ""',
        PLAIN + "[format]\nsymbols = [1]", PLAIN + '[format]\nunit = "0.1"', PLAIN + "[totals]\nwords = 1",
        PLAIN + "[totals]\nword = []", PLAIN + "[format]\nempty = 0",
    ],
)  # fmt: skip
def test_a_mapping_that_says_what_cannot_be_is_refused(report, toml):
    with pytest.raises(BadInput):
        parse_spend_mapping(toml, where="map.toml")


def test_a_spend_mapping_is_refused_for_events_and_says_where_it_belongs(take):
    with pytest.raises(BadInput, match="this mapping is for spend"):
        take("x\n1\n", mapping=PLAIN)


def test_the_shipped_segment_mapping_takes_track_calls_of_known_people(tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_text(
        '{"type": "track", "userId": "u1", "messageId": "m1", "timestamp": "2026-03-01T09:00:00.000Z",'
        ' "event": "Order Completed"}\n'
        '{"type": "page", "userId": "u1", "messageId": "m2", "timestamp": "2026-03-01T09:00:01.000Z"}\n'
        '{"type": "track", "anonymousId": "a", "messageId": "m3", "timestamp": "2026-03-01T09:00:02Z", "event": "X"}\n'
    )
    source = Source(path=path, mapping=Path("segment-track"))
    found = list(FileChannel().ingest(ChannelContext(settings={}, now_us=0), source))
    assert [type(item).__name__ for item in found] == ["RawEvent", "RowFault"]
    assert (found[0].name, found[0].message_id, found[0].identifier.value) == ("Order Completed", "m1", "u1")
