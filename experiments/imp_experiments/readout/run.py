"""From an opened use to a `Readout`: measure, compare, check, judge. It reads the frames and writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import duckdb
import narwhals as nw

from imp_core.errors import ImpError
from imp_core.ports import EnrolmentCount, Json, OpenedUse
from imp_experiments.design.assign import bucket_shares
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.registration import Registration
from imp_experiments.measure.archive import measure
from imp_experiments.measure.clustered import clusters_by_day
from imp_experiments.readout.assemble import Found, assemble
from imp_experiments.readout.began import began_us
from imp_experiments.readout.by_registered import Broken, Dimensions, break_down
from imp_experiments.readout.enrolled import enrolled
from imp_experiments.readout.examine import examine
from imp_experiments.readout.left import refused_of
from imp_experiments.readout.looks import Taken, look_fields, looks_of, told_at_end
from imp_experiments.readout.phase import Phase
from imp_experiments.readout.reading import Reading
from imp_experiments.readout.readout import Readout
from imp_experiments.readout.registered import compare_registered
from imp_experiments.readout.released import released_fields
from imp_experiments.readout.told import everybody
from imp_experiments.stats.sequential.ratio import sequential_ratio
from imp_experiments.stats.srm import SampleRatio, sample_ratio

__all__ = ["Ran", "run"]


@dataclass(frozen=True, slots=True)
class Ran:
    """The readout, and the counts that the ledger's `use-close` names: units in it, and units left out.

    The units are not named where with what is shown they would tell a count of few. Of those left out it has what the
    readout shows: a reason of few is in neither, and so their difference tells none.
    `looks` are those it uses up, and `released` what it tells of levels, for the ledger.
    """

    readout: Readout
    counts: Mapping[str, int]
    looks: Sequence[Mapping[str, Json]]
    released: Sequence[Mapping[str, Json]] = ()


def run(
    opened: OpenedUse,
    enrolment: Sequence[EnrolmentCount],
    experiment: Experiment,
    registration: Registration,
    *,
    looks: Sequence[Mapping[str, Json]] = (),
    dimensions: Dimensions,
    zone: ZoneInfo,
    k: int,
) -> Ran:
    """Compute the readout of one opened use; cells of 1 to k - 1 people are not shown.

    `looks` are those that the ledger holds, of whatever experiment.

    Raises:
        ImpError: the frames cannot be read.
        CheckFailed: a breakdown would, with what was released before, tell of fewer than k people.
    """
    # queries are lazy: whatever reads the frames may be the first to find that it cannot
    with _readable():
        past = looks_of(looks, experiment.name, registration.phase)
        phase = _measured(opened, enrolment, experiment, registration, past=past, dimensions=dimensions, zone=zone, k=k)
        found = _found(phase, past, dimensions, size=opened.size)
    readout = assemble(opened, phase, found, dimensions)
    everyone = phase.measurement.moments.count()
    return Ran(
        readout,
        everybody(everyone, found.compared.units) | {"excluded": sum(n or 0 for n in found.excluded.values())},
        [look_fields(taken, experiment.name, registration.phase) for taken in found.compared.taken],
        [released_fields(one, experiment.name, registration.phase) for one in found.broken.released],
    )


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, nw.exceptions.NarwhalsError) as error:
        # only the type: a driver's words may hold a row
        raise ImpError(f"the archive cannot be measured: {type(error).__name__}", mend="see: imp doctor") from None


def _measured(
    opened: OpenedUse,
    enrolment: Sequence[EnrolmentCount],
    experiment: Experiment,
    registration: Registration,
    *,
    past: Mapping[str, Sequence[Taken]],
    dimensions: Dimensions,
    zone: ZoneInfo,
    k: int,
) -> Phase:
    measurement = measure(
        opened.events,
        opened.closed,
        experiment,
        permitted=opened.permitted,
        phase=registration.phase,
        as_of_us=opened.as_of_us,
        size=opened.size,
        started_us=registration.started_us,
        zone=zone,
        by=dimensions.carried,
    )
    ends_us = began_us(measurement, registration, zone=zone, k=k) + experiment.plan.horizon_us
    final = opened.as_of_us >= ends_us or told_at_end(experiment, past)
    return Phase(
        experiment=experiment,
        registration=registration,
        measurement=measurement,
        refused=refused_of(opened.refused, experiment.name, registration.phase),
        met=enrolled(enrolment, registration.phase),
        ends_us=ends_us,
        reading=Reading(as_of_us=opened.as_of_us, zone=zone, final=final, k=k),
    )


def _found(phase: Phase, past: Mapping[str, Sequence[Taken]], dimensions: Dimensions, *, size: int) -> Found:
    experiment, measurement, reading = phase.experiment, phase.measurement, phase.reading
    # where clusters were randomised, these are what the shares are of
    arrived = phase.met.by_day if experiment.cluster is None else clusters_by_day(measurement)
    ratio = _ratio(arrived, experiment, final=reading.final)
    compared = compare_registered(experiment, measurement, past, reading)
    broken = Broken(breakdowns=(), released=())
    if dimensions.names:
        broken = break_down(experiment, measurement, compared.seen, dimensions, reading, size=size)
    excluded = phase.excluded()
    examined = examine(phase, compared, ratio=ratio, excluded=excluded)
    return Found(compared=compared, broken=broken, examined=examined, ratio=ratio, excluded=excluded)


def _ratio(arrived: Sequence[Counter[str]], experiment: Experiment, *, final: bool) -> SampleRatio:
    """While it runs the test that may be read every day, at the end χ²."""
    shares = bucket_shares(experiment.weights)
    whole = sample_ratio(sum(arrived, Counter()), shares)
    if final:
        return whole
    found = sequential_ratio(arrived, shares)
    return replace(
        whole,
        verdict=found.verdict,
        p_value=found.p_value,
        statistic=None,
        df=None,
        reason=found.reason,
        method="sequential",
    )
