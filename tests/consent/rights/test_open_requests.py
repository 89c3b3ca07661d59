"""A command that answers a request answers the one that is open, says which where several are, and opens no second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.verify import Verification
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.event import RawId

Line = Any
WHO, NEW = "email:ann@example.com", "email:ann@example.org"
VERIFIED = ("--verified", "reasonable", "--how", "logged in")
# By command: the kind of the request it answers, and its words.
ANSWERING = {
    "restrict": ("restrict", (WHO,)),
    "object": ("object", (WHO,)),
    "limit": ("limit", (WHO,)),
    "link": ("rectify", (WHO, NEW, *VERIFIED)),
    "rectify": ("rectify", (WHO, *VERIFIED)),
    "access": ("access", (WHO, *VERIFIED)),
    "portability": ("portability", (WHO, *VERIFIED)),
}
NOES = ("limit", "object", "restrict")  # which no open request refuses


@pytest.fixture(params=sorted(ANSWERING))
def answering(request: pytest.FixtureRequest, shop: Line, tmp_path: Path) -> tuple[str, tuple[str, ...]]:
    """One of the commands: the kind of its request, and the whole of its words."""
    kind, words = ANSWERING[request.param]
    if request.param == "rectify":
        entry = shop("consent", "history", WHO, "--json").ok().json["entries"][0]["seq"]
        words = (*words, "--entry", str(entry))
    out = ("--out", str(tmp_path / "out")) if request.param in {"access", "portability"} else ()
    return kind, ("consent", request.param, *words, *out)


def opened(shop: Line, kind: str, *words: str, who: str = WHO) -> Any:
    return shop("consent", "requests", "open", kind, who, "--json", *words).ok().json


def listed(shop: Line) -> list[tuple[str, str]]:
    found = shop("consent", "requests", "list", "--all", "--json").ok().json["requests"]
    return sorted((str(line["id"]), str(line["state"])) for line in found)


def test_the_persons_open_request_is_answered_and_no_second_one_opened(
    shop: Line, answering: tuple[str, tuple[str, ...]], verified: Callable[[], Verification]
) -> None:
    kind, words = answering
    bens = opened(shop, kind, who="member:ben")["id"]
    anns = opened(shop, kind)["id"]
    assert shop(*words, "--json").ok().json["request"] == anns
    assert listed(shop) == sorted([(anns, "answered"), (bens, "open")])
    verified()


def test_without_an_open_request_one_is_noted_and_answered(shop: Line, answering: tuple[str, tuple[str, ...]]) -> None:
    noted = shop(*answering[1], "--json").ok().json["request"]
    assert listed(shop) == [(noted, "answered")]


@pytest.mark.parametrize("answering", sorted(ANSWERING.keys() - NOES), indirect=True)
def test_of_several_open_requests_it_asks_which_and_does_nothing_until_then(
    shop: Line, context: Context, answering: tuple[str, tuple[str, ...]]
) -> None:
    kind, words = answering
    ids = [opened(shop, kind)["id"] for _ in range(2)]
    size = open_log(context).size
    answer = shop(*words)
    assert answer.code == 2
    assert "2 requests of this kind by this person are open" in answer.err
    assert all(one in answer.err for one in (*ids, "--request"))
    assert open_log(context).size == size
    assert shop(*words, "--request", ids[1], "--json").ok().json["request"] == ids[1]
    assert dict(listed(shop)) == {ids[0]: "open", ids[1]: "answered"}


def test_another_request_is_opened_beside_one_that_is_open_where_that_is_said(
    shop: Line, answering: tuple[str, tuple[str, ...]]
) -> None:
    kind, words = answering
    waiting = opened(shop, kind)["id"]
    other = shop(*words, "--request", "new", "--words", "another letter", "--json").ok().json["request"]
    assert dict(listed(shop)) == {waiting: "open", other: "answered"}


@pytest.mark.parametrize("answering", NOES, indirect=True)
def test_a_no_answers_the_oldest_of_several_open_requests_and_says_which_stay_open(
    shop: Line, clock: SimulatedClock, answering: tuple[str, tuple[str, ...]], verified: Callable[[], Verification]
) -> None:
    kind, words = answering
    ids = []
    for _ in range(3):
        ids.append(opened(shop, kind)["id"])
        clock.move_to(clock.now_us() + DAY_US)
    printed = shop(*words).ok().out
    assert f"(request {ids[0]}, of 2026-03-01" in printed
    assert f"other requests for this by them are open: {ids[1]}, {ids[2]}" in printed
    assert shop("consent", "check", WHO, "--purpose", "analytics", "--json").json["permitted"] is (kind != "restrict")
    done = shop(*words, "--json").ok().json
    assert (done["request"], done["still_open"]) == (ids[1], [ids[2]])
    assert shop(*words, "--request", ids[2], "--json").ok().json["still_open"] == []
    assert {state for _, state in listed(shop)} == {"answered"}
    verified()


@pytest.mark.parametrize("answering", NOES, indirect=True)
@pytest.mark.parametrize("told", [("--received", "2026-02-20T10:00:00Z"), ("--words", "stop it")])
def test_a_no_with_words_or_a_time_of_its_own_is_noted_beside_the_open_request(
    shop: Line, answering: tuple[str, tuple[str, ...]], told: tuple[str, str]
) -> None:
    kind, words = answering
    waiting = opened(shop, kind)["id"]
    done = shop(*words, *told, "--json").ok().json
    assert done["request"] != waiting
    assert done["still_open"] == [waiting]
    assert dict(listed(shop)) == {waiting: "open", done["request"]: "answered"}
    assert done["received"].startswith("2026-02-20" if told[0] == "--received" else "2026-03-01")


@pytest.mark.parametrize("answering", sorted(ANSWERING.keys() - NOES), indirect=True)
@pytest.mark.parametrize("told", [("--received", "2026-02-20T10:00:00Z"), ("--words", "stop it")])
def test_what_another_request_said_is_not_lost_on_the_open_one(
    shop: Line, context: Context, answering: tuple[str, tuple[str, ...]], told: tuple[str, str]
) -> None:
    kind, words = answering
    opened(shop, kind)
    size = open_log(context).size
    answer = shop(*words, *told)
    assert (answer.code, told[0] in answer.err, "--request new" in answer.err) == (2, True, True)
    assert open_log(context).size == size


def test_a_request_of_another_kind_or_person_or_one_answered_is_not_answered(
    shop: Line, answering: tuple[str, tuple[str, ...]]
) -> None:
    kind, words = answering
    bens = opened(shop, kind, who="member:ben")["id"]
    strange = opened(shop, "erase")["id"]
    done = opened(shop, kind)["id"]
    shop("consent", "requests", "answer", done, "--outcome", "answered", "--done").ok()
    for id_, code, why in (
        (bens, 2, "this person made no such request"),
        (strange, 2, "another kind"),
        (done, 1, "answered before"),
        ("ffffffff", 2, "no such request"),
    ):
        answer = shop(*words, "--request", id_)
        assert (answer.code, why in answer.err) == (code, True), answer.err
    assert dict(listed(shop)) == {bens: "open", strange: "open", done: "answered"}


def test_r34_what_was_shown_when_another_request_was_opened_discloses_nothing_now(shop: Line, tmp_path: Path) -> None:
    opened(shop, "access", *VERIFIED)
    answer = shop("consent", "access", WHO, "--out", tmp_path / "out")
    assert (answer.code, "not known surely enough" in answer.err) == (1, True)
    assert not (tmp_path / "out").exists()


def test_a_limit_holds_under_the_law_its_request_was_noted_under(
    shop: Line, context: Context, clock: SimulatedClock
) -> None:
    opened(shop, "limit", "--regime", "us-ca", "--jurisdiction", "US-CA")
    clock.move_to(clock.now_us() + 60 * DAY_US)
    done = shop("consent", "limit", WHO).ok()
    assert "this answer is late" in done.out
    with open_log(context).read() as reader:
        (entry,) = [
            one
            for one in reader.history(reader.find_subject(RawId.parse(WHO)) or 0)
            if one.statement.type == "limit-sensitive"
        ]
    assert (entry.payload["regimes"], entry.payload["jurisdiction"]) == (["us-ca"], "US-CA")


def test_a_jurisdiction_without_rules_of_its_own_is_recorded_all_the_same(shop: Line, context: Context) -> None:
    shop("consent", "object", WHO, "--jurisdiction", "NL").ok()
    with open_log(context).read() as reader:
        history = reader.history(reader.find_subject(RawId.parse(WHO)) or 0)
    found = {entry.payload["jurisdiction"] for entry in history if entry.statement.type in {"object", "request"}}
    assert found == {"NL"}
