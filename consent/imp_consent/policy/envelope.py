"""The envelope of a person's entry: everything `CONSENT.md` asks a record of consent to hold; encrypted at rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from imp_consent.policy.house import House, readable_house
from imp_core import __version__
from imp_core.context import Context
from imp_core.ports import Json

__all__ = ["PLUGIN", "envelope", "uuid7"]

PLUGIN: Final = "imp-consent"


def uuid7(now_us: int, random: bytes) -> str:
    """A UUID version 7 (RFC 9562 §5.7): milliseconds since 1970, then 74 of the given 80 random bits."""
    milliseconds, noise = now_us // 1_000, int.from_bytes(random, "big")
    number = (milliseconds << 80) | (7 << 76) | ((noise >> 68) << 64) | (2 << 62) | (noise & (2**62 - 1))
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def envelope(
    ctx: Context,
    *,
    type_: str,
    event_us: int,
    purpose: str,
    channel: str | None = None,
    recorded_us: int | None = None,
    surface: str = "command line",
    idempotency_key: str | None = None,
    regimes: Sequence[str] | None = None,
    jurisdiction: str | None = None,
    house: House | None = None,
    more: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """The fields every person's entry has, and `more`, those of its type. Times are UTC microseconds.

    The idempotency key is the event's own id where the source has none. Regimes and jurisdiction are those of
    `imp.toml` where none are given; jurisdiction is None where it names none either. `house` is what was read there.
    """
    recorded = ctx.clock.now_us() if recorded_us is None else recorded_us
    house = readable_house(ctx.workspace.config)[0] if house is None else house
    names = list(house.regimes if regimes is None else regimes)
    event_id = uuid7(recorded, ctx.randomness.token(10))
    return {
        "event_id": event_id,
        "event_us": event_us,
        "recorded_us": recorded,
        "type": type_,
        "controller": ctx.workspace.controller,
        "regime": "+".join(names),
        "regimes": names,
        "jurisdiction": jurisdiction or house.jurisdiction,
        "channel": channel or None,
        "purpose": purpose,
        "data_categories": [],
        "recipients": [],
        "actor": ctx.actor,
        "source": {"surface": surface, "plugin": PLUGIN, "version": __version__},
        "idempotency_key": idempotency_key or event_id,
        **(more or {}),
    }
