"""From an opened use to a `Readout`: measure, compare, check, judge. It reads the frames and writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb
import narwhals as nw

from imp_core.clock import format_time
from imp_core.errors import ImpError
from imp_core.gate import NO_RECORD
from imp_core.ports import EnrolmentCount, Json, OpenedUse
from imp_core.suppress import any_hidden, hidden, hidden_together
from imp_experiments.design.assign import bucket_shares
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.registration import Registration
from imp_experiments.measure.archive import Measurement, measure
from imp_experiments.measure.units import TWO_VARIANTS, of_phase
from imp_experiments.readout.began import began_us
from imp_experiments.readout.by_registered import Broken, break_down, breakdown_notes
from imp_experiments.readout.decide import decide
from imp_experiments.readout.enrolled import Enrolled, enrolled
from imp_experiments.readout.looks import look_fields, looks_of
from imp_experiments.readout.notes import HIDDEN_COUNTS, notes_of, told
from imp_experiments.readout.readout import Consent, Health, MetricUnits, Readout, Registered, Verdict
from imp_experiments.readout.registered import ComparedAll, compare_registered
from imp_experiments.readout.released import Released, released_fields
from imp_experiments.readout.suppress import without_counts
from imp_experiments.readout.told import everybody
from imp_experiments.stats.sequential.ratio import sequential_ratio
from imp_experiments.stats.srm import SampleRatio, sample_ratio

__all__ = ["Ran", "run"]

ERASED: Final = "erased"
# Always present in `excluded`, so that a reader can rely on the keys; other reasons appear when somebody has them.
_USUAL_REASONS: Final = ("withdrawn", "refused", "expired", ERASED, NO_RECORD, TWO_VARIANTS)


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
    before: Sequence[Released] = (),
    zone: ZoneInfo,
    k: int,
) -> Ran:
    """Compute the readout of one opened use; cells of 1 to k - 1 people are not shown.

    `looks` are those that the ledger holds, of whatever experiment; `by` the dimensions to break it down by, and
    `before` what earlier readouts of this experiment's phase released of levels.

    Raises:
        ImpError: the frames cannot be read.
        CheckFailed: a breakdown would, with what was released before, tell of fewer than k people.
    """
    carried = sorted({*by, *(one.dimension for one in before)}) if by else []
    measurement, refused = _measured(opened, experiment, registration, zone, carried)
    met = enrolled(enrolment, registration.phase)
    excluded = _excluded(measurement, refused, met)
    ends_us = began_us(measurement, registration, zone=zone, k=k) + experiment.plan.horizon_us
    final = opened.as_of_us >= ends_us
    ratio = _ratio(met, experiment, final=final)
    compared = compare_registered(
        experiment,
        measurement,
        looks_of(looks, experiment.name, registration.phase),
        as_of_us=opened.as_of_us,
        zone=zone,
        final=final,
        k=k,
    )
    broken = _broken(experiment, measurement, compared, by, before, size=opened.size, final=final, k=k)
    shown = {reason: hidden(n, k) for reason, n in excluded.items()}
    telling = _telling(ratio, shown, compared.units, k)
    readout = Readout(
        consent=Consent(checkpoint=opened.checkpoint, use=opened.seq),
        comparisons=tuple(one.compared for one in compared.tested),
        health=Health(
            srm=without_counts(ratio) if telling else ratio, two_variants=hidden_together(measurement.pairs, k)
        ),
        excluded=shown,
        as_of=format_time(opened.as_of_us),
        alpha=experiment.plan.alpha,
        experiment=_registered(experiment, registration, ends_us),
        metrics=tuple(compared.units),
        verdict=_headed(
            decide(
                experiment,
                compared.tested,
                ratio,
                final=final,
                done=compared.done,
                horizon=format_time(ends_us),
            ),
            measurement.early,
            k,
        ),
        notes=(
            *notes_of(experiment, measurement, met, final=final, horizon=format_time(ends_us), k=k),
            *([HIDDEN_COUNTS] if telling else []),
            *(breakdown_notes(experiment) if by else []),
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


def _broken(
    experiment: Experiment,
    measurement: Measurement,
    compared: ComparedAll,
    by: Sequence[str],
    before: Sequence[Released],
    *,
    size: int,
    final: bool,
    k: int,
) -> Broken:
    if not by:
        return Broken(breakdowns=(), released=())
    try:
        return break_down(
            experiment, measurement, compared.seen, dimensions=by, before=before, size=size, final=final, k=k
        )
    except (duckdb.Error, nw.exceptions.NarwhalsError) as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> ImpError:
    # only the type: a driver's words may hold a row
    return ImpError(f"the archive cannot be measured: {type(error).__name__}", mend="see: imp doctor")


def _measured(
    opened: OpenedUse, experiment: Experiment, registration: Registration, zone: ZoneInfo, by: Sequence[str]
) -> tuple[Measurement, Counter[str]]:
    try:
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
        refused = _refused(opened.refused, experiment.name, registration.phase)
    except (duckdb.Error, nw.exceptions.NarwhalsError) as error:
        raise _unreadable(error) from None
    return measurement, refused


def _ratio(met: Enrolled, experiment: Experiment, *, final: bool) -> SampleRatio:
    """While it runs the test that may be read every day, at the end χ²."""
    shares = bucket_shares(experiment.weights)
    whole = sample_ratio(met.observed, shares)
    if final:
        return whole
    found = sequential_ratio(met.by_day, shares)
    return replace(
        whole,
        verdict=found.verdict,
        p_value=found.p_value,
        statistic=None,
        df=None,
        reason=found.reason,
        method="sequential",
    )


def _headed(verdict: Verdict, early: int, k: int) -> Verdict:
    """The verdict with what takes from its weight: a rule that was written when there were data already."""
    if not early:
        return verdict
    return replace(
        verdict, reason=f"{verdict.reason}; not pre-registered: {told(early, k)} were exposed before the start"
    )


def _refused(native: Any, experiment: str, phase: int) -> Counter[str]:  # noqa: ANN401 (any native frame Narwhals knows)
    """How many people's exposures of this experiment's phase lie in the archive but do not pass now, by reason."""
    rows = (
        nw.from_native(native)
        .lazy()
        .filter((nw.col("type") == "exposure") & (nw.col("experiment") == experiment))
        .filter(of_phase(phase))
        .select("reason", "subjects")
        .collect()
        .rows(named=True)
    )
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["reason"]] += int(row["subjects"])
    return counts


def _excluded(measurement: Measurement, refused: Counter[str], met: Enrolled) -> dict[str, int]:
    """Units that are out, by reason: denied at intake, no longer permitted, out whole, erased since."""
    counts = Counter(dict.fromkeys(_USUAL_REASONS, 0))
    counts.update(met.denied)
    # Nothing of an erased person is left to count: only that they once were enrolled.
    counts[ERASED] += max(0, met.admitted - measurement.present - refused.total())
    counts.update(refused)
    counts.update(measurement.left_out)
    return dict(counts)


def _telling(ratio: SampleRatio, excluded: Mapping[str, int | None], metrics: Sequence[MetricUnits], k: int) -> bool:
    """Whether the counts by variant, with the other totals, would tell a count that is hidden.

    Together they are the units that are in, mature or not, and those that are out: one hidden is their difference,
    of two hidden the sum is known.
    """
    mature = [count for units in metrics for count in (units.matured, units.immature)]
    return any_hidden([*(hidden(n or 0, k) for n in ratio.observed.values()), *excluded.values(), *mature])


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
