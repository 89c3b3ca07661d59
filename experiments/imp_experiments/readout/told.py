"""Which totals of units may be told: none from which, less those that are shown, a count of few is left. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from imp_core.suppress import any_hidden
from imp_experiments.readout.readout import MetricUnits

__all__ = ["everybody", "told_together"]


def told_together(units: Sequence[MetricUnits]) -> list[MetricUnits]:
    """The metrics' units: where one has a hidden count, nobody's immature ones, which add up to all units."""
    few = _any_hidden(units)
    return [replace(one, immature=None) if few else one for one in units]


def everybody(n: int, units: Sequence[MetricUnits]) -> dict[str, int]:
    """All units that are in, mature or not, as the ledger names them: left out where that would tell a hidden count."""
    return {} if _any_hidden(units) else {"units": n}


def _any_hidden(units: Sequence[MetricUnits]) -> bool:
    return any_hidden(count for one in units for count in (one.matured, one.immature))
