"""Health checks and bounds as words: what warns or was not tested is spelled out, what is well is counted. Pure."""

from __future__ import annotations

from typing import Final

from imp_experiments.readout.readout import Bounds, Health

__all__ = ["checks_in_words", "warned_of"]

_WARNING: Final = "warning"
_UNTESTED: Final = "not tested"
_PROPORTIONS: Final = "manski"
# of what warns, the head names so many
_NAMED: Final = 3


def checks_in_words(health: Health) -> list[str]:
    """A line a warning and a bound, one that counts what is well, and why others were not tested; none of no checks.

    Why one was not tested is told too: it may be that nothing can be said of a difference that is there to see.
    """
    lines = _told(health, _WARNING) + [_bounds(bounds) for bounds in health.bounds]
    well = sum(check.verdict == "ok" for check in health.checks)
    counted = [f"{'other checks' if lines else 'checks'}: {well} ok"] if well else []
    return [*lines, *counted, *_told(health, _UNTESTED)]


def warned_of(health: Health) -> list[str]:
    """What takes from the answer, in a line for the head; none where no check warns."""
    warned = [f"{check.name}{_of(check.about)}" for check in health.checks if check.verdict == _WARNING]
    more = [f"{len(warned) - _NAMED} more"] if len(warned) > _NAMED else []
    told = ", ".join([*warned[:_NAMED], *more])
    return [f"health warns of: {told}; read on before you trust the answer"] if warned else []


def _told(health: Health, verdict: str) -> list[str]:
    """The checks of one verdict, those of one name that say the same in one line."""
    about: dict[tuple[str, str], list[str]] = {}
    for check in health.checks:
        if check.verdict == verdict:
            about.setdefault((check.name, check.text), []).append(check.about)
    return [f"{name}{_of('; '.join(which))}: {verdict}: {text}" for (name, text), which in about.items()]


def _of(about: str) -> str:
    return f" ({about})" if about else ""


def _bounds(found: Bounds) -> str:
    """In the metric's unit, of proportions in percentage points."""
    share = found.method == _PROPORTIONS
    ends = (found.low, found.high, found.interval_low, found.interval_high)
    low, high, least, most = (f"{100 * end if share else end:+.3g}" for end in ends)
    return (
        f"bounds ({found.metric}, {found.variant}, {found.method}): {low} to {high}{' pp' if share else ''} "
        f"[{least}, {most}] for {found.estimand}; it assumes {found.assumption}"
    )
