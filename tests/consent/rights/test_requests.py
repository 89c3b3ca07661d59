"""`imp consent requests`: by when a request is to be answered, by the clocks of the law in force."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.verify import Verification
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.event import RawId

Line = Any
WHO = "email:ann@example.com"


def opened_request(shop: Line, kind: str, *words: str, who: str = WHO) -> Any:
    return shop("consent", "requests", "open", kind, who, "--json", *words).ok().json


def listed(shop: Line, *words: str) -> list[Any]:
    return list(shop("consent", "requests", "list", "--json", *words).ok().json["requests"])


@pytest.mark.parametrize(
    ("regime", "due", "latest"),
    [
        ("gdpr", "2026-03-28T10:00:00Z", "2026-05-28T10:00:00Z"),
        ("us-ca", "2026-04-14T10:00:00Z", "2026-05-29T10:00:00Z"),
        ("us-opt-out", "2026-04-14T10:00:00Z", "2026-05-29T10:00:00Z"),
        ("cn-pipl", "2026-03-20T10:00:00Z", None),
    ],
)
def test_r32_a_month_and_two_more_45_days_and_45_more_or_timely(
    shop: Line, regime: str, due: str, latest: str | None
) -> None:
    found = opened_request(shop, "access", "--regime", regime, "--received", "2026-02-28T10:00:00Z")
    assert (found["due"], found["extendable_to"], found["state"]) == (due, latest, "open")


def test_several_regimes_at_once_are_answered_by_the_strictest(shop: Line) -> None:
    words = ("--regime", "gdpr", "--regime", "cn-pipl", "--received", "2026-02-28T10:00:00Z")
    found = opened_request(shop, "access", *words)
    assert (found["due"], found["regimes"]) == ("2026-03-20T10:00:00Z", ["gdpr", "cn-pipl"])
    assert found["extendable_to"] is None


def test_an_overdue_request_fails_the_check_and_stands_first(shop: Line, clock: SimulatedClock) -> None:
    late = opened_request(shop, "rectify", "--received", "2026-02-10T10:00:00Z")
    opened_request(shop, "access")
    assert shop("consent", "requests", "list", "--check").code == 0
    clock.move_to(clock.now_us() + 15 * DAY_US)
    assert shop("consent", "requests", "list", "--check").code == 1
    assert [(line["id"] == late["id"], line["state"]) for line in listed(shop)] == [(True, "overdue"), (False, "open")]
    shop("consent", "requests", "answer", late["id"][:6], "--outcome", "answered", "--done").ok()
    assert shop("consent", "requests", "list", "--check").code == 0


def test_a_request_is_extended_once_within_its_first_period(shop: Line, clock: SimulatedClock) -> None:
    found = opened_request(shop, "access", "--received", "2026-02-28T10:00:00Z")
    done = shop("consent", "requests", "extend", found["id"], "--because", "complexity", "--json").ok().json
    assert (done["due"], done["extended"], done["extendable_to"]) == ("2026-05-28T10:00:00Z", "complexity", None)
    assert shop("consent", "requests", "extend", found["id"], "--because", "complexity").code == 1
    other = opened_request(shop, "access", "--received", "2026-02-28T10:00:00Z")
    clock.move_to(clock.now_us() + 40 * DAY_US)
    assert shop("consent", "requests", "extend", other["id"], "--because", "complexity").code == 1
    assert [line["state"] for line in listed(shop)] == ["overdue", "open"]


def test_a_clock_without_an_extension_is_not_extended(shop: Line) -> None:
    found = opened_request(shop, "access", "--regime", "cn-pipl")
    answer = shop("consent", "requests", "extend", found["id"], "--because", "complexity")
    assert (answer.code, "cannot be extended" in answer.err) == (1, True)


def test_a_request_is_answered_once(shop: Line) -> None:
    found = opened_request(shop, "access")
    words = ("consent", "requests", "answer", found["id"], "--outcome", "refused")
    assert shop(*words).code == 2, "a refusal has a reason"
    done = shop(*words, "--because", "excessive", "--json").ok().json
    assert (done["state"], done["reason"], done["late"]) == ("refused", "excessive", False)
    assert shop("consent", "requests", "answer", found["id"], "--outcome", "answered", "--done").code == 1
    assert listed(shop) == []
    assert [line["state"] for line in listed(shop, "--all")] == ["refused"]


def test_r32_the_open_entries_name_nobody_and_the_persons_own_says_what_was_asked(
    shop: Line, context: Context, verified: Callable[[], Verification]
) -> None:
    found = opened_request(shop, "rectify", "--words", "我的地址 is wrong", "--verified", "contact", "--how", "mail")
    with open_log(context).read() as reader:
        subject = reader.find_subject(RawId.parse(WHO))
        assert subject is not None
        own = reader.history(subject)[-1]
        (entry,) = reader.system_entries("request")
    assert (own.statement.type, own.payload["request"], own.payload["words"]) == (
        "request", found["id"], "我的地址 is wrong"
    )  # fmt: skip
    assert own.payload["evidence"] == "mail"
    assert own.seq == entry.seq - 1
    assert set(entry.fields) == {"id", "kind", "regime", "received", "due", "latest", "verified"}
    plain = json.dumps(entry.fields, ensure_ascii=False)
    assert not any(word in plain for word in ("地址", "mail", "ann", str(subject)))
    verified()


def test_a_request_of_somebody_who_is_not_known_creates_nobody(shop: Line, context: Context) -> None:
    opened_request(shop, "access", who="email:stranger@example.com")
    with open_log(context).read() as reader:
        assert reader.find_subject(RawId.parse("email:stranger@example.com")) is None
    assert len(listed(shop)) == 1


def test_a_mistyped_identifier_closes_nobody_elses_request(shop: Line, tmp_path: Path) -> None:
    anns = opened_request(shop, "access", "--verified", "reasonable", "--how", "logged in")
    strangers = opened_request(shop, "access", "--verified", "high", "--how", "logged in", who="member:stranger")
    for number, (who, found) in enumerate((("email:anne@example.com", anns), (WHO, strangers), ("member:ben", anns))):
        answer = shop("consent", "access", who, "--out", tmp_path / str(number), "--request", found["id"])
        assert (answer.code, "made no such request" in answer.err) == (2, True), who
    assert len(listed(shop)) == 2
    shop("consent", "access", "member:stranger", "--out", tmp_path / "s", "--request", strangers["id"]).ok()
    shop("consent", "access", WHO, "--out", tmp_path / "a", "--request", anns["id"]).ok()
    assert listed(shop) == []


def test_a_request_is_named_by_four_or_more_of_its_characters(shop: Line) -> None:
    found = opened_request(shop, "access")
    for few in ("", found["id"][:1], found["id"][:3]):
        assert shop("consent", "requests", "answer", few, "--outcome", "answered", "--done").code == 2
    shop("consent", "requests", "answer", found["id"][:4], "--outcome", "answered", "--done").ok()


def test_a_request_changes_no_permission(shop: Line) -> None:
    before = shop("consent", "check", WHO, "--purpose", "analytics", "--json").ok().json
    opened_request(shop, "access")
    assert shop("consent", "check", WHO, "--purpose", "analytics", "--json").ok().json == before


@pytest.mark.parametrize(
    "words",
    [
        ("open", "gossip", WHO),
        ("open", "access", "not-an-identifier"),
        ("open", "access", WHO, "--received", "2027-01-01T00:00:00Z"),
        ("open", "access", WHO, "--received", "yesterday"),
        ("open", "access", WHO, "--regime", "atlantis"),
        ("open", "access", WHO, "--words", "two\nlines"),
        ("open", "access", WHO, "--verified", "high"),
        ("open", "erase", WHO, "--task", "boredom"),
        ("answer", "ffffffff", "--outcome", "answered", "--done"),
        ("extend", "ffffffff", "--because", "complexity"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    shop: Line, context: Context, words: tuple[str, ...]
) -> None:
    size = open_log(context).size
    assert shop("consent", "requests", *words).code == 2
    assert open_log(context).size == size


def test_r25_a_withdrawal_where_the_law_says_so_opens_an_erasure_that_nobody_asked_for(
    shop: Line, setting: Callable[[str], None]
) -> None:
    setting('[policy]\nregimes = ["cn-pipl"]')
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()
    (task,) = listed(shop)
    assert (task["kind"], task["task"]) == ("erase", "withdrawal")
    assert task["regimes"] == ["gdpr", "eprivacy", "cn-pipl"], "that of what they took back, and imp.toml's"
    assert task["due"] == "2026-03-20T12:00:00Z"
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()
    assert len(listed(shop)) == 1, "one is open already"
    done = shop("consent", "erase", WHO, "--execute", "--json").ok().json
    assert done["answered"] == [task["id"]]
    assert listed(shop) == []


def test_r25_elsewhere_a_withdrawal_opens_none(shop: Line) -> None:
    shop("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn").ok()
    assert listed(shop) == []


def test_r25_a_purpose_that_is_achieved_opens_one_by_command(shop: Line) -> None:
    found = opened_request(shop, "erase", "--task", "purpose-achieved", "--regime", "cn-pipl")
    assert (found["task"], found["kind"]) == ("purpose-achieved", "erase")


def test_r25_where_deletion_is_infeasible_only_storage_remains_allowed(
    shop: Line, setting: Callable[[str], None], verified: Callable[[], Verification]
) -> None:
    setting('[policy]\nregimes = ["cn-pipl"]')
    shop("consent", "record", WHO, "--purpose", "marketing.email", "--state", "withdrawn").ok()
    (task,) = listed(shop)
    shop("consent", "check", WHO, "--purpose", "analytics").ok()
    words = ("consent", "requests", "answer", task["id"], "--outcome", "infeasible")
    assert shop(*words).code == 2, "whose?"
    assert shop(*words, "--of", "member:ben").code == 2, "not theirs"
    shop(*words, "--of", WHO).ok()
    denied = shop("consent", "check", WHO, "--purpose", "analytics", "--json")
    assert (denied.code, denied.json["reason"]) == (1, "restricted")
    verified()


def test_a_regime_that_sets_no_clock_makes_nothing_overdue(shop: Line, clock: SimulatedClock) -> None:
    found = opened_request(shop, "access", "--regime", "eprivacy")
    assert (found["due"], found["extendable_to"]) == (None, None)
    clock.move_to(clock.now_us() + 9_000 * DAY_US)
    assert shop("consent", "requests", "list", "--check").code == 0
    assert "no regime sets a clock" in shop("consent", "requests", "list").out
    assert shop("consent", "requests", "extend", found["id"], "--because", "complexity").code == 1


def test_an_erasure_that_was_answered_lets_another_withdrawal_open_one(
    shop: Line, setting: Callable[[str], None]
) -> None:
    setting('[policy]\nregimes = ["cn-pipl"]')
    withdraw = ("consent", "record", WHO, "--purpose", "analytics", "--state", "withdrawn")
    shop(*withdraw).ok()
    (first,) = listed(shop)
    shop("consent", "requests", "answer", first["id"], "--outcome", "refused", "--because", "legal-obligation").ok()
    shop(*withdraw).ok()
    (second,) = listed(shop)
    assert second["id"] != first["id"]
