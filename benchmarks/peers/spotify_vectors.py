"""Cases of one topic as spotify-confidence 4.1.0 answers them, as JSON on standard output.

python3 -m venv ENVIRONMENTS/spotify && ENVIRONMENTS/spotify/bin/pip install spotify-confidence==4.1.0
ENVIRONMENTS/spotify/bin/python benchmarks/peers/spotify_vectors.py means|noninferior

`StudentsTTest` is Welch's. A table whose sum and sum of squares are equal it takes for a proportion with the variance
p (1 - p), so that proportions are not asked. Its relative interval takes control's mean for a constant: not given.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pandas as pd
from inputs import GUARDED, MEANS, TOLERANCE
from spotify_confidence import StudentsTTest

PEER = f"spotify-confidence {version('spotify-confidence')}"
MARGINS = (0.02, 0.1)


def asked(variant: dict[str, Any], control: dict[str, Any], alpha: float) -> StudentsTTest:
    """The sums of both as its table."""
    rows = [
        {"group": name, "total": s["n"] * s["mean"], "squares": s["variance"] * (s["n"] - 1) + s["n"] * s["mean"] ** 2}
        | {"units": s["n"]}
        for name, s in (("variant", variant), ("control", control))
    ]
    return StudentsTTest(pd.DataFrame(rows), "total", "squares", "units", "group", interval_size=1 - alpha)


def means() -> Iterator[dict[str, Any]]:
    """Differences of means."""
    for name, (variant, control, alpha) in MEANS.items():
        row = asked(variant, control, alpha).difference(level_1="control", level_2="variant").iloc[0]
        absolute = {"estimate": "difference", "low": "ci_lower", "high": "ci_upper", "p_value": "p-value"}
        yield {
            "id": f"spotify-confidence-{name}",
            "source": f"{PEER}, StudentsTTest.difference, absolute",
            "input": {"variant": variant, "control": control, "alpha": alpha},
            "expected": {"absolute": {ours: float(row[theirs]) for ours, theirs in absolute.items()}},
            "tolerance": TOLERANCE,
            "note": "its relative interval takes control's mean for a constant, so that none is given",
        }


def noninferior() -> Iterator[dict[str, Any]]:
    """One-sided tests against a margin, which it takes as a share of control's mean, as a constant."""
    for name in GUARDED:
        variant, control, alpha = MEANS[name]
        for margin in MARGINS:
            for direction, theirs in (("up", "increase"), ("down", "decrease")):
                test = asked(variant, control, alpha)
                row = test.difference("control", "variant", non_inferiority_margins=(margin, theirs)).iloc[0]
                v1, v0 = variant["variance"] / variant["n"], control["variance"] / control["n"]
                df = (v1 + v0) ** 2 / (v1**2 / (variant["n"] - 1) + v0**2 / (control["n"] - 1))
                yield {
                    "id": f"spotify-confidence-{name}-{margin}-{direction}",
                    "source": f"{PEER}, StudentsTTest.difference(non_inferiority_margins=({margin}, '{theirs}'))",
                    "input": {
                        "scale": "absolute",
                        "estimate": float(row["difference"]),
                        "se": (v1 + v0) ** 0.5,
                        "df": df,
                        "margin": margin * control["mean"],
                        "direction": direction,
                        "alpha": alpha,
                    },
                    "expected": {
                        "p_value": float(row["p-value"]),
                        "bound": float(row["ci_lower" if direction == "up" else "ci_upper"]),
                        "outcome": "held" if bool(row["is_significant"]) else "broken",
                    },
                    "tolerance": TOLERANCE,
                }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(list({"means": means, "noninferior": noninferior}[sys.argv[1]]()), ensure_ascii=False))
