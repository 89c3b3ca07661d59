"""Lifts by whatever way they come in: the person is told first, and no file lifts what was limited here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imp_consent.policy.door import Door
from imp_consent.policy.saying import Saying
from imp_consent.runtime import open_log
from imp_core.clock import SECOND_US, SimulatedClock, format_time
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

Line = Any
WHO, NEW = "email:ann@example.com", "member:new-1"


def asked(shop: Line, who: str = WHO) -> str:
    return str(shop("consent", "check", who, "--purpose", "analytics", "--json").json["reason"])


def wait(clock: SimulatedClock) -> int:
    clock.move_to(clock.now_us() + 10 * SECOND_US)
    return clock.now_us()


def lift(context: Context, of: str, **more: Any) -> None:
    grounds = {"notified": "letter"} if of == "restrict" else {"compelling-grounds": "assessment 7"}
    said = Saying(type="lift", purpose="*", at_us=context.clock.now_us(), lifts=of, grounds=grounds, more=more)
    with open_log(context).write() as transaction:
        Door(context, transaction, surface="command line").append(RawId.parse(WHO), said)


def test_r28_no_way_in_lifts_a_restriction_before_the_person_was_told(
    shop: Line, context: Context, clock: SimulatedClock
) -> None:
    before = clock.now_us() - SECOND_US
    shop("consent", "restrict", WHO).ok()
    now = wait(clock)
    for more in ({}, {"told_us": before}, {"told_us": now + 1}, {"told_us": "yesterday"}):
        with pytest.raises(BadInput, match="told"):
            lift(context, "restrict", **more)
    assert asked(shop) == "restricted"
    lift(context, "restrict", told_us=now)
    assert asked(shop) == "given"


def test_r26_no_way_in_lifts_an_objection_to_direct_marketing(
    shop: Line, context: Context, clock: SimulatedClock
) -> None:
    shop("consent", "object", WHO, "--purpose", "marketing.email").ok()
    wait(clock)
    with pytest.raises(BadInput, match="direct marketing is not lifted"):
        lift(context, "object")


def rows(tmp_path: Path, *words: tuple[str, str, int, int, dict[str, Any]]) -> Path:
    """A file of records: person, type, time, position and details of each, all about everything."""
    path = tmp_path / "records.jsonl"
    lines = []
    for person, type_, at_us, position, details in words:
        row: dict[str, Any] = {"person": person, "position": str(position), "type": type_, "purpose": "*"}
        row |= {"at": format_time(at_us), "lifts": "restrict" if type_ == "lift" else ""}
        lines.append(json.dumps(row | {"details": json.dumps(details) if details else ""}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_r28_an_imported_lift_reaches_no_restriction_of_this_workspace(
    shop: Line, context: Context, clock: SimulatedClock, tmp_path: Path
) -> None:
    shop("consent", "restrict", WHO).ok()
    now = wait(clock)
    path = rows(tmp_path, (WHO, "lift", now, 1, {"grounds": {"notified": "letter"}, "told_us": now}))
    answer = shop("consent", "import", path, "--format", "records")
    assert (answer.code, "limited in this workspace" in answer.err) == (2, True)
    assert asked(shop) == "restricted"


@pytest.mark.parametrize(("told", "code"), [(5, 0), (-5, 2), (None, 2)])
def test_r28_an_imported_lift_of_what_came_with_it_says_when_the_person_was_told(
    shop: Line, context: Context, clock: SimulatedClock, tmp_path: Path, told: int | None, code: int
) -> None:
    then = clock.now_us()
    now = wait(clock)
    details: dict[str, Any] = {"grounds": {"notified": "letter"}}
    if told is not None:
        details["told_us"] = then + told * SECOND_US
    path = rows(tmp_path, (NEW, "restrict", then, 1, {}), (NEW, "lift", now, 2, details))
    assert shop("consent", "import", path, "--format", "records").code == code
    assert asked(shop, NEW) == "no_record"
