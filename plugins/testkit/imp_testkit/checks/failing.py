"""`deliver` with a peer that fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from imp_core.channel import AuthInvalid, DeliveryStatus, PayloadInvalid, Permanent, Retryable
from imp_core.errors import ImpError
from imp_testkit.bench import TAKEN, Bench, told
from imp_testkit.check import Ground, check, require
from imp_testkit.peer import Fault
from imp_testkit.people import Person

__all__ = [
    "test_a_peer_that_hangs_costs_its_batch_alone",
    "test_a_row_the_peer_has_and_never_answered_is_in_doubt",
    "test_a_row_the_peer_refuses_costs_no_other",
    "test_credentials_that_are_not_taken_stop_the_send",
    "test_rows_end_accepted_once_after_a_temporary_fault",
]

_ROUNDS = 3
_REFUSED = frozenset({DeliveryStatus.REFUSED, DeliveryStatus.FAILED})
_ENOUGH, _POLL = 10.0, 0.002
# What these say of every row not settled is that the peer did not take it.
_NOT_TAKEN = (Retryable, Permanent, PayloadInvalid, AuthInvalid)


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
def test_a_row_the_peer_has_and_never_answered_is_in_doubt(bench: Bench) -> None:
    """A peer that has a message and gives no answer, or hangs up, may have taken it: the row is in doubt, no more."""
    people, others = bench.people(2), bench.people(2, first=2)
    bench.the_peer.fail(Fault.HANGS)
    with _hanging_up(bench):
        said = _said(bench, people, seconds=_ENOUGH)
    require(bench.the_peer.seen, "the peer has no message", "send one; a peer that HANGS notes it in `seen` before")
    _require_doubt(bench, people, said, "hung up on")
    bench.the_peer.fail(Fault.HANGS)
    said = _said(bench, others, seconds=bench.fixtures.deadline)
    _require_doubt(bench, others, said, "never answered")


@check(_hangs)
def test_a_peer_that_hangs_costs_its_batch_alone(bench: Bench) -> None:
    """When a peer that hung works again, so does the channel."""
    people, others = bench.people(2), bench.people(2, first=2)
    bench.the_peer.fail(Fault.HANGS)
    _said(bench, people, seconds=bench.fixtures.deadline)
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


def _said(bench: Bench, people: list[Person], *, seconds: float) -> dict[str, str]:
    """What the channel says of rows, by key; one it says nothing of, because it never came back, is not there."""
    handout = bench.handout(people)
    said: dict[str, str] = {}
    try:
        report = bench.call("deliver", handout, bench.batch(people), seconds=seconds)
        said = {row.key: str(row.status) for row in report.rows}
    except _NOT_TAKEN as error:
        said = {person.row.key: f"not settled before {type(error).__name__} was raised" for person in people}
    except ImpError:
        said = {}  # past the deadline, or broken: what it settled is what it said
    finally:
        handout.close()
    return said | {key: str(row.status) for key, row in handout.statuses.items()}


def _require_doubt(bench: Bench, people: list[Person], said: dict[str, str], how: str) -> None:
    for person in people:
        seen = bench.seen_of(person)
        found = said.get(person.row.key, str(DeliveryStatus.IN_DOUBT))
        if any(item.accepted for item in seen):
            continue  # asked again, and answered
        if seen:
            kept = found == DeliveryStatus.IN_DOUBT
            require(kept, f"a row the peer has, and {how}, is {found}", "settle it IN_DOUBT, or let the call end")
        else:
            require(found not in TAKEN, f"a row the peer does not have is {found}", "say what was done")


@contextmanager
def _hanging_up(bench: Bench) -> Iterator[None]:
    """In this block the peer hangs up as soon as it has a message (or has waited for one long enough)."""
    peer, over = bench.the_peer, threading.Event()

    def hang_up() -> None:
        end = time.monotonic() + _ENOUGH / 2
        while not peer.seen and time.monotonic() < end and not over.wait(_POLL):
            pass
        peer.fail(None)

    thread = threading.Thread(target=hang_up)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
