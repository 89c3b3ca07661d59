"""Which channels want to hear of withdrawals: those whose manifest says so, for the purposes it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from imp_consent.ledger.reader import Reader
from imp_core.channel import Capability
from imp_core.context import Context
from imp_core.errors import ImpError, LedgerBroken
from imp_core.manifest import Manifest, parse_manifest

__all__ = ["hearing_withdrawals", "hears"]


def hearing_withdrawals(ctx: Context, reader: Reader, purpose: str) -> list[str]:
    """The enabled channels to tell of the end of a permission for a purpose; never raises for what a plugin is.

    By the manifests that the ledger kept when they were enabled. It is asked while a no is written, so nothing of a
    plugin is imported or looked for: whatever its code does, it holds up nobody. Of one whose manifest the ledger does
    not hold nobody knows whether it hears: word is left for it, and it is seen when it is to be told.
    """
    pins = ctx.workspace.plugin_pins
    return sorted(name for name, pin in pins.items() if _wants(_as_enabled(reader, pin), purpose))


def hears(ctx: Context, channel: str) -> bool:
    """Whether an enabled channel's code declares that it hears of withdrawals: it is imported for that.

    Raises:
        BadInput: there is none of this name among the enabled.
    """
    return ctx.plugins.channel(channel).info.serves(Capability.WITHDRAWN)


def _wants(manifest: Manifest | None, purpose: str) -> bool:
    if manifest is None:
        return True
    return manifest.withdrawals and any(manifest.allows(action, purpose) for action in manifest.purposes)


def _as_enabled(reader: Reader, pin: Mapping[str, str]) -> Manifest | None:
    try:
        return _parsed(reader.document(str(pin.get("manifest_sha256"))))
    except LedgerBroken:
        return None  # pinned by hand, or gone: that is the audit's to find, and no reason to hold up a no


@lru_cache(maxsize=100)
def _parsed(data: bytes) -> Manifest | None:
    try:
        return parse_manifest(data, where="the ledger")
    except ImpError:
        return None  # of an older version of imp, or no manifest at all
