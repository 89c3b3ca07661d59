"""Who comes and who leaves, when: fixed for all runs, so that the looks' boundaries are the same in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imp_core.clock import DAY_US
from imp_core.errors import BadInput
from imp_experiments.design.assign import bucket_shares
from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.readout.decide import treatments

__all__ = ["Scenario", "compared_of", "lag_of", "scenario_of"]

_MOST_DAYS = 400
_MOST_A_DAY = 10_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scenario:
    """`kept` (cohort × look × variant): units of a cohort that are in at a look; 0 before it has come.

    Looks are the ends of days, as many as cohorts; `variants` have control first. Where nobody leaves, the
    middle axis is 1, for all looks.
    """

    variants: tuple[str, ...]
    days: int
    kept: npt.NDArray[np.int64]

    def n(self, look: int, through: int) -> npt.NDArray[np.int64]:
        """Units of each variant at a look, in cohorts up to `through` (none below 0)."""
        at = look if self.kept.shape[1] > 1 else 0
        return np.asarray(self.kept[: through + 1, at].sum(axis=0), dtype=np.int64)


def compared_of(experiment: Experiment) -> tuple[str, ...]:
    """Control, then the treatments."""
    return (experiment.control, *treatments(experiment))


def lag_of(experiment: Experiment, metric: Metric) -> int:
    """How many cohorts fewer a metric has matured than the one with the shortest window."""
    shortest = min(other.window_us for other in experiment.metrics)
    return -((shortest - metric.window_us) // DAY_US)


def scenario_of(
    experiment: Experiment, *, days: int | None = None, per_day: int | None = None, withdraw: float = 0.0
) -> Scenario:
    """Cohorts of `per_day` units in the variants' promised shares; of each, `withdraw` leaves evenly until the end.

    By default as many days as can mature before the horizon, and the planned units spread over them (else 500 a day).

    Raises:
        BadInput: a number that cannot be, or a variant without a unit a day.
    """
    _check_units(experiment)
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
    sizes = _shared(per_day, days, [bucket_shares(experiment.weights)[name] for name in names])
    if not sizes.all():
        raise BadInput("too few units a day for every variant to have one", where="per_day", mend="say more")
    return Scenario(variants=names, days=days, kept=_kept(sizes, days, withdraw))


def _check_units(experiment: Experiment) -> None:
    """Refuse what is drawn otherwise than unit by unit."""
    if experiment.cluster is not None:
        problem = f"units that come in clusters ({experiment.cluster}) cannot be simulated: they are drawn one by one"
        mend = "leave it out to try looks and rule; `imp experiment plan` knows --cluster-size and --icc"
        raise BadInput(problem, where="cluster", mend=mend)


def _shared(per_day: int, days: int, shares: list[float]) -> npt.NDArray[np.int64]:
    """Units a cohort and variant (days × k), each share's total right to the unit on every day."""
    ends = np.floor(np.outer(np.arange(days + 1) * per_day, np.array(shares)) + 0.5)
    return np.diff(ends, axis=0).astype(np.int64)


def _kept(sizes: npt.NDArray[np.int64], days: int, withdraw: float) -> npt.NDArray[np.int64]:
    if not withdraw:
        return sizes[:, None, :]
    cohort, look = np.arange(days)[:, None], np.arange(days)[None, :]
    gone = withdraw * (look - cohort) / np.maximum(days - 1 - cohort, 1)
    kept = sizes[:, None, :] - np.floor(sizes[:, None, :] * gone[:, :, None] + 1e-9).astype(np.int64)
    return np.asarray(np.where((look >= cohort)[:, :, None], kept, 0), dtype=np.int64)
