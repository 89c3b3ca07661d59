"""Who comes and who leaves, when: fixed for all runs, so that the looks' boundaries are the same in each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from imp_core.clock import DAY_US
from imp_core.errors import BadInput
from imp_experiments.design.assign import bucket_shares
from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.readout.decide import treatments
from imp_experiments.simulate.nesting import Nested, Shape, Sums, nested_of

__all__ = ["Scenario", "compared_of", "lag_of", "scenario_of"]

_MOST_DAYS = 400
_MOST_A_DAY = 10_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scenario:
    """`kept` (cohort × look × variant): units of a cohort that are in at a look; 0 before it has come.

    Looks are the ends of days, as many as cohorts; `variants` have control first. Where nobody leaves, the
    middle axis is 1, for all looks.

    `cluster_size` is None where units were randomised. Clusters come whole: `nested` says how units lie in those that
    are drawn; without it what is dealt, and counted as units everywhere, are clusters of one's own.
    """

    variants: tuple[str, ...]
    days: int
    kept: npt.NDArray[np.int64]
    cluster_size: float | None = None
    nested: Nested | None = None
    _sums: dict[tuple[int, int, int], Sums] = field(default_factory=dict, repr=False)

    @property
    def clustered(self) -> bool:
        """Whether what is randomised are clusters."""
        return self.cluster_size is not None

    @property
    def dealt(self) -> int:
        """Units that come in a run, or clusters of one's own."""
        return int(self.kept.max(axis=1).sum())

    def n(self, look: int, through: int) -> npt.NDArray[np.int64]:
        """Units of each variant at a look, in cohorts up to `through` (none below 0)."""
        return np.asarray(self._seen(look, through).sum(axis=0), dtype=np.int64)

    def clusters(self, look: int, through: int) -> npt.NDArray[np.int64]:
        """Those of each variant that have a unit at a look; units where these were randomised."""
        if self.nested is None:
            return self.n(look, through)
        found = [len(self.sums(look, through, place).starts) for place in range(len(self.variants))]
        return np.array(found, dtype=np.int64)

    def units(self, look: int, through: int) -> npt.NDArray[np.int64]:
        """Units (cohort × variant) of the cohorts up to `through`; those of one's own clusters by their mean size."""
        seen = self._seen(look, through)
        if self._size == 1:
            return seen
        ends = np.rint(seen.cumsum(axis=0) * self._size)
        return np.diff(ends, axis=0, prepend=0).astype(np.int64)

    def sums(self, look: int, through: int, place: int) -> Sums:
        """How a variant's units of a look are summed by drawn cluster."""
        key = (look if self.kept.shape[1] > 1 else 0, through, place)
        if key not in self._sums and self.nested is not None:
            self._sums[key] = self.nested.sums(self._seen(look, through)[:, place].tolist(), place)
        return self._sums[key]

    def whole(self) -> tuple[int, int, int | None]:
        """Units that come in a run, those of them that leave, and the clusters they come in (None: by themselves)."""
        most = self.kept.max(axis=1)
        came, stay = (round(float(n.sum()) * self._size) for n in (most, self.kept[:, -1]))
        if self.nested is None:
            return came, came - stay, int(most.sum()) if self.clustered else None
        return came, came - stay, sum(int(ids.max()) + 1 for cohort in self.nested.members for ids in cohort)

    @property
    def _size(self) -> float:
        """Units of one that is dealt: clusters of one's own have several."""
        return self.cluster_size if self.cluster_size is not None and self.nested is None else 1

    def _seen(self, look: int, through: int) -> npt.NDArray[np.int64]:
        return self.kept[: max(through + 1, 0), look if self.kept.shape[1] > 1 else 0]


def compared_of(experiment: Experiment) -> tuple[str, ...]:
    """Control, then the treatments."""
    return (experiment.control, *treatments(experiment))


def lag_of(experiment: Experiment, metric: Metric) -> int:
    """How many cohorts fewer a metric has matured than the one with the shortest window."""
    shortest = min(other.window_us for other in experiment.metrics)
    return -((shortest - metric.window_us) // DAY_US)


def scenario_of(
    experiment: Experiment,
    *,
    days: int | None = None,
    per_day: float | None = None,
    withdraw: float = 0.0,
    clusters: Shape | float | None = None,
) -> Scenario:
    """Cohorts of `per_day` units in the variants' promised shares; of each, `withdraw` leaves evenly until the end.

    By default as many days as can mature before the horizon, and the planned units spread over them (else 500 a day).
    `clusters`, where these are randomised, are drawn with a shape, or are one's own with a mean size, and leave whole.

    Raises:
        BadInput: a number that cannot be, a variant without a unit (or cluster) a day, or clusters of which the
            definition and the caller do not both speak.
    """
    _check_clusters(experiment, clusters)
    shortest = min(metric.window_us for metric in experiment.metrics)
    days = max((experiment.plan.horizon_us - shortest) // DAY_US, 1) if days is None else days
    if not 1 <= days <= _MOST_DAYS:
        raise BadInput(f"a run has 1 to {_MOST_DAYS} days, not {days}", where="days", mend="say fewer")
    if per_day is None:
        per_day = 500 if experiment.plan.units is None else -(-experiment.plan.units // days)
    if not 0 <= withdraw < 1:
        raise BadInput("not a share of the units", where="withdraw", mend="0.1 lets a tenth of them leave")
    if not 1 <= per_day <= _MOST_A_DAY:
        raise BadInput("not a number of units", where="per_day", mend=f"say 1 to {_MOST_A_DAY:,}")
    names = compared_of(experiment)
    size = clusters.size if isinstance(clusters, Shape) else clusters
    # a whole number stays one: the cohorts of units come out as they always did
    daily = per_day if size is None else per_day / size
    sizes = _shared(daily, days, [bucket_shares(experiment.weights)[name] for name in names])
    if not sizes.all():
        what = "units a day for every variant to have one" if size is None else "units a day for a cluster a variant"
        raise BadInput(f"too few {what}", where="per_day", mend="say more, or fewer --days")
    nested = nested_of(clusters, sizes) if isinstance(clusters, Shape) else None
    if nested is not None:
        sizes = np.array([[len(ids) for ids in cohort] for cohort in nested.members], dtype=np.int64)
    kept = _kept(sizes, days, withdraw)
    return Scenario(variants=names, days=days, kept=kept, cluster_size=size, nested=nested)


def _check_clusters(experiment: Experiment, clusters: Shape | float | None) -> None:
    """Refuse clusters of which only one side speaks."""
    if experiment.cluster is not None and clusters is None:
        problem = f"units come in clusters ({experiment.cluster}), of which too little is said"
        mend = "give --cluster-size and --icc, or with --data the column --cluster"
        raise BadInput(problem, where=f"{experiment.name}: cluster", mend=mend)
    if experiment.cluster is None and clusters is not None:
        problem = "the definition randomises units, not clusters"
        mend = 'write cluster = "household" into it (any word for what is randomised), or leave this out'
        raise BadInput(problem, where="cluster" if isinstance(clusters, float) else "cluster_size", mend=mend)


def _shared(per_day: float, days: int, shares: list[float]) -> npt.NDArray[np.int64]:
    """Units (or clusters) a cohort and variant (days × k), each share's total right to the unit on every day."""
    ends = np.floor(np.outer(np.arange(days + 1) * per_day, np.array(shares)) + 0.5)
    return np.diff(ends, axis=0).astype(np.int64)


def _kept(sizes: npt.NDArray[np.int64], days: int, withdraw: float) -> npt.NDArray[np.int64]:
    if not withdraw:
        return sizes[:, None, :]
    cohort, look = np.arange(days)[:, None], np.arange(days)[None, :]
    gone = withdraw * (look - cohort) / np.maximum(days - 1 - cohort, 1)
    kept = sizes[:, None, :] - np.floor(sizes[:, None, :] * gone[:, :, None] + 1e-9).astype(np.int64)
    return np.asarray(np.where((look >= cohort)[:, :, None], kept, 0), dtype=np.int64)
