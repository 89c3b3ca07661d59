"""What every peer is asked: the inputs of tests/vectors/stats, by topic. Plain numbers; no peer, nothing of IMP."""

from __future__ import annotations

from typing import Any

TOLERANCE = 1e-8
PAIR = 2


def side(n: int, mean: float, variance: float) -> dict[str, Any]:
    """One variant: units, mean, sample variance (n - 1)."""
    return {"n": n, "mean": mean, "variance": variance}


def share(events: int, n: int) -> dict[str, Any]:
    """One variant of a proportion: its variance is that of a sample of 0 and 1, p (1 - p) n / (n - 1)."""
    return side(n, events / n, events * (n - events) / n / (n - 1))


# name → variant, control, alpha
MEANS: dict[str, tuple[dict[str, Any], dict[str, Any], float]] = {
    "revenue": (side(4_812, 5.37, 141.2), side(4_790, 5.11, 133.9), 0.05),
    "revenue-99": (side(4_812, 5.37, 141.2), side(4_790, 5.11, 133.9), 0.01),
    "unequal-sizes": (side(500, 12.4, 30.25), side(9_500, 11.9, 64.0), 0.05),
    "unequal-variances": (side(60, 3.0, 0.04), side(25, 2.7, 9.0), 0.1),
    "few-units": (side(5, 2.0, 0.5), side(3, 1.5, 0.25), 0.05),
    "two-units-each": (side(2, 10.5, 0.5), side(2, 8.5, 0.72), 0.05),
    "worse": (side(900, 0.92, 0.49), side(1_100, 1.04, 0.64), 0.05),
    "nil": (side(1_000, 7.5, 20.0), side(1_000, 7.5, 24.0), 0.05),
    "counts": (side(20_000, 1.26, 1.9), side(20_000, 1.21, 1.7), 0.2),
    "a-million": (side(1_000_000, 0.1203, 0.93), side(1_000_000, 0.1188, 0.91), 0.05),
}
# whose two means differ so little that the relative difference is rounding in its last eight digits
NO_RELATIVE = ("far-from-zero",)
# only where no peer has to rebuild the variance from a sum of squares, or to divide by a mean of another sign
MEANS_EXACT: dict[str, tuple[dict[str, Any], dict[str, Any], float]] = {
    "far-from-zero": (side(300, 100_000_000.4, 1.0), side(280, 100_000_000.1, 1.21), 0.05),
    "tiny-values": (side(4_000, 3.1e-9, 4e-18), side(4_200, 2.9e-9, 3.6e-18), 0.05),
    "overwhelming": (side(40_000, 1.5, 1.0), side(40_000, 1.2, 1.0), 0.05),
    "skewed-relative": (side(12, 0.4, 1.9), side(15, 1.1, 2.5), 0.05),
}
PROPORTIONS: dict[str, tuple[dict[str, Any], dict[str, Any], float]] = {
    "conversion": (share(1_213, 10_000), share(1_127, 10_050), 0.05),
    "rare": (share(61, 25_000), share(44, 25_000), 0.05),
    "half": (share(55, 100), share(42, 100), 0.05),
    "all-but-all": (share(990, 1_000), share(975, 1_000), 0.01),
    "small-cells": (share(6, 20), share(3, 22), 0.1),
}


def ratio_side(n: int, *moments: float) -> dict[str, Any]:
    """One variant of a ratio metric: sample moments of numerator and denominator per unit."""
    names = ("mean_num", "mean_den", "var_num", "var_den", "cov")
    return {"n": n, **dict(zip(names, moments, strict=True))}


RATIOS: dict[str, tuple[dict[str, Any], dict[str, Any], float]] = {
    "orders-per-session": (
        ratio_side(2_010, 0.58, 2.01, 0.61, 1.02, 0.41),
        ratio_side(1_990, 0.53, 1.98, 0.55, 0.99, 0.38),
        0.05,
    ),
    "clicks-per-view": (
        ratio_side(10_000, 0.31, 12.4, 0.42, 150.0, 3.9),
        ratio_side(9_800, 0.30, 12.6, 0.40, 155.0, 3.7),
        0.01,
    ),
    "revenue-per-order": (
        ratio_side(800, 84.0, 1.6, 5_200.0, 0.9, 52.0),
        ratio_side(1_200, 79.5, 1.55, 5_000.0, 0.85, 49.0),
        0.05,
    ),
    "no-covariance": (
        ratio_side(400, 1.2, 3.0, 0.8, 1.5, 0.0),
        ratio_side(380, 1.0, 3.1, 0.7, 1.6, 0.0),
        0.1,
    ),
    "negative-covariance": (
        ratio_side(150, 2.2, 5.0, 1.1, 2.5, -0.9),
        ratio_side(140, 2.5, 4.8, 1.0, 2.2, -0.7),
        0.05,
    ),
    "few-units": (
        ratio_side(6, 2.0, 4.0, 0.8, 1.4, 0.6),
        ratio_side(4, 1.0, 4.5, 0.5, 1.1, 0.3),
        0.05,
    ),
    "unequal-sizes": (
        ratio_side(50, 3.1, 2.0, 4.0, 1.0, 1.5),
        ratio_side(5_000, 2.4, 2.1, 3.6, 1.1, 1.4),
        0.05,
    ),
    "denominator-is-one": (
        ratio_side(700, 1.3, 1.0, 0.9, 0.0, 0.0),
        ratio_side(720, 1.2, 1.0, 1.1, 0.0, 0.0),
        0.05,
    ),
}

# name → per variant the units' y (metric) and x (covariate, None: missing); the first variant is control
_X0 = [1.0, 2.0, 0.0, 4.0, 3.0, 1.5, 2.5, 0.5, 3.5, 2.0]
_X1 = [0.5, 3.0, 2.5, 1.0, 4.5, 2.0, 1.5, 3.5, 0.0, 2.5, 1.0, 3.0]
_X2 = [2.0, 1.0, 3.5, 0.5, 4.0, 2.5, 1.5, 3.0]
_Y0 = [2.1, 3.4, 1.2, 6.3, 4.4, 2.7, 3.9, 1.1, 5.0, 3.6]
_Y1 = [2.4, 5.2, 4.1, 2.9, 7.8, 3.7, 3.5, 6.1, 1.4, 4.9, 2.2, 5.6]
_Y2 = [3.1, 2.6, 4.9, 1.9, 4.6, 3.8, 2.2, 4.3]
# the same slope and the same covariates in both, with residuals that no covariate explains
_RESIDUALS = [0.3, -0.3, -0.3, 0.3, 0.1, -0.1, -0.1, 0.1]
_EVEN = [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]
ADJUSTED: dict[str, list[dict[str, Any]]] = {
    "equal-slopes-equal-means": [
        {"name": "control", "y": [2 + 0.5 * x + e for x, e in zip(_EVEN, _RESIDUALS, strict=True)], "x": _EVEN},
        {"name": "variant", "y": [2.4 + 0.5 * x - 2 * e for x, e in zip(_EVEN, _RESIDUALS, strict=True)], "x": _EVEN},
    ],
    "equal-slopes-other-sizes": [
        {"name": "control", "y": [2 + 0.5 * x + e for x, e in zip(_EVEN, _RESIDUALS, strict=True)], "x": _EVEN},
        {
            "name": "variant",
            "y": [2.9 + 0.5 * x - e for x, e in zip(_EVEN * 2, _RESIDUALS + _RESIDUALS[::-1], strict=True)],
            "x": _EVEN * 2,
        },
    ],
    "unequal-slopes": [{"name": "control", "y": _Y0, "x": _X0}, {"name": "variant", "y": _Y1, "x": _X1}],
    "unequal-slopes-negative": [
        {"name": "control", "y": _Y0, "x": _X0},
        {"name": "variant", "y": [9.0 - y for y in _Y1], "x": _X1},
    ],
    "useless-covariate": [
        {"name": "control", "y": _Y0, "x": [3.0, 1.0, 2.0, 2.0, 1.0, 3.0, 1.0, 2.0, 3.0, 2.5]},
        {"name": "variant", "y": _Y1, "x": [2.0, 3.0, 1.0, 1.0, 2.0, 3.0, 3.0, 1.0, 2.0, 2.0, 1.5, 1.0]},
    ],
    "binary-metric": [
        {"name": "control", "y": [0, 1, 0, 1, 1, 0, 1, 0, 1, 0], "x": _X0},
        {"name": "variant", "y": [0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], "x": _X1},
    ],
    "far-from-zero": [
        {"name": "control", "y": [1e6 + y for y in _Y0], "x": [1e6 + x for x in _X0]},
        {"name": "variant", "y": [1e6 + y for y in _Y1], "x": [1e6 + x for x in _X1]},
    ],
    "three-variants": [
        {"name": "control", "y": _Y0, "x": _X0},
        {"name": "variant", "y": _Y1, "x": _X1},
        {"name": "other", "y": _Y2, "x": _X2},
    ],
    "three-variants-the-other": [
        {"name": "control", "y": _Y0, "x": _X0},
        {"name": "variant", "y": _Y2, "x": _X2},
        {"name": "other", "y": _Y1, "x": _X1},
    ],
    "forty-units": [
        {"name": "control", "y": [y + 0.1 * k for k, y in enumerate(_Y0 * 2)], "x": _X0 * 2},
        {"name": "variant", "y": [y + 0.05 * k for k, y in enumerate(_Y1 + _Y2)], "x": _X1 + _X2},
    ],
}
# where the pooled slope of CUPED and Lin's two slopes are one and the same
ADJUSTED_ALIKE = ("equal-slopes-equal-means", "equal-slopes-other-sizes")
ADJUSTED_MISSING: dict[str, list[dict[str, Any]]] = {
    "covariate-missing-of-some": [
        {"name": "control", "y": _Y0, "x": [*_X0[:7], None, None, None]},
        {"name": "variant", "y": _Y1, "x": [None, None, *_X1[2:]]},
    ],
}

# name → variant, control (as means), prior of the difference in the metric's unit, direction, alpha
BAYES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, float], str, float]] = {
    "weak-prior": (side(4_812, 5.37, 141.2), side(4_790, 5.11, 133.9), {"mean": 0.0, "sd": 1.5}, "up", 0.05),
    "strong-prior": (side(4_812, 5.37, 141.2), side(4_790, 5.11, 133.9), {"mean": 0.0, "sd": 0.05}, "up", 0.05),
    "prior-against": (side(900, 1.10, 0.49), side(1_100, 1.04, 0.64), {"mean": -0.2, "sd": 0.03}, "up", 0.1),
    "down": (side(900, 1.10, 0.49), side(1_100, 1.04, 0.64), {"mean": 0.01, "sd": 0.2}, "down", 0.05),
    "few-units": (side(5, 2.0, 0.5), side(3, 1.5, 0.25), {"mean": 0.0, "sd": 0.45}, "up", 0.2),
    "proportion": (share(1_213, 10_000), share(1_127, 10_050), {"mean": 0.0, "sd": 0.0336}, "up", 0.05),
}
# scale, estimate, se, prior, direction, alpha: tails included
BAYES_EXACT: dict[str, tuple[str, float, float, dict[str, float], str, float]] = {
    "usual": ("relative", 0.02, 0.012, {"mean": 0.0, "sd": 0.3}, "up", 0.05),
    "usual-down": ("relative", 0.02, 0.012, {"mean": 0.0, "sd": 0.3}, "down", 0.05),
    "few-units": ("relative", -0.4, 0.6, {"mean": 0.0, "sd": 0.3}, "up", 0.05),
    "nil": ("relative", 0.0, 0.03, {"mean": 0.0, "sd": 0.3}, "up", 0.1),
    "surely-better": ("relative", 0.2, 0.01, {"mean": 0.0, "sd": 0.3}, "up", 0.05),
    "surely-worse": ("relative", -0.2, 0.008, {"mean": 0.0, "sd": 0.3}, "up", 0.05),
    "surely-worse-down": ("relative", 0.15, 0.005, {"mean": 0.0, "sd": 0.3}, "down", 0.05),
    "huge-experiment": ("relative", 3e-7, 1e-6, {"mean": 0.0, "sd": 0.3}, "up", 0.05),
    "huge-experiment-better": ("relative", 1.2e-5, 1e-6, {"mean": 0.0, "sd": 0.3}, "up", 0.05),
    "wide": ("relative", 1.5, 1.2, {"mean": 0.5, "sd": 2.0}, "up", 0.05),
    "very-wide": ("relative", -3.0, 9.0, {"mean": 0.0, "sd": 8.0}, "up", 0.05),
    "just-narrow": ("relative", -0.3, 0.5, {"mean": 0.0, "sd": 40.0}, "up", 0.01),
    "just-wide": ("relative", -0.3, 0.51, {"mean": 0.0, "sd": 40.0}, "down", 0.01),
    "prior-rules": ("relative", 0.5, 2.0, {"mean": -0.1, "sd": 0.02}, "up", 0.05),
    "absolute": ("absolute", 0.26, 0.24, {"mean": 0.0, "sd": 1.5}, "up", 0.05),
    "absolute-surely": ("absolute", 12.0, 1.0, {"mean": 0.0, "sd": 30.0}, "up", 0.05),
    "absolute-surely-down": ("absolute", 30.0, 1.0, {"mean": 0.0, "sd": 100.0}, "down", 0.05),
    "absolute-very-surely": ("absolute", -350.0, 10.0, {"mean": 0.0, "sd": 3_000.0}, "up", 0.05),
}

P_VALUES: dict[str, list[float | None]] = {
    "ten": [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324],
    "shuffled": [0.04, 0.001, 0.3, 0.012, 0.9],
    "ties": [0.02, 0.02, 0.02, 0.5, 0.5],
    "untested": [None, 0.03, None, 0.008, 0.2, None],
    "one": [0.07],
    "edges": [0.0, 1.0, 0.5, 1e-300],
}
# the groups of those means that are held against a margin
GUARDED = ("revenue", "unequal-variances", "few-units", "worse")
# m statistics correlated `r` with one another; df None: normal; sides; alpha
ONE_FACTOR: list[tuple[int, float, float | None, int, float]] = [
    (2, 0.5, None, 2, 0.05),
    (3, 0.5, None, 2, 0.05),
    (5, 0.5, None, 2, 0.01),
    (10, 0.5, None, 2, 0.05),
    (3, 0.5, None, 1, 0.05),
    (4, 0.0, None, 2, 0.05),
    (4, 0.9, None, 2, 0.05),
    (3, 0.2, None, 1, 0.1),
    (2, 0.5, 10.0, 2, 0.05),
    (3, 0.5, 10.0, 2, 0.05),
    (3, 0.5, 10.0, 1, 0.05),
    (5, 0.5, 20.0, 2, 0.01),
    (9, 0.5, 60.0, 2, 0.05),
    (3, 0.7, 3.0, 2, 0.1),
]
