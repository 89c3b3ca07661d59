"""The baseline of a ratio of two sums over the units, such as orders per visit: the delta method."""

from __future__ import annotations

from imp_core.errors import BadInput
from imp_experiments.stats.power.baseline import Baseline

__all__ = ["of_ratio"]


def of_ratio(
    numerator: tuple[float, float],
    denominator: tuple[float, float],
    *,
    correlation: float,
    follows: str = "cv",
) -> Baseline:
    """The ratio R of two means, and the per-unit variance of its linear form, (v_n - 2 R cov + R² v_d) / m_d².

    `numerator` and `denominator` are mean and standard deviation per unit, `correlation` is theirs over the units of
    control. Source: Deng, Knoblich and Lu 2018, KDD, section 3.2.

    Raises:
        BadInput: a figure cannot be, the denominator's mean is not above 0, or the linear form does not vary.
    """
    (top, top_sd), (bottom, bottom_sd) = numerator, denominator
    if not bottom > 0:
        raise BadInput("a ratio needs a denominator above 0", where="baseline", mend="give its mean per unit")
    if not (top_sd >= 0 and bottom_sd >= 0):
        raise BadInput("a standard deviation is below 0", where="baseline", mend="give sd, not variance")
    if not -1 <= correlation <= 1:
        raise BadInput("must be between -1 and 1", where="correlation", mend="give that of numerator and denominator")
    ratio = top / bottom
    # as a sum that cannot turn negative: the part of the numerator that the denominator does not explain, and the rest
    along = correlation * top_sd - ratio * bottom_sd
    own = (1 - correlation * correlation) * top_sd * top_sd
    return Baseline(mean=ratio, variance=(along * along + own) / bottom / bottom, follows=follows)
