"""`imp spend` through the command line: all or nothing, exact, revised, and never about anybody."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imp_consent.plane.spend import fetch_pages
from imp_core.channel import ChannelContext, Retryable, SpendPage, Window
from imp_core.outbound.backoff import Backoff
from imp_core.randomness import SeededRandomness
from imp_core.stopwatch import SimulatedStopwatch

Line = Any
Settings = Callable[..., None]
GOOD = "day,campaign,cost,currency,impressions\n2026-02-01,spring,10.50,EUR,100\n2026-02-02,spring,3,USD,\n"
MAPPING = """
[spend]
day = "day"
campaign = "campaign"
cost = "cost"
currency = "currency"
impressions = "impressions"
"""


@pytest.fixture
def take(line: Line, tmp_path: Path) -> Callable[..., Any]:
    """`take(content)`: import a file through the channel `file` as spend on `ads`."""

    def take(content: str, *words: str) -> Any:
        (tmp_path / "map.toml").write_text(MAPPING)
        (tmp_path / "spend.csv").write_text(content)
        where = ("--source", str(tmp_path / "spend.csv"), "--map", str(tmp_path / "map.toml"), "--for", "ads")
        return line("spend", "import", "file", *where, *words)

    return take


def entries(line: Line) -> int:
    return int(line("status", "--json").ok().json["entries"])


def test_what_was_taken_in_is_what_is_listed_and_currencies_stay_apart(line: Line, take: Callable[..., Any]) -> None:
    done = take(GOOD, "--json").ok().json
    assert done == {
        "channel": "ads", "source_sha256": hashlib.sha256(GOOD.encode()).hexdigest(), "rows": 2, "new": 2,
        "revised": 0, "unchanged": 0, "rejected": 0, "first_day": "2026-02-01", "last_day": "2026-02-02",
        "totals": {"EUR": 10_500_000, "USD": 3_000_000}, "seq": done["seq"], "dry_run": False,
    }  # fmt: skip
    found = line("spend", "list", "--json").ok().json
    assert found["totals"] == {"EUR": 10_500_000, "USD": 3_000_000}
    assert found["rows"][0] == {
        "day": "2026-02-01", "tz": "UTC", "channel": "ads", "campaign": "spring", "content": None,
        "impressions": 100, "clicks": None, "cost_micros": 10_500_000, "currency": "EUR", "revision": 1,
        "reported": "2026-03-01T12:00:00Z",
    }  # fmt: skip
    text = line("spend", "list").ok().out
    assert "total: 10.50 EUR, 3.00 USD" in text
    line("audit", "verify").ok()


def test_the_ledger_notes_source_rows_and_days(line: Line, take: Callable[..., Any], context: Any) -> None:
    take(GOOD).ok()
    (entry,) = context.ledger.entries("import")
    assert entry.fields == {
        "what": "spend", "channel": "ads", "by": "file", "rows": 2, "revised": 0, "first_day": 20485,
        "last_day": 20486, "source": hashlib.sha256(GOOD.encode()).hexdigest(),
    }  # fmt: skip


def test_a_day_reported_anew_is_revised_and_the_latest_report_holds(line: Line, take: Callable[..., Any]) -> None:
    take(GOOD).ok()
    before = entries(line)
    again = take(GOOD)
    assert (again.ok().out.splitlines()[-1], entries(line)) == ("nothing new", before)
    done = take(GOOD.replace("10.50", "12.00"), "--json").ok().json
    assert (done["new"], done["revised"], done["unchanged"]) == (0, 1, 1)
    take(GOOD, "--json").ok()
    rows = line("spend", "list", "--json").ok().json["rows"]
    assert [(row["cost_micros"], row["revision"]) for row in rows] == [(10_500_000, 3), (3_000_000, 1)]
    line("audit", "verify").ok()


def test_a_dry_run_says_the_same_and_takes_nothing(line: Line, take: Callable[..., Any]) -> None:
    before = entries(line)
    done = take(GOOD, "--dry-run", "--json").ok().json
    assert (done["new"], done["seq"], done["dry_run"]) == (2, None, True)
    assert line("spend", "list").ok().out == "no spend was reported\n"
    assert entries(line) == before


def test_one_bad_row_stops_all_unless_rejects_are_asked_for(
    line: Line, take: Callable[..., Any], tmp_path: Path
) -> None:
    bad = GOOD + "2026-02-03,ann@example.com,1,EUR,\n2026-02-04,spring,1,RMB,\n2026-02-05,spring,x,EUR,\n"
    before = entries(line)
    refused = take(bad)
    assert refused.code == 2
    for words in ("row 3, campaign: looks like", "row 4, currency: not a currency", "row 5, cost: not an amount"):
        assert words in refused.err
    assert "ann@" not in refused.err + refused.out
    assert (line("spend", "list").ok().out, entries(line)) == ("no spend was reported\n", before)
    rejects = tmp_path / "rejects.csv"
    done = take(bad, "--rejects", str(rejects), "--json").ok().json
    assert (done["rows"], done["rejected"]) == (2, 3)
    assert [row.split(",")[:2] for row in rejects.read_text().splitlines()] == [
        ["row", "field"], ["5", "cost"], ["3", "campaign"], ["4", "currency"],
    ]  # fmt: skip


def test_where_every_row_is_faulty_nothing_is_taken_and_the_rejects_say_why(
    line: Line, take: Callable[..., Any], tmp_path: Path
) -> None:
    before = entries(line)
    refused = take("day,campaign,cost,currency,impressions\nx,a,1,EUR,\n", "--rejects", str(tmp_path / "r.csv"))
    assert (refused.code, "every row is faulty" in refused.err, entries(line)) == (2, True, before)
    assert "1,day," in (tmp_path / "r.csv").read_text()


def test_two_rows_of_one_day_campaign_and_content_are_a_fault_not_a_choice(take: Callable[..., Any]) -> None:
    refused = take(GOOD + "2026-02-01,spring,1,EUR,\n")
    assert refused.code == 2
    assert "row 3, row: the same day, campaign and content as row 1" in refused.err


def test_the_list_can_be_narrowed(line: Line, take: Callable[..., Any]) -> None:
    take(GOOD).ok()
    for words, days in (
        (("--from", "2026-02-02"), ["2026-02-02"]),
        (("--to", "2026-02-01"), ["2026-02-01"]),
        (("--channel", "ads", "--campaign", "spring"), ["2026-02-01", "2026-02-02"]),
        (("--channel", "email"), []),
        (("--campaign", "x' OR 1"), []),
    ):
        assert [row["day"] for row in line("spend", "list", *words, "--json").ok().json["rows"]] == days


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("spend", "import", "file"), "no file was named"),
        (("spend", "import", "file", "--map", "baidu"), "a mapping without a file"),
        (("spend", "import", "file", "--source", "none.csv", "--map", "baidu"), "no such file"),
        (("spend", "import", "file", "--source", "imp.toml"), "no mapping was named"),
        (("spend", "import", "file", "--source", "imp.toml", "--map", "nobodys"), "no mapping of this name"),
        (("spend", "import", "file", "--from", "1.3.2026"), "--from: not a day"),
        (("spend", "list", "--to", "2026-02-30"), "--to: not a day"),
        (("spend", "import", "file", "--for", "13800138000"), "--for: not a name"),
        (("spend", "import", "nowhere"), "no channel of this name"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(line: Line, words: tuple[str, ...], problem: str) -> None:
    refused = line(*words)
    assert refused.code == 2
    what, _, rest = problem.rpartition(": ")
    assert rest in refused.err
    assert what in refused.err


def test_a_mapping_of_the_workspace_goes_before_a_shipped_one(line: Line, tmp_path: Path) -> None:
    (tmp_path / "spend.csv").write_text(GOOD)
    words = ("spend", "import", "file", "--source", str(tmp_path / "spend.csv"), "--map", "baidu", "--json")
    assert "no column" in line(*words).err
    (line.workspace / "mappings").mkdir()
    (line.workspace / "mappings" / "baidu.toml").write_text(MAPPING)
    assert line(*words).ok().json["rows"] == 2


def test_events_are_taken_in_by_a_mappings_name_too(line: Line, tmp_path: Path) -> None:
    call = '{"type": "track", "userId": "u1", "messageId": "m1", "timestamp": "2026-02-01T09:00:00Z", "event": "X"}\n'
    (tmp_path / "calls.jsonl").write_text(call)
    words = ("ingest", "file", str(tmp_path / "calls.jsonl"), "--map", "segment-track", "--json")
    assert line(*words).ok().json["denied"] == {"no_record": 1}


def test_the_zone_of_a_files_days_is_a_setting(line: Line, take: Callable[..., Any]) -> None:
    with (line.workspace / "imp.toml").open("a") as file:
        file.write('\n[channels.file]\ntz = "Europe/Berlin"\n')
    take(GOOD).ok()
    assert {row["tz"] for row in line("spend", "list", "--json").ok().json["rows"]} == {"Europe/Berlin"}


def test_a_strangers_pages_are_taken_in_together(line: Line, settings: Settings) -> None:
    settings(report="two_pages")
    done = line("spend", "import", "acme", "--json").ok().json
    assert (done["channel"], done["rows"], done["source_sha256"]) == ("acme", 3, None)
    line("audit", "verify").ok()


def test_a_report_without_a_row_has_no_days(line: Line, settings: Settings) -> None:
    settings(report="quiet")
    out = line("spend", "import", "acme").ok().out
    assert [text.split() for text in out.splitlines()] == [
        ["channel", "acme"], ["rows", "0"], ["days", "none"], ["cost", "nothing"], ["nothing", "new"],
    ]  # fmt: skip


def test_a_stranger_that_is_busy_is_asked_again(line: Line, settings: Settings) -> None:
    settings(report="retry")
    assert line("spend", "import", "acme", "--json").ok().json["rows"] == 1


def test_between_two_askings_it_waits_as_long_as_the_channel_says() -> None:
    stopwatch = SimulatedStopwatch()
    answers: list[SpendPage | Retryable] = [
        Retryable("busy", after=7), Retryable("busy", after=9), SpendPage(rows=[]),
    ]  # fmt: skip

    class Runner:
        name = "acme"

        def call(self, *_: object, **__: object) -> SpendPage:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    def fetch() -> list[SpendPage]:
        context = ChannelContext(settings={}, now_us=0)
        backoff = Backoff(SeededRandomness(1))
        return list(fetch_pages(Runner(), context, Window(), stopwatch=stopwatch, backoff=backoff))  # type: ignore[arg-type]  # as a runner answers

    assert len(fetch()) == 1
    assert stopwatch.waits == [7, 9]
    answers += [Retryable("busy", after=1) for _ in range(4)]
    with pytest.raises(Retryable):
        fetch()
    assert stopwatch.waits == [7, 9, 1, 1, 1]


@pytest.mark.parametrize(
    ("mode", "code", "words"),
    [
        ("auth", 3, "AuthInvalid: 401"),
        ("raises", 3, "raised RuntimeError"),
        ("exits", 3, "raised SystemExit"),
        ("nothing", 3, "raised TypeError"),
        ("floats", 3, "raised TypeError"),
        ("many", 3, "raised ValueError"),
        ("endless", 3, "comes to no end"),
        ("faults", 2, "row 2, x: *** has ***"),
    ],
)
def test_what_a_stranger_does_wrong_costs_its_report_and_nothing_else(
    line: Line, settings: Settings, mode: str, code: int, words: str
) -> None:
    settings(report=mode)
    before = entries(line)
    answer = line("spend", "import", "acme")
    assert answer.code == code, answer.err
    assert "ann@" not in answer.err + answer.out
    assert entries(line) == before
    assert words in answer.err


def test_a_strangers_texts_become_plain_before_they_are_looked_at(line: Line, settings: Settings) -> None:
    settings(report="subclass")
    line("spend", "import", "acme").ok()
    assert [row["campaign"] for row in line("spend", "list", "--json").ok().json["rows"]] == ["x"]


def test_days_that_were_not_asked_for_are_not_taken(line: Line, settings: Settings) -> None:
    settings(report="outside")
    refused = line("spend", "import", "acme", "--from", "2026-02-01", "--to", "2026-02-03")
    assert "row 28, day: outside the days that were asked for" in refused.err


def test_a_channel_that_reports_no_spend_says_so(
    line: Line, acme: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(report="two_pages")
    channel = importlib.import_module(acme).Acme
    monkeypatch.setattr(channel, "info", replace(channel.info, supports={}))
    assert "reports no spend" in line("spend", "import", "acme").err


def test_every_command_shows_an_example(imp_here: Line) -> None:
    for words in (("spend",), ("spend", "import"), ("spend", "list")):
        assert "Example: imp spend" in imp_here(*words, "--help").ok().out
