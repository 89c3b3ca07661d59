"""What enabled plugins declared, by the manifests that the ledger kept when they were enabled.

Nothing of a plugin is imported or looked for: whatever its code does now, this is what somebody agreed to.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from imp_consent.ledger.reader import Reader
from imp_core.errors import ImpError, LedgerBroken
from imp_core.manifest import Manifest, parse_manifest

__all__ = ["manifests_enabled"]


def manifests_enabled(reader: Reader, pins: Mapping[str, Mapping[str, str]]) -> dict[str, Manifest | None]:
    """The manifest of each enabled plugin, by its name in `imp.toml`; None where the ledger does not hold it."""
    return {name: _as_enabled(reader, pin) for name, pin in sorted(pins.items())}


def _as_enabled(reader: Reader, pin: Mapping[str, str]) -> Manifest | None:
    try:
        return _parsed(reader.document(str(pin.get("manifest_sha256"))))
    except LedgerBroken:
        return None  # pinned by hand, or gone: that is the audit's to find


@lru_cache(maxsize=100)
def _parsed(data: bytes) -> Manifest | None:
    try:
        return parse_manifest(data, where="the ledger")
    except ImpError:
        return None  # of an older version of imp, or no manifest at all
