"""No raw identifier in anything a channel says."""

from __future__ import annotations

import traceback
from collections.abc import Iterable

from imp_core.channel import Capability, Source
from imp_core.channel.errors import ChannelError
from imp_core.errors import ImpError
from imp_core.event import RawEvent, RawId, Signal
from imp_testkit.bench import Bench
from imp_testkit.check import Ground, check, require
from imp_testkit.malformed import PLANTED, malformed
from imp_testkit.peer import Fault
from imp_testkit.people import Person, shows_any
from imp_testkit.watch import listening

__all__ = [
    "test_no_address_or_secret_is_in_a_report_an_error_or_a_repr",
    "test_no_address_or_secret_is_printed_or_logged",
    "test_no_identifier_that_comes_in_is_printed_or_logged",
]

# Shorter ones may stand in any text by chance.
_SHORTEST = 8


def _delivers(ground: Ground) -> bool:
    return ground.delivers


def _ingests(ground: Ground) -> bool:
    return ground.serves(Capability.INGEST) and bool(ground.fixtures.inbound)


@check(_delivers)
def test_no_address_or_secret_is_printed_or_logged(bench: Bench) -> None:
    """Output, logs at every level and warnings name nobody, when the peer works and when it fails."""
    with listening(bench.watched) as heard:
        people = _deliver_in_every_way(bench)
    require(
        not shows_any(heard.text, _values(bench, people)),
        "an address or a secret in what it printed, logged or warned of",
        "name a row by its key or its number, at every log level",
    )


@check(_ingests)
def test_no_identifier_that_comes_in_is_printed_or_logged(bench: Bench) -> None:
    """Output, logs at every level and warnings name nobody of a source that is read, well-formed or not."""
    values = set(PLANTED)
    with listening(bench.watched) as heard:
        for inbound in bench.fixtures.inbound:
            items = _read(bench, bench.source(inbound))
            people = (item.identifier for item in items if isinstance(item, RawEvent | Signal))
            values |= {person.value for person in people if isinstance(person, RawId)}
        for source, _ in malformed(bench, bench.fixtures.inbound):
            _read(bench, source)
    require(
        not shows_any(heard.text, values),
        "an identifier in what it printed, logged or warned of",
        "name a row by its number, at every log level",
    )


@check(_delivers)
def test_no_address_or_secret_is_in_a_report_an_error_or_a_repr(bench: Bench) -> None:
    """What comes back (reports, errors, representations) carries codes of the peer's, and never its words."""
    people = _deliver_in_every_way(bench)
    said = [repr(bench.watched.channel), *(repr(answer) for _, answer in bench.watched.answers)]
    said += [text for error in bench.watched.raised for text in _texts(error)]
    require(
        not shows_any("\n".join(said), _values(bench, people)),
        "an address or a secret in a report, an error or a representation",
        "raise errors with a code alone, `from None`; keep addresses out of what has a repr",
    )


def _read(bench: Bench, source: Source) -> list[object]:
    try:
        return list(bench.runner.iterate("ingest", bench.context, source))
    except ImpError:
        return []  # checks of their own say so


def _deliver_in_every_way(bench: Bench) -> list[Person]:
    everybody: list[Person] = []
    for fault in (None, *(fault for fault in (Fault.TEMPORARY, Fault.REFUSES) if fault in bench.fixtures.faults)):
        people = bench.people(2, first=len(everybody))
        everybody += people
        bench.the_peer.fail(fault, address=people[0].address.value)
        handout = bench.handout(people)
        try:
            bench.call("plan", bench.context, bench.batch(people))
            bench.call("deliver", handout, bench.batch(people))
        except ImpError:
            continue  # what it raised is looked at, and checks of their own say whether it should
        finally:
            handout.close()
    return everybody


def _values(bench: Bench, people: Iterable[Person]) -> list[str]:
    secrets = [secret for secret in bench.fixtures.secrets.values() if len(secret) >= _SHORTEST]
    return [*(person.address.value for person in people), *secrets]


def _texts(error: BaseException) -> list[str]:
    mend = error.mend if isinstance(error, ChannelError) else None
    # The whole chain: what an error was raised from is printed with it.
    return [*traceback.format_exception_only(error), repr(error), mend or "", *_chained(error)]


def _chained(error: BaseException) -> list[str]:
    beneath = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [] if beneath is None else [repr(beneath), *_chained(beneath)]
