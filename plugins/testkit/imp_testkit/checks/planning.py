"""`plan`: the dry run."""

from __future__ import annotations

from decimal import Decimal

from imp_core.channel import ContentFormat, PayloadInvalid, Plan, Preview
from imp_core.errors import PluginBroken
from imp_testkit.bench import Bench
from imp_testkit.check import Ground, check, require

__all__ = [
    "test_a_dry_run_connects_to_nothing",
    "test_a_message_without_a_required_part_is_refused_in_the_plan",
    "test_a_part_that_is_too_long_is_refused_in_the_plan",
    "test_a_plan_is_of_the_declared_types",
]

_CURRENCY = 3


def _plans(ground: Ground) -> bool:
    return ground.plans


def _limits(ground: Ground) -> bool:
    return ground.plans and any(part.max_chars is not None for part in ground.info.content_formats)


def _requires(ground: Ground) -> bool:
    return ground.plans and any(part.required for part in ground.info.content_formats)


@check(_plans)
def test_a_plan_is_of_the_declared_types(bench: Bench) -> None:
    """`plan` answers a Plan: messages counted, cost exact or unknown, previews of the batch's contents."""
    people = bench.people(3)
    plan = bench.call("plan", bench.context, bench.batch(people))
    require(type(plan) is Plan, f"plan answered {type(plan).__name__}", "answer an imp_core.channel.Plan")
    few = type(plan.messages) is not int or plan.messages < len(people)
    require(not few, f"messages is {plan.messages!r}", "count what is billed: at least one a row")
    exact = plan.cost is None or (type(plan.cost) is Decimal and plan.cost.is_finite() and plan.cost >= 0)
    require(exact, f"cost is {plan.cost!r}", "a Decimal from 0, or None where it is unknown")
    named = plan.cost is None or (isinstance(plan.currency, str) and len(plan.currency) == _CURRENCY)
    require(named, f"a cost in {plan.currency!r}", "name its currency by ISO 4217, such as EUR")
    odd = [item for item in plan.previews if type(item) is not Preview or item.content != "message"]
    require(not odd, f"{len(odd)} previews of something else", "make an imp_core.channel.Preview of each content")


@check(_plans)
def test_a_dry_run_connects_to_nothing(bench: Bench) -> None:
    """`plan` works without addresses and without the network: looking costs nothing and reaches nobody."""
    try:
        bench.call("plan", bench.context, bench.batch(bench.people(3)), connect=False)
    except PluginBroken as error:
        require(kept=False, found=bench.why(error), mend="leave questions for the peer to check and deliver")
    if bench.peer is not None:
        require(not bench.peer.seen, "plan sent the peer a message", "send in deliver alone")


@check(_limits)
def test_a_part_that_is_too_long_is_refused_in_the_plan(bench: Bench) -> None:
    """A part longer than its format's max_chars is refused before anything is sent."""
    for part in bench.info.content_formats:
        if part.max_chars is not None:
            text = bench.parts.get(part.name, "x").ljust(part.max_chars + 1, "x")
            _refused(bench, part, {**bench.parts, part.name: text}, f"of {len(text)} characters")


@check(_requires)
def test_a_message_without_a_required_part_is_refused_in_the_plan(bench: Bench) -> None:
    """A message that lacks a required part is refused before anything is sent."""
    for part in bench.info.content_formats:
        if part.required:
            rest = {name: text for name, text in bench.parts.items() if name != part.name}
            _refused(bench, part, rest, "that is missing")


def _refused(bench: Bench, part: ContentFormat, parts: dict[str, str], how: str) -> None:
    batch = bench.batch(bench.people(1), contents={"message": parts})
    try:
        bench.call("plan", bench.context, batch)
    except PayloadInvalid:
        return
    except PluginBroken as error:
        require(kept=False, found=f"plan broke: {bench.why(error)}", mend="raise PayloadInvalid")
    require(kept=False, found=f"plan took a {part.name} {how}", mend="raise PayloadInvalid in plan")
