"""Whoever objected to direct marketing is not asked for it: a message that asks is direct marketing itself."""

from __future__ import annotations

from typing import Any

import pytest

Desk = Any
ASK = ("may-ask", "member:1", "--purpose", "marketing.email")


@pytest.mark.parametrize(
    ("law", "source"),
    [
        (("--regime", "gdpr", "--jurisdiction", "DE"), "GDPR 21(2)-(3), rec. 70"),
        (("--regime", "cn-pipl", "--jurisdiction", "CN"), "PIPL 24(2), 44"),
        ((), "GDPR 21(2)-(3), rec. 70"),
    ],
)
def test_r26_who_objected_to_direct_marketing_is_not_asked_for_it(
    desk: Desk, law: tuple[str, ...], source: str
) -> None:
    assert desk.consent(*ASK).ok().out == "may be asked\n"
    seq = desk.consent("object", "member:1", *law, "--json").ok().json["seq"]
    desk.wait(400)
    no = desk.consent(*ASK)
    assert (no.code, no.err) == (1, "")
    assert no.out == (
        f"no: they objected to direct marketing at 2026-03-01T12:00:00Z (entry {seq}), and a message that asks for it "
        f"is direct marketing itself ({source}); they may say yes of their own accord\n"
    )
    found = desk.consent(*ASK, "--json").json
    assert (found["allowed"], found["not_before"], found["entry"], found["source"]) == (False, None, seq, source)
    assert desk.consent(*ASK, "--at", "2026-03-01T11:59:59Z").code == 0, "before they objected"


def test_other_uses_may_be_asked_for_and_it_is_said_that_they_objected(desk: Desk) -> None:
    law = ("--regime", "gdpr", "--jurisdiction", "DE")
    desk.consent("object", "member:1", "--purpose", "analytics", "--grounds", "my own", *law).ok()
    asked = desk.consent("may-ask", "member:1", "--purpose", "analytics").ok()
    assert asked.out == "may be asked; they objected at 2026-03-01T12:00:00Z\n"
    assert desk.consent(*ASK).ok().out == "may be asked\n", "that was about analytics alone"
    desk.wait(1)
    grounds = ("--of", "object", "--purpose", "analytics", "--grounds", "a law suit")
    desk.consent("lift", "member:1", *grounds).ok()
    assert desk.consent("may-ask", "member:1", "--purpose", "analytics").ok().out == "may be asked\n", "it was lifted"
    desk.consent("object", "member:1", "--purpose", "analytics", *law).ok()
    desk.wait(1)
    desk.record("analytics", "given", "--consent", "explicit", *law).ok()
    assert desk.consent("may-ask", "member:1", "--purpose", "analytics").ok().out == "may be asked\n"


def test_only_their_own_explicit_yes_since_ends_it(desk: Desk) -> None:
    law = ("--regime", "gdpr", "--jurisdiction", "DE")
    desk.record("marketing.email", "given", "--consent", "explicit", *law).ok()
    desk.wait(1)
    desk.consent("object", "member:1", *law).ok()
    assert desk.consent(*ASK).code == 1, "the yes was before it"
    desk.wait(1)
    desk.record("marketing.email", "given", *law).ok()
    assert (desk.asked("marketing.email"), desk.consent(*ASK).code) == ("objected", 1)
    desk.record("marketing.email", "given", "--consent", "explicit", "--channel", "email", *law).ok()
    assert desk.consent(*ASK).code == 0
    assert desk.asked("marketing.email", "--channel", "email") == "given"
    desk.consent("object", "member:2", *law).ok()
    grounds = ("--of", "object", "--grounds", "a law suit")
    desk.wait(1)
    assert desk.consent("lift", "member:2", *grounds).code == 1
    assert desk.consent("may-ask", "member:2", "--purpose", "marketing.email").code == 1, "no grounds lift it"


def test_an_objection_on_one_channel_is_one_there(desk: Desk) -> None:
    desk.consent("object", "member:1", "--channel", "sms", "--regime", "gdpr").ok()
    assert desk.consent(*ASK, "--channel", "sms").code == 1
    assert desk.consent(*ASK, "--channel", "email").code == 0
    assert desk.consent(*ASK).code == 1, "on whatever channel they are asked, that one is among them"
    desk.wait(1)
    desk.record("marketing.email", "given", "--consent", "explicit").ok()
    assert desk.consent(*ASK, "--channel", "sms").code == 1, "a yes for all channels reopens none that was closed"


def test_of_several_objections_that_to_marketing_and_then_the_newest_is_named(desk: Desk) -> None:
    analytics = ("object", "member:1", "--purpose", "marketing.email", "--grounds", "my own")
    first = desk.consent("object", "member:1", "--json").ok().json["seq"]
    desk.wait(1)
    second = desk.consent("object", "member:1", "--json").ok().json["seq"]
    desk.wait(1)
    desk.consent(*analytics).ok()
    named = desk.consent(*ASK, "--json").json["entry"]
    assert named > first
    assert named >= second


def test_a_yes_of_the_very_moment_of_an_objection_does_not_end_it(desk: Desk) -> None:
    moment = ("--at", "2026-02-01T10:00:00Z")
    desk.record("marketing.email", "given", "--consent", "explicit", *moment).ok()
    desk.consent("object", "member:1", *moment).ok()
    assert desk.consent(*ASK).code == 1
