"""What else core tells a channel about people: forgotten, withdrawn, listed, converted, exposed."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from imp_core.channel import (
    Capability,
    Conversion,
    ConversionBatch,
    DeliveryReport,
    DeliveryStatus,
    Exposure,
    ExposureBatch,
    JobRef,
    JobState,
    JobStatus,
    PeopleBatch,
    RowStatus,
)
from imp_core.channel.errors import ChannelError
from imp_testkit.bench import NOW_US, TAKEN, Bench
from imp_testkit.check import check, require
from imp_testkit.people import Person

__all__ = [
    "test_adding_people_to_an_audience_answers_every_row",
    "test_conversions_answer_every_row",
    "test_exposed_takes_a_batch_and_answers_nothing",
    "test_forget_answers_every_row_and_may_be_repeated",
    "test_forget_leaves_no_handle_behind",
    "test_poll_answers_for_the_job_it_is_asked_for",
    "test_taking_people_off_an_audience_answers_every_row_and_may_be_repeated",
    "test_withdrawn_answers_every_row_and_may_be_repeated",
]

_FINAL = TAKEN | {DeliveryStatus.REFUSED}
_ANY: Collection[DeliveryStatus] = frozenset(DeliveryStatus)


@check(lambda ground: "forget" in ground.methods)
def test_forget_answers_every_row_and_may_be_repeated(bench: Bench) -> None:
    """`forget` ends for every row, of people known and unknown, and doing it twice does no harm."""
    people = bench.people(3)
    for _ in range(2):
        _answered(bench, "forget", people, bench.context, bench.people_batch(people), final=_FINAL)


@check(lambda ground: ground.remembers)
def test_forget_leaves_no_handle_behind(bench: Bench) -> None:
    """Who was met and then forgotten is kept no more, as far as `Fixtures.remembers` can see."""
    people = bench.people(3)
    _meet(bench, people)
    met = _kept(bench, people)
    require(met, "it keeps nobody it met", "name in Fixtures.remembers all handles it keeps, or leave that out")
    bench.call("forget", bench.context, bench.people_batch(people))
    left = _kept(bench, people)
    require(not left, f"{left} of {met} people are kept", "delete in forget what is kept under these handles")


@check(lambda ground: ground.serves(Capability.WITHDRAWN))
def test_withdrawn_answers_every_row_and_may_be_repeated(bench: Bench) -> None:
    """`withdrawn` answers for every row whose permission ended, and hearing it twice does no harm."""
    people = bench.people(3)
    for _ in range(2):
        _answered(bench, "withdrawn", people, bench.context, bench.people_batch(people), final=_ANY)


@check(lambda ground: ground.serves(Capability.SYNC_AUDIENCE))
def test_adding_people_to_an_audience_answers_every_row(bench: Bench) -> None:
    """`sync_audience` answers for every row it is to add."""
    people = bench.people(3)
    context = bench.handout(people)
    _answered(bench, "sync_audience", people, context, bench.people_batch(people), _nobody(), final=_ANY)


@check(lambda ground: ground.serves(Capability.SYNC_AUDIENCE))
def test_taking_people_off_an_audience_answers_every_row_and_may_be_repeated(bench: Bench) -> None:
    """`sync_audience` takes off whoever it is told to, on the list or not, and doing it twice does no harm."""
    people = bench.people(3)
    for _ in range(2):
        context = bench.handout(people)
        _answered(bench, "sync_audience", people, context, _nobody(), bench.people_batch(people), final=_ANY)


@check(lambda ground: ground.serves(Capability.SEND_CONVERSIONS))
def test_conversions_answer_every_row(bench: Bench) -> None:
    """`send_conversions` answers for every row, with an amount and without."""
    people = bench.people(2)
    amounts = [(1_990_000, "EUR"), (None, None)]
    rows = [
        Conversion(
            handle=person.row.handle,
            key=person.row.key,
            name="order",
            event_us=NOW_US,
            amount_micros=amount,
            currency=currency,
        )
        for person, (amount, currency) in zip(people, amounts, strict=False)
    ]
    batch = ConversionBatch(id="kit", purpose=bench.purpose, rows=rows)
    _answered(bench, "send_conversions", people, bench.handout(people), batch, final=_ANY)


@check(lambda ground: ground.serves(Capability.POLL))
def test_poll_answers_for_the_job_it_is_asked_for(bench: Bench) -> None:
    """`poll` answers a JobStatus of the job, or raises one of the channel errors for a job it does not know."""
    job = JobRef(id="kit-job")
    if bench.peer is not None and bench.info.serves(Capability.DELIVER):
        job = bench.deliver(bench.people(2)).job or job
    try:
        answer = bench.call("poll", bench.context, job)
    except ChannelError:
        return
    require(type(answer) is JobStatus, f"poll answered {type(answer).__name__}", "answer an imp_core.channel.JobStatus")
    mine = answer.job == job and type(answer.state) is JobState and _are_rows(answer.rows)
    require(mine, "another job, or no JobState", "answer JobStatus(job=job, state=JobState.…, rows=[RowStatus(…)])")


@check(lambda ground: ground.serves(Capability.EXPOSED))
def test_exposed_takes_a_batch_and_answers_nothing(bench: Bench) -> None:
    """`exposed` hears who met which variant, and there is nothing to answer."""
    rows = [
        Exposure(pseudonym=f"{n:032x}", experiment="kit", phase=1, variant=variant, event_us=NOW_US)
        for n, variant in enumerate(("control", "treatment"))
    ]
    answer = bench.call("exposed", bench.context, ExposureBatch(id="kit", rows=rows))
    require(answer is None, f"exposed answered {type(answer).__name__}", "answer None")


def _answered(
    bench: Bench, method: str, people: Iterable[Person], *arguments: object, final: Collection[DeliveryStatus]
) -> None:
    answer = bench.call(method, *arguments)
    require(
        type(answer) is DeliveryReport and _are_rows(answer.rows),
        f"{method} answered {type(answer).__name__}",
        "answer a DeliveryReport of RowStatus",
    )
    context = arguments[0]
    settled = getattr(context, "statuses", {})
    answered = {**{row.key: row for row in answer.rows}, **settled}
    keys = {person.row.key for person in people}
    left, strangers = keys - answered.keys(), answered.keys() - keys
    require(not left, f"{method} left out {len(left)} of {len(keys)} rows", "answer every row by its key")
    require(not strangers, f"{method} answered {len(strangers)} rows of no such batch", "name rows by their key")
    open_ = [row for row in answered.values() if row.status not in final]
    found = f"{method} left a row {open_[0].status}" if open_ else ""
    require(not open_, found, "answer accepted, delivered or refused: core asks again until it ends")


def _meet(bench: Bench, people: list[Person]) -> None:
    if bench.peer is not None and bench.info.serves(Capability.DELIVER):
        bench.deliver(people)
    else:
        bench.call("sync_audience", bench.handout(people), bench.people_batch(people), _nobody())


def _kept(bench: Bench, people: list[Person]) -> int:
    remembers = bench.fixtures.remembers
    kept = set(remembers(bench.watched.channel)) if remembers is not None else set()
    return sum(person.row.handle in kept for person in people)


def _are_rows(rows: Iterable[object]) -> bool:
    return all(type(row) is RowStatus and type(row.status) is DeliveryStatus for row in rows)


def _nobody() -> PeopleBatch:
    return PeopleBatch(id="kit-none", rows=(), audience="kit")
