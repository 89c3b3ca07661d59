"""Health checks and bounds as words: what warns is spelled out, what is well is counted. Pure."""

from __future__ import annotations

from imp_experiments.readout.readout import Bounds, Health

__all__ = ["checks_in_words"]


def checks_in_words(health: Health) -> list[str]:
    """A line a warning and a bound, and one that counts the other checks; nothing where there were no checks."""
    lines = [
        f"{check.name}{_of(check.about)}: warning: {check.text}"
        for check in health.checks
        if check.verdict == "warning"
    ]
    lines += [_bounds(bounds) for bounds in health.bounds]
    rest = [check.verdict for check in health.checks if check.verdict != "warning"]
    counts = ", ".join(f"{rest.count(verdict)} {verdict}" for verdict in ("ok", "not tested") if verdict in rest)
    return [*lines, f"{'other checks' if lines else 'checks'}: {counts}"] if counts else lines


def _of(about: str) -> str:
    return f" ({about})" if about else ""


def _bounds(found: Bounds) -> str:
    return (
        f"bounds ({found.metric}, {found.variant}, {found.method}): {found.low:+.3g} to {found.high:+.3g} "
        f"[{found.interval_low:+.3g}, {found.interval_high:+.3g}] for {found.estimand}; it assumes {found.assumption}"
    )
