"""Cases of one topic worked out with mpmath 1.4.1 at 40 digits, as JSON on standard output.

python3 -m venv ENVIRONMENTS/mpmath && ENVIRONMENTS/mpmath/bin/pip install mpmath==1.4.1
ENVIRONMENTS/mpmath/bin/python benchmarks/peers/mpmath_vectors.py bayes|multiplicity

Losses are integrals over the posterior, not the closed forms: E[max(0, 1 - e^θ)] and so on, by quadrature.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

from inputs import BAYES_EXACT, ONE_FACTOR, PAIR
from mpmath import erfc, erfinv, exp, expm1, findroot, mp, mpf, npdf, pi, quad, sqrt

mp.dps = 40
PEER = f"mpmath {version('mpmath')}"


def below(x: mpf) -> mpf:
    """Φ(x)."""
    return erfc(-x / sqrt(2)) / 2


def bayes() -> Iterator[dict[str, Any]]:
    """Normal posterior, and what either decision loses."""
    for name, (scale, estimate, se, prior, direction, alpha) in BAYES_EXACT.items():
        precision = 1 / mpf(se) ** 2 + 1 / mpf(prior["sd"]) ** 2
        mean = (mpf(estimate) / mpf(se) ** 2 + mpf(prior["mean"]) / mpf(prior["sd"]) ** 2) / precision
        sd = 1 / sqrt(precision)
        half = sqrt(2) * erfinv(1 - mpf(alpha)) * sd
        shown = expm1 if scale == "relative" else mpf
        worse = -_mean_excess(mean, sd, shown, up=False)
        better = _mean_excess(mean, sd, shown, up=True)
        up = direction == "up"
        yield {
            "id": f"mpmath-{name}",
            "source": f"{PEER}, 40 digits: conjugate posterior, quadrature over it for the losses",
            "input": {
                "scale": scale,
                "estimate": estimate,
                "se": se,
                "prior": prior,
                "direction": direction,
                "alpha": alpha,
            },
            "expected": {
                "mean": float(mean),
                "sd": float(sd),
                "estimate": float(shown(mean)),
                "low": float(shown(mean - half)),
                "high": float(shown(mean + half)),
                "chance_to_beat": float(below(mean / sd if up else -mean / sd)),
                "loss_of_shipping": float(worse if up else better),
                "loss_of_keeping": float(better if up else worse),
            },
            "tolerance": 1e-10,
        }


def _mean_excess(mean: mpf, sd: mpf, value: Callable[[mpf], mpf], *, up: bool) -> mpf:
    """∫ value(θ) p(θ) over θ above (or below) 0, in pieces of half a standard deviation.

    In a tail all is measured by the density at 0, because the quadrature's own tolerance is absolute.
    """
    sign = 1 if up else -1
    distance = sign * mean / sd
    unit = -(min(distance, 0) ** 2) / 2
    far = max(distance, 0) + max(sd, 0) + 40
    cuts = [far * k / 400 for k in range(401)]
    if distance < 0:
        # there it falls like e^(distance x)
        cuts = [cut / (1 - distance) for cut in cuts]
    integral = quad(lambda x: value(sign * x * sd) * exp(-((x - distance) ** 2) / 2 - unit), cuts)
    return integral * exp(unit) / sqrt(2 * pi)


def multiplicity() -> Iterator[dict[str, Any]]:
    """Critical values of the largest of normal statistics with one common factor."""
    for m, r, df, sides, alpha in ONE_FACTOR:
        if df is not None:
            continue
        matrix = [[1.0 if i == j else r for j in range(m)] for i in range(m)]
        limit = findroot(
            lambda c, a=(m, r, sides), p=alpha: _exceed(c, *a) - mpf(p), (mpf(2), mpf(3)), solver="anderson"
        )
        yield {
            "id": f"mpmath-max-t-{m}-{r}-{sides}",
            "source": f"{PEER}, quadrature over the common factor and findroot (Dunnett 1955, equation 5 without df)",
            "input": {"correlation": matrix, "df": None, "sides": sides, "alpha": alpha},
            "expected": {"critical": float(limit)},
            "tolerance": 1e-10,
        }


def _exceed(limit: mpf, m: int, r: float, sides: int) -> mpf:
    root, width = sqrt(mpf(r)), sqrt(1 - mpf(r))

    def none(z: mpf) -> mpf:
        inside = below((limit - root * z) / width)
        if sides == PAIR:
            inside -= below((-limit - root * z) / width)
        return inside**m * npdf(z)

    return 1 - quad(none, [mpf(k) for k in range(-14, 15)])


if __name__ == "__main__":
    print(json.dumps(list({"bayes": bayes, "multiplicity": multiplicity}[sys.argv[1]]()), ensure_ascii=False))
