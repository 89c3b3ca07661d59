"""Notices taken over from another workspace: a newer version is material here, whatever was asked here before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.check import check
from imp_consent.commands.export_records import export_records
from imp_consent.commands.import_records import import_records
from imp_consent.commands.notices import add_notice, list_notices
from imp_consent.policy.door import Door
from imp_consent.policy.saying import Saying
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

Shops = Callable[[], tuple[Context, Context]]
OURS, THEIRS = RawId("member", "1"), RawId("member", "5")
FIRST, SECOND = "", "And we sell what you tell us."


def _ask(ctx: Context, more: str, *, language: str = "en") -> str:
    path = ctx.directory / "asked.txt"
    path.write_text(f"Shop Ltd asks you for analytics. {more}\n\nYou can withdraw at any time. 撤回", encoding="utf-8")
    return add_notice(ctx, path, name="asked", language=language, purposes=("analytics",)).sha256


def _yes(ctx: Context, who: RawId, notice: str | None = None) -> str | None:
    with open_log(ctx).write() as transaction:
        said = Saying(type="grant", purpose="analytics", at_us=ctx.clock.now_us(), notice=notice)
        return Door(ctx, transaction, surface="test").append(who, said).statement.notice


def _wait(*contexts: Context) -> None:
    for ctx in contexts:
        assert isinstance(ctx.clock, SimulatedClock)
        ctx.clock.move_to(ctx.clock.now_us() + DAY_US)


def _take_over(one: Context, other: Context) -> None:
    path, terms = Path(one.directory) / "a.csv", Path(one.directory) / "terms.json"
    export_records(one, path, format_="csv", people=[THEIRS], terms_path=terms)
    import_records(other, path, format_="records", terms_path=terms)


@pytest.mark.parametrize("same", [True, False], ids=["the same first version", "none of that name before"])
def test_r15_a_newer_version_taken_over_ends_what_was_given_under_an_older_one(two_shops: Shops, same: bool) -> None:
    one, other = two_shops()
    _ask(one, FIRST)
    if same:
        _ask(other, FIRST)
        _yes(other, OURS)
    _wait(one, other)
    newer = _ask(one, SECOND)
    _wait(one, other)
    _yes(one, THEIRS)
    _wait(one, other)
    _take_over(one, other)
    _wait(other)
    assert not check(other, OURS, purpose="analytics").permitted
    assert check(other, THEIRS, purpose="analytics").permitted, "it rests on the newer version"
    assert _yes(other, RawId("member", "8")) == newer


@pytest.mark.parametrize("change", [{"version": "2"}, {"version": True}, {"name": 3}, {"recipients": [3]}])
def test_others_terms_with_a_number_for_a_text_are_refused_and_nothing_of_them_is_taken(
    two_shops: Shops, change: dict[str, object]
) -> None:
    one, other = two_shops()
    _ask(one, FIRST)
    _yes(one, THEIRS)
    _wait(one)
    path, terms = Path(one.directory) / "a.csv", Path(one.directory) / "terms.json"
    export_records(one, path, format_="csv", people=[THEIRS], terms_path=terms)
    document = json.loads(terms.read_text(encoding="utf-8"))
    compact: dict[str, Any] = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False}
    document["notices"] = [json.dumps(json.loads(text) | change, **compact) for text in document["notices"]]
    terms.write_text(json.dumps(document, **compact) + "\n", encoding="utf-8")
    with open_log(other).read() as reader:
        before = reader.size
    with pytest.raises(BadInput, match="not a notice in canonical form") as refused:
        import_records(other, path, format_="records", terms_path=terms)
    assert (refused.value.where or "").endswith("terms.json")
    with open_log(other).read() as reader:
        assert reader.size == before


def test_an_older_version_taken_over_changes_nothing(two_shops: Shops) -> None:
    one, other = two_shops()
    _ask(one, FIRST)
    _ask(other, "Another first one.")
    newer = _ask(other, SECOND)
    _wait(one, other)
    _yes(one, THEIRS)
    _yes(other, OURS)
    _wait(one, other)
    _take_over(one, other)
    _wait(other)
    assert check(other, OURS, purpose="analytics").permitted
    assert _yes(other, RawId("member", "8")) == newer


def test_a_translation_taken_over_changes_nothing(two_shops: Shops) -> None:
    one, other = two_shops()
    for ctx in (one, other):
        _ask(ctx, FIRST)
    chinese = _ask(one, FIRST, language="zh-Hans")
    _yes(other, OURS)
    _wait(one, other)
    _yes(one, THEIRS, chinese)
    _wait(one, other)
    _take_over(one, other)
    assert check(other, OURS, purpose="analytics").permitted
    assert [notice.material for notice in list_notices(other) if notice.name == "asked"] == [None, None]
