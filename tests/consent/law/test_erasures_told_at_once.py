"""An erasure that nobody has to ask for is told with the no that opened it, and counts from when that was said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

Desk = Any
MAIL = "marketing.email"
CHINA = ("--regime", "cn-pipl", "--jurisdiction", "CN")
SAID = "2026-02-09T00:00:00Z"
DUE = "2026-03-02T00:00:00Z"  # 15 business days from then


@pytest.fixture
def agreed(desk: Desk) -> Desk:
    """Somebody agreed under Chinese law."""
    words = ("--action", "click", "--consent", "separate", "--at", "2026-01-10T00:00:00Z")
    desk.record(MAIL, "given", *words, *CHINA).ok()
    return desk


def test_r25_a_withdrawal_prints_the_erasure_it_opens_and_by_when_it_is_due(agreed: Desk) -> None:
    done = agreed.record(MAIL, "withdrawn", "--at", SAID, "--json").ok().json
    (task,) = agreed.consent("requests", "list", "--json").ok().json["requests"]
    assert done["erasure"] == {"request": task["id"], "kind": "erase", "due": task["due"], "overdue": False}
    again = agreed.record(MAIL, "withdrawn", "--json").ok().json
    assert again["erasure"] is None, "it is open already"


def test_r25_the_clock_of_such_an_erasure_runs_from_when_the_no_was_said(agreed: Desk) -> None:
    agreed.record(MAIL, "withdrawn", "--at", SAID).ok()
    (task,) = agreed.consent("requests", "list", "--json").ok().json["requests"]
    assert (task["received"], task["due"]) == (SAID, DUE)


def test_r25_who_writes_down_too_late_is_told_that_it_is_overdue(agreed: Desk) -> None:
    at = ("--at", "2026-01-11T00:00:00Z")
    shown = agreed.consent("record", "member:1", "--purpose", MAIL, "--state", "withdrawn", *at).ok().out
    assert "the law wants their data erased, nobody has to ask: request " in shown
    assert "(erase), overdue since 2026-01-30T00:00:00Z: imp consent erase" in shown
    assert "imp consent erase KIND:VALUE --execute" in shown
    assert agreed.consent("requests", "list", "--check").code == 1


def test_r25_a_yes_that_is_known_after_its_no_opens_one_that_counts_from_now(desk: Desk) -> None:
    desk.record(MAIL, "withdrawn", "--at", SAID).ok()
    words = ("--action", "click", "--consent", "separate", "--at", "2026-01-10T00:00:00Z", *CHINA)
    assert desk.record(MAIL, "given", *words, "--json").ok().json["erasure"]["overdue"] is False
    (task,) = desk.consent("requests", "list", "--json").ok().json["requests"]
    assert task["received"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize("dry", [True, False])
def test_r25_a_file_counts_the_erasures_that_it_opens(desk: Desk, tmp_path: Path, *, dry: bool) -> None:
    path = tmp_path / "said.csv"
    yes = f"{MAIL},given,2026-01-01T00:00:00Z,click,separate,cn-pipl,CN"
    rows = [f"member:{n},{yes}\nmember:{n},{MAIL},withdrawn,{SAID},,,," for n in (1, 2)]
    path.write_text("identifier,purpose,state,at,action,consent,regime,jurisdiction\n" + "\n".join(rows), "utf-8")
    words = ("import", str(path), *(("--dry-run",) if dry else ()))
    if dry:
        assert desk.consent(*words, "--json").ok().json["erasures"] == 2
        assert "erasures opened    2" in desk.consent(*words).ok().out
    else:
        assert "2 erasures that nobody has to ask for were opened; see: imp consent requests list" in (
            desk.consent(*words).ok().out
        )
        assert desk.consent(*words, "--json").ok().json["erasures"] == 0


def test_r25_a_stop_prints_the_erasure_it_opens(agreed: Desk) -> None:
    shown = agreed.consent("signal", "record", "member:1", "--kind", "stop", "--channel", "email").ok().out
    assert "1 erasure that nobody has to ask for was opened; see: imp consent requests list" in shown


def test_r32_the_requests_of_one_person_are_listed_alone(agreed: Desk) -> None:
    agreed.record(MAIL, "withdrawn").ok()
    agreed.consent("requests", "open", "access", "member:1").ok()
    agreed.consent("record", "member:2", "--purpose", "analytics", "--state", "refused").ok()
    agreed.consent("requests", "open", "access", "member:2").ok()
    of = ("requests", "list", "--json", "--of")
    kinds = [one["kind"] for one in agreed.consent(*of, "member:1").ok().json["requests"]]
    assert sorted(kinds) == ["access", "erase"]
    assert len(agreed.consent(*of, "member:2").ok().json["requests"]) == 1
    assert agreed.consent("requests", "list", "--of", "member:3").ok().out == "no request is open\n"
    assert agreed.consent("requests", "list", "--of", "nonsense").code == 2
