"""`ingest`: what comes in only reduces permission, and names nobody where it cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from imp_core.channel import Capability, Source
from imp_core.errors import BadInput, ImpError
from imp_core.event import EventType, RawEvent, RawId, RowFault, Signal, SignalKind
from imp_core.gate import Action
from imp_core.manifest import purpose_covered
from imp_testkit.bench import Bench
from imp_testkit.check import Ground, check, holds, require
from imp_testkit.malformed import PLANTED, malformed
from imp_testkit.people import shows_any

__all__ = [
    "test_a_malformed_source_is_refused_and_breaks_nothing",
    "test_inbound_events_are_for_purposes_and_identifiers_its_manifest_asks_for",
    "test_inbound_signals_only_reduce_permission",
    "test_inbound_yields_what_its_source_holds",
    "test_no_fault_repeats_what_could_not_be_read",
]


def _ingests(ground: Ground) -> bool:
    return ground.serves(Capability.INGEST) and bool(ground.fixtures.inbound)


@check(_ingests)
def test_inbound_yields_what_its_source_holds(bench: Bench) -> None:
    """`ingest` yields events, signals and faults of rows: those that the source holds, in order, and nothing else."""
    for inbound in bench.fixtures.inbound:
        items = _read(bench, bench.source(inbound))
        odd = [type(item).__name__ for item in items if type(item) not in (RawEvent, Signal, RowFault)]
        require(not odd, f"it yielded {', '.join(odd[:3])}", "yield RawEvent, Signal and RowFault alone")
        kinds = [_kind(item) for item in items if not isinstance(item, RowFault)]
        meant = list(inbound.expects)
        require(kinds == meant, f"{inbound.name} gave {kinds}, not {meant}", "mend the reading, or Inbound.expects")
        faults = sum(isinstance(item, RowFault) for item in items)
        found = f"{inbound.name} gave {faults} faults, not {inbound.faults}"
        require(faults == inbound.faults, found, "mend the reading, or Inbound.faults")


@check(_ingests)
def test_inbound_signals_only_reduce_permission(bench: Bench) -> None:
    """A signal is one of SignalKind, of this channel and of somebody: none of them grants anything."""
    for item in _everything(bench):
        if isinstance(item, Signal):
            known = holds(item, Signal, kind=SignalKind, identifier=RawId)
            require(known, f"a signal of the kind {item.kind!a}", "a grant needs evidence: it comes in by the ledger")
            own = item.channel == bench.info.name
            require(own, "a signal of another channel", "say channel=self.info.name")


@check(_ingests)
def test_inbound_events_are_for_purposes_and_identifiers_its_manifest_asks_for(bench: Bench) -> None:
    """Every event is collected for a purpose, and about a kind of identifier, that the manifest showed."""
    collected = bench.info.purposes.get(Action.COLLECT, ())
    kinds = {spec.kind for spec in bench.info.identifiers}
    for item in _everything(bench):
        if isinstance(item, RawEvent):
            found = f"an event for {item.purpose!a}, not among what it collects"
            require(purpose_covered(collected, item.purpose), found, "declare it under purposes.collect")
        if isinstance(item, RawEvent | Signal) and item.identifier is not None:
            known = getattr(item.identifier, "kind", None) in kinds
            require(known, "an identifier of a kind it does not declare", "declare it under identifiers")


@check(_ingests)
def test_a_malformed_source_is_refused_and_breaks_nothing(bench: Bench) -> None:
    """What cannot be read is BadInput (the source) or a RowFault (a row), whatever somebody fed it."""
    for source, how in malformed(bench, bench.fixtures.inbound):
        try:
            items = _read(bench, source)
        except BadInput:
            continue
        except ImpError as error:
            require(kept=False, found=f"{how}: {bench.why(error)}", mend="raise BadInput, or yield a RowFault")
            return
        odd = [type(item).__name__ for item in items if not isinstance(item, RawEvent | Signal | RowFault)]
        require(not odd, f"{how}: it yielded {', '.join(odd[:3])}", "yield RawEvent, Signal and RowFault alone")


@check(_ingests)
def test_no_fault_repeats_what_could_not_be_read(bench: Bench) -> None:
    """Faults and BadInput name row, field and problem; the value itself may be an address in the wrong place."""
    said: list[str] = []
    for source, _ in malformed(bench, bench.fixtures.inbound):
        try:
            said += [f"{item.field} {item.problem}" for item in _read(bench, source) if isinstance(item, RowFault)]
        except ImpError:
            continue  # what it really raised is looked at below
    said += [f"{error} {error!r} {error.__notes__ if hasattr(error, '__notes__') else ''}" for error in _bad(bench)]
    require(
        not shows_any("\n".join(said), PLANTED),
        "a fault repeats what stood in the source",
        "say which row and field, and what is wrong with it, in your own words",
    )


def _bad(bench: Bench) -> Iterator[BaseException]:
    return (error for error in bench.watched.raised if isinstance(error, BadInput))


def _read(bench: Bench, source: Source) -> list[object]:
    return list(bench.runner.iterate("ingest", bench.context, source, seconds=10.0))


def _everything(bench: Bench) -> list[object]:
    return [item for inbound in bench.fixtures.inbound for item in _read(bench, bench.source(inbound))]


def _kind(item: object) -> EventType | SignalKind | str:
    if isinstance(item, RawEvent):
        return item.type
    return item.kind if isinstance(item, Signal) else type(item).__name__
