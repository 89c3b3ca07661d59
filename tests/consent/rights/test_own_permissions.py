"""The copy says on which channels a yes does not hold, who said it for a child, and what only came back undelivered."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from imp_consent.rights.wording import languages, read_wording

Line = Any
WHO = "email:cleo@example.com"
VERIFIED = ("--verified", "reasonable", "--how", "logged in")
LAW = ("--regime", "gdpr", "--jurisdiction", "DE")


def copied(shop: Line, folder: Path, *words: str, who: str = WHO) -> tuple[list[str], dict[str, Any], str]:
    """A person's copy: the cells of the row of analytics, the same of access.json, and the page as plain text."""
    shop("consent", "access", who, *VERIFIED, "--out", folder, *words).ok()
    page = (folder / "access.html").read_text(encoding="utf-8")
    (row,) = re.findall(r"<tr><td>[^\n]*>analytics<[^\n]*</tr>", page)
    cells = [html.unescape(re.sub("<[^>]+>", "", cell)) for cell in row.split("</td>")]
    said = json.loads((folder / "access.json").read_bytes())["permissions"]
    plain = html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "", page, flags=re.S))
    return cells, next(one for one in said if one["purpose"] == "analytics"), plain


def agreed(shop: Line, *words: str, who: str = WHO) -> None:
    shop("consent", "record", who, "--purpose", "analytics", "--state", "given", "--action", "click", *LAW, *words).ok()


def heard(shop: Line, kind: str, channel: str = "email") -> None:
    shop("consent", "signal", "record", WHO, "--kind", kind, "--channel", channel, *LAW).ok()


@pytest.mark.parametrize("tag", languages())
def test_r52_the_copy_of_who_unsubscribed_says_that_the_yes_does_not_hold_there(
    shop: Line, tmp_path: Path, tag: str
) -> None:
    agreed(shop)
    heard(shop, "unsubscribe")
    cells, said, _ = copied(shop, tmp_path / "a", "--language", tag)
    words = read_wording(tag)
    yes = words.say("values", "yes")
    assert cells[3] == words.say("page", "except", may=yes, channels="email") != yes
    assert words.say("reasons", "given") in cells[4]
    assert words.say("reasons", "channel_opt_out") in cells[4]
    assert "2026-03-01 12:00 UTC" in cells[4], "and since when"
    assert said["permitted"] is True
    no = said["still_denied_on"]["email"]
    assert (no["reason"], no["undelivered"], len(no["entries"])) == ("channel_opt_out", False, 1)


def test_a_yes_that_holds_everywhere_has_no_exception(shop: Line, tmp_path: Path) -> None:
    agreed(shop)
    cells, said, _ = copied(shop, tmp_path / "a", "--language", "en")
    assert (cells[3], cells[4], said["still_denied_on"], said["by"]) == ("yes", "you agreed", {}, None)


@pytest.mark.parametrize("tag", languages())
def test_messages_that_came_back_are_told_as_that_and_a_later_no_as_their_own(
    shop: Line, tmp_path: Path, tag: str
) -> None:
    agreed(shop)
    heard(shop, "bounce")
    words = read_wording(tag)
    cells, said, text = copied(shop, tmp_path / "a", "--language", tag)
    assert words.say("reasons", "undelivered") in cells[4]
    assert said["still_denied_on"]["email"]["undelivered"] is True
    assert words.say("said", "bounce") in text
    assert words.say("said", "signal", about=words.say("about", "everything")) not in text
    heard(shop, "unsubscribe")
    cells, said, _ = copied(shop, tmp_path / "b", "--language", tag)
    assert words.say("reasons", "channel_opt_out") in cells[4]
    assert words.say("reasons", "undelivered") not in cells[4]
    assert said["still_denied_on"]["email"]["reason"] == "channel_opt_out"


@pytest.mark.parametrize("tag", languages())
def test_a_refusal_stays_the_persons_own_where_messages_came_back_later(shop: Line, tmp_path: Path, tag: str) -> None:
    agreed(shop)
    refused = ("--purpose", "analytics", "--state", "refused", "--channel", "email")
    shop("consent", "record", WHO, *refused, *LAW).ok()
    before = copied(shop, tmp_path / "a", "--language", tag)[1]["still_denied_on"]
    heard(shop, "bounce")
    words = read_wording(tag)
    cells, said, _ = copied(shop, tmp_path / "b", "--language", tag)
    assert words.say("reasons", "channel_opt_out") in cells[4]
    assert words.say("reasons", "undelivered") not in cells[4]
    assert said["still_denied_on"] == before, "the same no, since the same time, by the same entry"


@pytest.mark.parametrize("tag", languages())
def test_a_no_that_the_person_took_back_is_not_told_when_messages_come_back(
    shop: Line, tmp_path: Path, clock: Any, tag: str
) -> None:
    agreed(shop)
    withdrawn = ("--purpose", "analytics", "--state", "withdrawn", "--channel", "email")
    shop("consent", "record", WHO, *withdrawn, *LAW).ok()
    clock.move_to(clock.now_us() + 1_000_000)
    agreed(shop, "--channel", "email", "--informed")
    heard(shop, "bounce")
    words = read_wording(tag)
    cells, said, _ = copied(shop, tmp_path / "a", "--language", tag)
    assert words.say("reasons", "undelivered") in cells[4]
    assert words.say("reasons", "channel_opt_out") not in cells[4]
    assert said["still_denied_on"]["email"]["undelivered"] is True


@pytest.mark.parametrize("tag", languages())
def test_r18_in_a_childs_copy_what_a_guardian_said_is_the_guardians(shop: Line, tmp_path: Path, tag: str) -> None:
    shop("consent", "minor", WHO, "--age", "8", *LAW).ok()
    guardian = ("--guardian", "member:mum", "--role", "mother", "--verification", "ID card", "--purpose", "analytics")
    shop("consent", "guardian", WHO, *guardian, *LAW).ok()
    words = read_wording(tag)
    cells, said, _ = copied(shop, tmp_path / "a", "--language", tag)
    assert (cells[4], said["missing"]) == (words.say("reasons", "under_age-either"), "either")
    agreed(shop, "--by-guardian")
    cells, said, text = copied(shop, tmp_path / "b", "--language", tag)
    assert (cells[4], said["by"]) == (words.say("reasons", "given-guardian"), "guardian")
    assert words.say("said", "grant-guardian", purpose="analytics") in text
    assert f"UTC: {words.say('said', 'grant', purpose='analytics')}" not in text
    agreed(shop)
    cells, said, text = copied(shop, tmp_path / "c", "--language", tag)
    assert (cells[4], said["by"]) == (words.say("reasons", "given"), None), "then their own"
    withdrawn = ("--purpose", "analytics", "--state", "withdrawn", "--by-guardian")
    shop("consent", "record", WHO, *withdrawn, *LAW).ok()
    text = copied(shop, tmp_path / "d", "--language", tag)[2]
    assert words.say("said", "withdraw-guardian", purpose="analytics") in text
