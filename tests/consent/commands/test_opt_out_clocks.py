"""That recipients are told of an opt-out has a clock, which stands in the list of requests whoever's law sets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context

Cli = Any
TAB, ANN, BEN = "device:tab-1", "member:ann-1", "member:ben"
GPC = ("--kind", "gpc", "--raw", "1", "--channel", "web")
TEXT = "Shop Ltd shares your purchases: ads.share, with AdNet Inc.\n\nYou can withdraw your consent at any time."


@pytest.fixture
def ads(imp_here: Cli, shop: Context, tmp_path: Path) -> Cli:
    """A shop under no law of America's that shares what Ann and Ben, who are in California, agreed to share."""
    assert shop.workspace.root == imp_here.workspace
    kind = ("--description", "We share it.", "--trait", "sharing", "--recipient", "AdNet Inc.")
    imp_here("consent", "purpose", "add", "ads.share", *kind).ok()
    (tmp_path / "ads.txt").write_text(TEXT, encoding="utf-8")
    named = ("--name", "ads", "--purpose", "ads.share", "--recipient", "AdNet Inc.")
    imp_here("consent", "notice", "add", tmp_path / "ads.txt", *named).ok()
    for who in (ANN, BEN):
        yes = ("--purpose", "ads.share", "--state", "given", "--jurisdiction", "US-CA", "--regime", "us-ca")
        imp_here("consent", "record", who, *yes).ok()
    return imp_here


def listed(ads: Cli) -> list[tuple[str, str]]:
    found = ads("consent", "requests", "list", "--json").ok().json["requests"]
    return [(one["kind"], one["due"]) for one in found]


def test_r45_a_device_whose_law_sets_no_clock_leaves_it_to_the_law_of_its_people(
    ads: Cli, clock: SimulatedClock
) -> None:
    clock.move_to(clock.now_us() + 1_000_000)
    due = ("opt-out", "2026-03-20T12:00:01Z")
    ads("consent", "signal", "record", TAB, *GPC, "--link", ANN).ok()
    assert "told by 2026-03-20" in ads("consent", "signal", "status", ANN).ok().out
    assert listed(ads) == [due]
    ads("consent", "signal", "record", TAB, *GPC).ok()
    assert listed(ads) == [due], "heard before"
    ads("consent", "signal", "link", TAB, BEN).ok()
    assert listed(ads) == [due, due], "Ben's own, whose device it is found to be later"
    clock.move_to(clock.now_us() + 20 * DAY_US)
    assert ads("consent", "requests", "list", "--check").code == 1


def test_r45_a_signal_that_reaches_two_people_at_once_is_one_request(ads: Cli, clock: SimulatedClock) -> None:
    clock.move_to(clock.now_us() + 1_000_000)
    for who in (ANN, BEN):
        ads("consent", "signal", "link", TAB, who).ok()
    ads("consent", "signal", "record", TAB, *GPC).ok()
    assert len(listed(ads)) == 1


def test_the_list_of_requests_points_to_the_recipients_that_are_still_to_be_told(
    ads: Cli, clock: SimulatedClock
) -> None:
    clock.move_to(clock.now_us() + 1_000_000)
    assert ads("consent", "requests", "list").ok().out == "no request is open\n"
    no = ("--purpose", "ads.share", "--state", "withdrawn")
    ads("consent", "record", ANN, *no).ok()
    told = "1 recipient is to be told; see: imp consent recipients list"
    assert ads("consent", "requests", "list").ok().out == f"no request is open\n{told}\n"
    clock.move_to(clock.now_us() + 50 * DAY_US)
    shown = ads("consent", "requests", "list", "--json").ok().json
    assert (shown["to_tell"], shown["to_tell_late"]) == (1, 1)
    assert "1 recipient is to be told, 1 of them overdue; see" in ads("consent", "requests", "list").ok().out
    ads("consent", "recipients", "done", "AdNet Inc.", "--what", "opt-out", "--purpose", "ads.share").ok()
    assert ads("consent", "requests", "list", "--check").ok().out == "no request is open\n"
