"""Whose yes only ran out is kept out after retention like who was erased: the dry run says so, and what helps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imp_core.clock import DAY_US, SimulatedClock, format_time

Cli = Any
YES = ("--purpose", "analytics", "--state", "given", "--action", "click")


def test_r60_who_never_said_no_comes_back_by_a_yes_given_anew_and_the_dry_run_says_so(
    shop: Cli, imp_here: Cli, clock: SimulatedClock, tmp_path: Path
) -> None:
    assert shop
    with (imp_here.workspace / "imp.toml").open("a", encoding="utf-8") as file:
        file.write("\n[retention]\nevidence = 1\n")
    imp_here("consent", "record", "member:1", *YES, "--valid-for", "1d").ok()
    assert "taken up by no file" not in imp_here("consent", "retention").ok().out
    clock.move_to(clock.now_us() + 5 * DAY_US)
    for words in ((), ("--execute",)):
        done = imp_here("consent", "retention", *words).ok().out
        assert "taken up by no file again, also whose yes only ran out" in done
        assert "imp consent record … --state given --returning" in done
    path = tmp_path / "new.csv"
    now = format_time(clock.now_us())
    path.write_text(f"identifier,purpose,state,at,action\nmember:1,analytics,given,{now},click\n", encoding="utf-8")
    assert imp_here("consent", "import", str(path), "--json").ok().json["suppressed"] == 1, "as was said"
    imp_here("consent", "record", "member:1", *YES, "--returning").ok()
    assert imp_here("consent", "check", "member:1", "--purpose", "analytics").ok()
