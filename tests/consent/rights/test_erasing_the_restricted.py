"""Who restricted the use of their data may need it: nobody erases it of their own accord without a word more."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.commands import erase as erasing
from imp_core.clock import SECOND_US, SimulatedClock

Cli = Any
ANN, BOB, MUM = "member:ann", "member:bob", "member:mum"
ASKS = ("--verified", "contact", "--how", "answered from the address on record")


@pytest.fixture
def desk(shop: Cli, imp_here: Cli) -> Cli:
    """Ann and Bob consented; Ann restricted the use of her data."""
    assert shop
    for word in (ANN, BOB):
        imp_here("consent", "record", word, "--purpose", "analytics", "--state", "given", "--action", "click").ok()
    imp_here("consent", "restrict", ANN, "--grounds", "needs it for a claim").ok()
    return imp_here


def is_known(desk: Cli, word: str) -> bool:
    return bool(desk("consent", "erase", word, "--json").json["known"])


def test_r28_the_dry_run_names_the_restriction_and_what_it_takes(desk: Cli) -> None:
    plan = desk("consent", "erase", ANN).ok().out
    assert "1 restriction is in force (entry " in plan
    assert "they may need it for a claim, and erased it is gone for them too (GDPR 18(1)(b)-(c), 17(3)(e))" in plan
    assert "it needs --though-restricted, for they did not ask" in plan
    found = desk("consent", "erase", ANN, BOB, "--json").ok().json
    assert len(found["restricted"]) == len(found["unasked"]) == 1
    assert "claim" not in desk("consent", "erase", BOB).ok().out


def test_r28_of_your_own_accord_nobody_who_restricted_is_erased_without_a_word_more(desk: Cli) -> None:
    refused = desk("consent", "erase", ANN, BOB, "--execute")
    assert (refused.code, "nobody was erased: 1 restriction is in force" in refused.err) == (1, True)
    assert "--though-restricted" in refused.err
    assert (is_known(desk, ANN), is_known(desk, BOB)) == (True, True)
    desk("consent", "erase", ANN, BOB, "--execute", "--though-restricted").ok()
    assert (is_known(desk, ANN), is_known(desk, BOB)) == (False, False)


@pytest.mark.parametrize("before", [True, False])
def test_r28_who_asks_for_it_is_erased_as_they_ask(desk: Cli, *, before: bool) -> None:
    if before:
        desk("consent", "requests", "open", "erase", ANN).ok()
        assert "it needs --though-restricted" not in desk("consent", "erase", ANN).ok().out
    else:
        plan = desk("consent", "erase", ANN, *ASKS).ok().out
        assert ("1 restriction is in force" in plan, "it needs --though-restricted" in plan) == (True, False)
    desk("consent", "erase", ANN, "--execute", *(() if before else ASKS)).ok()
    assert not is_known(desk, ANN)


def test_r28_a_task_that_nobody_asked_for_is_no_asking(desk: Cli) -> None:
    desk("consent", "requests", "open", "erase", ANN, "--task", "purpose-achieved").ok()
    assert desk("consent", "erase", ANN, "--execute").code == 1
    assert is_known(desk, ANN)


def test_r28_a_restriction_that_was_lifted_holds_up_nothing(desk: Cli, clock: SimulatedClock) -> None:
    clock.move_to(clock.now_us() + 2 * SECOND_US)
    told = ("--told", "letter of 1 March", "--told-at", "2026-03-01T12:00:01Z")
    desk("consent", "lift", ANN, "--of", "restrict", *told).ok()
    assert "restriction" not in desk("consent", "erase", ANN).ok().out
    desk("consent", "erase", ANN, "--execute").ok()


def test_r28_who_restricts_while_an_erasure_starts_is_kept(desk: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = erasing.guard_erasure

    def meanwhile(*given: Any) -> None:
        monkeypatch.setattr(erasing, "guard_erasure", guard)
        desk("consent", "restrict", BOB, "--grounds", "needs it for a claim").ok()
        guard(*given)

    monkeypatch.setattr(erasing, "guard_erasure", meanwhile)
    refused = desk("consent", "erase", BOB, "--execute")
    assert (refused.code, "nobody was erased: 1 restriction is in force" in refused.err) == (1, True)
    assert is_known(desk, BOB)
    told = desk("consent", "recipients", "list", "--json").ok().json["recipients"]
    assert {one["what"] for one in told} == {"restrict"}, "nobody is to be told of an erasure"
    done = desk("consent", "erase", BOB, "--execute", "--though-restricted", "--json").ok().json
    assert done["to_notify"] == ["Partner GmbH"]
    assert not is_known(desk, BOB)


def test_r28_who_asks_to_be_erased_while_they_restrict_is_erased(desk: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = erasing.guard_erasure

    def meanwhile(*given: Any) -> None:
        monkeypatch.setattr(erasing, "guard_erasure", guard)
        desk("consent", "restrict", BOB).ok()
        guard(*given)

    monkeypatch.setattr(erasing, "guard_erasure", meanwhile)
    desk("consent", "erase", BOB, "--execute", *ASKS).ok()
    assert not is_known(desk, BOB)


def test_r28_an_unknown_guardian_erased_with_somebody_who_restricts_meanwhile_is_kept_too(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk("consent", "minor", "member:kid", "--age", "8", "--jurisdiction", "DE").ok()
    authorised = ("--role", "parent", "--verification", "ID card", "--evidence", "form 7")
    desk("consent", "guardian", "member:kid", "--guardian", MUM, "--purpose", "analytics", *authorised).ok()
    find = erasing.find_strangers

    def meanwhile(*given: Any) -> Any:
        found = find(*given)
        desk("consent", "restrict", BOB, "--grounds", "needs it for a claim").ok()
        return found

    monkeypatch.setattr(erasing, "find_strangers", meanwhile)
    refused = desk("consent", "erase", BOB, MUM, "--execute")
    assert (refused.code, "nobody was erased: 1 restriction is in force" in refused.err) == (1, True)
    assert desk("consent", "erase", MUM, "--json").ok().json["authorisations"] == 1
    monkeypatch.setattr(erasing, "find_strangers", find)
    desk("consent", "erase", BOB, MUM, "--execute", "--though-restricted").ok()
    assert (is_known(desk, BOB), desk("consent", "erase", MUM).code) == (False, 1)
