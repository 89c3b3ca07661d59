"""What an analyst asks of a table: the arguments of `analyze` but for the table and the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imp_experiments.measure.layout import Layout
from imp_experiments.readout.arguments import check_effects, check_layout, check_options, variant_columns
from imp_experiments.readout.asked import metrics_asked, named_once
from imp_experiments.readout.by_factors import check_factors
from imp_experiments.readout.clips import clips_asked

__all__ = ["Options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Named, and meant, as the arguments of `analyze`, which documents each."""

    variant: str | None
    control: str | None
    factors: Sequence[str]
    order: int
    unit: str | None
    weights: Mapping[str, int] | None
    proportions: Sequence[str]
    means: Sequence[str]
    ratios: Sequence[str]
    quantiles: Sequence[str]
    ranks: Sequence[str]
    clips: Sequence[str]
    clips_at: Sequence[str]
    covariates: Sequence[str]
    stratum: str | None
    cluster: str | None
    scale: str
    alpha: float
    adjust: str | None
    sequential: str | None
    planned: int | None
    looked: Sequence[float]
    prior: float | None
    down: Sequence[str]
    by: Sequence[str]
    k: int

    def layout(self) -> Layout:
        """The columns that are asked for.

        Raises:
            BadInput: options that do not go together, that have no effect, or columns that cannot be what they are
                named for.
        """
        check_options(self.scale, self.alpha)
        check_effects(factors=self.factors, by=self.by, down=self.down, prior=self.prior, order=self.order, k=self.k)
        columns = variant_columns(self.variant, self.control, self.factors)
        if self.factors:
            self._check_factors()
        metrics = metrics_asked(
            proportions=self.proportions,
            means=self.means,
            ratios=self.ratios,
            quantiles=self.quantiles,
            ranks=self.ranks,
        )
        layout = Layout(
            variant=columns,
            unit=self.unit,
            stratum=self.stratum,
            cluster=self.cluster,
            metrics=metrics,
            covariates=named_once(self.covariates, "covariate"),
            clips=clips_asked(self.clips, self.clips_at),
        )
        check_layout(layout, self.by)
        return layout

    def _check_factors(self) -> None:
        looks = [] if self.sequential is None else [self.sequential]
        check_factors(
            self.factors,
            order=self.order,
            compares=self.control is not None,
            corrects=self.adjust is not None or self.prior is not None,
            others=[*self.quantiles, *self.ranks, *self.by, *looks],
        )
