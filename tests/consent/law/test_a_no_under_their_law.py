"""A no stands under the law of what it ends, by whichever way it comes in, and not under imp.toml's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.identity.unsubscribe import seal_token
from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.house import read_house
from imp_consent.policy.laws import Laws
from imp_consent.policy.regime import packaged, register_regimes
from imp_consent.policy.saying import Saying
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

Desk = Any
MAIL = "marketing.email"
LI, EVE, DEVICE = "member:li", "member:eve", "device:tab-1"
CHINA, CALIFORNIA = ("--regime", "cn-pipl", "--jurisdiction", "CN"), ("--regime", "us-ca", "--jurisdiction", "US-CA")
FRANCE = (["gdpr", "eprivacy"], "FR")


@pytest.fixture
def paris(desk: Desk, shop: Context, tmp_path: Path) -> Desk:
    """A desk of a house in France, which asks for advice and for the sale of addresses too."""
    with (tmp_path / "workspace" / "imp.toml").open("a", encoding="utf-8") as file:
        file.write('\n[policy]\nregimes = ["gdpr", "eprivacy"]\njurisdiction = "FR"\n')
    desk.purpose("advice", "--trait", "special-category", "--necessity", "no advice without it")
    desk.purpose("ads", "--trait", "sale")
    desk.notice("advice", "ads").ok()
    return desk


def given(paris: Desk, who: str = LI, purpose: str = MAIL, *law: str) -> None:
    """A yes under Chinese law, or the law that is named."""
    paris.record(purpose, "given", "--action", "click", "--consent", "separate", *(law or CHINA), who=who).ok()
    paris.wait(1)


def newest(paris: Desk, who: str = LI, type_: str | None = None) -> PersonEntry:
    """The last entry of somebody, of a type; without the task that may follow on it."""
    found = [entry for entry in paris.entries(who) if entry.statement.type in ([type_] if type_ else _NOES)]
    return found[-1]


_NOES = ("withdraw", "refuse", "object", "restrict", "limit-sensitive", "signal")


def law(entry: PersonEntry) -> tuple[Any, Any]:
    return entry.payload["regimes"], entry.payload["jurisdiction"]


def tasks(paris: Desk) -> list[tuple[str, list[str]]]:
    """The erasures that nobody asked for, by their law."""
    found = paris.consent("requests", "list", "--json").ok().json["requests"]
    return [(str(one["task"]), one["regimes"]) for one in found if one["task"]]


def token(paris: Desk, who: str = LI) -> str:
    """The token in a message to somebody."""
    with open_log(paris.shop).read() as reader:
        subject, key = reader.find_subject(RawId.parse(who)), reader.keyring.active("channel")
    return seal_token(key, subject=subject or 0, purpose=MAIL, channel="email", issued_us=paris.clock.now_us())


def by_record(paris: Desk, folder: Path) -> None:
    paris.record(MAIL, "withdrawn", who=LI).ok()


def by_every_purpose(paris: Desk, folder: Path) -> None:
    paris.record("*", "withdrawn", who=LI).ok()


def by_guardian(paris: Desk, folder: Path) -> None:
    words = ("--guardian", EVE, "--role", "parent", "--verification", "ID card")
    paris.consent("guardian", LI, *words).ok()
    paris.record(MAIL, "withdrawn", "--by-guardian", who=LI).ok()


def by_csv(paris: Desk, folder: Path) -> None:
    path = folder / "noes.csv"
    path.write_text(f"identifier,purpose,state,at\n{LI},{MAIL},withdrawn,2026-03-02T12:00:00Z\n", encoding="utf-8")
    paris.consent("import", str(path)).ok()


def by_link(paris: Desk, folder: Path) -> None:
    paris.consent("unsubscribe", token(paris)).ok()


def by_one_click(paris: Desk, folder: Path) -> None:
    words = ("one-click", "POST", f"https://shop.example/u?t={token(paris)}")
    paris.imp("consent", *words, input="List-Unsubscribe=One-Click").ok()


def by_reply(paris: Desk, folder: Path) -> None:
    paris.consent("signal", "record", LI, "--kind", "reply", "--raw", "退订", "--channel", "sms").ok()


def by_stop(paris: Desk, folder: Path) -> None:
    paris.consent("signal", "record", LI, "--kind", "stop", "--channel", "sms").ok()


TAKEN_BACK: list[Callable[[Desk, Path], None]] = [
    by_record, by_every_purpose, by_guardian, by_csv, by_link, by_one_click, by_reply, by_stop,
]  # fmt: skip


@pytest.mark.parametrize("said", TAKEN_BACK)
def test_r25_a_withdrawal_by_whichever_way_is_under_the_law_of_what_it_ends_and_opens_its_erasure(
    paris: Desk, tmp_path: Path, said: Callable[[Desk, Path], None]
) -> None:
    given(paris)
    said(paris, tmp_path)
    assert law(newest(paris, type_="withdraw")) == (["cn-pipl"], "CN")
    assert tasks(paris) == [("withdrawal", ["cn-pipl"])]
    assert law(newest(paris, type_="request")) == (["cn-pipl"], "CN")


def by_gpc(paris: Desk) -> None:
    words = ("--kind", "gpc", "--raw", "1", "--channel", "web", "--link", LI)
    paris.consent("signal", "record", DEVICE, *words).ok()


def by_bounce(paris: Desk) -> None:
    paris.consent("signal", "record", LI, "--kind", "bounce", "--channel", "email").ok()


def by_refusal(paris: Desk) -> None:
    paris.record(MAIL, "refused", who=LI).ok()


OTHERWISE: list[Callable[[Desk], None]] = [by_gpc, by_bounce, by_refusal]


@pytest.mark.parametrize("said", OTHERWISE)
def test_every_other_no_is_under_the_law_of_what_it_ends_too(paris: Desk, said: Callable[[Desk], None]) -> None:
    given(paris)
    said(paris)
    assert law(newest(paris)) == (["cn-pipl"], "CN")


@pytest.mark.parametrize("command", ["object", "restrict", "limit"])
def test_so_is_what_is_asked_for_by_a_right_of_its_own(paris: Desk, command: str) -> None:
    given(paris)
    paris.consent(command, LI).ok()
    assert law(newest(paris)) == (["cn-pipl"], "CN")
    paris.consent(command, EVE).ok()
    assert law(newest(paris, EVE)) == FRANCE


@pytest.mark.parametrize("state", ["withdrawn", "refused"])
def test_r45_nobody_is_asked_for_a_year_after_a_californians_no(paris: Desk, state: str) -> None:
    given(paris, LI, "ads", *CALIFORNIA)
    paris.record("ads", state, who=LI).ok()
    asked = paris.consent("may-ask", LI, "--purpose", "ads")
    assert (asked.code, asked.out.startswith("not before 2027-03-02")) == (1, True), asked.out


def test_what_is_recorded_says_which_law_it_went_under_and_why(paris: Desk) -> None:
    given(paris)
    (yes,) = (entry.seq for entry in paris.entries(LI))
    words = ("record", LI, "--purpose", MAIL, "--state", "withdrawn")
    assert f"; under cn-pipl for people in CN (the law of entry {yes}, which it ends)" in paris.consent(*words).ok().out
    assert "; under cn-pipl for people in CN (the law of entry" in paris.consent(*words).ok().out, "said again"
    done = paris.consent("record", LI, "--purpose", "analytics", "--state", "refused", "--json").ok().json
    assert (done["regimes"], done["jurisdiction"]) == (["cn-pipl"], "CN")
    assert done["law_because"] == "the law of their other entries"
    done = paris.record(MAIL, "refused", who=EVE).ok().json
    assert (done["regimes"], done["jurisdiction"]) == FRANCE
    assert done["law_because"] == "imp.toml's: nothing else is known of theirs"


def test_what_several_laws_gave_is_taken_back_under_all_of_them(paris: Desk) -> None:
    given(paris, LI, "analytics", "--regime", "gdpr", "--jurisdiction", "FR")
    given(paris)
    given(paris, LI, "ads", *CALIFORNIA)
    paris.record("*", "withdrawn", who=LI).ok()
    for type_ in ("withdraw", "request"):
        regimes, place = law(newest(paris, type_=type_))
        assert (set(regimes), place) == ({"us-ca", "cn-pipl", "gdpr", "eprivacy"}, "US-CA")
    assert len(tasks(paris)) == 1
    assert paris.consent("may-ask", LI, "--purpose", "ads").code == 1


def test_a_no_about_one_of_them_is_under_that_ones_law_alone(paris: Desk) -> None:
    given(paris)
    given(paris, LI, "ads", *CALIFORNIA)
    paris.record(MAIL, "withdrawn", who=LI).ok()
    assert law(newest(paris)) == (["cn-pipl"], "CN"), "though they were last known to be in California"


def test_what_was_taken_back_and_given_anew_elsewhere_is_taken_back_under_the_law_of_there(paris: Desk) -> None:
    given(paris)
    paris.record(MAIL, "withdrawn", who=LI).ok()
    paris.wait(1)
    given(paris, LI, MAIL, *CALIFORNIA)
    paris.record(MAIL, "withdrawn", who=LI).ok()
    assert law(newest(paris)) == (["us-ca"], "US-CA")


def test_a_yes_to_come_or_on_another_channel_is_ended_by_no_no(paris: Desk) -> None:
    given(paris, LI, MAIL, *CALIFORNIA)
    words = ("--channel", "sms", "--consent", "separate", *CHINA)
    paris.record(MAIL, "given", "--action", "click", *words, who=LI).ok()
    paris.record(MAIL, "withdrawn", "--channel", "email", who=LI).ok()
    assert law(newest(paris)) == (["us-ca"], "US-CA")
    paris.record(MAIL, "withdrawn", "--at", "2026-03-01T18:00:00Z", who=LI).ok()
    assert law(newest(paris)) == (["us-ca"], "US-CA")
    assert not tasks(paris)


def test_a_law_that_is_named_goes_first_and_takes_no_duty_away(paris: Desk) -> None:
    given(paris)
    words = ("record", LI, "--purpose", MAIL, "--state", "withdrawn", "--regime", "gdpr", "--jurisdiction", "FR")
    printed = paris.consent(*words).ok().out
    assert "; under gdpr+cn-pipl for people in FR (as named; with the law of entry" in printed
    assert law(newest(paris)) == (["gdpr", "cn-pipl"], "FR")
    assert tasks(paris) == [("withdrawal", ["gdpr", "cn-pipl"])]


def test_a_law_that_is_none_leaves_what_is_known_of_theirs(paris: Desk) -> None:
    given(paris)
    paris.record(MAIL, "withdrawn", "--regime", "hammurabi", who=LI).ok()
    assert {"cn-pipl", "gdpr", "us-ca"} <= set(newest(paris).payload["regimes"]), "the strictest there is"
    assert tasks(paris) == [("withdrawal", ["cn-pipl"])]


def test_where_the_person_was_not_said_to_be_imp_tomls_law_holds_besides(desk: Desk, tmp_path: Path) -> None:
    desk.record(MAIL).ok()
    with (tmp_path / "workspace" / "imp.toml").open("a", encoding="utf-8") as file:
        file.write('\n[policy]\nregimes = ["us-ca"]\njurisdiction = "US-CA"\n')
    desk.shop.close()
    desk.wait(1)
    desk.consent("object", "member:1").ok()
    desk.record(MAIL, "withdrawn").ok()
    entry = desk.entries()[-1]
    assert (entry.payload["regimes"], entry.payload["jurisdiction"]) == (["gdpr", "eprivacy", "us-ca"], "US-CA")


def test_an_opt_out_that_reaches_another_spelling_is_under_the_law_of_what_it_ends_there(paris: Desk) -> None:
    plain, tagged = "email:janedoe@gmail.com", "email:jane.doe+news@gmail.com"
    given(paris, plain)
    paris.record(MAIL, "withdrawn", who=tagged).ok()
    assert law(newest(paris, tagged)) == FRANCE
    assert law(newest(paris, plain)) == (["cn-pipl"], "CN")
    assert len(tasks(paris)) == 1


@pytest.mark.parametrize("known", [True, False])
def test_r40_a_signal_under_a_law_without_a_place_is_where_the_person_is_or_that_law_is_at_home(
    paris: Desk, known: bool
) -> None:
    if known:
        given(paris, LI, "ads", *CALIFORNIA)
    by_law = ("--kind", "gpc", "--raw", "1", "--channel", "web", "--link", LI, "--regime", "us-ca")
    paris.consent("signal", "record", DEVICE, *by_law).ok()
    for who in (LI, DEVICE):
        assert {(tuple(law(entry)[0]), law(entry)[1]) for entry in paris.entries(who)} == {(("us-ca",), "US-CA")}
    (request,) = paris.consent("requests", "list", "--json").ok().json["requests"]
    assert (request["kind"], request["regimes"]) == ("opt-out", ["us-ca"])


def test_a_signal_of_a_known_device_holds_under_its_law_for_somebody_of_whom_nothing_is_known(paris: Desk) -> None:
    words = ("--kind", "gpc", "--raw", "1", "--channel", "web")
    given(paris, DEVICE, "ads", *CALIFORNIA)
    paris.consent("signal", "record", DEVICE, *words, "--link", EVE).ok()
    assert law(newest(paris, EVE)) == (["us-ca"], "US-CA")


def test_the_law_of_what_was_corrected_away_is_not_that_of_a_no(paris: Desk) -> None:
    given(paris, LI, MAIL, *CALIFORNIA)
    (wrong,) = (entry.seq for entry in paris.entries(LI))
    verified = ("--verified", "reasonable", "--how", "showed the form")
    paris.consent("rectify", LI, "--entry", str(wrong), *verified).ok()
    given(paris)
    paris.record(MAIL, "withdrawn", who=LI).ok()
    assert law(newest(paris)) == (["cn-pipl"], "CN")


def test_a_file_of_records_without_a_law_takes_theirs(paris: Desk, tmp_path: Path) -> None:
    given(paris)
    path = tmp_path / "noes.jsonl"
    row = {"identifier": LI, "purpose": MAIL, "state": "refused", "at": "2026-03-02T12:00:00Z"}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    paris.consent("import", str(path)).ok()
    assert law(newest(paris)) == (["cn-pipl"], "CN")


def test_a_yes_that_has_run_out_is_not_what_a_no_ends(paris: Desk) -> None:
    words = ("--valid-for", "10d", "--action", "click")
    paris.record(MAIL, "given", *words, *CALIFORNIA, who=LI).ok()
    given(paris)
    paris.wait(20)
    paris.record(MAIL, "withdrawn", who=LI).ok()
    assert law(newest(paris)) == (["cn-pipl"], "CN")


def test_many_entries_that_a_no_ends_are_counted(paris: Desk) -> None:
    for _ in range(4):
        given(paris)
    printed = paris.consent("record", LI, "--purpose", "*", "--state", "withdrawn").ok().out
    assert "; under cn-pipl for people in CN (the law of 4 entries, which it ends)" in printed


def test_a_law_that_is_known_no_more_leaves_its_place_with_imp_tomls(paris: Desk, tmp_path: Path) -> None:
    path, text = tmp_path / "house.toml", 'name = "house"\ntitle = "We"\nopt_in = true\nsource = "we"\n'
    path.write_text(f'format = "imp-regime/1"\n{text}', encoding="utf-8")
    paris.consent("regime", "add", str(path)).ok()
    given(paris, LI, MAIL, "--regime", "house", "--jurisdiction", "BR")
    with open_log(paris.shop).write() as transaction:
        register_regimes(transaction, packaged())
    paris.record(MAIL, "withdrawn", who=LI).ok()
    assert law(newest(paris)) == (["gdpr", "eprivacy"], "BR")


def test_where_neither_their_law_nor_imp_tomls_may_hold_a_no_is_under_imp_tomls() -> None:
    laws = Laws(read_house({"policy": {"regimes": ["us-ca"], "jurisdiction": "US-CA"}}), packaged())
    yes = Statement(type="grant", purpose=MAIL, channel="", at_us=1)
    entry = PersonEntry(seq=3, subject=1, statement=yes, payload={"regimes": ["gone"], "jurisdiction": "BR"})
    said = laws.settle(Saying(type="withdraw", purpose=MAIL, at_us=2), [entry])
    assert (laws.rules(said).names, laws.place(said)) == (("us-ca",), "US-CA")
