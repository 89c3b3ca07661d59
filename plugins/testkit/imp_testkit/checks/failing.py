"""`deliver` with a peer that fails."""

from __future__ import annotations

from imp_core.channel import DeliveryStatus, RowStatus
from imp_core.errors import ImpError
from imp_testkit.bench import TAKEN, Bench, told
from imp_testkit.check import Ground, check, require
from imp_testkit.peer import Fault
from imp_testkit.people import Person

__all__ = [
    "test_a_peer_that_hangs_costs_its_batch_alone",
    "test_a_row_the_peer_refuses_costs_no_other",
    "test_credentials_that_are_not_taken_stop_the_send",
    "test_rows_end_accepted_once_after_a_temporary_fault",
]

_ROUNDS = 3
_REFUSED = frozenset({DeliveryStatus.REFUSED, DeliveryStatus.FAILED})


def _retries(ground: Ground) -> bool:
    return ground.delivers_under(Fault.TEMPORARY)


def _refuses(ground: Ground) -> bool:
    return ground.delivers_under(Fault.REFUSES) and ground.info.batch.rows > 1


def _hangs(ground: Ground) -> bool:
    return ground.delivers_under(Fault.HANGS)


def _locks_out(ground: Ground) -> bool:
    return ground.delivers_under(Fault.CREDENTIALS)


@check(_retries)
def test_rows_end_accepted_once_after_a_temporary_fault(bench: Bench) -> None:
    """What the peer refuses for now is tried again, and then accepted once: neither lost nor sent twice."""
    people = bench.people(3)
    bench.the_peer.fail(Fault.TEMPORARY, times=1)
    left: list[Person] = people
    for _ in range(_ROUNDS):
        delivered = bench.deliver(left)
        left = [person for person in left if told(delivered, person).status is DeliveryStatus.DEFERRED]
        lost = [row for row in delivered.statuses.values() if row.status in _REFUSED | {DeliveryStatus.IN_DOUBT}]
        found = f"a row is {lost[0].status} with code {lost[0].code}" if lost else ""
        require(not lost, found, "raise Retryable, or settle the row DEFERRED, where the peer says: not now")
        if not left:
            break
    require(not left, f"{len(left)} rows are deferred for ever", "try again when core delivers them again")
    times = {bench.accepted_of(person) for person in people}
    require(times == {1}, f"the peer took rows {sorted(times)} times", "raise Retryable only where nothing was taken")


@check(_refuses)
def test_a_row_the_peer_refuses_costs_no_other(bench: Bench) -> None:
    """A person the peer will never take is refused; everybody else of the batch is delivered to."""
    people = bench.people(4)
    unwanted = people[len(people) // 2]
    bench.the_peer.fail(Fault.REFUSES, address=unwanted.address.value)
    delivered = bench.deliver(people)
    row = told(delivered, unwanted)
    require(row.status in _REFUSED, f"the refused row is {row.status}", "settle it REFUSED, with the peer's code")
    for person in people:
        if person is not unwanted:
            row = told(delivered, person)
            fine = row.status in TAKEN and bench.accepted_of(person) == 1
            require(fine, f"another row is {row.status}", "settle the one row, and go on with the next")


@check(_hangs)
def test_a_peer_that_hangs_costs_its_batch_alone(bench: Bench) -> None:
    """Without an answer nothing is called accepted, and when the peer works again so does the channel."""
    people, others = bench.people(2), bench.people(2, first=2)
    bench.the_peer.fail(Fault.HANGS)
    said = _said_in_time(bench, people)
    require(
        not any(row.status in TAKEN for row in said),
        "a row the peer never answered is called taken",
        "settle it IN_DOUBT, or let the call end",
    )
    bench.the_peer.fail(None)
    later = bench.deliver(others)
    for person in others:
        row = told(later, person)
        require(row.status in TAKEN, f"a row of the next batch is {row.status}", "keep nothing locked or half open")


@check(_locks_out)
def test_credentials_that_are_not_taken_stop_the_send(bench: Bench) -> None:
    """Where the peer does not take the credentials no further batch can fare better, and no person is to blame."""
    people = bench.people(3)
    bench.the_peer.fail(Fault.CREDENTIALS)
    delivered = bench.deliver(people)
    require(delivered.stop, "the send would go on", "raise AuthInvalid")
    wrong = [row for row in delivered.statuses.values() if row.status in TAKEN | _REFUSED]
    require(not wrong, f"a row is {wrong[0].status if wrong else ''}", "raise AuthInvalid before settling rows")


def _said_in_time(bench: Bench, people: list[Person]) -> list[RowStatus]:
    handout = bench.handout(people)
    rows: list[RowStatus] = []
    try:
        rows += bench.call("deliver", handout, bench.batch(people), seconds=bench.fixtures.deadline).rows
    except ImpError:
        rows = []  # past the deadline, or what it raises where nothing answers: what it settled is what it said
    finally:
        handout.close()
    return [*rows, *handout.statuses.values()]
