"""A `Readout` of what was found of a phase. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from imp_core.clock import format_time
from imp_core.ports import OpenedUse
from imp_experiments.readout.by_registered import Broken, Dimensions, breakdown_notes
from imp_experiments.readout.decide import decide
from imp_experiments.readout.examine import Examined
from imp_experiments.readout.levels_shown import with_factors
from imp_experiments.readout.notes import cluster_notes, notes_of, told
from imp_experiments.readout.phase import Phase
from imp_experiments.readout.readout import Consent, Readout, Registered, Verdict
from imp_experiments.readout.registered import ComparedAll
from imp_experiments.stats.srm import SampleRatio

__all__ = ["Found", "assemble"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was compared, broken down and checked; `excluded` are the units left out by reason, as they are shown."""

    compared: ComparedAll
    broken: Broken
    examined: Examined
    ratio: SampleRatio
    excluded: Mapping[str, int | None]


def assemble(opened: OpenedUse, phase: Phase, found: Found, dimensions: Dimensions) -> Readout:
    """The readout of a phase that was found to be so, with its verdict and notes."""
    compared = found.compared
    return Readout(
        consent=Consent(checkpoint=opened.checkpoint, use=opened.seq),
        comparisons=tuple(one.compared for one in compared.tested),
        health=found.examined.health,
        excluded=found.excluded,
        as_of=format_time(opened.as_of_us),
        alpha=phase.experiment.plan.alpha,
        experiment=_registered(phase),
        metrics=tuple(compared.units),
        verdict=_verdict(phase, compared, found.ratio),
        notes=_notes(phase, found, dimensions),
        breakdowns=found.broken.breakdowns,
        factorial=compared.factorial,
    )


def _verdict(phase: Phase, compared: ComparedAll, ratio: SampleRatio) -> Verdict:
    """The verdict with its correction, and what takes from its weight: a rule written when there were data already."""
    experiment = phase.experiment
    found = decide(
        experiment,
        compared.tested,
        ratio,
        final=phase.reading.final,
        done=compared.done,
        horizon=format_time(phase.ends_us),
    )
    verdict = with_factors(found, experiment, compared.factorial)
    verdict = replace(verdict, correction=experiment.decision.primary_correction)
    early = phase.measurement.early
    if not early:
        return verdict
    many = told(early, phase.reading.k)
    return replace(verdict, reason=f"{verdict.reason}; not pre-registered: {many} were exposed before the start")


def _notes(phase: Phase, found: Found, dimensions: Dimensions) -> tuple[str, ...]:
    experiment, reading = phase.experiment, phase.reading
    horizon = format_time(phase.ends_us)
    return (
        *notes_of(experiment, phase.measurement, phase.met, final=reading.final, horizon=horizon, k=reading.k),
        *cluster_notes(experiment, found.compared.clustering, k=reading.k),
        *found.examined.notes,
        *(breakdown_notes(experiment, dimensions.beside) if dimensions.names else []),
    )


def _registered(phase: Phase) -> Registered:
    experiment, registration = phase.experiment, phase.registration
    return Registered(
        name=experiment.name,
        phase=registration.phase,
        purpose=experiment.purpose,
        definition_sha256=registration.definition_sha256,
        analysis_sha256=registration.analysis_sha256,
        started=format_time(registration.started_us),
        horizon=format_time(phase.ends_us),
    )
