"""A no of somebody nobody knew is recorded, and whoever types it is told: it may have been meant for another name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_core.context import Context

Cli = Any
ANN, TYPO = "email:anna@example.de", "email:anna@exmaple.de"
WARNED = "nobody was known by this identifier until now"
AT = "2026-03-01T10:00:00Z"
NOES = [
    ("consent", "record", "--purpose", "marketing.email", "--state", "withdrawn"),
    ("consent", "record", "--purpose", "marketing.email", "--purpose", "analytics", "--state", "withdrawn"),
    ("consent", "object"),
    ("consent", "restrict"),
    ("consent", "limit"),
    ("consent", "signal", "record", "--kind", "stop", "--channel", "email"),
    ("consent", "signal", "record", "--kind", "reply", "--raw", "退订", "--channel", "email"),
]


@pytest.fixture
def desk(shop: Context, imp_here: Cli) -> Cli:
    imp_here("consent", "record", ANN, "--purpose", "marketing.email", "--state", "given", "--action", "click").ok()
    return imp_here


@pytest.mark.parametrize("words", NOES, ids=" ".join)
def test_r34_a_no_for_a_misspelt_person_is_taken_and_says_that_nobody_was_known(
    desk: Cli, words: tuple[str, ...]
) -> None:
    done = desk(*words, TYPO, "--json").ok()
    told = [warning for one in done.json.get("entries", [done.json]) for warning in one["warnings"]]
    assert all(WARNED in warning for warning in told)
    assert told
    shown = desk(*words, "email:bob@exmaple.de").ok()
    assert (WARNED in shown.out + shown.err, "exmaple" in shown.out + shown.err) == (True, False)


@pytest.mark.parametrize("words", NOES, ids=" ".join)
@pytest.mark.parametrize("spelt", [ANN, "email:Anna+news@example.de"])
def test_of_somebody_known_by_this_spelling_or_another_nothing_is_said(
    desk: Cli, words: tuple[str, ...], spelt: str
) -> None:
    if spelt != ANN:
        desk("consent", "record", "email:anna+news@example.de", "--purpose", "analytics", "--state", "given").ok()
    done = desk(*words, spelt).ok()
    assert WARNED not in done.out + done.err


def test_who_refuses_at_first_sight_and_a_browser_that_asks_for_the_first_time_are_no_misspellings(desk: Cli) -> None:
    refused = desk("consent", "record", TYPO, "--purpose", "marketing.email", "--state", "refused", "--json").ok()
    assert refused.json["warnings"] == []
    browser = ("consent", "signal", "record", "device:tab-1", "--kind", "gpc", "--raw", "1", "--channel", "web")
    assert desk(*browser, "--json").ok().json["warnings"] == []


def test_a_file_of_noes_names_the_lines_of_people_unknown_until_then(desk: Cli, tmp_path: Path) -> None:
    path = tmp_path / "stops.csv"
    rows = "".join(f"{word},stop,{AT},email\n" for word in (ANN, TYPO, "email:bob@example.de"))
    path.write_text(f"identifier,kind,at,channel\n{rows}", encoding="utf-8")
    (told,) = desk("consent", "signal", "import", str(path), "--dry-run", "--json").ok().json["warnings"]
    assert told.startswith("2 withdrawals are of people unknown until now (lines 3, 4): ")
    done = desk("consent", "signal", "import", str(path)).ok()
    assert (f"warning: {told}" in done.err, "exmaple" in done.err) == (True, False)
    again = desk("consent", "signal", "import", str(path), "--json").ok()
    assert again.json["warnings"] == []


def test_of_who_was_erased_it_is_not_said(desk: Cli) -> None:
    desk("consent", "erase", ANN, "--execute").ok()
    done = desk("consent", "signal", "record", ANN, "--kind", "stop", "--channel", "email", "--json").ok()
    assert (done.json["nobody"], done.json["warnings"]) == (1, [])
