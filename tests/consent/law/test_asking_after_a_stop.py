"""A yes that opens nothing ends no wait, and who stopped a channel is not asked there by one more message."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from imp_consent.ledger.entry import Statement
from imp_consent.policy.reprompt import may_ask
from imp_consent.policy.stopped import stopped_channels
from imp_core.clock import DAY_US
from tests.consent.law.conftest import NOW_US

Desk = Any
CA = ("--regime", "us-ca", "--jurisdiction", "US-CA")
GDPR = ("--regime", "gdpr", "--regime", "eprivacy", "--jurisdiction", "DE")
PIPL = ("--regime", "cn-pipl", "--jurisdiction", "CN")
MAIL = ("may-ask", "member:1", "--purpose", "marketing.email")


def asked(desk: Desk, *words: str) -> tuple[int, str]:
    found = desk.consent("may-ask", "member:1", *words)
    return found.code, found.out.rstrip()


def heard(desk: Desk, kind: str, channel: str, *words: str) -> int:
    done = desk.consent("signal", "record", "member:1", "--kind", kind, "--channel", channel, *words, "--json").ok()
    desk.wait(1)
    return int(done.json["first_seq"])


def test_r45_a_yes_that_the_signal_still_closes_does_not_end_the_twelve_months(desk: Desk) -> None:
    desk.purpose("ads", "--trait", "sale")
    desk.notice("ads", name="ads").ok()
    heard(desk, "gpc", "web", "--raw", "1", *CA)
    waits = asked(desk, "--purpose", "ads")
    assert waits[1].startswith("not before 2027-03-01T12:00:00Z")
    desk.record("ads", "given", "--action", "click", *CA).ok()
    assert desk.asked("ads") == "signal"
    assert asked(desk, "--purpose", "ads") == waits, "the yes opens nothing, so the wait goes on"
    desk.wait(1)
    desk.record("ads", "given", "--action", "click", "--informed", *CA).ok()
    assert desk.asked("ads") == "given"
    assert asked(desk, "--purpose", "ads") == (0, "may be asked")


def test_r45_a_general_yes_ends_no_wait_on_a_channel_that_was_stopped(desk: Desk) -> None:
    seq = heard(desk, "stop", "sms", *CA)
    desk.record("marketing.email", "given", "--action", "click", *CA).ok()
    assert desk.asked("marketing.email", "--channel", "sms") == "channel_opt_out"
    found = desk.consent(*MAIL, "--channel", "sms", "--json")
    assert (found.code, found.json["allowed"], found.json["entry"]) == (1, False, seq)
    general = desk.consent(*MAIL)
    assert (general.code, general.out) == (
        1,
        f"not before 2027-03-01T12:00:00Z (entry {seq}), but not by sms (entry {seq})\n",
    )


def test_a_bundled_yes_ends_no_wait(desk: Desk) -> None:
    law = ("--regime", "gdpr", "--regime", "us-ca")
    desk.record("analytics", "refused", *law).ok()
    desk.wait(1)
    desk.record("analytics", "given", "--bundled", *law)
    assert desk.asked("analytics") == "refused"
    assert asked(desk, "--purpose", "analytics")[0] == 1


@pytest.mark.parametrize("law", [GDPR, PIPL])
@pytest.mark.parametrize("kind", ["stop", "unsubscribe", "complaint"])
def test_r52_who_stopped_a_channel_is_not_asked_there_and_may_be_by_others(
    desk: Desk, law: tuple[str, ...], kind: str
) -> None:
    seq = heard(desk, kind, "sms", *law)
    no = desk.consent(*MAIL, "--channel", "sms")
    assert no.code == 1
    assert no.out.startswith(f"no: they stopped this channel at 2026-03-01T12:00:00Z (entry {seq}), and a message that")
    assert ("PIPL" in no.out) is (law is PIPL)
    assert asked(desk, "--purpose", "marketing.email") == (0, f"may be asked, but not by sms (entry {seq})")
    assert asked(desk, "--purpose", "marketing.email", "--channel", "email") == (0, "may be asked")
    assert asked(desk, "--purpose", "analytics", "--channel", "sms")[0] == 1, "no message there, whatever it asks for"
    found = desk.consent(*MAIL, "--json").ok().json
    assert (found["allowed"], found["not_by"], found["stopped"]) == (True, {"sms": seq}, None)
    before = ("--at", "2026-03-01T11:59:59Z")
    assert asked(desk, "--purpose", "marketing.email", "--channel", "sms", *before) == (0, "may be asked")


def test_only_a_yes_for_the_channel_that_was_stopped_ends_it(desk: Desk) -> None:
    heard(desk, "stop", "sms", *GDPR)
    desk.record("marketing.email", "given", "--action", "click", *GDPR).ok()
    assert asked(desk, "--purpose", "marketing.email", "--channel", "sms")[0] == 1
    desk.record("marketing.email", "given", "--action", "click", "--channel", "sms", *GDPR).ok()
    assert desk.asked("marketing.email", "--channel", "sms") == "given"
    assert asked(desk, "--purpose", "marketing.email", "--channel", "sms") == (0, "may be asked")


def test_a_withdrawal_on_a_channel_of_messages_stops_them_there_and_one_on_a_page_does_not(desk: Desk) -> None:
    for channel in ("email", "web"):
        desk.record("marketing.email", "withdrawn", "--channel", channel, *GDPR).ok()
    desk.record("analytics", "withdrawn", "--channel", "email", *GDPR).ok()
    assert asked(desk, "--purpose", "marketing.email", "--channel", "email")[0] == 1
    assert asked(desk, "--purpose", "marketing.email", "--channel", "web") == (0, "may be asked")
    assert asked(desk, "--purpose", "analytics", "--channel", "email") == (0, "may be asked"), "it is no marketing"


def test_where_messages_only_came_back_nobody_is_told_that_the_person_stopped_them(desk: Desk) -> None:
    seq = heard(desk, "bounce", "sms", *GDPR)
    words = "no: messages cannot be delivered there since 2026-03-01T12:00:00Z"
    assert asked(desk, "--purpose", "marketing.email", "--channel", "sms") == (1, f"{words} (entry {seq})")
    stop = heard(desk, "stop", "sms", *GDPR)
    assert (
        f"they stopped this channel at 2026-03-02T12:00:00Z (entry {stop})"
        in asked(desk, "--purpose", "marketing.email", "--channel", "sms")[1]
    ), "their own word counts before a message that came back"


def test_an_objection_to_marketing_is_named_before_a_channel_that_was_stopped(desk: Desk) -> None:
    seq = heard(desk, "stop", "sms", *GDPR)
    desk.consent("object", "member:1", *GDPR).ok()
    found = desk.consent(*MAIL, "--channel", "sms", "--json")
    assert (found.code, found.json["stopped"], found.json["not_by"]) == (1, None, {"sms": seq})
    assert found.json["objected"] == "2026-03-02T12:00:00Z"


def by(desk: Desk, channel: str, purpose: str = "marketing.email") -> tuple[int, str]:
    return asked(desk, "--purpose", purpose, "--channel", channel)


@pytest.mark.parametrize("state", ["withdrawn", "refused"])
def test_a_no_to_marketing_on_all_channels_stops_every_message_that_asks_for_it(desk: Desk, state: str) -> None:
    desk.record("marketing.email", state, *GDPR).ok()
    desk.wait(1)
    seq = desk.entries()[-1].seq
    for channel in ("email", "sms"):
        code, words = by(desk, channel)
        assert (code, "direct marketing itself (" in words, f"(entry {seq})" in words) == (1, True, True), words
    assert by(desk, "web") == (0, "may be asked"), "there people come by themselves"
    assert f"but not by any message (entry {seq})" in asked(desk, "--purpose", "marketing.email")[1]
    before = ("--channel", "email", "--at", "2026-03-01T11:59:59Z")
    assert asked(desk, "--purpose", "marketing.email", *before) == (0, "may be asked")
    desk.record("marketing.email", "given", "--action", "click", "--channel", "sms", *GDPR).ok()
    assert by(desk, "sms") == (0, "may be asked"), "a yes for as much ends it"
    assert by(desk, "email")[0] == 1
    desk.record("marketing.email", "given", "--action", "click", *GDPR).ok()
    assert by(desk, "email") == (0, "may be asked")
    assert asked(desk, "--purpose", "marketing.email") == (0, "may be asked")


def test_a_no_to_what_is_no_marketing_stops_no_message(desk: Desk) -> None:
    desk.record("analytics", "withdrawn", *GDPR).ok()
    assert by(desk, "email", "analytics") == (0, "may be asked")
    assert by(desk, "email") == (0, "may be asked")


def test_a_refusal_on_a_channel_stops_it_as_a_withdrawal_does(desk: Desk) -> None:
    desk.record("marketing.email", "refused", "--channel", "email", *GDPR).ok()
    assert by(desk, "email")[1].startswith("no: they stopped this channel at 2026-03-01T12:00:00Z")
    assert by(desk, "sms") == (0, "may be asked")


def test_while_use_is_restricted_no_message_asks_for_anything_until_it_is_lifted(desk: Desk) -> None:
    desk.record("marketing.email", "given", "--action", "click", *GDPR).ok()
    desk.wait(1)
    desk.consent("restrict", "member:1", *GDPR).ok()
    desk.wait(1)
    for purpose in ("marketing.email", "analytics"):
        found = desk.consent("may-ask", "member:1", "--purpose", purpose, "--channel", "email", "--json")
        assert (found.code, found.json["because"]) == (1, "restricted")
        assert by(desk, "email", purpose)[1].startswith("no: they restricted the use of their data at 2026-03-02T12")
        assert by(desk, "web", purpose) == (0, "may be asked")
    told = ("--told", "letter of 3 March", "--told-at", "2026-03-03T11:00:00Z")
    desk.consent("lift", "member:1", "--of", "restrict", *told).ok()
    assert by(desk, "email") == (0, "may be asked")
    assert asked(desk, "--purpose", "marketing.email", "--channel", "email", "--at", "2026-03-03T11:59:59Z")[0] == 1


def test_who_is_erased_is_asked_by_no_message(desk: Desk) -> None:
    desk.record("marketing.email", "given", "--action", "click", *GDPR).ok()
    desk.wait(1)
    desk.consent("erase", "member:1", "--execute").ok()
    code, words = by(desk, "email")
    assert (code, words.startswith("no: they are erased, or asked to be, and a message")) == (1, True), words
    assert asked(desk, "--purpose", "marketing.email")[0] == 1
    assert by(desk, "web") == (0, "may be asked")
    assert desk.consent("may-ask", "member:2", "--purpose", "analytics", "--channel", "email").code == 0


def noted(law: Any, **said: Any) -> None:
    statement = Statement(**{"purpose": "marketing.email", "channel": "sms", "at_us": NOW_US, **said})
    law.history.append(SimpleNamespace(seq=len(law.history) + 2, statement=statement, payload={"signal": "stop"}))


@pytest.mark.parametrize(
    ("said", "stops"),
    [
        ({"type": "refuse"}, True),
        ({"type": "refuse", "until_us": NOW_US + 10}, False),  # it has aged
        ({"type": "refuse", "until_us": NOW_US + 11}, True),
        ({"type": "signal", "traits": ("direct-marketing",)}, False),  # of uses, and not of the channel
    ],
)
def test_a_no_that_has_aged_and_one_of_certain_uses_stop_no_channel(
    law: Any, said: dict[str, Any], stops: bool
) -> None:
    noted(law, **said)
    assert list(stopped_channels(law.case(), "marketing.email", channel="sms", at_us=NOW_US + 10)) == ["sms"] * stops


def test_a_yes_of_the_same_moment_ends_no_wait_that_an_objection_begins(law: Any) -> None:
    said = Statement(type="object", purpose="analytics", channel="", at_us=NOW_US)  # to what rests on no consent
    law.history.append(SimpleNamespace(seq=2, statement=said, payload={"ask_again_us": NOW_US + DAY_US}))
    law.write("grant", "analytics")
    assert not may_ask(law.case(), "analytics", "", at_us=NOW_US).allowed
    law.write("grant", "analytics", at_us=NOW_US + 1)
    assert may_ask(law.case(), "analytics", "", at_us=NOW_US + 1).allowed
