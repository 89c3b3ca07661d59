"""The `Readout`: what a person decides on, frozen. `readout.schema.json` describes the JSON it is written as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from imp_experiments.readout.factored import Factored
from imp_experiments.stats.bayes import Posterior
from imp_experiments.stats.concurrent import Interaction
from imp_experiments.stats.effect import Condition, Effect
from imp_experiments.stats.heterogeneity import Heterogeneity
from imp_experiments.stats.srm import SampleRatio

__all__ = [
    "SCHEMA",
    "Between",
    "Bounds",
    "Breakdown",
    "Check",
    "Compared",
    "Consent",
    "Health",
    "Independent",
    "Level",
    "LevelsDiffer",
    "MetricUnits",
    "Readout",
    "Registered",
    "Test",
    "Verdict",
]

SCHEMA: Final = "imp.readout/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One metric of one variant against control.

    `value` is the mean per unit (of a proportion: the share, of a ratio: the ratio of means), adjusted where the method
    says so; `scale` is the registered one, whose p is `p_value`. `variance_saved` is the share of the absolute
    difference's variance that adjustment took away (None: nothing was adjusted for; below 0: it added some).
    `p_corrected` is p on the registered scale corrected by `correction` (None: for no other comparison); by bonferroni
    and max_t the intervals are simultaneous too. `posterior` is on the registered scale, where a prior was given.
    `look` says how looking more than once was allowed for, in p and intervals; these leave `tail` on each side. None:
    there is no such figure, and `conditions` name the reason.
    """

    metric: str
    kind: str
    variant: str
    control: str
    n_variant: int | None
    n_control: int | None
    value_variant: float | None
    value_control: float | None
    absolute: Effect | None
    relative: Effect | None
    scale: str
    method: str
    conditions: tuple[Condition, ...]
    variance_saved: float | None = None
    correction: str | None = None
    p_corrected: float | None = None
    posterior: Posterior | None = None
    look: str | None = None
    tail: float | None = None

    @property
    def registered(self) -> Effect | None:
        """The effect on the registered scale."""
        return self.relative if self.scale == "relative" else self.absolute

    @property
    def p_value(self) -> float | None:
        """The p: that of the registered scale, not corrected for other comparisons."""
        return None if self.registered is None else self.registered.p_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The signed checkpoint the data was read under, and the seq of the `use-open` entry."""

    checkpoint: str
    use: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The experiment as started: what was hashed before anybody could look. `started` is ISO 8601."""

    name: str
    phase: int
    purpose: str
    definition_sha256: str
    analysis_sha256: str
    started: str
    horizon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricUnits:
    """How many units' windows are over (they count) and how many are not yet.

    None: fewer than k, or a variant of fewer than k could be worked out; `immature` is None for every metric where a
    count of another one is.
    """

    metric: str
    role: str
    matured: int | None
    immature: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One health check: `name` is balance, outliers, novelty, consent or clusters, `verdict` ok, warning or not tested.

    `about` is the metric or covariate it concerns, with its variant where one is compared ("spend, b"); "" for all.
    `text` is a sentence for people, with its figures where they may be shown. `p_value` has two digits; None: there is
    none, or it may not be shown.
    """

    name: str
    about: str
    verdict: str
    text: str
    p_value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The effect (variant - control, in the metric's unit) where consent differs: all between `low` and `high` fits.

    `method` is lee or manski, and `assumption` all it assumes; `interval_low` to `interval_high` covers the one true
    effect in 1 - alpha of all experiments. Figures have three digits. It is the effect on the units of `estimand`.
    """

    metric: str
    variant: str
    control: str
    method: str
    assumption: str
    estimand: str
    low: float
    high: float
    interval_low: float
    interval_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What must hold for the figures to mean anything.

    `two_variants` counts units in several variants by the first and last of these by name ("a+b"). None: 1 to
    k - 1 of them, or another count that with their total would tell such a one. `bounds` are there where consent
    differs between variants and they may be shown.
    """

    srm: SampleRatio
    two_variants: Mapping[str, int | None] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    bounds: tuple[Bounds, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One hypothesis of the verdict: interval and p are simultaneous for primaries, on `scale`.

    outcome: better, worse, not shown, no estimate; for guardrails: held, broken, no estimate.
    margin: what a guardrail's one-sided bound is held against at the end, the worst effect that is acceptable (-0.02:
    two per cent less); p is one-sided then, of an effect as bad or worse. None: p and interval are two-sided.
    """

    metric: str
    role: str
    variant: str
    scale: str
    low: float | None
    high: float | None
    p_value: float | None
    outcome: str
    margin: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """value: ship, do not ship, keep running, invalid. `variants` are those to ship; `tests` what it rests on."""

    value: str
    reason: str
    variants: tuple[str, ...] = ()
    correction: str = "bonferroni"
    hypotheses: int = 0
    tests: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of a dimension ("(other)": those that are merged, "(none)": units without one), and its comparisons."""

    level: str
    comparisons: tuple[Compared, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelsDiffer:
    """Whether the effect of a variant on a metric differs between levels, tested on the registered `scale`.

    `test` is None where fewer than two levels have an effect. By another experiment only its variants are levels of
    the test, and `between` says for each of them by how much the effect differs from that beside its control.
    """

    metric: str
    variant: str
    scale: str
    test: Heterogeneity | None
    between: tuple[Between, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """By how much an effect beside variant `level` of another experiment differs from that beside its `base`."""

    level: str
    base: str
    interaction: Interaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Every metric within each level of a dimension: exploratory, and no part of the verdict.

    `merged` counts the levels in "(other)", or those that are not shown where `levels` is empty: then all together are
    too few, or only the whole is left. p is corrected over all `hypotheses` of the dimension that have one.
    `differences` is empty before the horizon: it would be an uncorrected look. `independence` is of the assignments of
    another experiment, at the horizon too (None: not by another experiment).
    """

    dimension: str
    levels: tuple[Level, ...]
    merged: int
    correction: str
    hypotheses: int
    differences: tuple[LevelsDiffer, ...] = ()
    independence: Independent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Independent:
    """Whether two experiments assign independently: ok, dependent (χ², p < 0.001) or not tested, with the reason.

    `p_value` has two digits; None: not tested.
    """

    verdict: str
    p_value: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """The whole answer. `consent` is None where consent was not checked (a file the analyst holds).

    `excluded` counts units that are not in the comparisons, by reason; None: 1 to k - 1 of them. `as_of` is the
    time it holds for. `experiment` and `verdict` are None where nothing was registered. `factorial` is None where the
    variants are not the cells of factors, or their effects may not be told yet.
    `breakdowns` by dimensions that were asked for are exploratory.
    """

    consent: Consent | None
    comparisons: tuple[Compared, ...]
    health: Health
    excluded: Mapping[str, int | None]
    as_of: str
    alpha: float
    experiment: Registered | None = None
    metrics: tuple[MetricUnits, ...] = ()
    verdict: Verdict | None = None
    notes: tuple[str, ...] = ()
    breakdowns: tuple[Breakdown, ...] = ()
    factorial: Factored | None = None
