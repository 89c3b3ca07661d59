"""A no reaches what it means, also where a yes does not say what kind of use it is for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.policy.missed import missed
from imp_consent.policy.purpose import DEFAULT_PURPOSES, DeclaredPurpose, read_purposes
from imp_consent.policy.saying import Saying
from imp_consent.runtime import open_log
from imp_core.context import Context

Desk = Any
CA: Final = ("--regime", "us-ca", "--jurisdiction", "US-CA")
INTEREST: Final = ("--basis", "legitimate-interest", "--ground", "assessment=7")


def _old_purposes(shop: Context, *names: str) -> None:
    """Purposes as ledgers had them before purposes had traits."""
    known = [(one.name, one.description) for one in DEFAULT_PURPOSES] + [(name, f"We do {name}.") for name in names]
    tables = [f'\n[[purpose]]\nname = "{n}"\ndescription = "{text}"\nversion = 1\n' for n, text in sorted(known)]
    document = ('format = "imp-purposes/1"\n' + "".join(tables)).encode()
    with open_log(shop).write() as transaction:
        transaction.append_system("policy", {"purposes": hashlib.sha256(document).hexdigest()}, documents=(document,))
        assert not any(purpose.traits for purpose in read_purposes(transaction).values())


def _types(desk: Desk, who: str = "member:1") -> list[str]:
    return [entry.statement.type for entry in desk.entries(who)]


def _yes(desk: Desk, shop: Context, *names: str) -> None:
    _old_purposes(shop, *names)
    for number, name in enumerate(names):
        desk.notice(name, name=f"n{number}")
    for name in (*names, "marketing.email", "analytics"):
        desk.record(name).ok()
    desk.wait(1)


def test_an_objection_to_direct_marketing_takes_back_what_an_old_ledger_cannot_place(desk: Desk, shop: Context) -> None:
    _yes(desk, shop, "ads.sms")
    desk.consent("object", "member:1").ok()
    desk.wait(1)
    assert desk.asked("marketing.email") == "withdrawn"
    assert desk.asked("ads.sms") == "withdrawn"
    assert desk.asked("analytics") == "given"
    assert _types(desk).count("withdraw") == 2


def test_an_objection_takes_back_nothing_twice(desk: Desk, shop: Context) -> None:
    _yes(desk, shop, "ads.sms")
    for _ in range(2):
        desk.consent("object", "member:1").ok()
        desk.wait(1)
    assert _types(desk).count("withdraw") == 2


def test_an_objection_names_a_purpose_of_no_known_kind(desk: Desk, shop: Context) -> None:
    _yes(desk, shop, "ads.sms", "ads.post")
    desk.consent("object", "member:1", "--purpose", "ads.sms").ok()
    desk.wait(1)
    assert (desk.asked("ads.sms"), desk.asked("ads.post")) == ("withdrawn", "given")


def test_an_objection_under_another_spelling_takes_back_what_it_would_miss_there(desk: Desk, shop: Context) -> None:
    _old_purposes(shop, "ads.sms")
    desk.notice("ads.sms")
    for who in ("email:jane.doe@example.com", "email:jane.doe+x@example.com"):
        desk.record("ads.sms", who=who).ok()
    desk.wait(1)
    desk.consent("object", "email:jane.doe@example.com").ok()
    desk.wait(1)
    assert desk.asked("ads.sms", who="email:jane.doe+x@example.com") == "withdrawn"


def test_an_objection_shared_by_a_link_takes_back_what_it_would_miss_there(desk: Desk, shop: Context) -> None:
    _old_purposes(shop, "ads.sms")
    desk.notice("ads.sms")
    desk.record("ads.sms", who="member:7").ok()
    desk.wait(1)
    desk.consent("object", "email:jane.doe+x@example.com").ok()
    assert desk.asked("ads.sms", who="member:7") == "given"
    proven = ("--verified", "reasonable", "--how", "showed a letter")
    desk.consent("link", "member:7", "email:jane.doe@example.com", *proven).ok()
    assert desk.asked("ads.sms", who="member:7") == "withdrawn"


def test_a_signal_takes_back_a_yes_whose_purpose_turned_into_a_sale(desk: Desk) -> None:
    desk.purpose("ads.net")
    desk.notice("ads.net")
    desk.consent("basis", "member:4", "--purpose", "ads.net", "--basis", "opt-out-notice", *CA).ok()
    desk.wait(1)
    desk.consent("purpose", "change", "ads.net", "--trait", "sale").ok()
    desk.wait(1)
    desk.consent("signal", "record", "member:4", "--kind", "gpc", "--raw", "1", "--channel", "web", *CA).ok()
    desk.wait(1)
    assert "withdraw" in _types(desk, "member:4")
    assert desk.asked("ads.net", "--channel", "web", who="member:4") != "basis"


def test_a_purpose_of_which_none_of_the_kinds_is_true_keeps_its_yes(desk: Desk) -> None:
    desk.purpose("survey", "--trait", "none")
    desk.notice("survey")
    desk.record("survey").ok()
    desk.wait(1)
    for words in (("object", "member:1"), ("limit", "member:1", *CA)):
        desk.consent(*words).ok()
        desk.wait(1)
    assert desk.asked("survey") == "given"
    assert desk.entries()[0].statement.traits == ()


@pytest.mark.parametrize(("words", "purpose"), [((), "marketing.email"), (("--purpose", "*"), "marketing.email")])
def test_objecting_to_everything_is_no_less_than_objecting(desk: Desk, words: tuple[str, ...], purpose: str) -> None:
    desk.purpose("research", "--trait", "profiling")
    desk.notice("research")
    for who in ("member:1", "member:2"):
        desk.record(purpose, who=who).ok()
        desk.consent("basis", who, "--purpose", "research", *INTEREST).ok()
    desk.wait(1)
    desk.consent("object", "member:1", *words).ok()
    desk.consent("object", "member:2", "--everything", *words).ok()
    desk.wait(1)
    assert (desk.asked(purpose), desk.asked(purpose, who="member:2")) == ("objected", "objected")
    assert desk.asked("research", who="member:2") == "objected"
    assert _types(desk, "member:2").count("object") == 2


def test_objecting_to_a_branch_closes_marketing_and_what_else_rests_on_interests_there(desk: Desk) -> None:
    desk.purpose("marketing.research", "--trait", "public-data")
    desk.notice("marketing.research")
    desk.consent("basis", "member:1", "--purpose", "marketing.research", *INTEREST).ok()
    desk.record("marketing.email").ok()
    desk.wait(1)
    desk.consent("object", "member:1", "--purpose", "marketing").ok()
    desk.wait(1)
    assert (desk.asked("marketing.email"), desk.asked("marketing.research")) == ("objected", "objected")


@pytest.mark.parametrize("traits", ["", "profiling"])
def test_an_imported_objection_is_no_narrower_than_one_said_here(desk: Desk, tmp_path: Path, traits: str) -> None:
    desk.record("marketing.email").ok()
    desk.wait(2)
    path = tmp_path / "records.csv"
    columns = "person,position,type,purpose,channel,at,traits"
    path.write_text(f"{columns}\nmember:1,1,object,marketing.email,,2026-03-02T00:00:00Z,{traits}\n")
    desk.consent("import", str(path), "--format", "records").ok()
    assert desk.asked("marketing.email") == "objected"


@pytest.mark.parametrize("words", [(), ("--trait", "none", "--trait", "sale"), ("--trait", "nothing")])
def test_a_purpose_is_not_added_before_it_says_what_kind_of_use_it_is(desk: Desk, words: tuple[str, ...]) -> None:
    refused = desk.consent("purpose", "add", "ads.sms", "--description", "We text.", *words)
    assert (refused.code, "error:" in refused.err) == (2, True)
    assert len(desk.consent("purpose", "list", "--json").ok().json["purposes"]) == len(DEFAULT_PURPOSES)


def test_saying_that_an_old_purpose_is_of_no_kind_asks_nobody_again(desk: Desk, shop: Context) -> None:
    _yes(desk, shop, "survey")
    desk.consent("purpose", "change", "survey", "--trait", "none", "--editorial").ok()
    assert desk.consent("purpose", "change", "survey", "--trait", "sale", "--editorial").code == 2
    desk.consent("object", "member:1").ok()
    desk.wait(1)
    assert desk.asked("survey") == "given"


def _names(no: Statement, said: Saying, *yeses: Statement, purposes: Iterable[DeclaredPurpose] = ()) -> tuple[str, ...]:
    history = [type("F", (), {"seq": seq, "statement": yes})() for seq, yes in enumerate(yeses)]
    return missed(said, no, history, {one.name: one for one in purposes})


@pytest.mark.parametrize(
    ("yes", "found"),
    [
        ({}, ("ads",)),
        ({"purpose": "*", "covers": ("ads.a",)}, ("*", "ads.a")),
        ({"channel": "sms"}, ()),
        ({"channel": "web"}, ("ads",)),
        ({"at_us": 10}, ()),
        ({"at_us": 5}, ("ads",)),
        ({"traits": ("sale",)}, ()),
        ({"traits": ("profiling",)}, ()),
        ({"bundled": True}, ()),
        ({"type": "basis", "basis": "contract"}, ()),
        ({"type": "basis", "basis": "opt-out-notice"}, ("ads",)),
    ],
)
def test_a_no_misses_only_a_yes_of_no_known_kind_that_it_is_about(yes: dict[str, Any], found: tuple[str, ...]) -> None:
    words = {"type": "grant", "purpose": "ads", "channel": "", "at_us": 1} | yes
    no = Statement(type="signal", purpose="*", channel="web", at_us=5, traits=("sale",))
    said = Saying(type="signal", purpose="*", channel="web", at_us=5)
    assert _names(no, said, Statement(**words)) == found


@pytest.mark.parametrize("purpose", ["*", "ads"])
def test_a_signal_that_says_nothing_takes_nothing_back(purpose: str) -> None:
    no = Statement(type="signal", purpose=purpose, channel="", at_us=5, traits=("invalid",))
    yes = Statement(type="grant", purpose="ads", channel="", at_us=1)
    assert _names(no, Saying(type="signal", purpose=purpose, at_us=5), yes) == ()


def test_a_no_about_one_branch_misses_nothing_of_another() -> None:
    no = Statement(type="signal", purpose="news", channel="", at_us=5, traits=("sale",))
    yeses = [Statement(type="grant", purpose=name, channel="", at_us=1) for name in ("news.post", "ads")]
    assert _names(no, Saying(type="signal", purpose="news", at_us=5), *yeses) == ("news.post",)


@pytest.mark.parametrize(
    ("withdrawn", "left"),
    [
        ({"at_us": 2}, ()),
        ({"at_us": 3}, ()),
        ({"at_us": 1}, ("ads",)),
        ({"at_us": 3, "purpose": "*"}, ()),
        ({"at_us": 3, "purpose": "news"}, ("ads",)),
        ({"at_us": 3, "channel": "web"}, ()),
        ({"at_us": 3, "channel": "sms"}, ("ads",)),
    ],
)
def test_what_was_withdrawn_since_the_yes_needs_no_withdrawal_more(
    withdrawn: dict[str, Any], left: tuple[str, ...]
) -> None:
    yes = Statement(type="grant", purpose="ads", channel="", at_us=2)
    words = {"type": "withdraw", "purpose": "ads", "channel": ""} | withdrawn
    no = Statement(type="signal", purpose="*", channel="web", at_us=5, traits=("sale",))
    assert _names(no, Saying(type="signal", purpose="*", at_us=5, channel="web"), yes, Statement(**words)) == left
