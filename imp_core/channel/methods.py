"""Which methods a channel has for each capability it declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from imp_core.channel.info import Capability

__all__ = ["METHODS"]

METHODS: Final[Mapping[Capability, tuple[str, ...]]] = {
    Capability.DELIVER: ("plan", "deliver"),
    Capability.SYNC_AUDIENCE: ("sync_audience",),
    Capability.SEND_CONVERSIONS: ("send_conversions",),
    Capability.POLL: ("poll",),
    Capability.INGEST: ("ingest",),
    Capability.REPORT: ("report",),
    Capability.WITHDRAWN: ("withdrawn",),
    Capability.EXPOSED: ("exposed",),
}
