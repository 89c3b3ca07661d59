"""Whom somebody was told of hears of the end of it, whatever the purpose declares since; so does who got it since."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imp_consent.policy import declared_since
from imp_consent.policy.purpose import parse_purposes
from imp_core.clock import DAY_US, SimulatedClock

Cli = Any
WHO = "member:1"
ACME, OTHER, THIRD = "Acme 广告", "Other", "第三公司"
TEXT = f"Shop Ltd asks you: ads and video by {ACME}.\n\nYou can withdraw at any time.\n"
SURE = ("--verified", "reasonable", "--how", "answered from the address on record")


@pytest.fixture
def shop(imp_here: Cli, tmp_path: Path) -> Cli:
    """A notice names one company for two purposes, that both declare it."""
    imp_here("init", tmp_path / "workspace", "--controller", "Shop Ltd").ok()
    for name, who in (("ads", ACME), ("video", ACME), ("letters", None)):
        to = () if who is None else by(who)
        imp_here("consent", "purpose", "add", name, "--description", f"We do {name}.", "--trait", "none", *to).ok()
    (tmp_path / "n.txt").write_text(TEXT, encoding="utf-8")
    asked = [word for name in ("ads", "video", "letters") for word in ("--purpose", name)]
    imp_here("consent", "notice", "add", tmp_path / "n.txt", "--name", "n", *asked, "--recipient", ACME).ok()
    return imp_here


def by(who: str) -> tuple[str, ...]:
    return ("--recipient", who, "--contact", f"dpo@{len(who)}.example", "--method", "prints")


def say(shop: Cli, purpose: str, state: str, who: str = WHO) -> None:
    shop("consent", "record", who, "--purpose", purpose, "--state", state).ok()


def hand_to(shop: Cli, clock: SimulatedClock, purpose: str, *names: str) -> None:
    """The purpose declares these, one after the other."""
    for name in names:
        clock.move_to(clock.now_us() + DAY_US)
        shop("consent", "purpose", "change", purpose, *by(name)).ok()
    clock.move_to(clock.now_us() + DAY_US)


def told(shop: Cli) -> list[tuple[str, str, str | None]]:
    found = shop("consent", "recipients", "list", "--json").ok().json["recipients"]
    return [(one["recipient"], one["what"], one["purpose"]) for one in found]


def copy(shop: Cli, folder: Path) -> dict[str, Any]:
    """Who is named in the person's own copy, and why."""
    shop("consent", "access", WHO, "--out", folder / "copy", *SURE).ok()
    found = json.loads((folder / "copy" / "access.json").read_text(encoding="utf-8"))["recipients"]
    return {one["name"]: (one["because"], one["contact"]) for one in found}


@pytest.mark.parametrize(
    ("since", "names"), [((), [ACME]), ((OTHER,), [ACME, OTHER]), ((OTHER, THIRD), [ACME, OTHER, THIRD])]
)
def test_r45_a_withdrawal_is_passed_on_to_whom_the_person_was_told_of_and_to_who_got_it_since(
    shop: Cli, clock: SimulatedClock, since: tuple[str, ...], names: list[str]
) -> None:
    say(shop, "ads", "given")
    hand_to(shop, clock, "ads", *since)
    say(shop, "ads", "withdrawn")
    assert told(shop) == [(name, "opt-out", "ads") for name in sorted(names)]


def test_r45_the_recipient_that_no_notice_but_the_purpose_named_then_hears_of_it_too(
    shop: Cli, clock: SimulatedClock
) -> None:
    hand_to(shop, clock, "letters", THIRD)
    say(shop, "letters", "given")
    hand_to(shop, clock, "letters", OTHER)
    shop("consent", "object", WHO).ok()
    say(shop, "*", "withdrawn")
    assert told(shop) == [(OTHER, "opt-out", "letters"), (THIRD, "opt-out", "letters")]


def test_whom_only_another_purpose_declared_then_hears_of_nothing_though_none_declares_them_now(
    shop: Cli, clock: SimulatedClock
) -> None:
    hand_to(shop, clock, "ads", OTHER)
    say(shop, "ads", "given")  # the notice names the one that only video goes to by now
    hand_to(shop, clock, "video", OTHER)
    say(shop, "ads", "withdrawn")
    assert told(shop) == [(OTHER, "opt-out", "ads")]
    shop("consent", "recipients", "done", OTHER, "--what", "opt-out", "--purpose", "ads").ok()
    shop("consent", "erase", WHO, "--execute").ok()
    assert told(shop) == [(OTHER, "erase", None)]


def test_r31_an_erasure_names_whom_the_person_was_told_of_and_who_got_it_since(
    shop: Cli, clock: SimulatedClock
) -> None:
    say(shop, "ads", "given")
    hand_to(shop, clock, "ads", OTHER)
    tried = shop("consent", "erase", WHO, "--json").ok().json
    assert tried["to_notify"] == [ACME, OTHER]
    assert shop("consent", "erase", WHO, "--execute", "--json").ok().json["to_notify"] == [ACME, OTHER]
    assert told(shop) == [(ACME, "erase", None), (OTHER, "erase", None)]
    assert shop("audit", "verify").code == 0


def test_r31_a_restriction_names_them_too(shop: Cli, clock: SimulatedClock) -> None:
    say(shop, "ads", "given")
    hand_to(shop, clock, "ads", OTHER)
    shop("consent", "restrict", WHO).ok()
    assert [name for name, what, _ in told(shop) if what == "restrict"] == [ACME, OTHER]


def test_r32_the_copy_names_both_and_says_which_it_was_before(shop: Cli, clock: SimulatedClock, tmp_path: Path) -> None:
    hand_to(shop, clock, "letters", ACME)
    say(shop, "ads", "given")
    hand_to(shop, clock, "ads", OTHER)
    assert copy(shop, tmp_path) == {
        ACME: (
            ["the notice that you were shown names it", "the purpose ads said before that data goes to it"],
            "dpo@7.example",
        ),
        OTHER: (["the purpose ads says that data goes to it"], "dpo@5.example"),
    }


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "der Zweck ads sagte früher, dass Daten an ihn gehen"),
        ("zh-Hans", "目的 ads 以前说明数据会提供给它"),
    ],
)
def test_r32_the_page_says_so_in_the_persons_own_language(
    shop: Cli, clock: SimulatedClock, tmp_path: Path, language: str, words: str
) -> None:
    say(shop, "ads", "given")
    hand_to(shop, clock, "ads", OTHER)
    shop("consent", "access", WHO, "--out", tmp_path / "copy", "--language", language, *SURE).ok()
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "copy").glob("*.html")]
    assert any(words in page for page in pages)


def test_who_permitted_it_after_the_change_names_nobody_of_before(shop: Cli, clock: SimulatedClock) -> None:
    say(shop, "letters", "given", "member:2")
    hand_to(shop, clock, "letters", THIRD, OTHER)
    say(shop, "letters", "given")
    say(shop, "letters", "withdrawn")
    assert told(shop) == [(OTHER, "opt-out", "letters")]


def test_r45_a_withdrawal_reads_of_the_purposes_that_were_ever_set_what_they_say_of_its_own(
    shop: Cli, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []

    def counted(data: bytes) -> Any:
        read.append(data)
        return parse_purposes(data)

    monkeypatch.setattr(declared_since, "parse_purposes", counted)
    say(shop, "ads", "given")
    hand_to(shop, clock, "ads", OTHER)
    for number in range(25):
        name = f"other{number}"
        shop("consent", "purpose", "add", name, "--description", f"Of {name} 新.", "--trait", "none", *by(THIRD)).ok()
    say(shop, "ads", "withdrawn")
    assert told(shop) == [(ACME, "opt-out", "ads"), (OTHER, "opt-out", "ads")]
    assert all(data.count(b"[[purpose]]") == 1 for data in read)
    assert len(read) == len(set(read)) < 10, "every document that says the same of it is read as one"


def test_r31_who_said_yes_before_and_after_a_change_names_whom_either_was_for(shop: Cli, clock: SimulatedClock) -> None:
    say(shop, "ads", "given")
    hand_to(shop, clock, "ads", OTHER)
    say(shop, "ads", "given")
    assert shop("consent", "erase", WHO, "--json").ok().json["to_notify"] == [ACME, OTHER]
