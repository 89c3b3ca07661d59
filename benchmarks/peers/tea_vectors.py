"""Cases of one topic as tea-tasting 1.14.0 answers them, as JSON on standard output.

python3 -m venv ENVIRONMENTS/tea && ENVIRONMENTS/tea/bin/pip install tea-tasting==1.14.0 pandas pyarrow
ENVIRONMENTS/tea/bin/python benchmarks/peers/tea_vectors.py means|ratios|adjusted

Its relative interval is the delta method on the logarithm with Satterthwaite's degrees of freedom of the logarithms,
as ours; its p beside it is of the absolute difference (`RatioOfMeans._analyze_stats`), so that none is given there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pandas as pd
import tea_tasting as tt
from inputs import ADJUSTED, ADJUSTED_ALIKE, MEANS, MEANS_EXACT, NO_RELATIVE, PROPORTIONS, RATIOS, TOLERANCE
from tea_tasting.aggr import Aggregates
from tea_tasting.metrics.mean import MeanResult

PEER = f"tea-tasting {version('tea-tasting')}"
_NOTE = "its p is of the absolute difference alone"


def read(result: MeanResult) -> dict[str, dict[str, float]]:
    """Both scales of a result."""
    absolute = {
        "estimate": result.effect_size,
        "low": result.effect_size_ci_lower,
        "high": result.effect_size_ci_upper,
        "p_value": result.pvalue,
    }
    if result.statistic:
        absolute["se"] = result.effect_size / result.statistic
    relative = {
        "estimate": result.rel_effect_size,
        "low": result.rel_effect_size_ci_lower,
        "high": result.rel_effect_size_ci_upper,
    }
    return {scale: {k: float(v) for k, v in x.items()} for scale, x in zip(_SCALES, (absolute, relative), strict=True)}


_SCALES = ("absolute", "relative")


def means() -> Iterator[dict[str, Any]]:
    """Differences of means and of proportions."""
    for name, (variant, control, alpha) in {**MEANS, **MEANS_EXACT, **PROPORTIONS}.items():
        metric = tt.Mean("y", confidence_level=1 - alpha, equal_var=False, use_t=True)
        one, two = (Aggregates(s["n"], {"y": s["mean"]}, {"y": s["variance"]}) for s in (variant, control))
        expected = read(metric.analyze_aggregates(two, one))
        if name in NO_RELATIVE:
            del expected["relative"]
        yield {
            "id": f"tea-tasting-{name}",
            "source": f"{PEER}, Mean(equal_var=False, use_t=True).analyze_aggregates",
            "input": {"variant": variant, "control": control, "alpha": alpha},
            "expected": expected,
            "tolerance": TOLERANCE,
            "note": _NOTE,
        }


def ratios() -> Iterator[dict[str, Any]]:
    """Ratio metrics by the delta method."""
    for name, (variant, control, alpha) in RATIOS.items():
        metric = tt.RatioOfMeans("num", "den", confidence_level=1 - alpha, equal_var=False, use_t=True)
        one, two = (
            Aggregates(
                s["n"],
                {"num": s["mean_num"], "den": s["mean_den"]},
                {"num": s["var_num"], "den": s["var_den"]},
                {("den", "num"): s["cov"]},
            )
            for s in (variant, control)
        )
        yield {
            "id": f"tea-tasting-{name}",
            "source": f"{PEER}, RatioOfMeans(equal_var=False, use_t=True).analyze_aggregates",
            "input": {"variant": variant, "control": control, "alpha": alpha},
            "expected": read(metric.analyze_aggregates(two, one)),
            "tolerance": TOLERANCE,
            "note": _NOTE,
        }


def adjusted() -> Iterator[dict[str, Any]]:
    """CUPED, where its pooled slope is the slope of both variants."""
    for name in ADJUSTED_ALIKE:
        control, variant = ADJUSTED[name]
        frame = pd.concat(
            [pd.DataFrame({"variant": k, "y": s["y"], "x": s["x"]}) for k, s in enumerate((control, variant))]
        )
        metric = tt.Mean("y", "x", confidence_level=0.95, equal_var=False, use_t=True)
        result = tt.Experiment(y=metric).analyze(frame)["y"]
        yield {
            "id": f"tea-tasting-{name}",
            "source": f"{PEER}, Mean('y', 'x', equal_var=False, use_t=True) on the units",
            "input": {"variants": [control, variant], "alpha": 0.05},
            "expected": {
                "estimate": float(result.effect_size),
                "se": float(result.effect_size / result.statistic),
                "adjusted_mean_control": float(result.control),
                "adjusted_mean_variant": float(result.treatment),
                "relative": {"estimate": float(result.rel_effect_size)},
            },
            "tolerance": TOLERANCE,
            "note": "CUPED with one pooled slope: the same as Lin's here alone, where both variants have the same slope"
            " and the same mean covariate; residual variance with the divisor n - 1",
        }


if __name__ == "__main__":
    topics = {"means": means, "ratios": ratios, "adjusted": adjusted}
    print(json.dumps(list(topics[sys.argv[1]]()), ensure_ascii=False))
