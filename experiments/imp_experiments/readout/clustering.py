"""What the figures of an experiment with clusters are made of: sums of clusters, as often as a look asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from imp_experiments.measure.archive import Measurement
from imp_experiments.measure.clustered import CLUSTER, cluster_key, cluster_moments, clusters_of
from imp_experiments.measure.moments import Moments
from imp_experiments.readout.compare import FEW_CLUSTERS

__all__ = ["Clustering"]


class Clustering:
    """The clusters of one measurement, summed once for every last cohort day."""

    def __init__(self, measurement: Measurement, names: Sequence[str]) -> None:
        self._measurement = measurement
        self._names = names
        self._summed: dict[int | None, Moments] = {}
        self.found = clusters_of(measurement)

    @property
    def barred(self) -> str | None:
        """The code of the condition that bars all figures: units are there, and none names a cluster."""
        return "no_clusters" if self.found.alone and not self.found.named else None

    def moments(self, seen: Moments) -> Moments:
        """Sums of clusters over the units of the cohorts that are seen."""
        through = _through(seen)
        if through not in self._summed:
            self._summed[through] = cluster_moments(self._measurement, through=through)
        return self._summed[through]

    def few(self, seen: Moments) -> bool:
        """Whether a variant has too few clusters for a first look."""
        moments = self.moments(seen)
        return any(moments.count(name) < FEW_CLUSTERS for name in self._names)

    def keyed(self) -> Measurement:
        """The measurement whose units have a column that is one for all units of a cluster."""
        units = self._measurement.units
        return replace(
            self._measurement, units=None if units is None else units.with_columns(**{CLUSTER: cluster_key()})
        )


def _through(seen: Moments) -> int | None:
    return max((cell.day for cell in seen.cells if cell.day is not None), default=None)
