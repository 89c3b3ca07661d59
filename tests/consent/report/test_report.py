"""`imp audit report`: the figures of a period, each with its entries; nobody's name and no small count is in it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import jsonschema
import pytest

from imp_consent.report.consent import times_between
from imp_consent.report.plot import nice_top
from imp_consent.report.seqs import format_seqs, parse_seqs
from imp_consent.report.uses import cell
from imp_core.clock import DAY_US
from imp_core.errors import BadInput


def told(shop, *words, code=0):
    return shop("audit", "report", *words, "--json", code=code).json


@pytest.fixture
def schema(project_folder):
    path = project_folder / "consent" / "imp_consent" / "report" / "report.schema.json"
    return json.loads(path.read_text(encoding="utf-8"))


def of(report, purpose):
    return next(item for item in report["consent"] if item["purpose"] == purpose)


def test_the_report_is_what_its_schema_says(shop, schema):
    report = told(shop)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(report, schema)
    assert report["schema"] == schema["$id"]


def test_consent_over_time_is_counted_by_purpose_at_the_times_people_spoke_of(shop):
    points = {point["at"][:10]: point["people"] for point in of(told(shop), "analytics")["points"]}
    assert (points["2026-03-02"], points["2026-03-20"], points["2026-03-22"]) == (40, 40, 28)
    mail = {point["at"][:10]: point["people"] for point in of(told(shop), "marketing.email")["points"]}
    assert (mail["2026-03-10"], mail["2026-03-12"]) == (0, 15)


def test_r54_one_person_more_moves_no_figure_of_consent(shop):
    before = of(told(shop), "analytics")
    shop.say(("m31", "analytics", "withdrawn", 35))
    after = of(told(shop), "analytics")
    assert (after["points"], after["states"]) == (before["points"], before["states"])
    assert after["states"] == {"given": 28, "withdrawn": 12}


def test_r54_two_periods_tell_together_no_more_than_one(shop):
    shop.say(("m31", "analytics", "withdrawn", 35))
    whole = {point["at"][:10]: point["people"] for point in of(told(shop), "analytics")["points"]}
    for begins, ends in (("2026-03-30", "2026-04-04"), ("2026-04-03", "2026-04-10"), ("2026-04-06", "2026-04-11")):
        part = of(told(shop, "--from", begins, "--to", ends), "analytics")
        assert [point["people"] for point in part["points"]] == [28] * len(part["points"]), begins
        assert part["states"] == {"given": 28, "withdrawn": 12}
    assert whole["2026-04-10"] == 28


def test_the_table_of_what_the_gate_says_tells_as_of_which_entry_and_what_is_not_in_it(shop, tmp_path):
    shop.say(*((f"m{who}", "analytics", "withdrawn", 35) for who in range(31, 36)))
    shop("audit", "report", "--out", tmp_path / "page.html")
    report = told(shop)
    found, page = of(report, "analytics"), (tmp_path / "page.html").read_text(encoding="utf-8")
    assert found["states"] == {"given": 28, "withdrawn": 12}, "five changed their minds: too few to be shown"
    assert {at[:10] for at in found["states_since"].values()} == {"2026-03-21"}
    assert (found["moves_by"], found["as_of_entry"]) == (10, report["size"] - 1)
    caption = f"as of entry {found['as_of_entry']}; changes of fewer than 10 people since the day beside a figure"
    assert caption in page
    assert '<td class="n">28</td><td class="t">2026-03-21</td>' in page


def test_no_day_stands_twice_in_the_table_beside_the_plot(shop, tmp_path):
    shop.say(*((f"m{who}", "analytics", "withdrawn", 41) for who in range(20, 32)))
    for words in ((), ("--from", "2026-03-30"), ("--from", "2026-04-10"), ("--to", "2026-03-21T13:00:00Z")):
        shop("audit", "report", "--out", tmp_path / "page.html", "--force", *words)
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        for table in re.findall(r"when the number moved.*?<tbody>(.*?)</tbody>", page, re.DOTALL):
            days = re.findall(r'<th scope="row">([0-9-]+)</th>', table)
            assert days == sorted(set(days)), words


def test_a_period_that_is_none_is_named_before_anything_else(shop):
    for day in ("2026-02-30", "soon"):
        assert "where: --from" in shop("audit", "report", "--from", day, code=2).err
    assert "where: --out" in shop("audit", "report", "--from", "2026-03-02", code=2).err


def test_before_the_log_began_nobody_is_counted(shop):
    report = of(told(shop, "--from", "2026-01-01", "--to", "2026-02-01"), "analytics")
    assert {point["people"] for point in report["points"]} == {0}


def test_r54_an_approval_tells_what_was_asked_for_and_not_of_how_few(shop, tmp_path):
    config = tmp_path / "workspace" / "imp.toml"
    text = config.read_text(encoding="utf-8") + "\n[policy]\ntwo_persons = true\ntwo_persons_above = 1\n"
    config.write_text(text, encoding="utf-8")
    shop("consent", "erase", "member:m1", "member:m2", "member:m3", "--execute", code=1)
    (asked,) = [event for event in told(shop)["events"] if event["type"] == "approval"]
    assert asked["text"] == "step asked; deed erase; people few"


def test_a_yes_for_one_channel_counts_and_a_person_with_two_counts_once(empty_shop):
    for who in range(12):
        for channel in ("email", "post"):
            empty_shop(
                "consent", "record", f"member:{who}", "--purpose", "analytics", "--state", "given", "--channel", channel
            )
    empty_shop.go_to(3)
    assert of(told(empty_shop), "analytics")["states"]["given"] == 12


def test_uses_are_summed_by_plugin_purpose_and_actor_and_lead_to_their_entries(shop):
    (group,) = told(shop)["uses"]
    assert (group["plugin"], group["purposes"], group["actor"]) == ("file", ["analytics"], "tester")
    assert (group["uses"], group["permitted"]) == (2, {"n": 68, "few": False})
    assert group["denied"] == {"withdrawn": {"n": 12, "few": False}}
    found = shop("audit", "entries", group["entries"], "--json").json["entries"]
    assert [entry["type"] for entry in found] == ["collect", "collect"]
    assert [entry["fields"]["n"] for entry in found] == [40, 28]


def test_the_command_below_a_figure_shows_its_entries(shop):
    (group,) = told(shop)["uses"]
    words = group["command"].split()[1:]
    assert ",".join(str(use["seq"]) for use in shop(*words, "--json").json["uses"]) == group["entries"]
    (flagged,) = told(shop)["flagged"]
    found = shop(*flagged["command"].split()[1:], "--json").json["entries"]
    assert [entry["type"] for entry in found] == ["collect"], "what one person said is not told by its entry either"
    shop.say(*((f"m{who}", "analytics", "withdrawn", 35) for who in range(12, 24)))
    (flagged,) = told(shop)["flagged"]
    found = shop(*flagged["command"].split()[1:], "--json").json["entries"]
    assert {entry["type"] for entry in found} == {"collect", "person", "import"}


def test_r54_a_purpose_of_few_people_has_no_range_of_entries(shop):
    shop.say(*((f"m{who}", "experimentation", "given", 40) for who in range(4)))
    few = of(told(shop), "experimentation")
    assert (few["entries"], few["states"]) == ("", {"given": None})
    assert few["command"].startswith("imp audit uses --purpose experimentation")


def test_late_withdrawals_are_reported_as_uses_to_review(shop):
    (flagged,) = told(shop)["flagged"]
    assert (flagged["people"], flagged["reasons"]) == (None, {"withdrawn": None})
    assert told(shop, "--to", "2026-03-31")["flagged"] == []


def test_keys_notices_erasures_and_approvals_are_told_with_who_did_them(shop):
    shop("keys", "rotate", "pepper", "--execute", IMP_ACTOR="keyholder")
    shop("consent", "erase", "member:m1", "--execute", IMP_ACTOR="officer")
    report = told(shop)
    rotated = report["keys"][0]
    assert (rotated["actor"], rotated["text"].startswith("pepper rotate: ")) == ("keyholder", True)
    assert [event["type"] for event in report["notices"]] == ["policy", "notice"]
    (erased,) = [event for event in report["events"] if event["type"] == "erased"]
    assert (erased["actor"], erased["text"].startswith("people few")) == ("officer", True)
    assert report["counts"]["collect"] == 2


def test_requests_are_listed_with_their_clocks_and_nobody_s_name(shop, tmp_path):
    words = ("--verified", "reasonable", "--how", "answered a code")
    shop("consent", "access", "member:m1", "--out", tmp_path / "copy", *words)
    opened = shop("consent", "requests", "open", "restrict", "member:m2", "--json").json
    shop.go_to(90)
    answered, waiting = told(shop)["requests"]
    assert (answered["kind"], answered["outcome"], answered["state"]) == ("access", "answered", "in time")
    assert (waiting["kind"], waiting["outcome"], waiting["state"]) == ("restrict", None, "overdue")
    assert opened["id"].startswith(waiting["id"][:8])
    later = told(shop, "--from", "2026-05-01")["requests"]
    assert [request["kind"] for request in later] == ["restrict"], "what was answered before is past"


def test_retention_is_told_as_it_is_set_and_as_it_was_enforced(shop, tmp_path):
    config = tmp_path / "workspace" / "imp.toml"
    text = "\n[retention]\nevidence = 1095\n[retention.archive]\ntouchpoint = 20\n"
    config.write_text(config.read_text(encoding="utf-8") + text, encoding="utf-8")
    shop("consent", "retention", "--execute")
    retention = told(shop)["retention"]
    assert retention["settings"] == {
        "events of type touchpoint": 20,
        "proof of consent, after the last permission ended": 1095,
    }
    (run,) = retention["runs"]
    assert (run["actor"], "40" in run["text"]) == ("tester", True)


def test_a_period_bounds_uses_and_events(shop):
    report = told(shop, "--from", "2026-03-11", "--to", "2026-03-20")
    assert (report["begins"], report["ends"]) == ("2026-03-11T00:00:00Z", "2026-03-21T00:00:00Z")
    assert sum(group["uses"] for group in report["uses"]) == 1
    assert report["notices"] == []
    assert [point["people"] for point in of(report, "analytics")["points"]] == [40] * 11


def test_the_verification_and_the_checkpoint_are_in_it(shop):
    report = told(shop)
    checked = report["verification"]
    assert (checked["ok"], checked["problems"], checked["size"]) == (True, [], report["size"])
    assert checked["note"].startswith(f"imp.local/{report['log']}\n")


def test_a_ledger_that_was_changed_is_reported_so_and_fails(shop, tmp_path):
    next((tmp_path / "workspace" / "archive").glob("*.parquet")).write_bytes(b"PAR1 nothing PAR1")
    report = told(shop, code=1)
    assert not report["verification"]["ok"]
    assert any(problem.startswith("archive.") for problem in report["verification"]["problems"])
    shop("audit", "report", "--out", tmp_path / "r.html", code=1)
    assert "Not verified" in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [("--from", "2027-01-01"), ("--to", "2020-01-01"), ("--from", "soon")])
def test_a_period_without_a_past_is_refused(shop, words):
    assert shop("audit", "report", *words, "--json", code=2).err.startswith("error: ")


def test_a_report_goes_nowhere_by_itself_and_not_over_the_workspace(shop, tmp_path):
    assert "--out" in shop("audit", "report", code=2).err
    assert "write over the workspace" in shop("audit", "report", "--out", "ledger.db", code=2).err
    assert "no such folder" in shop("audit", "report", "--out", tmp_path / "none" / "r.html", code=2).err


def test_making_a_report_writes_nothing_to_the_ledger(shop):
    assert told(shop)["size"] == told(shop)["size"]


class Page(HTMLParser):
    """What a reader's machine needs of the page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.levels, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))


@pytest.fixture
def page(shop, tmp_path):
    out = shop("audit", "report", "--out", tmp_path / "report.html").out
    assert str(tmp_path / "report.html") in out
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_page_is_one_file_that_loads_nothing_and_runs_nothing(page):
    seen = Page(page)
    assert not {"script", "link", "iframe", "img", "object", "embed", "form"} & set(seen.tags)
    assert not [item for item in seen.attributes if item[1] in ("src", "srcset", "style") and "url" in (item[2] or "")]
    assert not re.search(r"https?://", page)
    assert {value for _, name, value in seen.attributes if name == "href" and not value.startswith("#")} == set()
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    assert "default-src 'none'" in page


def test_the_page_can_be_read_aloud(page):
    seen = Page(page)
    assert seen.levels[0] == 1
    assert seen.levels.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in zip(seen.levels, seen.levels[1:], strict=False))
    assert seen.tags.count("table") == seen.tags.count("caption")
    assert all(item[:2] == ("th", "scope") for item in seen.attributes if item[1] == "scope")
    assert seen.tags.count("th") == sum(1 for item in seen.attributes if item[:2] == ("th", "scope"))
    assert ("html", "lang", "en") in seen.attributes
    plots = [value for tag, name, value in seen.attributes if (tag, name) == ("svg", "aria-label")]
    assert plots[0].startswith("Step line: people whose consent to analytics was in force, 40 on 2026-03-01, 28 on")
    anchors = {value for _, name, value in seen.attributes if name == "id"}
    assert {value[1:] for tag, name, value in seen.attributes if name == "href"} <= anchors


def test_the_page_names_nobody(shop, page):
    assert not re.search(r"member|\bm\d+\b", page)
    assert "Bäckerei Süß GmbH" in page


def test_what_people_wrote_is_escaped_and_turns_no_text_around(shop, tmp_path, monkeypatch):
    eve = "<b>Eve\u202e</b>"
    shop("keys", "rotate", "pepper", "--execute", IMP_ACTOR=eve, code=2)
    with monkeypatch.context() as older:  # versions before took every name, and their ledgers are still read
        older.setattr("imp_core.actor.check_actor", lambda name, **_: name)
        shop("keys", "rotate", "pepper", "--execute", IMP_ACTOR=eve)
    shop("audit", "report", "--out", tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<b>" not in text
    assert "&lt;b&gt;Eve\ufffd&lt;/b&gt;" in text


def test_a_shop_without_customers_has_a_report_too(empty_shop, tmp_path):
    empty_shop("audit", "report", "--out", tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "fewer than 10 people, all along" in text
    assert "<svg" not in text


@pytest.mark.parametrize(
    ("counts", "n", "few"),
    [
        ([], 0, False),
        ([40, 0], 40, False),
        ([40, 3], 40, True),
        ([40, 3, 4], 40, True),
        ([40, 6, 4], 50, False),
        ([9], 0, True),
    ],
)
def test_r54_a_sum_holds_small_counts_only_where_it_tells_none_of_them(counts, n, few):
    made = cell(counts, 10)
    assert (made.n, made.few) == (n, few)


@pytest.mark.parametrize(
    ("seqs", "text"), [([], ""), ([4], "4"), ([4, 5, 6, 9], "4-6,9"), (range(0, 60, 2), "0-58"), ([7, 7], "7")]
)
def test_numbers_of_entries_are_written_as_ranges(seqs, text):
    assert format_seqs(seqs) == text


def test_a_span_of_entries_is_written_without_counting_through_it():
    assert format_seqs([4, 9], [(6, 10**15)]) == f"4,6-{10**15}"
    assert format_seqs([7, 12], [(3, 9), (9, 11)]) == "3-12"


@pytest.mark.parametrize("text", ["", "x", "4-", "9-4", "-1", "4,,5", "4;5"])
def test_what_are_no_numbers_of_entries_is_refused(text):
    with pytest.raises(BadInput):
        parse_seqs(text)
    assert parse_seqs("4, 12-19") == [(4, 4), (12, 19)]


@pytest.mark.parametrize(("highest", "top"), [(0, 2), (1, 2), (3, 5), (40, 50), (501, 1000), (1_000_000, 1_000_000)])
def test_the_plot_s_top_is_a_round_number(highest, top):
    assert nice_top(highest) == top


@pytest.mark.parametrize("days", [1, 119, 120, 365, 4000])
def test_a_long_period_is_sampled_at_most_120_times_and_at_both_ends(days):
    times = times_between(0, days * DAY_US)
    assert (times[0], times[-1]) == (0, days * DAY_US)
    assert len(times) <= 121
