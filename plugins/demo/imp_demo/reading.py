"""The demo's readouts: what the command returned, beside what was planted."""

from __future__ import annotations

from imp_demo.result import ArmResult, Broken, EmailTest
from imp_demo.shop import AA_METRIC, BROKEN, EMAIL_TEST, PLANTED_VISITS
from imp_demo.stage import Stage
from imp_experiments.commands.read_out import read_out
from imp_experiments.readout.readout import Compared, Readout, Verdict

__all__ = ["read_broken", "read_email_test"]

_SHOWN = ("visit", AA_METRIC)


def read_email_test(stage: Stage) -> EmailTest:
    """Read the three-arm test out, through the gate."""
    done = read_out(stage.ctx, EMAIL_TEST)
    readout = done.readout
    verdict = _verdict(readout)
    units = next(item for item in readout.metrics if item.metric == "visit")
    return EmailTest(
        verdict=verdict.value,
        reason=verdict.reason,
        srm_p_value=readout.health.srm.p_value,
        matured=units.matured,
        immature=units.immature,
        excluded=readout.excluded,
        arms=tuple(_arm(compared) for compared in readout.comparisons if compared.metric in _SHOWN),
        report=str(done.path),
    )


def read_broken(stage: Stage) -> Broken:
    """Read out the experiment that lost exposures."""
    readout = read_out(stage.ctx, BROKEN).readout
    verdict = _verdict(readout)
    return Broken(verdict=verdict.value, reason=verdict.reason, srm_p_value=readout.health.srm.p_value)


def _verdict(readout: Readout) -> Verdict:
    return readout.verdict or Verdict(value="none", reason="nothing was registered")


def _arm(compared: Compared) -> ArmResult:
    planted = PLANTED_VISITS.get(compared.variant, 0.0) if compared.metric == "visit" else 0.0
    effect = compared.relative
    return ArmResult(
        metric=compared.metric,
        variant=compared.variant,
        n=compared.n_variant,
        planted=planted,
        estimate=effect.estimate if effect else None,
        low=effect.low if effect else None,
        high=effect.high if effect else None,
        p_value=effect.p_value if effect else None,
        covers=effect.low <= planted <= effect.high if effect else None,
    )
