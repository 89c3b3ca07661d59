"""Messages that came back are no word of the person's: what is said of them says so, and names their own no beside."""

from __future__ import annotations

from typing import Any

import pytest

Desk = Any
MAIL = ("member:1", "--purpose", "marketing.email")
LAW = ("--regime", "gdpr", "--regime", "eprivacy", "--jurisdiction", "DE")


@pytest.fixture
def bounced(desk: Desk) -> Desk:
    """A desk at which somebody agreed, and whose messages then came back."""
    desk.record("marketing.email", "given", "--action", "click", *LAW).ok()
    desk.wait(1)
    heard(desk, "bounce")
    return desk


def heard(desk: Desk, kind: str) -> None:
    desk.consent("signal", "record", "member:1", "--kind", kind, "--channel", "email", *LAW).ok()
    desk.wait(1)


def said(desk: Desk) -> str:
    return str(desk.consent("check", *MAIL, "--channel", "email", "--explain").out)


def test_a_bounce_is_explained_as_what_it_is_and_not_as_the_persons_own_no(bounced: Desk) -> None:
    words = said(bounced)
    assert "At 2026-03-02T12:00:00Z messages to the person could not be delivered on the channel email" in words
    assert "Messages cannot be delivered there, so none are sent: that is no word of the person's own." in words
    assert "A later yes for this channel, recorded with --informed, would change it." in words
    assert "opt-out signal" not in words
    assert "GDPR 21" not in words
    found = bounced.consent("check", *MAIL, "--channel", "email", "--json").json
    assert (found["reason"], found["source"]) == ("signal", "no law: messages cannot be delivered there")
    opens = bounced.record("marketing.email", "given", "--action", "click", "--channel", "email", *LAW).json
    assert "that is no word of the person's own" in opens["opens_nothing"]
    bounced.record("marketing.email", "given", "--action", "click", "--channel", "email", "--informed", *LAW).ok()
    assert bounced.asked("marketing.email", "--channel", "email") == "given", "and what it says is so"


def test_a_later_no_of_their_own_is_named_beside_messages_that_came_back(bounced: Desk) -> None:
    heard(bounced, "unsubscribe")
    words = said(bounced)
    assert "At 2026-03-03T12:00:00Z the person asked to stop every use on the channel email" in words
    assert "The person said no on this channel, and a no for a channel outlives a general yes." in words


def test_a_signal_of_a_browser_is_still_the_persons_own(desk: Desk) -> None:
    desk.purpose("ads", "--trait", "sale")
    words = ("--kind", "gpc", "--raw", "1", "--channel", "web", "--regime", "us-ca", "--jurisdiction", "US-CA")
    desk.consent("signal", "record", "member:1", *words).ok()
    told = desk.consent("check", "member:1", "--purpose", "ads", "--explain").out
    assert "delivered" not in told
    desk.notice("ads", name="ads").ok()
    desk.record("ads", "given", "--action", "click", "--regime", "us-ca", "--jurisdiction", "US-CA").ok()
    told = desk.consent("check", "member:1", "--purpose", "ads", "--explain").out
    assert "the person's browser or device sent an opt-out signal against" in told
    assert "delivered" not in told


@pytest.mark.parametrize("first", ["bounce", "refusal"])
@pytest.mark.parametrize("where", [("--channel", "email"), ()])
def test_a_refusal_that_stands_is_said_with_its_law_beside_messages_that_came_back(
    desk: Desk, first: str, where: tuple[str, ...]
) -> None:
    desk.record("marketing.email", "given", "--action", "click", *LAW).ok()
    desk.wait(1)
    if first == "bounce":
        heard(desk, "bounce")
    desk.record("marketing.email", "refused", *where, *LAW).ok()
    no = desk.entries()[-1].seq
    desk.wait(1)
    law = desk.consent("check", *MAIL, "--channel", "email", "--json").json["source"]
    if first == "refusal":
        heard(desk, "bounce")
    words = said(desk)
    assert "the person said no to marketing.email" in words
    assert f"(entry {no})." in words
    assert "messages to the person could not be delivered on the channel email" in words
    assert "A no stands until" in words or "The person said no on this channel" in words
    assert "Messages need besides a later yes for this channel, recorded with --informed." in words
    assert "A later yes for this channel, recorded with --informed, would change it." not in words
    found = desk.consent("check", *MAIL, "--channel", "email", "--json").json
    assert (found["reason"], "no law" in found["source"]) == ("signal", False)
    assert f"(The law: {found['source']}.)" in words
    assert law == found["source"] or first == "bounce", "as it was before messages came back"


def test_a_no_that_was_taken_back_is_not_said_again_when_messages_come_back(desk: Desk) -> None:
    desk.record("marketing.email", "withdrawn", "--channel", "email", *LAW).ok()
    desk.wait(1)
    desk.record("marketing.email", "given", "--action", "click", "--channel", "email", "--informed", *LAW).ok()
    desk.wait(1)
    heard(desk, "bounce")
    words = said(desk)
    assert "could not be delivered" in words
    assert "asked to stop" not in words
    assert "The person said no on this channel" not in words
    assert "A later yes for this channel, recorded with --informed, would change it." in words
    found = desk.consent("check", *MAIL, "--channel", "email", "--json").json
    assert found["source"] == "no law: messages cannot be delivered there"


def test_a_yes_of_before_opens_nothing_and_is_told_of_the_no_beside_messages_that_came_back(desk: Desk) -> None:
    desk.wait(5)
    desk.record("marketing.email", "refused", "--channel", "email", *LAW).ok()
    desk.wait(1)
    heard(desk, "bounce")
    before = ("--action", "click", "--channel", "email", "--at", "2026-03-02T12:00:00Z")
    opens = desk.record("marketing.email", "given", *before, *LAW).json["opens_nothing"]
    assert "Messages cannot be delivered there" in opens
    assert "Only a later yes for this very channel would change it. Messages need besides a later yes" in opens
    assert "A later yes for this channel" not in opens


@pytest.mark.parametrize("state", [None, "expired"])
def test_where_a_yes_is_merely_missing_that_messages_came_back_says_it_all(desk: Desk, state: str | None) -> None:
    if state:
        ends = ("--valid-for", "1d")
        desk.record("marketing.email", "given", "--action", "click", *ends, *LAW).ok()
        desk.wait(2)
    heard(desk, "bounce")
    words = said(desk)
    assert "A later yes for this channel, recorded with --informed, would change it." in words
    assert "A no stands" not in words
