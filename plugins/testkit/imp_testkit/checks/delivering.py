"""`deliver` with a peer that works."""

from __future__ import annotations

from dataclasses import replace

from imp_core.channel import DeliveryReport, DeliveryStatus, RowStatus
from imp_core.errors import ImpError
from imp_core.outbound.deliver import LEFT_OUT, Delivered
from imp_testkit.bench import TAKEN, Bench, told
from imp_testkit.check import Ground, check, require
from imp_testkit.people import Person

__all__ = [
    "test_a_row_keeps_its_identity_when_it_is_delivered_again",
    "test_every_row_gets_the_content_it_names",
    "test_every_row_is_accepted_and_reaches_the_peer_once",
    "test_every_row_is_answered_once_by_its_key",
    "test_statuses_are_of_the_declared_types",
]


def _delivers(ground: Ground) -> bool:
    return ground.delivers


def _identifies(ground: Ground) -> bool:
    return ground.delivers and ground.fixtures.identity_of is not None


@check(_delivers)
def test_every_row_is_accepted_and_reaches_the_peer_once(bench: Bench) -> None:
    """With a peer that works, every row is accepted and the peer has its message once: what is said is so."""
    people = bench.people(5)
    delivered = bench.deliver(people)
    for person in people:
        row = told(delivered, person)
        why = f" ({bench.why(delivered.problem)})" if delivered.problem else ""
        require(row.status in TAKEN, f"a row is {row.status} with code {row.code}{why}", _to_accept(delivered))
        times = bench.accepted_of(person)
        require(times == 1, f"a row said to be {row.status} is at the peer {times} times", "say what was done")


@check(_delivers)
def test_statuses_are_of_the_declared_types(bench: Bench) -> None:
    """`deliver` answers a DeliveryReport of RowStatus, each with a DeliveryStatus."""
    people = bench.people(3)
    bench.deliver(people)
    answers = [answer for name, answer in bench.watched.answers if name == "deliver"]
    wrong = [type(answer).__name__ for answer in answers if type(answer) is not DeliveryReport]
    require(not wrong, f"deliver answered {', '.join(wrong)}", "answer an imp_core.channel.DeliveryReport")
    rows = [row for answer in answers for row in answer.rows]
    odd = [row for row in rows if type(row) is not RowStatus or type(row.status) is not DeliveryStatus]
    require(not odd, f"{len(odd)} rows of other types", "make RowStatus(key=…, status=DeliveryStatus.…)")


@check(_delivers)
def test_every_row_is_answered_once_by_its_key(bench: Bench) -> None:
    """Report and `ctx.settle` together answer every row, once or twice the same, and no other; for one row too."""
    for n in (1, bench.info.batch.connections + 2):
        people = bench.people(n)
        handout = bench.handout(people)
        try:
            report = bench.call("deliver", handout, bench.batch(people))
        except ImpError as error:
            mend = "look where it was raised" if bench.watched.raised else "answer a DeliveryReport"
            require(kept=False, found=f"deliver broke: {bench.why(error)}", mend=mend)
            return
        keys = [row.key for row in report.rows]
        settled = handout.statuses
        require(len(keys) == len(set(keys)), "the report has a row twice", "report each row once")
        strangers = set(keys) - {person.row.key for person in people}
        require(not strangers, f"{len(strangers)} rows of no such batch", "name rows by their key")
        apart = [row for row in report.rows if settled.get(row.key, row) != row]
        require(not apart, f"{len(apart)} rows were settled otherwise", "report what was settled, or leave it out")
        left = {person.row.key for person in people} - set(keys) - settled.keys()
        require(not left, f"{len(left)} of {len(people)} rows got no answer", "settle or report every row")


@check(_delivers)
def test_every_row_gets_the_content_it_names(bench: Bench) -> None:
    """A batch may hold several contents, such as an experiment's variants: each person gets their own."""
    marks = {"message": "kit-first-variant", "other": "kit-second-variant"}
    contents = {name: {part: f"{text} {mark}" for part, text in bench.parts.items()} for name, mark in marks.items()}
    people = [_given(person, name) for person, name in zip(bench.people(4), list(marks) * 2, strict=False)]
    bench.deliver(people, batch=bench.batch(people, contents=contents))
    for person in people:
        texts = [seen.text for seen in bench.seen_of(person)]
        wrong = [
            text for text in texts for name, mark in marks.items() if (mark in text) != (name == person.row.content)
        ]
        require(not wrong, "a person got another content than their row names", "take batch.contents[row.content]")


@check(_identifies)
def test_a_row_keeps_its_identity_when_it_is_delivered_again(bench: Bench) -> None:
    """The same key is the same message to the peer, another key another: so nobody gets a message twice."""
    identity_of = bench.fixtures.identity_of
    people = bench.people(2)
    for _ in range(2):
        bench.deliver(people)
    other = bench.again(people)
    first = {person.row.handle: len(bench.seen_of(person)) for person in people}
    bench.deliver(other)
    found: list[str] = []
    for person in people if identity_of is not None else ():
        seen = [identity_of(item) for item in bench.seen_of(person)]  # type: ignore[misc]  # asked for above
        same, further = set(seen[: first[person.row.handle]]), set(seen[first[person.row.handle] :])
        require(len(same) == 1, f"one key, {len(same)} identities", "send row.key, or make the Message-ID of it")
        require(not same & further, "two keys, one identity", "make it of row.key, not of the handle or the address")
        found += same
    require(len(found) == len(set(found)), "two people share an identity", "make it of the row's own key")


def _to_accept(delivered: Delivered) -> str:
    if delivered.problem == LEFT_OUT:
        return "call ctx.settle for each row, or return it in the report"
    return 'accept it; a channel that needs addresses says addresses = "resolve" in its manifest'


def _given(person: Person, content: str) -> Person:
    return replace(person, row=replace(person.row, content=content))
