"""What a record says besides what every entry does: the notice, when to ask again, which grants a withdrawal ends."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.notice import Notice, RegisteredNotice
from imp_consent.policy.period import Period
from imp_consent.policy.purpose import DEFAULT_PURPOSES, DeclaredPurpose
from imp_consent.policy.record_fields import record_fields
from imp_consent.policy.regime import packaged
from imp_consent.policy.saying import Saying
from imp_core.clock import parse_time

NOW_US = parse_time("2026-03-01T12:00:00Z")
PURPOSES = {
    **{purpose.name: purpose for purpose in DEFAULT_PURPOSES},
    "ads.tracking": DeclaredPurpose(name="ads.tracking", description="We track.", traits=("terminal",)),
    "sales": DeclaredPurpose(name="sales", description="We sell.", traits=("terminal", "sale")),
}
NOTICE = Notice(
    name="shown",
    version=3,
    language="zh-Hans",
    controller="Shop Ltd",
    purposes=("analytics",),
    withdrawal="any time",
    text="…",
    data=("identifier", "健康"),
    recipients=("Partner 有限公司",),
)
SHOWN = RegisteredNotice(seq=4, sha256="ab" * 32, notice=NOTICE)
PROCESSED = {"data_categories": ["identifier", "健康"], "recipients": ["Partner 有限公司"]}


def fields(type_: str = "grant", *, history: Any = (), rules: Any = None, **said: Any) -> dict[str, Any]:
    about = {name: said.pop(name, None) for name in ("shown", "about")}
    kind = {"consent": said.pop("kind", None)}
    words = {"purpose": "analytics", "at_us": NOW_US, **said}
    statement = Statement(type=type_, purpose=words["purpose"], channel="", at_us=NOW_US, **kind)
    return record_fields(
        Saying(type=type_, **words),
        statement,
        rules=rules or packaged().rules(("gdpr",)),
        purposes=PURPOSES,
        history=history,
        **about,
    )


def yes(
    seq: int, purpose: str = "analytics", channel: str = "", *, type_: str = "grant", at_us: int = 1
) -> PersonEntry:
    said = Statement(type=type_, purpose=purpose, channel=channel, at_us=at_us)
    return PersonEntry(seq=seq, subject=1, statement=said, payload={})


def ended(*history: PersonEntry, **said: Any) -> list[int]:
    found: list[int] = fields("withdraw", history=history, **said)["supersedes"]
    return found


def test_r06_a_consent_says_of_which_kind_it_is_what_was_shown_and_how_it_is_taken_back() -> None:
    said = fields(shown=SHOWN, action="click", evidence="form 7", steps=2, valid_for_days=30, bundled=True)
    assert said == {
        "evidence": "form 7",
        "affirmative_action": "click",
        "notice": {"name": "shown", "version": 3, "language": "zh-Hans", "sha256": "ab" * 32},
        **PROCESSED,
        "consent_type": "expressed",
        "bundled": True,
        "valid_for_days": 30,
        "withdrawal_method": "as the notice says",
        "steps": 2,
    }
    assert fields(kind="explicit")["consent_type"] == "explicit"
    assert fields("refuse")["consent_type"] == "expressed"


def test_what_was_not_said_is_left_out() -> None:
    kept = {"evidence": None, "affirmative_action": None}
    assert fields("object") == kept
    assert fields("object", steps=1, shared=True, grounds={"balance": "LIA 3"}) == kept | {
        "steps": 1,
        "shared": True,
        "grounds": {"balance": "LIA 3"},
    }
    assert fields("withdraw") == kept | {"supersedes": [], "steps": None}
    assert "notice" not in fields("basis")


def test_what_a_notice_says_of_the_processing_is_kept_though_nobody_says_that_it_was_shown() -> None:
    other = RegisteredNotice(seq=5, sha256="cd" * 32, notice=Notice(**{**_words(), "data": ("trait",)}))
    assert fields("basis", about=SHOWN) == {"evidence": None, "affirmative_action": None, **PROCESSED}
    assert fields("basis", shown=SHOWN, about=other)["data_categories"] == PROCESSED["data_categories"]


def _words() -> dict[str, Any]:
    return {name: getattr(NOTICE, name) for name in Notice.__dataclass_fields__}


def test_r13_who_said_no_is_not_asked_again_for_as_long_as_the_traits_of_what_they_named_say() -> None:
    french = packaged().rules(("eprivacy",), "FR")
    six_months = Period.parse("6 months").after(NOW_US)
    for purpose in ("ads.tracking", "ads", "*"):
        assert fields("refuse", purpose=purpose, rules=french)["ask_again_us"] == six_months
    for type_, purpose in (("refuse", "analytics"), ("refuse", "ads.tracking.deeper"), ("grant", "ads.tracking")):
        assert "ask_again_us" not in fields(type_, purpose=purpose, rules=french)


def test_the_longest_of_several_waits_is_kept() -> None:
    both = packaged().rules(("eprivacy", "us-ca"), "FR")
    waits = {rule.period.after(NOW_US) for rule in both.wait("refuse", {"terminal", "sale"})}
    assert len(waits) > 1
    assert fields("refuse", purpose="sales", rules=both)["ask_again_us"] == max(waits)


def test_a_withdrawal_names_the_grants_it_ends_and_no_other() -> None:
    history = [
        yes(2),
        yes(3, channel="email"),
        yes(4, "marketing.email"),
        yes(5, type_="refuse"),
        yes(6, type_="basis"),
    ]
    assert ended(*history) == [2, 3]
    assert ended(*history, channel="email") == [3]
    assert ended(*history, channel="sms") == []
    assert ended(*history, purpose="marketing") == ended(*history, purpose="marketing.email") == [4]
    assert ended(*history, purpose="market") == ended(*history, purpose="marketing.email.news") == []
    assert ended(*history, purpose="*") == [2, 3, 4]


@pytest.mark.parametrize(("at_us", "seqs"), [(NOW_US - 1, [2]), (NOW_US, [2]), (NOW_US + 1, [])])
def test_a_yes_from_after_a_withdrawal_is_not_ended_by_it(at_us: int, seqs: list[int]) -> None:
    assert ended(yes(2, at_us=at_us)) == seqs


def test_of_many_grants_the_newest_twenty_are_named() -> None:
    many = [yes(seq) for seq in range(2, 30)]
    assert ended(*many[:20]) == list(range(2, 22))
    assert ended(*many) == list(range(10, 30))
