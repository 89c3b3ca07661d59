"""What is printed says no more than somebody said: that a yes was taken back, or that a notice was shown."""

from __future__ import annotations

from typing import Any

import pytest

Line = Any
MEI = "member:mei"


@pytest.fixture
def line(imp_here: Line) -> Line:
    imp_here("init", imp_here.workspace, "--controller", "Shop Ltd").ok()
    return imp_here


def test_who_says_stop_and_never_said_yes_is_not_told_to_have_taken_one_back(line: Line) -> None:
    line("consent", "record", MEI, "--purpose", "marketing.email", "--state", "withdrawn").ok()
    told = line("consent", "check", MEI, "--purpose", "marketing.email", "--explain").out
    assert "the person asked to stop marketing.email" in told
    assert "their yes" not in told


@pytest.mark.parametrize(
    "words",
    [
        ("contract", "--evidence", "order 7"),
        ("vital-interest", "--evidence", "call 112"),
        ("legal-obligation", "--ground", "law=tax 7"),
    ],
)
def test_a_basis_that_is_no_notice_prints_none_as_shown_unless_it_is_named(line: Line, words: tuple[str, ...]) -> None:
    (known,) = line("consent", "notice", "list", "--json").ok().json["notices"]
    (purpose, *_) = known["purposes"]
    given = ("consent", "basis", MEI, "--purpose", purpose, "--basis", *words)
    assert line(*given, "--json").ok().json["shown"] is None
    assert "shown" not in line(*given).ok().out
    assert f"notice shown: {known['name']}" in line(*given, "--notice", known["name"]).ok().out
