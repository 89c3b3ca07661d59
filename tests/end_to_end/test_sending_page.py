"""docs/sending.md: its campaigns can be read, and it names every key, every reason and every status there is."""

from __future__ import annotations

import re

import pytest

from imp_consent.plane.send import campaign, candidate, read_campaign, send
from imp_consent.policy.decide import PERMITTING, Reason
from imp_core.channel import DeliveryStatus

CAMPAIGN = re.compile(r'^```toml title="campaigns/(?P<name>[\w-]+)\.toml"\n(?P<text>.*?)^```$', re.M | re.S)


@pytest.fixture
def page(project_folder):
    """The page's text."""
    return (project_folder / "docs" / "sending.md").read_text(encoding="utf-8")


@pytest.fixture
def campaigns(page, tmp_path):
    """The campaigns of the page, read as `imp send` reads them."""
    for match in CAMPAIGN.finditer(page):
        (tmp_path / f"{match['name']}.toml").write_text(match["text"], encoding="utf-8")
    return {path.stem: read_campaign(tmp_path, path.stem) for path in tmp_path.glob("*.toml")}


def test_the_campaigns_of_the_page_are_campaigns(campaigns):
    assert campaigns["spring"].fields == ("first_name",)
    assert set(campaigns["spring"].contents["message"].parts) == {"subject", "text"}
    assert campaigns["spring-test"].variants == {"plain", "named", "holdout"}
    assert campaigns["spring-test"].silent == {"holdout"}


def test_the_page_names_every_key_of_a_campaign(page):
    rows = re.findall(r"^\| (`\w+`[^|]*) \|", page, re.M)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} >= set(campaign._KEYS)


def test_the_page_says_what_every_count_means(page):
    rows = re.findall(r"^\| (`[^|]*) \|", page, re.M)
    counts = {word for row in rows for name in re.findall(r"`([^`]+)`", row) for word in name.split(", ")}
    refused = {*Reason} - PERMITTING - {Reason.LEDGER_UNAVAILABLE}
    own = {candidate.DUPLICATE, candidate.ANOTHERS_ADDRESS, candidate.IN_FLIGHT, send._VETOED}
    assert {*map(str, refused), *own, *map(str, DeliveryStatus)} - counts == set()
    assert {"audience", "malformed", "to send", "held out", "before", "new exposures", "chunks recovered"} <= counts
