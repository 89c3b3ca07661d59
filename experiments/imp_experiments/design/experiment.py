"""An experiment as registered: frozen, with every default filled in, and the hash of what decides its analysis."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from imp_experiments.design.factors import Design, Factor

__all__ = [
    "DEFAULT_POWER",
    "LEAST_ALPHA",
    "PRIMARY_CORRECTION",
    "SECONDARY_CORRECTION",
    "Counted",
    "DecisionRule",
    "Ends",
    "Experiment",
    "Metric",
    "Plan",
    "Variant",
    "analysis_sha256",
]

# What may change after the start without changing what is analysed: words, and how many units enter.
_NOT_ANALYSIS = ("hypothesis", "traffic")
DEFAULT_POWER: Final = 0.8
# Smaller errors than this no experiment can hold, for its tails are far beyond what the methods approximate.
LEAST_ALPHA: Final = 1e-9
PRIMARY_CORRECTION: Final = "bonferroni"
SECONDARY_CORRECTION: Final = "benjamini_hochberg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Control or a treatment; the weight is its share of the units, 0 for none."""

    name: str
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Which events count, and as what: see `Metric`."""

    event: str
    value: str
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where units' values end (winsorisation): `low` and `high` in the metric's unit, or `quantiles`; None: open."""

    low: float | None = None
    high: float | None = None
    quantiles: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What is measured of a unit between `start_us` (included) and `window_us` (not) after its first exposure.

    `value` of the events named `event` that match `where` (column → accepted texts): count, any (0 or 1), amount
    (in units of the currency) or quantity. A ratio has a `denominator`, measured over the same time; a quantile says
    which of it (`q`), over the units with such an event; `clip` ends the values of units. `pre_us` before the exposure
    the same is measured as a covariate; `covariates` name other metrics whose `pre` counts too (None: no other).
    `margin` belongs to a guardrail: how much worse is still not worse, in units of
    the metric's scale. Durations are microseconds; `pre_us` is None where there is no pre-period.
    """

    name: str
    role: str
    kind: str
    event: str
    value: str
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    start_us: int = 0
    window_us: int
    pre_us: int | None = None
    scale: str = "relative"
    direction: str = "up"
    missing: str = "zero"
    margin: float | None = None
    denominator: Counted | None = None
    q: float | None = None
    clip: Ends | None = None
    covariates: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When the experiment is decided and at which error; `mde` is None where none was planned.

    `looks` more often than once are corrected for by `sequential`: a spending function (obrien_fleming, pocock,
    power:RHO), for which `units` are planned in all, or confidence_sequence, narrowest at `units`; None: the first
    where units are planned, else the last. The first look waits for `min_units` and, of a proportion,
    `min_conversions` in each variant. None: the default. `prior` is the standard deviation of a normal prior around no
    effect, on each metric's scale: of log(variant / control), or in the metric's unit. None: there is none.
    """

    horizon_us: int
    alpha: float = 0.05
    power: float = DEFAULT_POWER
    mde: float | None = None
    looks: str = "once"
    sequential: str | None = None
    units: int | None = None
    min_units: int | None = None
    min_conversions: int | None = None
    prior: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRule:
    """What must hold to ship: any or all primary metrics better, and every guardrail as named.

    `primaries` and `secondaries` say how each are corrected for their number (secondaries: "none", too). None: the
    default, which is never written out, so that a hash does not tell whether it was.
    """

    primary: str = "any"
    guardrails: str = "noninferior"
    primaries: str | None = None
    secondaries: str | None = None

    @property
    def primary_correction(self) -> str:
        """How primaries are corrected."""
        return self.primaries or PRIMARY_CORRECTION

    @property
    def secondary_correction(self) -> str:
        """How secondaries are corrected; "none": not at all."""
        return self.secondaries or SECONDARY_CORRECTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One experiment file. Variants and metrics keep the order of the file; `control` names one of the variants.

    Of a multivariate experiment the variants are the cells of `factors` that `design` runs; else both are None.
    `cluster` says what was randomised where units come in groups ("household"): errors are then by the clusters that
    the exposures name. None: units were.
    """

    name: str
    hypothesis: str
    purpose: str
    unit: str
    salt: str
    namespace: str
    traffic: float
    trigger: str
    control: str
    variants: tuple[Variant, ...]
    metrics: tuple[Metric, ...]
    plan: Plan
    decision: DecisionRule
    factors: tuple[Factor, ...] | None = None
    design: Design | None = None
    cluster: str | None = None

    @property
    def weights(self) -> dict[str, int]:
        """Variant → weight, in the order of the file."""
        return {variant.name: variant.weight for variant in self.variants}

    @property
    def widest_us(self) -> int:
        """The widest metric window, in microseconds: how long a unit must stay permitted to be counted."""
        return max(metric.window_us for metric in self.metrics)


def analysis_sha256(experiment: Experiment) -> str:
    """Hex SHA-256 of the canonical JSON of the fields that decide the analysis: the pre-registration.

    Defaults are part of it, so that writing one out changes nothing. Hypothesis and traffic are left out: a ramp
    moves nobody between variants.
    """
    fields = {key: value for key, value in asdict(experiment).items() if key not in _NOT_ANALYSIS}
    text = json.dumps(_canonical(fields), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    """The same without absent fields (later versions add some) and with floats as text that reads back equal."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return {key: _canonical(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    return value
