"""The health of an archive's readout: sample ratio, checks, bounds; and which of their counts would tell too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from imp_core.suppress import any_hidden, hidden, hidden_together
from imp_experiments.readout.archive_health import archive_checks
from imp_experiments.readout.consent_bounds import consent_bounds
from imp_experiments.readout.consent_health import judge_consent
from imp_experiments.readout.decide import treatments
from imp_experiments.readout.enrolled import Enrolled
from imp_experiments.readout.left import left_of
from imp_experiments.readout.notes import HIDDEN_COUNTS
from imp_experiments.readout.phase import Phase
from imp_experiments.readout.readout import Health
from imp_experiments.readout.registered import ComparedAll
from imp_experiments.readout.suppress import without_counts
from imp_experiments.stats.srm import SampleRatio

__all__ = ["Examined", "examine"]


@dataclass(frozen=True, slots=True)
class Examined:
    """What the readout shows of health, and sentences about it."""

    health: Health
    notes: tuple[str, ...]


def examine(phase: Phase, compared: ComparedAll, *, ratio: SampleRatio, excluded: Mapping[str, int | None]) -> Examined:
    """Make every check; `excluded` are the counts as they are shown. Reads the units again where consent differs."""
    experiment, measurement, met, k = phase.experiment, phase.measurement, phase.met, phase.reading.k
    consent = judge_consent(
        left_of(measurement, phase.refused, met, experiment.weights),
        met.observed,
        [measurement.moments.count(name) - n for name, n in _compared(compared) if n is not None],
        variants=[experiment.control, *treatments(experiment)],
        repeating=met.repeating,
        clustered=experiment.cluster is not None,
        k=k,
    )
    checks = archive_checks(experiment, measurement, compared.seen, phase.reading)
    bounds, notes = consent_bounds(experiment, measurement, consent, compared.seen, phase.reading)
    telling = any_hidden([*excluded.values(), *_counts(ratio, met, compared, k)]) or consent.tells(k)
    health = Health(
        srm=without_counts(ratio) if telling else ratio,
        two_variants=hidden_together(measurement.pairs, k),
        checks=(*checks, consent.check),
        bounds=tuple(bounds),
    )
    return Examined(health, (*([HIDDEN_COUNTS] if telling else []), *notes))


def _counts(ratio: SampleRatio, met: Enrolled, compared: ComparedAll, k: int) -> Iterator[int | None]:
    """The counts that the sample ratio's, with the others of the readout, would tell; None: one of 1 to k - 1.

    Together the variants are the units that are in, mature or not, and those that are out: one hidden is their
    difference, of two hidden the sum is known. What a comparison counts of a variant leaves those of it that are out
    or not mature. Where clusters were randomised, the ratio counts these, also those of which all are out; a note says
    how many have units that are in.
    """
    for n in ratio.observed.values():
        yield hidden(n or 0, k)
    if compared.clustering is not None:
        found = compared.clustering.found
        counted = sum(n or 0 for n in ratio.observed.values())
        yield hidden(max(counted - found.named - found.split - found.alone, 0), k)
    for units in compared.units:
        yield from (units.matured, units.immature)
    for name, n in _compared(compared):
        yield None if n is None else hidden(met.observed[name] - n, k)


def _compared(compared: ComparedAll) -> Iterator[tuple[str, int | None]]:
    """Each variant with the units that a comparison shows of it; a quantile counts those with an event alone."""
    for one in (tested.compared for tested in compared.tested):
        if one.kind != "quantile":
            yield one.variant, one.n_variant
            yield one.control, one.n_control
