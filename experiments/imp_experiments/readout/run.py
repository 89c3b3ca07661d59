"""From an opened use to a `Readout`: measure, compare, check, judge. It reads the frames and writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import duckdb
import narwhals as nw

from imp_core.clock import format_time
from imp_core.errors import ImpError
from imp_core.ports import EnrolmentCount, Json, OpenedUse
from imp_core.suppress import hidden
from imp_experiments.design.assign import bucket_shares
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.registration import Registration
from imp_experiments.measure.archive import Measurement, measure
from imp_experiments.measure.clustered import clusters_by_day
from imp_experiments.readout.began import began_us
from imp_experiments.readout.by_registered import Broken, break_down, breakdown_notes
from imp_experiments.readout.decide import decide
from imp_experiments.readout.enrolled import enrolled
from imp_experiments.readout.examine import examine
from imp_experiments.readout.left import Refused, excluded_of, refused_of
from imp_experiments.readout.levels_shown import with_factors
from imp_experiments.readout.looks import look_fields, looks_of
from imp_experiments.readout.notes import cluster_notes, notes_of, told
from imp_experiments.readout.readout import Consent, Readout, Registered, Verdict
from imp_experiments.readout.registered import compare_registered
from imp_experiments.readout.released import Released, released_fields
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
    by: Sequence[str] = (),
    beside: Mapping[str, Sequence[str]] | None = None,
    before: Sequence[Released] = (),
    zone: ZoneInfo,
    k: int,
) -> Ran:
    """Compute the readout of one opened use; cells of 1 to k - 1 people are not shown.

    `looks` are those that the ledger holds, of whatever experiment; `by` the dimensions to break it down by (`beside`:
    the variants of those that are experiments, control first), and `before` what earlier readouts of this experiment's
    phase released of levels.

    Raises:
        ImpError: the frames cannot be read.
        CheckFailed: a breakdown would, with what was released before, tell of fewer than k people.
    """
    carried = sorted({*by, *(one.dimension for one in before)}) if by else []
    measurement, refused = _measured(opened, experiment, registration, zone, carried)
    met = enrolled(enrolment, registration.phase)
    ends_us = began_us(measurement, registration, zone=zone, k=k) + experiment.plan.horizon_us
    final = opened.as_of_us >= ends_us
    with _readable():
        # where clusters were randomised, these are what the shares are of
        arrived = met.by_day if experiment.cluster is None else clusters_by_day(measurement)
    ratio = _ratio(arrived, experiment, final=final)
    shown = {reason: hidden(n, k) for reason, n in excluded_of(measurement, refused, met).items()}
    with _readable():
        compared = compare_registered(
            experiment,
            measurement,
            looks_of(looks, experiment.name, registration.phase),
            as_of_us=opened.as_of_us,
            zone=zone,
            final=final,
            k=k,
        )
        broken = Broken(breakdowns=(), released=())
        if by:
            broken = break_down(
                experiment,
                measurement,
                compared.seen,
                dimensions=by,
                beside=beside or {},
                before=before,
                size=opened.size,
                final=final,
                k=k,
            )
        examined = examine(
            experiment,
            measurement,
            met=met,
            refused=refused,
            compared=compared,
            ratio=ratio,
            excluded=shown,
            as_of_us=opened.as_of_us,
            zone=zone,
            final=final,
            k=k,
        )
    readout = Readout(
        consent=Consent(checkpoint=opened.checkpoint, use=opened.seq),
        comparisons=tuple(one.compared for one in compared.tested),
        health=examined.health,
        excluded=shown,
        as_of=format_time(opened.as_of_us),
        alpha=experiment.plan.alpha,
        experiment=_registered(experiment, registration, ends_us),
        metrics=tuple(compared.units),
        verdict=_headed(
            with_factors(
                decide(
                    experiment,
                    compared.tested,
                    ratio,
                    final=final,
                    done=compared.done,
                    horizon=format_time(ends_us),
                ),
                experiment,
                compared.factorial,
            ),
            experiment,
            measurement.early,
            k,
        ),
        notes=(
            *notes_of(experiment, measurement, met, final=final, horizon=format_time(ends_us), k=k),
            *cluster_notes(experiment, compared.clustering, k=k),
            *examined.notes,
            *(breakdown_notes(experiment, beside or ()) if by else []),
        ),
        breakdowns=broken.breakdowns,
        factorial=compared.factorial,
    )
    return Ran(
        readout,
        everybody(measurement.moments.count(), compared.units) | {"excluded": sum(n or 0 for n in shown.values())},
        [look_fields(taken, experiment.name, registration.phase) for taken in compared.taken],
        [released_fields(one, experiment.name, registration.phase) for one in broken.released],
    )


@contextmanager
def _readable() -> Iterator[None]:
    """Queries are lazy: whatever reads the frames may be the first to find that it cannot."""
    try:
        yield
    except (duckdb.Error, nw.exceptions.NarwhalsError) as error:
        # only the type: a driver's words may hold a row
        raise ImpError(f"the archive cannot be measured: {type(error).__name__}", mend="see: imp doctor") from None


def _measured(
    opened: OpenedUse, experiment: Experiment, registration: Registration, zone: ZoneInfo, by: Sequence[str]
) -> tuple[Measurement, Refused]:
    with _readable():
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
            by=by,
        )
        return measurement, refused_of(opened.refused, experiment.name, registration.phase)


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


def _headed(verdict: Verdict, experiment: Experiment, early: int, k: int) -> Verdict:
    """The verdict with its correction, and what takes from its weight: a rule written when there were data already."""
    verdict = replace(verdict, correction=experiment.decision.primary_correction)
    if not early:
        return verdict
    return replace(
        verdict, reason=f"{verdict.reason}; not pre-registered: {told(early, k)} were exposed before the start"
    )


def _registered(experiment: Experiment, registration: Registration, ends_us: int) -> Registered:
    return Registered(
        name=experiment.name,
        phase=registration.phase,
        purpose=experiment.purpose,
        definition_sha256=registration.definition_sha256,
        analysis_sha256=registration.analysis_sha256,
        started=format_time(registration.started_us),
        horizon=format_time(ends_us),
    )
