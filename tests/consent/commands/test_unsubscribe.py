"""`imp consent unsubscribe` through the command line: a click withdraws its purpose on its channel, and no more."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.record import record
from imp_consent.identity.unsubscribe import seal_token
from imp_consent.ledger.entry import PersonEntry
from imp_consent.runtime import open_log
from imp_core.clock import SECOND_US, SimulatedClock, format_time
from imp_core.context import Context
from imp_core.event import RawId

Cli = Any
Size = Callable[[], int]
Entries = Callable[[str], list[PersonEntry]]
ANN = "member:ann-1"
MAIL = "marketing.email"
HOUR_US = 3_600 * SECOND_US


@pytest.fixture
def token(shop: Context) -> Callable[..., str]:
    """A member's token; whoever is not known yet consents to e-mail on the channel email first."""

    def make(word: str = ANN, purpose: str = MAIL, channel: str = "email") -> str:
        raw = RawId.parse(word)
        with open_log(shop).read() as reader:
            subject = reader.find_subject(raw)
        if subject is None:
            record(shop, raw, purpose=MAIL, state="given", channel="email")
            record(shop, raw, purpose=MAIL, state="given", channel="sms")
            record(shop, raw, purpose="analytics", state="given")
            return make(word, purpose, channel)
        key = open_log(shop).keyring.active("channel")
        return seal_token(key, subject=subject, purpose=purpose, channel=channel, issued_us=shop.clock.now_us())

    return make


@pytest.fixture
def asked(imp_here: Cli) -> Callable[..., str]:
    """What the gate answers about a member: permitted, or the reason why not."""

    def ask(purpose: str, channel: str | None = None, word: str = ANN) -> str:
        on = ("--channel", channel) if channel else ()
        answer = imp_here("consent", "check", word, "--purpose", purpose, *on, "--json").json
        return "permitted" if answer["permitted"] else answer["reason"]

    return ask


def test_a_click_ends_its_purpose_on_its_channel_and_nothing_else(
    shop: Context, imp_here: Cli, token: Callable[..., str], asked: Callable[..., str]
) -> None:
    link = token()
    assert asked(MAIL, "email") == "permitted"
    done = imp_here("consent", "unsubscribe", link, "--json").ok()
    assert done.json == {
        "withdrawn": 1,
        "already": 0,
        "nobody": 0,
        "first_seq": 5,
        "last_seq": 5,
        "in_flight": 0,
        "rejected": 0,
        "alike": 0,
        "rejects": [],
        "erasures": 0,
    }
    assert asked(MAIL, "email") == "channel_opt_out"
    assert asked(MAIL, "sms") == "permitted"
    assert asked("analytics") == "permitted"
    imp_here("audit", "verify").ok()


def test_the_record_says_by_which_link_in_one_step_what_was_ended(
    shop: Context, imp_here: Cli, token: Callable[..., str], entries: Entries
) -> None:
    link = token()
    imp_here("consent", "unsubscribe", link).ok()
    entry = entries(ANN)[-1]
    assert (entry.statement.type, entry.statement.purpose, entry.statement.channel) == ("withdraw", MAIL, "email")
    assert entry.statement.at_us == shop.clock.now_us()
    body: Any = entry.payload
    assert body["source"]["surface"] == "unsubscribe link"
    assert body["evidence"] == f"sha256:{hashlib.sha256(link.encode()).hexdigest()}"
    assert (body["steps"], body["affirmative_action"], body["supersedes"]) == (1, "click", [2])


def test_a_second_click_appends_nothing_and_says_so(
    shop: Context, imp_here: Cli, token: Callable[..., str], size: Size
) -> None:
    link = token()
    assert imp_here("consent", "unsubscribe", link).ok().out == "entry 5: 1 withdrawn\n"
    before = size()
    again = imp_here("consent", "unsubscribe", link).ok()
    assert again.out == "1 withdrawn before: nothing to do\n"
    assert size() == before


def test_a_withdrawal_from_a_channel_by_other_means_was_this_too(
    shop: Context, imp_here: Cli, token: Callable[..., str], size: Size
) -> None:
    link = token()
    imp_here("consent", "record", ANN, "--purpose", MAIL, "--state", "withdrawn", "--channel", "email").ok()
    before = size()
    assert imp_here("consent", "unsubscribe", link, "--json").ok().json["already"] == 1
    assert size() == before


def test_a_click_outlasts_the_withdrawal_on_every_channel_that_came_before_it(
    shop: Context, clock: SimulatedClock, imp_here: Cli, token: Callable[..., str], asked: Callable[..., str]
) -> None:
    link = token()
    imp_here("consent", "record", ANN, "--purpose", MAIL, "--state", "withdrawn").ok()
    assert imp_here("consent", "unsubscribe", link, "--json").ok().json["withdrawn"] == 1
    clock.move_to(clock.now_us() + SECOND_US)
    imp_here("consent", "record", ANN, "--purpose", MAIL, "--state", "given").ok()
    assert asked(MAIL, "post") == "permitted"
    assert asked(MAIL, "email") != "permitted"


def test_who_consented_anew_and_clicks_the_old_link_withdraws_anew(
    shop: Context, clock: SimulatedClock, imp_here: Cli, token: Callable[..., str], asked: Callable[..., str]
) -> None:
    link = token()
    imp_here("consent", "unsubscribe", link).ok()
    clock.move_to(clock.now_us() + SECOND_US)
    imp_here("consent", "record", ANN, "--purpose", MAIL, "--state", "given", "--channel", "email").ok()
    assert asked(MAIL, "email") == "permitted"
    clock.move_to(clock.now_us() + SECOND_US)
    assert imp_here("consent", "unsubscribe", link, "--json").ok().json["withdrawn"] == 1
    assert asked(MAIL, "email") == "channel_opt_out"


def test_a_click_outlasts_a_yes_from_before_it_that_comes_to_be_known_after_it(
    shop: Context, clock: SimulatedClock, imp_here: Cli, token: Callable[..., str], asked: Callable[..., str]
) -> None:
    link = token()
    imp_here("consent", "unsubscribe", link).ok()
    clock.move_to(clock.now_us() + HOUR_US)
    between = format_time(clock.now_us())
    clock.move_to(clock.now_us() + HOUR_US)
    assert imp_here("consent", "unsubscribe", link, "--json").ok().json["withdrawn"] == 1
    clock.move_to(clock.now_us() + HOUR_US)
    words = ("--purpose", MAIL, "--state", "given", "--channel", "email", "--at", between)
    imp_here("consent", "record", ANN, *words).ok()
    assert asked(MAIL, "email") == "channel_opt_out", "the click came after that yes"


def test_a_click_is_told_from_an_impatient_second_one_by_ten_seconds(
    clock: SimulatedClock, imp_here: Cli, token: Callable[..., str]
) -> None:
    link = token()
    counted = []
    for wait_us in (0, 10 * SECOND_US, SECOND_US):
        clock.move_to(clock.now_us() + wait_us)
        counted.append(imp_here("consent", "unsubscribe", link, "--json").ok().json["withdrawn"])
    assert counted == [1, 0, 1]


def test_a_click_of_who_never_consented_is_recorded_too(
    shop: Context, imp_here: Cli, token: Callable[..., str], asked: Callable[..., str]
) -> None:
    token()
    link = token(purpose="experimentation")
    assert imp_here("consent", "unsubscribe", link, "--json").ok().json["withdrawn"] == 1
    assert asked("experimentation", "email") == "channel_opt_out"


def test_no_link_is_too_old_for_what_is_asked_for_now(
    shop: Context, imp_here: Cli, token: Callable[..., str], entries: Entries
) -> None:
    token()
    link = token(purpose="a.purpose.of.long-ago", channel="telex")
    assert imp_here("consent", "unsubscribe", link, "--json").ok().json["withdrawn"] == 1
    said = entries(ANN)[-1].statement
    assert (said.type, said.purpose, said.channel) == ("withdraw", "a.purpose.of.long-ago", "telex")


@pytest.mark.parametrize(
    "form", ["https://shop.example/u?t={}", "https://shop.example/u?lang=zh&t={}#done", "/u?t={}", "  {}  "]
)
def test_a_link_is_taken_as_it_was_pasted(shop: Context, imp_here: Cli, token: Callable[..., str], form: str) -> None:
    assert imp_here("consent", "unsubscribe", form.format(token()), "--json").ok().json["withdrawn"] == 1


def test_many_links_come_in_at_once_from_a_web_log(
    shop: Context, imp_here: Cli, token: Callable[..., str], asked: Callable[..., str]
) -> None:
    links = [token(), f"/u?t={token('member:bob')}", "", token(), token("member:cid")]
    done = imp_here("consent", "unsubscribe", "-", "--json", input="\n".join(links) + "\n").ok()
    assert (done.json["withdrawn"], done.json["already"], done.json["nobody"]) == (3, 1, 0)
    assert [asked(MAIL, "email", word) for word in (ANN, "member:bob", "member:cid")] == ["channel_opt_out"] * 3
    again = imp_here("consent", "unsubscribe", input="\n".join(links)).ok()
    assert again.out == "4 withdrawn before: nothing to do\n"


def test_r08_a_bad_line_holds_up_nobodys_withdrawal_and_is_named_by_its_number(
    shop: Context, imp_here: Cli, token: Callable[..., str], asked: Callable[..., str]
) -> None:
    link = token()
    lines = [link[:-1] + "?", "", "https://shop.example/u?x=1", "hello", link]
    done = imp_here("consent", "unsubscribe", "-", input="\n".join(lines))
    assert (done.code, done.out) == (1, "entry 5: 1 withdrawn\n3 rejected\n")
    for words in ("3 rows were left out", "line 1, token: ", "line 3, token: a link without one", "line 4, token: not"):
        assert words in done.err
    assert link[:20] not in done.err
    assert asked(MAIL, "email") == "channel_opt_out"
    answer = imp_here("consent", "unsubscribe", "-", "--json", input="\n".join(lines))
    assert (answer.code, answer.json["already"], answer.json["rejected"]) == (1, 1, 3)
    assert [one["row"] for one in answer.json["rejects"]] == [1, 3, 4]


def test_with_rejects_the_good_links_count_and_the_bad_lines_are_listed_without_their_words(
    shop: Context, imp_here: Cli, token: Callable[..., str], asked: Callable[..., str], tmp_path: Path
) -> None:
    links, rejects = [token(), token("member:bob")], tmp_path / "rejects.csv"
    lines = [links[0], "", f"/u?t={links[1][:-1]}", "ann@example.com", "/u?x=1", f"/u?t={links[1]}"]
    data = "\n".join(lines).encode() + b"\n\xff\xfe\n"
    done = imp_here("consent", "unsubscribe", "-", "--rejects", str(rejects), input=data)
    assert (done.code, done.out) == (1, "entries 8 to 9: 2 withdrawn\n4 rejected\n")
    assert [asked(MAIL, "email", word) for word in (ANN, "member:bob")] == ["channel_opt_out"] * 2
    with rejects.open(newline="") as file:
        listed = list(csv.reader(file))
    assert [row[:2] for row in listed] == [["line", "field"], *([row, "token"] for row in ("3", "4", "5", "7"))]
    assert all(row[2] for row in listed)
    assert not any(word in rejects.read_text() for word in ("ann@", links[1][:20]))
    again = imp_here("consent", "unsubscribe", "-", "--rejects", str(rejects), "--json", input=links[0]).ok()
    assert (again.json["already"], again.json["rejected"], rejects.read_text()) == (1, 0, "line,field,problem\n")


def test_where_no_line_is_a_link_the_rejects_say_why_and_nothing_is_recorded(
    shop: Context, imp_here: Cli, size: Size, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    refused = imp_here("consent", "unsubscribe", "-", "--rejects", str(rejects), input="junk\n")
    assert (refused.code, "nothing was recorded" in refused.err, size()) == (2, True, 2)
    assert rejects.read_text().startswith("line,field,problem\n1,token,")


def test_rejects_do_not_go_over_the_ledger(shop: Context, imp_here: Cli, token: Callable[..., str]) -> None:
    before = shop.workspace.database.read_bytes()
    refused = imp_here("consent", "unsubscribe", token(), "--rejects", str(shop.workspace.database))
    assert (refused.code, "over the workspace" in refused.err) == (2, True)
    assert shop.workspace.database.read_bytes()[:100] == before[:100]


@pytest.mark.parametrize(
    "bad",
    ["", "no-token", "https://shop.example/u", "https://[/u?t=x", "https://x/?t=a&t=b", "https://x/?t="],
)
def test_what_is_no_link_of_ours_is_refused(shop: Context, imp_here: Cli, size: Size, bad: str) -> None:
    before = size()
    refused = imp_here("consent", "unsubscribe", bad)
    assert refused.code == 2
    assert (bad or "?") not in refused.err + refused.out
    assert size() == before


@pytest.mark.parametrize("given", ["", "\n \n", b"\xff\xfe"])
def test_an_input_without_a_token_is_refused(shop: Context, imp_here: Cli, given: str | bytes) -> None:
    assert imp_here("consent", "unsubscribe", "-", input=given).code == 2


@pytest.mark.parametrize("name", ["clicked.txt", "点击.txt", "../clicked.txt"])
def test_a_file_in_place_of_a_token_is_told_how_to_read_it(
    shop: Context, imp_here: Cli, token: Callable[..., str], name: str
) -> None:
    (shop.workspace.root / name).write_text(f"{token()}\n", encoding="utf-8")
    refused = imp_here("consent", "unsubscribe", name)
    assert (refused.code, refused.out) == (2, "")
    assert "error: this is a file, and no token" in refused.err
    assert "imp consent unsubscribe - < FILE" in refused.err
    assert Path(name).stem not in refused.err


@pytest.mark.parametrize("gone", ["erased", "never known"])
def test_of_nobody_known_there_is_nothing_to_do_and_nothing_to_tell(
    shop: Context, imp_here: Cli, token: Callable[..., str], size: Size, gone: str
) -> None:
    link = token()
    if gone == "erased":
        imp_here("consent", "erase", ANN, "--execute").ok()
    else:
        key = open_log(shop).keyring.active("channel")
        link = seal_token(key, subject=7, purpose=MAIL, channel="email", issued_us=0)
    before = size()
    done = imp_here("consent", "unsubscribe", link).ok()
    assert done.out == "1 of nobody known: nothing to do\n"
    assert size() == before


def test_who_is_about_to_be_erased_is_nobody_already(
    shop: Context, imp_here: Cli, token: Callable[..., str], size: Size
) -> None:
    link = token()
    with open_log(shop).write() as transaction:
        (subject,) = {int(str(row[0])) for row in transaction.sealed.select("subject_key")}
        transaction.sealed.insert("erasure", [(subject, 1, 0, shop.clock.now_us())])
    before = size()
    assert imp_here("consent", "unsubscribe", link, "--json").ok().json["nobody"] == 1
    assert size() == before


def test_no_token_looks_like_an_option(token: Callable[..., str]) -> None:
    assert token()[0] == "u", "whatever the key's id: the rest may begin with a dash"


def test_neither_token_nor_subject_is_ever_shown(shop: Context, imp_here: Cli, token: Callable[..., str]) -> None:
    link = token()
    with open_log(shop).read() as reader:
        subject = reader.find_subject(RawId.parse(ANN))
    for words in ((link,), (link, "--json"), (link[:-1] + "A",), (f"https://x/?t={link}x",)):
        answer = imp_here("consent", "unsubscribe", *words)
        assert link[:20] not in answer.out + answer.err
        assert str(subject) not in answer.out + answer.err


def test_the_installed_command_does_all_of_it(shop: Context, imp: Cli, token: Callable[..., str]) -> None:
    link = token()
    done = imp("consent", "unsubscribe", "-", "--json", input=f"https://shop.example/u?t={link}\n").ok()
    assert (done.json["withdrawn"], link in done.out + done.err) == (1, False)
    for purpose, channel, code in ((MAIL, "email", 1), (MAIL, "sms", 0), ("analytics", "email", 0)):
        assert imp("consent", "check", ANN, "--purpose", purpose, "--channel", channel).code == code
    imp("audit", "verify").ok()
