"""CA is Canada: whoever has California's law, and nobody's at home in Canada, is told which of the two was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_core.context import Context

Cli = Any


@pytest.fixture
def house(shop: Context, imp_here: Cli) -> Any:
    """A workspace under some law."""

    def under(regimes: str, jurisdiction: str | None = None) -> Cli:
        place = f'jurisdiction = "{jurisdiction}"\n' if jurisdiction else ""
        with Path(shop.workspace.root / "imp.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n[policy]\nregimes = [{regimes}]\n{place}")
        shop.reload_workspace()
        return imp_here

    return under


NO = ("--purpose", "analytics", "--state", "refused")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ('"us-ca", "gdpr"', "CA", "warning: CA is Canada; California is US-CA"),
        ('"us-opt-out"', "DE", "warning: DE is Germany; Delaware is US-DE"),
        ('"us-opt-out"', "CO", "warning: CO is Colombia; Colorado is US-CO"),
    ],
)
def test_who_writes_a_country_and_may_mean_a_state_is_told(house: Any, words: str, code: str, told: str) -> None:
    done = house(words)("consent", "record", "member:1", *NO, "--jurisdiction", code).ok()
    assert told in done.err


@pytest.mark.parametrize(
    ("words", "code"),
    [('"gdpr", "us-opt-out"', "DE"), ('"gdpr", "eprivacy"', "CA"), ('"us-ca"', "US-CA"), ('"us-ca"', "FR")],
)
def test_who_cannot_mean_the_state_is_told_nothing(house: Any, words: str, code: str) -> None:
    assert " is US-" not in house(words)("consent", "record", "member:1", *NO, "--jurisdiction", code).ok().err


def test_objections_and_signals_are_told_too(house: Any) -> None:
    desk, told = house('"us-ca", "gdpr"'), "CA is Canada; California is US-CA"
    assert told in desk("consent", "object", "member:1", "--jurisdiction", "CA").ok().err
    signal = ("consent", "signal", "record", "member:1", "--kind", "stop", "--channel", "email")
    assert told in desk(*signal, "--jurisdiction", "CA").ok().err


def test_the_house_of_a_state_is_told_by_where_it_is(house: Any) -> None:
    desk = house('"gdpr"', "US-CA")
    assert "California is US-CA" in desk("consent", "record", "member:1", *NO, "--jurisdiction", "CA").ok().err
