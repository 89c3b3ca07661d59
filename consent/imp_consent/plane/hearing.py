"""Which channels want to hear of withdrawals: those whose manifest says so, for the purposes it asks for."""

from __future__ import annotations

import tomllib
from typing import Final

from imp_consent.ledger.reader import Reader
from imp_consent.plane.enabled import manifests_enabled
from imp_core.channel import Capability
from imp_core.context import Context
from imp_core.manifest import Manifest

__all__ = ["hearing_withdrawals", "hears"]

_KEY: Final = "withdrawals"


def hearing_withdrawals(ctx: Context, reader: Reader, purpose: str) -> list[str]:
    """The enabled channels to tell of the end of a permission for a purpose; never raises for what a plugin is.

    By the manifests that the ledger kept when they were enabled. It is asked while a no is written, so nothing of a
    plugin is imported or looked for: whatever its code does, it holds up nobody. Of one whose manifest the ledger does
    not hold, or was kept before manifests said so, nobody knows whether it hears: word is left for it, and it is seen
    when it is to be told.
    """
    found = manifests_enabled(reader, ctx.workspace.plugin_pins)
    return [name for name, manifest in found.items() if manifest is None or _wants(reader, manifest, purpose)]


def hears(ctx: Context, channel: str) -> bool:
    """Whether an enabled channel's code declares that it hears of withdrawals: it is imported for that.

    Raises:
        BadInput: there is none of this name among the enabled.
    """
    return ctx.plugins.channel(channel).info.serves(Capability.WITHDRAWN)


def _wants(reader: Reader, manifest: Manifest, purpose: str) -> bool:
    asked_for = any(manifest.allows(action, purpose) for action in manifest.purposes)
    return asked_for and (manifest.withdrawals or not _says(reader, manifest))


def _says(reader: Reader, manifest: Manifest) -> bool:
    """Whether a manifest that does not ask to hear could have asked: it has the key, or its enabling tells of it."""
    told = any(
        _KEY in entry.fields and entry.fields.get("manifest_sha256") == manifest.sha256
        for entry in reader.system_entries("plugin-enable")
    )
    return told or _KEY in tomllib.loads(reader.document(manifest.sha256).decode("utf-8"))["plugin"]
