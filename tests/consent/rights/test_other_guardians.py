"""Of two guardians one is erased: what the other said for the child keeps its proof, and what the one said loses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from imp_consent.audit.verify import Verification
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.event import RawId

Line = Any
CHILD, ANN, BEA = "member:kid", "email:ann@example.org", "email:bea@example.org"
LAW = ("--jurisdiction", "DE")


@pytest.fixture
def say(shop: Line, clock: SimulatedClock) -> Callable[..., None]:
    """Say something of the child, a day after what was said before."""
    shop("consent", "minor", CHILD, "--born", "2019-05-17", *LAW).ok()

    def one(command: str, *words: str) -> None:
        clock.move_to(clock.now_us() + DAY_US)
        shop("consent", command, CHILD, *words, *LAW).ok()

    return one


def authorise(say: Callable[..., None], guardian: str, purpose: str) -> None:
    words = ("--role", "parent", "--verification", "ID card", "--evidence", f"form of {guardian}")
    say("guardian", "--guardian", guardian, "--purpose", purpose, *words)


def agree(say: Callable[..., None], purpose: str, act: str, letter: str) -> None:
    words = ("--state", "given", "--by-guardian", "--action", act, "--evidence", letter)
    say("record", "--purpose", purpose, *words)


def yeses(ctx: Context) -> list[tuple[Any, Any]]:
    """Of each yes of the child's guardians: what was done, and what shows it."""
    ctx.close()
    with open_log(ctx).read() as reader:
        subject = reader.find_subject(RawId.parse(CHILD))
        assert subject is not None
        found = [dict(one.payload) for one in reader.history(subject) if one.statement.type == "grant"]
    ctx.close()
    return [(one["affirmative_action"], one["evidence"]) for one in json.loads(json.dumps(found))]


def test_r29_the_proof_of_another_guardians_yes_stays_and_goes_with_them(
    shop: Line, opened: Context, say: Callable[..., None], verified: Callable[[], Verification]
) -> None:
    authorise(say, ANN, "analytics")
    agree(say, "analytics", "ticked a box in Ann's portal", "letter of Ann")
    authorise(say, BEA, "experimentation")
    agree(say, "experimentation", "Bea said so at the desk", "letter of Bea")
    shop("consent", "erase", ANN, "--execute").ok()
    assert yeses(opened) == [("ticked a box", None), ("Bea said so at the desk", "letter of Bea")]
    shop("consent", "erase", BEA, "--execute").ok()
    assert yeses(opened) == [("ticked a box", None), ("taken out when the guardian was erased", None)]
    for purpose in ("analytics", "experimentation"):
        assert shop("consent", "check", CHILD, "--purpose", purpose, "--json").json["reason"] == "given"
    verified()


def test_r29_what_another_guardian_authorised_only_later_goes(
    shop: Line, opened: Context, say: Callable[..., None]
) -> None:
    authorise(say, ANN, "analytics")
    agree(say, "analytics", "CLICKED at Ann's", "letter of Ann")
    authorise(say, BEA, "analytics")
    agree(say, "analytics", "click", "letter of one of both")
    shop("consent", "erase", ANN, "--execute").ok()
    assert yeses(opened) == [("click", None), ("click", "letter of one of both")], "the second is Bea's proof as well"
    shop("consent", "erase", BEA, "--execute").ok()
    assert yeses(opened) == [("click", None), ("click", None)], "nobody is left whose proof it is"
