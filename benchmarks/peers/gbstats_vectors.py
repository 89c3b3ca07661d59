"""Cases of one topic as gbstats 0.8.0 answers them, as JSON on standard output.

python3 -m venv ENVIRONMENTS/gbstats && ENVIRONMENTS/gbstats/bin/pip install gbstats==0.8.0
ENVIRONMENTS/gbstats/bin/python benchmarks/peers/gbstats_vectors.py means|ratios|adjusted|bayes

Its relative effects are a linear delta method with the estimate variant / control - 1: of those only the estimate is
given. Its p is 2 (1 - F), which has no digits left below 1e-8: no p is given there. A proportion's variance it takes
without n / (n - 1), so proportions are passed as samples of 0 and 1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, Literal

from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig, GaussianPrior
from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest, frequentist_diff, frequentist_variance
from gbstats.models.statistics import RatioStatistic, RegressionAdjustedStatistic, SampleMeanStatistic, TestStatistic
from inputs import ADJUSTED, ADJUSTED_ALIKE, BAYES, MEANS, PROPORTIONS, RATIOS, TOLERANCE

PEER = f"gbstats {version('gbstats')}"
SMALLEST_P = 1e-6


def sample(n: int, mean: float, variance: float) -> SampleMeanStatistic:
    """Sums of a sample with these moments."""
    return SampleMeanStatistic(n=n, sum=n * mean, sum_squares=variance * (n - 1) + n * mean * mean)


def absolute(variant: TestStatistic, control: TestStatistic, alpha: float) -> dict[str, float]:
    """The Welch test of two statistics; gbstats' a is control."""
    test = TwoSidedTTest(control, variant, FrequentistConfig(difference_type="absolute", alpha=alpha))
    result = test.compute_result()
    out = {
        "estimate": float(result.expected),
        "low": float(result.ci[0]),
        "high": float(result.ci[1]),
        "se": float(result.uplift.stddev),
        "df": float(test.dof),
    }
    return {**out, "p_value": float(result.p_value)} if result.p_value > SMALLEST_P else out


def relative(variant: TestStatistic, control: TestStatistic) -> dict[str, float]:
    """Its estimate alone."""
    test = TwoSidedTTest(control, variant, FrequentistConfig(difference_type="relative"))
    return {"estimate": float(test.compute_result().expected)}


def means() -> Iterator[dict[str, Any]]:
    """Differences of means and of proportions."""
    for name, (variant, control, alpha) in {**MEANS, **PROPORTIONS}.items():
        one, two = sample(**variant), sample(**control)
        yield {
            "id": f"gbstats-{name}",
            "source": f"{PEER}, TwoSidedTTest(SampleMeanStatistic, SampleMeanStatistic), difference_type absolute",
            "input": {"variant": variant, "control": control, "alpha": alpha},
            "expected": {"absolute": absolute(one, two, alpha), "relative": relative(one, two)},
            "tolerance": TOLERANCE,
            "note": "its relative interval is a linear delta method, so that only the relative estimate is the same",
        }


def ratios() -> Iterator[dict[str, Any]]:
    """Ratio metrics by the delta method."""
    for name, (variant, control, alpha) in RATIOS.items():
        one, two = (
            RatioStatistic(
                n=s["n"],
                m_statistic=sample(s["n"], s["mean_num"], s["var_num"]),
                d_statistic=sample(s["n"], s["mean_den"], s["var_den"]),
                m_d_sum_of_products=s["cov"] * (s["n"] - 1) + s["n"] * s["mean_num"] * s["mean_den"],
            )
            for s in (variant, control)
        )
        yield {
            "id": f"gbstats-{name}",
            "source": f"{PEER}, TwoSidedTTest(RatioStatistic, RatioStatistic), difference_type absolute",
            "input": {"variant": variant, "control": control, "alpha": alpha},
            "expected": {"absolute": absolute(one, two, alpha), "relative": relative(one, two)},
            "tolerance": TOLERANCE,
            "note": "its relative interval is a linear delta method, so that only the relative estimate is the same",
        }


def regressed(units: dict[str, Any]) -> RegressionAdjustedStatistic:
    """Sums of metric, covariate and their product."""
    y, x = units["y"], units["x"]
    post, pre = (SampleMeanStatistic(n=len(v), sum=sum(v), sum_squares=sum(e * e for e in v)) for v in (y, x))
    products = sum(a * b for a, b in zip(y, x, strict=True))
    return RegressionAdjustedStatistic(
        n=len(y), post_statistic=post, pre_statistic=pre, post_pre_sum_of_products=products, theta=0
    )


def adjusted() -> Iterator[dict[str, Any]]:
    """CUPED, where its pooled slope is the slope of both variants."""
    for name in ADJUSTED_ALIKE:
        control, variant = ADJUSTED[name]
        found = absolute(regressed(variant), regressed(control), 0.05)
        yield {
            "id": f"gbstats-{name}",
            "source": f"{PEER}, TwoSidedTTest(RegressionAdjustedStatistic, …), difference_type absolute",
            "input": {"variants": [control, variant], "alpha": 0.05},
            "expected": {"estimate": found["estimate"], "se": found["se"]},
            "tolerance": TOLERANCE,
            "note": "CUPED with one pooled slope: the same as Lin's here alone, where both variants have the same slope"
            " and the same mean covariate; residual variance with the divisor n - 1",
        }


def bayes() -> Iterator[dict[str, Any]]:
    """Normal posterior of a difference with a proper prior; once with the prior scaled by control's mean."""
    for name in BAYES:
        yield _posterior(name, BAYES[name], "absolute")
    for name in ("weak-prior", "proportion"):
        variant, control, _, direction, alpha = BAYES[name]
        asked = (variant, control, {"mean": 0.0, "sd": 0.3}, direction, alpha)
        case = _posterior(f"default-{name}", asked, "relative")
        case["input"]["prior"] = {"of_control_mean": control["mean"]}
        yield case


def _posterior(
    name: str,
    asked: tuple[dict[str, Any], dict[str, Any], dict[str, float], str, float],
    prior_type: Literal["relative", "absolute"],
) -> dict[str, Any]:
    variant, control, prior, direction, alpha = asked
    one, two = sample(**variant), sample(**control)
    config = EffectBayesianConfig(
        difference_type="absolute",
        inverse=direction == "down",
        alpha=alpha,
        prior_type=prior_type,
        prior_effect=GaussianPrior(mean=prior["mean"], variance=prior["sd"] ** 2, proper=True),
    )
    result = EffectBayesianABTest(two, one, config).compute_result()
    variance = frequentist_variance(two.variance, two.mean, two.n, one.variance, one.mean, one.n, relative=False)
    return {
        "id": f"gbstats-{name}",
        "source": f"{PEER}, EffectBayesianABTest(proper prior, prior_type {prior_type}), difference_type absolute",
        "input": {
            "scale": "absolute",
            "estimate": float(frequentist_diff(two.mean, one.mean, relative=False)),
            "se": float(variance**0.5),
            "prior": prior,
            "direction": direction,
            "alpha": alpha,
        },
        "expected": {
            "mean": float(result.uplift.mean),
            "sd": float(result.uplift.stddev),
            "low": float(result.ci[0]),
            "high": float(result.ci[1]),
            "chance_to_beat": float(result.chance_to_win),
            # its risk is of control, then of the variant; swapped where less is better
            "loss_of_keeping": float(result.risk[0]),
            "loss_of_shipping": float(result.risk[1]),
        },
        "tolerance": TOLERANCE,
    }


if __name__ == "__main__":
    topics = {"means": means, "ratios": ratios, "adjusted": adjusted, "bayes": bayes}
    print(json.dumps(list(topics[sys.argv[1]]()), ensure_ascii=False))
