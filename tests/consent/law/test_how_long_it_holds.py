"""When what somebody said ends: as it says itself, and at the earlier of two ends it says."""

from __future__ import annotations

from typing import Any

import pytest

from imp_core.clock import DAY_US, parse_time

NOW_US = parse_time("2026-03-01T12:00:00Z")
GUARDIAN = {"guardian": "member:9", "role": "parent", "verification": "card"}


@pytest.mark.parametrize(
    ("type_", "said"),
    [("guardian", {"more": GUARDIAN}), ("minor", {"needs": "own"}), ("restrict", {}), ("grant", {}), ("refuse", {})],
)
def test_whatever_may_end_ends_after_its_days_or_at_its_time_whichever_comes_first(
    law: Any, type_: str, said: dict[str, Any]
) -> None:
    law.show("analytics")
    assert law.write(type_, "analytics", valid_for_days=2, **said).until_us == NOW_US + 2 * DAY_US
    for days, until in ((2, 5), (5, 2)):
        both = law.write(type_, "analytics", valid_for_days=days, until_us=NOW_US + until * DAY_US, **said)
        assert both.until_us == NOW_US + 2 * DAY_US
    assert law.write(type_, "analytics", **said).until_us is None


@pytest.mark.parametrize("type_", ["withdraw", "object", "signal", "limit-sensitive"])
def test_what_takes_back_ends_at_no_time(law: Any, type_: str) -> None:
    assert law.write(type_, "analytics", valid_for_days=2, until_us=NOW_US + 1).until_us is None
