"""The record of processing and the impact assessment: filled from the workspace, and honest of what nobody said."""

from __future__ import annotations

import pytest

from imp_consent.report.markdown import plain, table
from imp_core.clock import DAY_US

SAID = """
[records]
address = "Marktplatz 1, 70173 Stuttgart"
contact = "datenschutz@baeckerei.example"

[processing]
dpo = "Erika Muster"
people = ["customers", "visitors"]
security = ["disk encryption"]

[[processing.recipient]]
name = "Mail Ltd"
role = "processor"
country = "US"
safeguard = "standard contractual clauses"

[retention]
evidence = 1095

[retention.archive]
touchpoint = 395
"""


EMAIL_AT = '\n[channels.email]\nhost = "127.0.0.1"\nport = 25\nsender = "a@shop.example"\n'


@pytest.fixture
def say(empty_shop, tmp_path):
    def write(text=SAID):
        config = tmp_path / "workspace" / "imp.toml"
        config.write_text(config.read_text(encoding="utf-8") + text, encoding="utf-8")
        return empty_shop

    return write


def test_r58_the_record_has_everything_that_article_30_asks_for(say):
    record = say()("audit", "records", "--json").json
    assert record["schema"] == "urn:imp:processing-record:1"
    assert (record["controller"], record["dpo"]) == ("Bäckerei Süß GmbH", "Erika Muster")
    assert (record["address"], record["contact"]) == ("Marktplatz 1, 70173 Stuttgart", "datenschutz@baeckerei.example")
    purposes = {purpose["name"]: purpose for purpose in record["purposes"]}
    assert set(purposes) == {"analytics", "essential", "experimentation", "marketing.email"}
    assert purposes["marketing.email"]["data"]
    assert purposes["marketing.email"]["notices"] == ["default 1 (en)"]
    assert record["people"] == ["customers", "visitors"]
    assert record["recipients"][0]["name"] == "Mail Ltd"
    (transfer,) = record["transfers"]
    assert (transfer["country"], transfer["safeguard"]) == ("US", "standard contractual clauses")
    assert "events of type touchpoint: 395 days" in record["retention"]
    assert any(text.startswith("proof of consent") for text in record["retention"])
    assert "disk encryption" in record["security"]
    assert record["missing"] == []


def test_r58_the_page_follows_the_article_s_letters(say):
    out = say()("audit", "records").out
    places = [out.index(f"({letter})") for letter in "abcdefg"]
    assert places == sorted(places)
    assert "Erika Muster" in out
    assert "Not said yet" not in out


def test_what_nobody_said_is_asked_for_and_never_made_up(empty_shop):
    record = empty_shop("audit", "records", "--json").json
    assert record["dpo"] is None
    asked = " ".join(record["missing"])
    assert all(word in asked for word in ("[records] address", "[records] contact", "[processing] dpo", "[retention]"))
    out = empty_shop("audit", "records").out
    assert "**Not said yet.**" in out
    assert "data is kept until somebody asks for its erasure" in out


def test_a_transfer_without_a_safeguard_is_asked_for(say):
    shop = say('\n[[processing.recipient]]\nname = "Cloud Inc"\ncountry = "US"\n')
    assert (
        "by what safeguard data goes to Cloud Inc: [[processing.recipient]] safeguard"
        in (shop("audit", "records", "--json").json["missing"])
    )


@pytest.mark.parametrize("command", ["records", "dpia"])
def test_a_channel_that_cannot_run_now_is_in_the_record_as_it_was_enabled(say, tmp_path, command):
    shop = say()
    shop("plugin", "enable", "email")
    config = tmp_path / "workspace" / "imp.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('version = "', 'version = "0.'), encoding="utf-8")
    assert "changed since enabled" in shop("plugin", "list").out
    assert "channel email" in shop("audit", command).out
    pinned = text.partition("[plugins.email]")[2].split('manifest_sha256 = "')[1][:64]
    config.write_text(text.replace(pinned, "0" * 64), encoding="utf-8")
    asked = shop("audit", "records", "--json").json["missing"]
    assert "which hosts the channel email may reach: imp plugin enable email" in asked


def test_a_channel_s_hosts_are_recipients_that_somebody_has_to_name(say):
    shop = say(EMAIL_AT)
    shop("plugin", "enable", "email")
    record = shop("audit", "records", "--json").json
    (host,) = [one for one in record["recipients"] if one["source"] == "channel email"]
    assert host["role"] == "host"
    assert any(f"who runs {host['name']}" in text for text in record["missing"])


@pytest.mark.parametrize("command", ["records", "dpia"])
def test_a_channel_s_host_is_the_one_that_its_settings_name(say, command):
    shop = say(EMAIL_AT)
    shop("plugin", "enable", "email")
    shown = shop("audit", command).out
    assert "127.0.0.1" in shown
    assert "{host}" not in shown


def test_a_host_that_no_setting_names_is_asked_for_by_the_setting(say):
    shop = say("")
    enabled = shop("plugin", "enable", "email").out
    assert "hosts: {host} (not set: [channels.email] host)" in enabled
    record = shop("audit", "records", "--json").json
    assert "which host the channel email reaches: [channels.email] host" in record["missing"]
    assert "{host}" not in shop("audit", "records").out
    (host,) = [one for one in record["recipients"] if one["source"] == "channel email"]
    assert (host["name"], host["role"]) == ("[channels.email] host", "host, not set yet")


@pytest.mark.parametrize(
    "named", ['name = "127.0.0.1"', 'name = "Mail Ltd"\nhost = "127.0.0.1"', 'name = "M"\nhost = " 127.0.0.1."']
)
def test_who_runs_a_host_is_told_by_a_recipient_of_that_name_or_host(say, named):
    shop = say(f'{EMAIL_AT}\n[[processing.recipient]]\n{named}\ncountry = "IE"\nsafeguard = "within the Union"\n')
    shop("plugin", "enable", "email")
    record = shop("audit", "records", "--json").json
    (told,) = [one for one in record["recipients"] if "channel email" in one["source"]]
    assert told["source"] == "imp.toml; channel email"
    assert told["country"] == "IE"
    assert not any("who runs" in text for text in record["missing"])


def test_a_recipient_with_another_host_is_no_answer(say):
    shop = say(f'{EMAIL_AT}\n[[processing.recipient]]\nname = "Mail Ltd"\nhost = "127.0.0.11"\n')
    shop("plugin", "enable", "email")
    record = shop("audit", "records", "--json").json
    assert "who runs 127.0.0.1 and in which country: [[processing.recipient]] host" in record["missing"]


@pytest.mark.parametrize(
    "wrong",
    [
        '[processing]\ndpo = ""',
        "[processing]\npeople = 3",
        "[processing]\nfriends = []",
        '[processing]\nrecipient = "Mail Ltd"',
        '[[processing.recipient]]\nrole = "processor"',
        '[[processing.recipient]]\nname = "A"\nplanet = "Mars"',
        '[[processing.recipient]]\nname = "A"\nhost = 5',
        '[processing]\npeople = ["a\\u0007b"]',
        "processing = 3",
    ],
)
def test_settings_that_are_none_are_refused_and_named(empty_shop, tmp_path, wrong):
    config = tmp_path / "workspace" / "imp.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(f"{wrong}\n{text}" if wrong.startswith("processing") else f"{text}\n{wrong}\n", encoding="utf-8")
    answer = empty_shop("audit", "records", code=2)
    assert "processing" in answer.err


def test_both_are_written_where_they_are_asked_for(say, tmp_path):
    shop = say()
    for name in ("records", "dpia"):
        printed = shop("audit", name).out
        shop("audit", name, "--out", tmp_path / f"{name}.md")
        assert (tmp_path / f"{name}.md").read_text(encoding="utf-8") == printed
        assert "write over" in shop("audit", name, "--out", "imp.toml", code=2).err


def test_the_impact_assessment_names_the_criteria_that_purposes_meet(say):
    shop = say()
    words = ("--description", "We decide whom to offer a discount.", "--trait", "automated-decision")
    shop("consent", "purpose", "add", "discounts", *words, "--trait", "profiling", "--review", "Ask at the counter.")
    found = shop("audit", "dpia", "--json").json
    assert found["criteria"]["automated decisions with legal or similar effect"] == ["discounts"]
    assert found["criteria"]["evaluation or scoring, profiling"] == ["discounts"]
    assert found["criteria"]["data on a large scale"] == []
    assert "| automated decisions with legal or similar effect | discounts |" in found["template"]


def test_the_impact_assessment_leaves_to_people_what_only_they_know(say):
    template = say()("audit", "dpia").out
    for part in ("35(7)(a)", "35(7)(b)", "35(7)(c)", "35(2)", "35(9)", "(36)"):
        assert part in template
    assert template.count("_to be answered_") > 20
    assert "### marketing.email" in template


def test_the_impact_assessment_says_only_of_recorded_bases_that_a_purpose_rests_on_them(say):
    shop = say()
    said = {purpose: legal_basis(shop, purpose) for purpose in ("essential", "marketing.email")}
    assert all(one.startswith("_to be answered_ (none was recorded yet; the notice is ") for one in said.values())
    shop("consent", "basis", "member:1", "--purpose", "essential", "--basis", "contract", "--evidence", "order 7")
    shop("consent", "record", "member:1", "--purpose", "marketing.email", "--state", "given")
    assert legal_basis(shop, "essential") == "contract, recorded per person; why, and what else: _to be answered_"
    assert legal_basis(shop, "marketing.email").startswith("consent, asked for by ")
    assert "contract" not in legal_basis(shop, "marketing.email")
    assert "none was recorded yet" in legal_basis(shop, "analytics")
    found = {one["name"]: one["bases"] for one in shop("audit", "records", "--json").json["purposes"]}
    assert (found["essential"], found["marketing.email"], found["analytics"]) == (["contract"], ["consent"], [])


def legal_basis(shop, purpose):
    _, _, below = shop("audit", "dpia").out.partition(f"### {purpose}\n")
    return below.strip().splitlines()[0].removeprefix("- legal basis: ")


@pytest.mark.parametrize("text", ["# a", "<script>", "[x](y)", "a|b", "*b*", "line\nbreak", "`code`"])
def test_nobody_s_words_become_markup(text):
    escaped = plain(text)
    assert "\n" not in escaped
    assert all(char not in escaped.replace(f"\\{char}", "") for char in "#<[|*`")
    assert next(iter(list(table(("h",), [(text,)]))[2:])) == f"| {escaped} |"


def record_some(shop, first, many, *words):
    for who in range(first, first + many):
        shop("consent", *words[:1], f"member:{who}", *words[1:])


def test_r58_the_record_names_every_law_that_people_were_recorded_under(empty_shop):
    yes = ("record", "--purpose", "analytics", "--state", "given")
    record_some(empty_shop, 0, 10, *yes)
    record_some(empty_shop, 10, 11, *yes, "--regime", "us-ca", "--jurisdiction", "US-CA")
    laws = empty_shop("audit", "records", "--json").json["laws"]
    assert [(law["regimes"], law["jurisdiction"], law["default"], law["people"]) for law in laws] == [
        (["gdpr", "eprivacy"], None, True, 10),
        (["us-ca"], "US-CA", False, 11),
    ]
    assert "California Consumer Privacy Act" in laws[1]["titles"][0]
    page = empty_shop("audit", "records").out
    assert "those it was named for | 11 |" in page
    empty_shop("consent", "record", "member:99", *yes[1:], "--regime", "cn-pipl", "--jurisdiction", "CN")
    laws = empty_shop("audit", "records", "--json").json["laws"]
    assert [law["people"] for law in laws] == [None, None, None], "one count of few would tell itself by the others"
    empty_shop("consent", "erase", "member:99", "--execute")
    assert len(empty_shop("audit", "records", "--json").json["laws"]) == 2, "nobody is left under it"


def test_a_workspace_of_nobody_has_the_law_of_its_settings(empty_shop):
    (law,) = empty_shop("audit", "records", "--json").json["laws"]
    assert (law["regimes"], law["people"], law["default"]) == (["gdpr", "eprivacy"], 0, True)
    assert law["ages"] == ["under 16: a guardian's consent (GDPR 8(1))"]


def test_r16_both_say_how_many_minors_are_recorded_until_they_are_old_enough(empty_shop, clock):
    assert "nobody is recorded as such" in empty_shop("audit", "dpia").out
    record_some(empty_shop, 0, 10, "minor", "--age", "15")
    record_some(empty_shop, 10, 3, "minor", "--age", "14", "--regime", "us-ca")
    found = empty_shop("audit", "dpia", "--json").json
    assert {one["needs"]: one["people"] for one in found["minors"]} == {
        "a guardian's consent": 10,
        "a consent of their own": None,
    }
    told = "10 people who need a guardian's consent; few people who need a consent of their own"
    assert f"| vulnerable people, such as children | recorded as minors: {told} |" in found["template"]
    assert "10 people, who need a guardian's consent" in empty_shop("audit", "records").out
    assert "a child agrees to what it does not understand" in found["template"]
    clock.move_to(clock.now_us() + 3 * 366 * DAY_US)
    assert empty_shop("audit", "records", "--json").json["minors"] == []


def test_who_gets_data_for_one_purpose_is_no_recipient_of_another_that_the_same_notice_asks_for(say, tmp_path):
    shop, notice = say(), tmp_path / "both.txt"
    abroad = ("--trait", "transfer-abroad", "--recipient", "Shop FR")
    for name, traits in (("advice", ("--trait", "special-category")), ("overseas", abroad)):
        shop("consent", "purpose", "add", name, "--description", f"We use it for {name}.", *traits)
    notice.write_text(
        "Bäckerei Süß GmbH uses your data for advice and overseas. You can withdraw your consent at any time. "
        "Shop FR and Druck AG get data.",
        encoding="utf-8",
    )
    asked = ("--purpose", "advice", "--purpose", "overseas", "--recipient", "Shop FR", "--recipient", "Druck AG")
    shop("consent", "notice", "add", notice, "--name", "both", *asked)
    record = shop("audit", "records", "--json").json
    named = {purpose["name"]: purpose["recipients"] for purpose in record["purposes"]}
    assert (named["advice"], named["overseas"]) == (["Druck AG"], ["Shop FR"])
    assert {one["name"]: one["source"] for one in record["recipients"] if one["role"] == "recipient"} == {
        "Shop FR": "purpose overseas", "Druck AG": "notice both"
    }  # fmt: skip
    given = ("--state", "given", "--notice", "both", "--action", "click", "--consent", "explicit")
    shop("consent", "record", "member:m1", "--purpose", "advice", *given)
    assert shop("consent", "erase", "member:m1", "--json").json["to_notify"] == ["Druck AG"]
    shop("consent", "record", "member:m1", "--purpose", "overseas", *given)
    assert shop("consent", "erase", "member:m1", "--json").json["to_notify"] == ["Druck AG", "Shop FR"]
    for purpose in ("advice", "overseas"):
        shop("consent", "record", "member:m1", "--purpose", purpose, "--state", "withdrawn")
    due = shop("consent", "recipients", "list", "--json").json["recipients"]
    assert {(one["recipient"], one["purpose"]) for one in due} == {
        ("Druck AG", "advice"), ("Druck AG", "overseas"), ("Shop FR", "overseas")
    }  # fmt: skip
