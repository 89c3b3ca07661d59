"""A question without a channel about a yes that was given for one: where it is yes is said, with how to ask for it."""

from __future__ import annotations

from typing import Any

Desk = Any
ASK = ("check", "member:1", "--purpose", "marketing.email")


def test_r01_a_yes_for_a_channel_is_no_yes_without_one_and_the_channel_is_named(desk: Desk) -> None:
    desk.record("marketing.email", "given", "--action", "click", "--channel", "email").ok()
    no = desk.consent(*ASK)
    assert (no.code, "no_record" in no.out) == (1, True)
    assert no.out.endswith("\npermitted on the channel email, and there alone: ask with --channel email\n")
    assert "ask with --channel email" in desk.consent(*ASK, "--explain").out
    assert desk.consent(*ASK, "--json").json["permitted_on"] == ["email"]
    yes = desk.consent(*ASK, "--channel", "email").ok()
    assert "ask with" not in yes.out
    before = desk.consent(*ASK, "--at", "2026-02-01T00:00:00Z")
    assert "ask with" not in before.out, "it was not given yet"


def test_where_nothing_is_permitted_anywhere_no_channel_is_named(desk: Desk) -> None:
    desk.record("marketing.email", "refused", "--channel", "sms").ok()
    assert desk.consent(*ASK, "--json").json["permitted_on"] == []
    desk.wait(1)
    desk.record("marketing.email", "given", "--action", "click").ok()
    found = desk.consent(*ASK, "--json").ok().json
    assert (found["permitted_on"], found["still_denied_on"]) == ([], {"sms": "channel_opt_out"})
    desk.wait(1)
    desk.record("marketing.email", "given", "--action", "click", "--channel", "email").ok()
    desk.consent("restrict", "member:1", "--grounds", "needs it").ok()
    assert desk.consent(*ASK, "--json").json["permitted_on"] == [], "a restriction is one on every channel"
