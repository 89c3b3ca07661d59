"""Opt-outs where purposes are a tree: none is taken for said already while a yes stands that it would close."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest

from imp_consent.identity.unsubscribe import seal_token
from imp_consent.ledger.entry import Statement
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.door import Door
from imp_consent.policy.notice import Notice, register_notice
from imp_consent.policy.purpose import DEFAULT_PURPOSES, register_purposes
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import Scope, is_withdrawn
from imp_consent.policy.state import timeline
from imp_consent.runtime import open_log
from imp_core.clock import SECOND_US, SimulatedClock
from imp_core.context import Context
from imp_core.event import RawId

Cli = Any
ANN = "member:ann-1"
TOP, MAIL = "marketing", "marketing.email"
OptOut = Callable[..., bool]


@pytest.fixture
def tree(shop: Context) -> Context:
    """A shop whose notice asks for all marketing, and lists e-mail below it."""
    words = "You can withdraw your consent at any time."
    text = f"Shop Ltd writes to you. {words}"
    notice = Notice(
        name="all", version=1, language="en", controller="Shop Ltd", purposes=(TOP, MAIL), text=text,
        withdrawal=words,
    )  # fmt: skip
    with open_log(shop).write() as transaction:
        top = DeclaredPurpose(name=TOP, description="We do it.", traits=("none",))
        register_purposes(transaction, [*DEFAULT_PURPOSES, top])
        register_notice(transaction, notice)
    return shop


@pytest.fixture
def say(tree: Context, clock: SimulatedClock) -> Callable[..., None]:
    """Record a yes or a no, a second after whatever was before."""

    def speak(type_: str, purpose: str, channel: str = "email") -> None:
        clock.move_to(clock.now_us() + SECOND_US)
        said = Saying(
            type=type_, purpose=purpose, at_us=clock.now_us(), channel=channel, notice="all" if purpose == TOP else None
        )
        with open_log(tree).write() as transaction:
            Door(tree, transaction, surface="command line").append(RawId.parse(ANN), said)

    return speak


@pytest.fixture(params=["link", "signal"])
def opt_out(tree: Context, imp_here: Cli, clock: SimulatedClock, request: pytest.FixtureRequest) -> OptOut:
    """A click on a link, or a reply that a channel heard, a second later; returns whether it was recorded."""

    def click(purpose: str) -> bool:
        with open_log(tree).read() as reader:
            subject = reader.find_subject(RawId.parse(ANN))
            key = reader.keyring.active("channel")
        assert subject is not None
        token = seal_token(key, subject=subject, purpose=purpose, channel="email", issued_us=0)
        return bool(imp_here("consent", "unsubscribe", token, "--json").ok().json["withdrawn"])

    def signal(purpose: str) -> bool:
        words = ("signal", "record", ANN, "--kind", "unsubscribe", "--purpose", purpose, "--channel", "email")
        return bool(imp_here("consent", *words, "--json").ok().json["recorded"])

    def act(purpose: str) -> bool:
        clock.move_to(clock.now_us() + SECOND_US)
        return (click if request.param == "link" else signal)(purpose)

    return act


def permitted(imp_here: Cli, purpose: str = MAIL) -> bool:
    words = ("consent", "check", ANN, "--purpose", purpose, "--channel", "email", "--json")
    return bool(imp_here(*words).json["permitted"])


def test_a_yes_above_that_covers_the_purpose_is_taken_back_by_an_opt_out_from_it(
    say: Callable[..., None], opt_out: OptOut, imp_here: Cli
) -> None:
    say("grant", MAIL)
    assert opt_out(MAIL)
    say("grant", TOP)
    assert permitted(imp_here)
    assert opt_out(MAIL)
    assert not permitted(imp_here)
    assert not opt_out(MAIL), "nothing was said since"


def test_a_yes_below_is_taken_back_by_an_opt_out_from_all_above_it(
    say: Callable[..., None], opt_out: OptOut, imp_here: Cli
) -> None:
    say("grant", MAIL)
    assert opt_out(TOP)
    say("grant", MAIL)
    assert permitted(imp_here)
    assert opt_out(TOP)
    assert not permitted(imp_here)
    assert not opt_out(MAIL), "it is below what was withdrawn"


def test_an_opt_out_below_is_none_from_what_is_above(say: Callable[..., None], opt_out: OptOut, imp_here: Cli) -> None:
    say("grant", TOP)
    assert opt_out(MAIL)
    assert permitted(imp_here, TOP)
    assert opt_out(TOP)
    assert not permitted(imp_here, TOP)


@dataclass(frozen=True)
class _Told:
    seq: int
    statement: Statement


SAID = [
    Statement(type="grant", purpose="a", channel="", at_us=0, covers=("a.b",)),
    Statement(type="grant", purpose="a.b", channel="", at_us=0),
    Statement(type="grant", purpose="a.b", channel="email", at_us=0),
    Statement(type="basis", purpose="a.b", channel="email", at_us=0, basis="soft-opt-in"),
    Statement(type="guardian", purpose="a", channel="", at_us=0),
    Statement(type="minor", purpose="*", channel="", at_us=0, needs="guardian"),
    Statement(type="withdraw", purpose="*", channel="email", at_us=0),
    Statement(type="withdraw", purpose="a", channel="", at_us=0),
    Statement(type="withdraw", purpose="a.b", channel="email", at_us=0),
    Statement(type="withdraw", purpose="a.b", channel="email", at_us=0, traits=("sale",)),
    Statement(type="refuse", purpose="a.b", channel="email", at_us=0),
]


def _permits(statements: list[Statement], purpose: str, at_us: int) -> bool:
    facts = [_Told(place, said) for place, said in enumerate(statements)]
    found = timeline(facts, Scope(purpose, "email"))
    return any(one.permit and one.from_us <= at_us < one.to_us for one in found)


def test_whatever_was_said_an_opt_out_that_is_left_out_would_have_changed_nothing() -> None:
    left_out = 0
    for words in product(SAID, repeat=3):
        told = [replace(said, at_us=place) for place, said in enumerate(words)]
        for purpose in ("a", "a.b"):
            new = Statement(type="withdraw", purpose=purpose, channel="email", at_us=10)
            if not is_withdrawn(told, new):
                continue
            left_out += 1
            for later in (None, *SAID):
                after = [] if later is None else [replace(later, at_us=11)]
                both = [_permits([*told, *more, *after], "a.b", 12) for more in ([], [new])]
                assert both[0] == both[1], (told, purpose, later)
    assert left_out > 100
