"""Requests of people of whom nothing is held: named, they are answered with that; unnamed, they are told of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from imp_consent.audit.verify import Verification
from imp_core.clock import DAY_US, SimulatedClock

Line = Any
WHO, STRANGER = "email:ann@example.com", "phone:+8613800138000"
SURE = ("--verified", "reasonable", "--how", "答对了问题")


def opened(shop: Line, kind: str, who: str) -> str:
    return str(shop("consent", "requests", "open", kind, who, "--json").ok().json["id"])


def waiting(shop: Line) -> list[str]:
    return [str(line["id"]) for line in shop("consent", "requests", "list", "--json").ok().json["requests"]]


def test_a_request_for_access_that_is_named_is_answered_with_there_being_nothing(shop: Line, tmp_path: Path) -> None:
    id_ = opened(shop, "access", STRANGER)
    done = shop("consent", "access", STRANGER, "--request", id_, *SURE, "--out", tmp_path / "a").ok().out
    assert done.startswith(f"request {id_}: nothing is held by this identifier")
    assert waiting(shop) == []


def test_one_that_nobody_named_stays_open_and_is_told_of(shop: Line, tmp_path: Path) -> None:
    anns, strangers = opened(shop, "access", WHO), opened(shop, "access", STRANGER)
    opened(shop, "erase", STRANGER)
    for command in ("access", "portability"):
        words = ("consent", command, STRANGER, *SURE)
        told = shop(*words, "--out", tmp_path / command).ok().out
        meant = command == "access"
        assert (strangers in told, anns in told, "--request ID" in told) == (meant, False, meant)
        found = shop(*words, "--out", tmp_path / f"{command} json", "--json").ok().json["maybe_meant"]
        assert found == ([strangers] if command == "access" else [])
    assert len(waiting(shop)) == 3, "nobody knows whose it is: it is not closed unnamed"
    told = shop("consent", "access", WHO, *SURE, "--out", tmp_path / "ann").ok().out
    assert "--request" not in told, "of somebody who is known there is nothing to guess"


def test_an_erasure_of_somebody_erased_before_is_answered_where_the_request_is_named(
    shop: Line, clock: SimulatedClock, verified: Callable[[], Verification]
) -> None:
    shop("consent", "erase", WHO, "--execute").ok()
    id_ = opened(shop, "erase", WHO)
    asked = ("consent", "erase", WHO, "--verified", "contact", "--how", "answered")
    refused = shop(*asked, "--execute")
    assert (refused.code, f"{id_}; if this answers one, name it: --request ID" in refused.err) == (1, True)
    assert waiting(shop) == [id_]
    planned = shop(*asked, "--request", id_).ok().out
    assert (f"run again with --execute to answer request {id_} so" in planned, waiting(shop)) == (True, [id_])
    assert shop("consent", "erase", WHO, "--request", id_, "--execute").code == 1, "it is not known who asks"
    done = shop(*asked, "--request", id_, "--execute").ok().out
    assert done == f"nobody is known by this identifier: nothing is held; request {id_} is answered so\n"
    clock.move_to(clock.now_us() + 90 * DAY_US)
    assert shop("consent", "requests", "list", "--check").ok().out.splitlines()[0] == "no request is open"
    assert verified().ok


def test_a_named_request_of_somebody_else_is_never_closed_by_it(shop: Line) -> None:
    bens = opened(shop, "erase", "member:ben")
    for who in (STRANGER, WHO):
        words = ("consent", "erase", who, "--request", bens, "--verified", "high", "--how", "x", "--execute")
        answer = shop(*words)
        assert (answer.code, "made no such request" in answer.err) == (2, True)
    assert waiting(shop) == [bens]


def test_of_your_own_accord_nobody_known_is_as_it_was(shop: Line) -> None:
    answer = shop("consent", "erase", STRANGER, "--execute")
    assert (answer.code, "--request" in answer.err) == (1, False)


def test_an_erasure_says_what_else_the_person_asked_before_nobody_can_tell_any_more(shop: Line, tmp_path: Path) -> None:
    id_, _ = opened(shop, "access", WHO), opened(shop, "access", "member:ben")
    line = f"open requests of theirs, which this does not answer: {id_}\n"
    assert line in shop("consent", "erase", WHO).ok().out
    assert shop("consent", "erase", WHO, "--json").ok().json["left_open"] == [id_]
    assert line.strip() in shop("consent", "erase", WHO, "--execute").ok().out
    shop("consent", "access", WHO, "--request", id_, *SURE, "--out", tmp_path / "gone").ok()
    assert id_ not in waiting(shop)
