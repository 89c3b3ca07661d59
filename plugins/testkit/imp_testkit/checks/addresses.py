"""No leak past the gate: what a channel asks for, and what of it reaches the peer."""

from __future__ import annotations

from imp_core.channel import Capability
from imp_core.errors import ImpError
from imp_testkit.bench import TAKEN, Bench, told
from imp_testkit.check import Ground, check, require
from imp_testkit.peer import Fault
from imp_testkit.people import Person

__all__ = [
    "test_an_address_it_is_not_granted_never_reaches_the_peer",
    "test_it_asks_for_an_address_once_and_for_the_purpose_of_its_batch",
    "test_it_asks_for_handles_of_its_own_batch_alone",
]


def _delivers(ground: Ground) -> bool:
    return ground.delivers


@check(_delivers)
def test_it_asks_for_handles_of_its_own_batch_alone(bench: Bench) -> None:
    """A handle of another batch is none of this one's business, however the channel came to know it."""
    before, people = bench.people(3), bench.people(3, first=3)
    if Fault.TEMPORARY in bench.fixtures.faults:
        bench.the_peer.fail(Fault.TEMPORARY)  # so that these rows are left behind, unsettled
    earlier = bench.handout(before)
    bench.deliver(before, handout=earlier)
    bench.the_peer.fail(None)
    _hear_of(bench, bench.people(3, first=6))
    asked = len(earlier.asked)
    handout = bench.handout(people)
    bench.deliver(people, handout=handout)
    foreign = set(handout.asked) - {person.row.handle for person in people}
    require(
        not foreign and len(earlier.asked) == asked,
        f"{len(foreign) or len(earlier.asked) - asked} handles of other batches were asked for",
        "resolve the handles of batch.rows, with the context of the same call, and keep none of them",
    )


@check(_delivers)
def test_it_asks_for_an_address_once_and_for_the_purpose_of_its_batch(bench: Bench) -> None:
    """An address is given once a row, for the purpose of the batch; every other question is noted as a refusal."""
    people = bench.people(4)
    handout = bench.handout(people)
    bench.deliver(people, handout=handout)
    own = [handle for handle in handout.asked if handle in {person.row.handle for person in people}]
    twice = len(own) - len(set(own))
    require(not twice, f"{twice} addresses were asked for again", "call ctx.resolve(row.handle, batch.purpose) once")


@check(_delivers)
def test_an_address_it_is_not_granted_never_reaches_the_peer(bench: Bench) -> None:
    """An address is gone with its batch: the same person later, ungranted, gets nothing and is not called sent."""
    people = bench.people(3)
    bench.deliver(people)
    sent = [len(bench.seen_of(person)) for person in people]
    later = bench.again(people)
    delivered = bench.deliver(later, handout=bench.handout(later, granted=False))
    again = sum(len(bench.seen_of(person)) for person in people) - sum(sent)
    mend = "keep no address, and settle a row nothing of which was taken as DEFERRED, or let NotGranted pass"
    require(not again, f"{again} messages reached people that core had not granted", mend)
    wrong = [row for person in later if (row := told(delivered, person)).status in TAKEN]
    require(not wrong, f"{len(wrong)} rows are called taken that were not granted", mend)


def _hear_of(bench: Bench, people: list[Person]) -> None:
    methods = ["forget", *(["withdrawn"] if bench.info.serves(Capability.WITHDRAWN) else [])]
    for method in methods:
        try:
            bench.call(method, bench.context, bench.people_batch(people))
        except ImpError:
            continue  # a check of its own says so
