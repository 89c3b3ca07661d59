"""One phase of an experiment as it was read: who was measured, who is left out, who came at all, until when it runs."""

from __future__ import annotations

from dataclasses import dataclass

from imp_core.suppress import hidden
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.registration import Registration
from imp_experiments.measure.archive import Measurement
from imp_experiments.readout.enrolled import Enrolled
from imp_experiments.readout.left import Refused, excluded_of
from imp_experiments.readout.reading import Reading

__all__ = ["Phase"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """`measurement` is of those in the view, `refused` of those whose exposures do not pass, `met` of all that came.

    The horizon is over at `ends_us`.
    """

    experiment: Experiment
    registration: Registration
    measurement: Measurement
    refused: Refused
    met: Enrolled
    ends_us: int
    reading: Reading

    def excluded(self) -> dict[str, int | None]:
        """Units left out by reason, as they are shown: None is a count of 1 to k - 1."""
        counts = excluded_of(self.measurement, self.refused, self.met)
        return {reason: hidden(n, self.reading.k) for reason, n in counts.items()}
