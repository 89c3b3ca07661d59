"""Who ends their consent where the law says so is erased without asking, whichever is known first (row 25, PIPL 47)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_core.clock import DAY_US, format_time

Desk = Any
MAIL = "marketing.email"
CHINA, FRANCE = ("--regime", "cn-pipl", "--jurisdiction", "CN"), ("--regime", "gdpr", "--jurisdiction", "FR")
YES = ("--action", "click", "--consent", "separate")


@pytest.fixture
def paris(desk: Desk, tmp_path: Path) -> Desk:
    """A desk of a house in France."""
    with (tmp_path / "workspace" / "imp.toml").open("a", encoding="utf-8") as file:
        file.write('\n[policy]\nregimes = ["gdpr", "eprivacy"]\njurisdiction = "FR"\n')
    return desk


def say(desk: Desk, state: str, day: int, *words: str, purpose: str = MAIL) -> None:
    """What somebody said on a day of February, known now."""
    given = YES if state == "given" else ()
    desk.record(purpose, state, *given, "--at", f"2026-02-{day:02}T00:00:00Z", *words).ok()


def tasks(desk: Desk) -> list[str]:
    """The erasures that are open without anybody having asked."""
    found = desk.consent("requests", "list", "--json").ok().json["requests"]
    return [str(one["task"]) for one in found if one["task"]]


@pytest.mark.parametrize("purpose", [MAIL, "marketing", "*"])
def test_r25_a_refusal_of_what_they_had_agreed_to_opens_their_erasure(paris: Desk, purpose: str) -> None:
    say(paris, "given", 1, *CHINA)
    say(paris, "refused", 2, purpose=purpose)
    assert tasks(paris) == ["withdrawal"]
    assert paris.entries()[-1].payload["jurisdiction"] == "CN"


def test_r25_a_refusal_that_ends_no_consent_opens_none(paris: Desk) -> None:
    say(paris, "refused", 1, *CHINA)  # nothing was agreed to
    say(paris, "given", 2, *CHINA, "--valid-for", "3d")
    say(paris, "refused", 5, *CHINA)  # it had run out
    say(paris, "given", 6, *CHINA, "--channel", "sms")
    say(paris, "refused", 7, *CHINA, "--channel", "email")
    say(paris, "refused", 7, *CHINA, purpose="analytics")
    order = ("--basis", "contract", "--evidence", "order 9", *CHINA)
    paris.consent("basis", "member:1", "--purpose", "essential", *order).ok()
    paris.record("essential", "refused", *CHINA).ok()
    assert tasks(paris) == []


def test_r25_under_another_law_neither_opens_one(paris: Desk) -> None:
    say(paris, "given", 1, *FRANCE)
    say(paris, "refused", 2)
    say(paris, "withdrawn", 9, purpose="analytics")
    say(paris, "given", 3, *FRANCE, purpose="analytics")
    assert tasks(paris) == []


def test_r25_a_refusal_twice_opens_one_and_not_another_once_that_is_answered(paris: Desk) -> None:
    say(paris, "given", 1, *CHINA)
    say(paris, "refused", 2)
    (task,) = paris.consent("requests", "list", "--json").ok().json["requests"]
    paris.consent("requests", "answer", task["id"], "--outcome", "infeasible", "--of", "member:1").ok()
    say(paris, "refused", 3)
    assert tasks(paris) == []


@pytest.mark.parametrize(
    ("no", "purpose"), [("withdrawn", MAIL), ("withdrawn", "*"), ("refused", MAIL), ("refused", "marketing")]
)
def test_r25_a_yes_that_is_known_after_the_no_that_ended_it_opens_their_erasure(
    paris: Desk, no: str, purpose: str
) -> None:
    say(paris, no, 9, purpose=purpose)
    assert tasks(paris) == []
    say(paris, "given", 2, *CHINA)
    assert tasks(paris) == ["withdrawal"]


def test_r25_a_yes_after_the_no_or_of_what_no_no_is_about_opens_none(paris: Desk) -> None:
    say(paris, "withdrawn", 9)
    say(paris, "given", 10, *CHINA)
    say(paris, "refused", 9, "--channel", "sms", purpose="analytics")
    say(paris, "given", 3, *CHINA, "--channel", "email", purpose="analytics")
    say(paris, "refused", 8, purpose="experimentation")
    say(paris, "given", 2, *CHINA, "--valid-for", "6d", purpose="experimentation")  # over in that very moment
    assert tasks(paris) == []
    say(paris, "given", 9, *CHINA)  # at one time the no counts; what it ended was agreed to anew the day after
    assert tasks(paris) == []


def test_r25_of_a_yes_and_a_no_at_one_time_the_no_counts(paris: Desk) -> None:
    say(paris, "withdrawn", 9)
    say(paris, "given", 9, *CHINA)
    assert tasks(paris) == ["withdrawal"]


def test_r25_a_yes_that_was_corrected_is_ended_by_no_refusal(paris: Desk) -> None:
    say(paris, "given", 2, *CHINA)
    wrong = str(paris.entries()[-1].seq)
    paris.consent("rectify", "member:1", "--entry", wrong, "--verified", "reasonable", "--how", "showed it").ok()
    say(paris, "refused", 9, *CHINA)
    assert tasks(paris) == []


def test_r25_what_was_noted_when_the_no_was_known_is_not_noted_again(paris: Desk) -> None:
    say(paris, "given", 1, *CHINA)
    say(paris, "withdrawn", 9)
    (task,) = paris.consent("requests", "list", "--json").ok().json["requests"]
    paris.consent("requests", "answer", task["id"], "--outcome", "infeasible", "--of", "member:1").ok()
    say(paris, "given", 2, *CHINA)
    assert tasks(paris) == []
    say(paris, "withdrawn", 10, purpose="analytics")
    say(paris, "given", 3, *CHINA, purpose="analytics")
    assert tasks(paris) == ["withdrawal"], "another no, and another yes"


def test_r25_so_it_is_with_rows_of_a_file(paris: Desk, tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    later = format_time(paris.clock.now_us() - DAY_US)
    rows = [
        f"member:1,{MAIL},withdrawn,{later},,,,",
        f"member:1,{MAIL},given,2026-01-01T00:00:00Z,click,separate,cn-pipl,CN",
        f"member:2,{MAIL},given,2026-01-01T00:00:00Z,click,separate,cn-pipl,CN",
        f"member:2,{MAIL},refused,{later},,,,",
        f"member:3,{MAIL},refused,{later},,,cn-pipl,CN",
    ]
    header = "identifier,purpose,state,at,action,consent,regime,jurisdiction"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    paris.consent("import", str(path)).ok()
    assert tasks(paris) == ["withdrawal", "withdrawal"]


@pytest.mark.parametrize("no", ["withdrawn", "refused"])
def test_r25_a_no_known_late_opens_none_for_somebody_whose_later_yes_stands(paris: Desk, no: str) -> None:
    say(paris, "given", 1, *CHINA)
    say(paris, "given", 11, *CHINA)
    say(paris, no, 5, *CHINA)
    assert paris.consent("check", "member:1", "--purpose", MAIL, "--channel", "email").code == 0
    assert tasks(paris) == []
    say(paris, no, 12, *CHINA)
    assert tasks(paris) == ["withdrawal"], "what they said last ends it"
