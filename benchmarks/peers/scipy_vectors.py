"""Cases of one topic as scipy 1.17.1 and statsmodels 0.15.0 answer them, as JSON on standard output.

python3 -m venv ENVIRONMENTS/scipy
ENVIRONMENTS/scipy/bin/pip install scipy==1.17.1 statsmodels==0.15.0 pandas==3.1.1
ENVIRONMENTS/scipy/bin/python benchmarks/peers/scipy_vectors.py means|adjusted|multiplicity
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import scipy.stats
import statsmodels.formula.api as smf
from inputs import (
    ADJUSTED,
    ADJUSTED_MISSING,
    MEANS,
    MEANS_EXACT,
    NO_RELATIVE,
    ONE_FACTOR,
    P_VALUES,
    PAIR,
    PROPORTIONS,
    TOLERANCE,
)
from scipy.integrate import quad
from scipy.optimize import brentq
from statsmodels.stats.multitest import multipletests

SCIPY, STATSMODELS = f"scipy {version('scipy')}", f"statsmodels {version('statsmodels')}"
METHODS = {
    "bonferroni": "bonferroni",
    "holm": "holm",
    "hochberg": "simes-hochberg",
    "benjamini_hochberg": "fdr_bh",
    "benjamini_yekutieli": "fdr_by",
}


def welch(one: tuple[int, float, float], two: tuple[int, float, float], alpha: float) -> dict[str, float]:
    """`ttest_ind_from_stats` without equal variances, of (n, mean, variance); t quantiles from its df."""
    (n1, m1, v1), (n0, m0, v0) = one, two
    result = scipy.stats.ttest_ind_from_stats(m1, v1**0.5, n1, m0, v0**0.5, n0, equal_var=False)
    e1, e0 = v1 / n1, v0 / n0
    df = (e1 + e0) ** 2 / (e1**2 / (n1 - 1) + e0**2 / (n0 - 1))
    half = float(scipy.stats.t(df).isf(alpha / 2)) * math.sqrt(e1 + e0)
    return {
        "estimate": m1 - m0,
        "low": m1 - m0 - half,
        "high": m1 - m0 + half,
        "p_value": float(result.pvalue),
        "df": df,
        "se": math.sqrt(e1 + e0),
    }


def means() -> Iterator[dict[str, Any]]:
    """Differences of means and proportions; relative as the Welch test of the logarithms of the means."""
    for name, (variant, control, alpha) in {**MEANS, **MEANS_EXACT, **PROPORTIONS}.items():
        sides = [(s["n"], s["mean"], s["variance"]) for s in (variant, control)]
        logs = [(n, math.log(mean), variance / mean / mean) for n, mean, variance in sides]
        on_logs = welch(logs[0], logs[1], alpha)
        relative = {key: math.expm1(on_logs[key]) for key in ("estimate", "low", "high")}
        yield {
            "id": f"scipy-{name}",
            "source": f"{SCIPY}, stats.ttest_ind_from_stats(equal_var=False); relative: the same of mean log m and"
            " standard deviation s / m, exponentiated",
            "input": {"variant": variant, "control": control, "alpha": alpha},
            "expected": {"absolute": welch(sides[0], sides[1], alpha)}
            | ({} if name in NO_RELATIVE else {"relative": {**on_logs, **relative}}),
            "tolerance": TOLERANCE,
        }


def adjusted() -> Iterator[dict[str, Any]]:
    """Lin's estimate by least squares on the units; its variance by STATISTICS.md from each variant's residuals."""
    for name, variants in ADJUSTED.items():
        frame = _frame(variants)
        frame["c"] = frame["x"] - frame["x"].mean()
        control, variant = variants[0]["name"], variants[1]["name"]
        rest = "".join(f" + d{k} + d{k}:c" for k in range(1, len(variants)))
        fit = smf.ols(f"y ~ c{rest}", frame).fit()
        slopes = {control: float(fit.params["c"]), variant: float(fit.params["c"] + fit.params["d1:c"])}
        yield {
            "id": f"statsmodels-{name}",
            "source": f"{STATSMODELS}, ols('y ~ T*(x - mean(x))') on the units, x centred over all variants:"
            " coefficient of T; se: sqrt(r1/n1 + r0/n0 + (theta1 - theta0)^2 var(x)/N), r each variant's sum of squared"
            " residuals over n - 1 (`se`) or n - 2 (`se_n_minus_2`), N and var(x) (N - 1) of all variants",
            "input": {"variants": variants, "alpha": 0.05},
            "expected": {
                "estimate": float(fit.params["d1"]),
                "se": _se(frame, fit.resid, slopes, 1),
                "se_n_minus_2": _se(frame, fit.resid, slopes, 2),
                "theta_control": slopes[control],
                "theta_variant": slopes[variant],
                "adjusted_mean_control": float(fit.params["Intercept"]),
                "adjusted_mean_variant": float(fit.params["Intercept"] + fit.params["d1"]),
            },
            "tolerance": 1e-10 if name != "far-from-zero" else 1e-7,
            "note": "the first variant of the input is control, the second is compared with it",
        }
    yield from _missing()


def _missing() -> Iterator[dict[str, Any]]:
    """With an indicator of a missing covariate beside it, any filling gives the same estimate."""
    for name, variants in ADJUSTED_MISSING.items():
        frame = _frame(variants)
        frame["m"] = frame["x"].isna().astype(float)
        frame["x"] = frame["x"].fillna(0.0)
        for column in ("x", "m"):
            frame[column] -= frame[column].mean()
        fit = smf.ols("y ~ d1 * (x + m)", frame).fit()
        yield {
            "id": f"statsmodels-{name}",
            "source": f"{STATSMODELS}, ols('y ~ T*(x + missing)') on the units, x filled with 0, both centred over all"
            " variants: coefficient of T",
            "input": {"variants": variants, "alpha": 0.05},
            "expected": {"estimate": float(fit.params["d1"])},
            "tolerance": TOLERANCE,
            "note": "null is a missing covariate: filled, with an indicator as a second covariate",
        }


def _frame(variants: list[dict[str, Any]]) -> pd.DataFrame:
    parts = []
    for k, units in enumerate(variants):
        part = pd.DataFrame({"variant": units["name"], "y": units["y"], "x": units["x"]}).astype(
            {"x": float, "y": float}
        )
        for other in range(1, len(variants)):
            part[f"d{other}"] = float(k == other)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _se(frame: pd.DataFrame, residuals: pd.Series, slopes: dict[str, float], spent: int) -> float:
    """`slopes`: of the two variants that are compared; `spent`: what their residuals' divisors are below n."""
    one, two = slopes.values()
    total = (one - two) ** 2 * float(frame["x"].var()) / len(frame)
    for name in slopes:
        own = residuals[frame["variant"] == name]
        total += float((own**2).sum()) / (len(own) - spent) / len(own)
    return math.sqrt(total)


def multiplicity() -> Iterator[dict[str, Any]]:
    """Adjusted p-values; Dunnett's and Tukey's critical values."""
    for name, p_values in P_VALUES.items():
        counted = [p for p in p_values if p is not None]
        for method, theirs in METHODS.items():
            found = iter(multipletests(counted, method=theirs)[1])
            yield {
                "id": f"statsmodels-{method}-{name}",
                "source": f"{STATSMODELS}, stats.multitest.multipletests(method='{theirs}')",
                "input": {"p_values": p_values, "method": method},
                "expected": {"p_values": [None if p is None else float(next(found)) for p in p_values]},
                "tolerance": 1e-12,
            }
    yield from _dunnett()
    yield from _tukey()


def _dunnett() -> Iterator[dict[str, Any]]:
    for m, r, df, sides, alpha in ONE_FACTOR:
        if df is None:
            continue
        matrix = [[1.0 if i == j else r for j in range(m)] for i in range(m)]
        limit = brentq(lambda c, a=(m, r, df, sides), p=alpha: _exceed(c, *a) - p, 1.0, 15.0, xtol=1e-12)
        yield {
            "id": f"scipy-max-t-{m}-{r}-{df}-{sides}",
            "source": f"{SCIPY}, integrate.quad (over chi / sqrt(df)) of integrate.quad (over the common factor) of"
            " stats.norm, and optimize.brentq for the root (Dunnett 1955, equations 5 and 6)",
            "input": {"correlation": matrix, "df": df, "sides": sides, "alpha": alpha},
            "expected": {"critical": float(limit)},
            "tolerance": TOLERANCE,
        }


def _exceed(limit: float, m: int, r: float, df: float, sides: int) -> float:
    def none(scale: float) -> float:
        def given(z: float) -> float:
            high, low = ((x * limit * scale - math.sqrt(r) * z) / math.sqrt(1 - r) for x in (1, -1))
            inside = scipy.special.ndtr(high) - (scipy.special.ndtr(low) if sides == PAIR else 0.0)
            return float(inside**m) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

        return quad(given, -9, 9, epsabs=1e-12, epsrel=1e-11, limit=200)[0] * density(scale)

    def density(scale: float) -> float:
        return float(scipy.stats.chi.pdf(scale * math.sqrt(df), df)) * math.sqrt(df)

    ends = scipy.stats.chi.isf([1 - 1e-14, 1e-14], df) / math.sqrt(df)
    return 1 - quad(none, float(max(ends[0], 0)), float(ends[1]), epsabs=1e-12, epsrel=1e-11, limit=200)[0]


def _tukey() -> Iterator[dict[str, Any]]:
    for groups, df, alpha in ((3, 12.0, 0.05), (4, 20.0, 0.05), (4, math.inf, 0.01)):
        rows = [(i, j) for i in range(groups) for j in range(i)]
        contrasts = np.zeros((len(rows), groups))
        for k, (i, j) in enumerate(rows):
            contrasts[k, [i, j]] = (1, -1)
        yield {
            "id": f"scipy-tukey-{groups}-{df}",
            "source": f"{SCIPY}, stats.studentized_range.isf / sqrt(2)",
            "input": {
                "correlation": (contrasts @ contrasts.T / 2).tolist(),
                "df": None if math.isinf(df) else df,
                "sides": 2,
                "alpha": alpha,
            },
            "expected": {"critical": float(scipy.stats.studentized_range.isf(alpha, groups, df) / math.sqrt(2))},
            "tolerance": 1e-3,
            "note": "all pairs of equally large groups; not one factor, so that the answer is sampled",
        }


if __name__ == "__main__":
    topics = {"means": means, "adjusted": adjusted, "multiplicity": multiplicity}
    print(json.dumps(list(topics[sys.argv[1]]()), ensure_ascii=False))
