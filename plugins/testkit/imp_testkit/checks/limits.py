"""What a channel declares as its limits, held against what it does."""

from __future__ import annotations

from imp_core.channel import DeliveryStatus
from imp_core.errors import ImpError, PluginBroken
from imp_testkit.bench import TAKEN, Bench, told
from imp_testkit.check import Ground, check, require

__all__ = [
    "test_it_connects_to_declared_hosts_alone",
    "test_it_takes_as_many_rows_as_it_declares",
    "test_no_more_rows_are_unsettled_than_it_declares_connections",
]


def _delivers(ground: Ground) -> bool:
    return ground.delivers


@check(_delivers)
def test_it_takes_as_many_rows_as_it_declares(bench: Bench) -> None:
    """A batch of `batch.rows` rows is delivered like a small one."""
    people = bench.people(bench.info.batch.rows)
    delivered = bench.deliver(people, seconds=60.0)
    taken = sum(told(delivered, person).status in TAKEN for person in people)
    some = next((row for row in delivered.statuses.values() if row.status not in TAKEN), None)
    require(
        taken == len(people),
        f"of {len(people)} rows {taken} were taken, another is {some.status if some else DeliveryStatus.DEFERRED}",
        "declare the number of rows a call takes in BatchLimit.rows",
    )


@check(_delivers)
def test_no_more_rows_are_unsettled_than_it_declares_connections(bench: Bench) -> None:
    """Whoever is resolved and not settled is in doubt after a kill: as many people as connections, and no more."""
    allowed = bench.info.batch.connections
    people = bench.people(allowed + 2)
    handout = bench.handout(people)
    bench.deliver(people, handout=handout)
    require(
        handout.most_unsettled <= allowed,
        f"{handout.most_unsettled} rows were unsettled at once, {allowed} declared",
        "resolve a row right before it is sent, settle it right after; or declare BatchLimit.connections",
    )


@check(_delivers)
def test_it_connects_to_declared_hosts_alone(bench: Bench) -> None:
    """It connects to the hosts its manifest shows the operator, and to nothing else."""
    people = bench.people(2)
    mend = 'declare the host in ChannelInfo.hosts and imp-plugin.toml ("{host}": the one that setting names)'
    runner = bench.open_runner()
    calls = {"check": (bench.context,), "deliver": (bench.handout(people), bench.batch(people))}
    for method, arguments in calls.items():
        try:
            runner.call(method, *arguments)
        except PluginBroken as error:
            require(kept=False, found=f"{method}: {error.what}", mend=mend)
        except ImpError:
            continue  # a check of its own says so
