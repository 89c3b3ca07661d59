"""Where an installed plugin's manifest is: found and read without importing anything of the plugin."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from imp_core.errors import PluginBroken

__all__ = ["MANIFEST_NAME", "find_manifest"]

MANIFEST_NAME = "imp-plugin.toml"


def find_manifest(package: str) -> bytes | None:
    """The bytes of the manifest inside an installed package; None where there is none.

    Raises:
        PluginBroken: it cannot be read.
    """
    try:
        spec = importlib.util.find_spec(package)
        for location in (spec.submodule_search_locations if spec else None) or ():
            path = Path(location) / MANIFEST_NAME
            if path.is_file():
                return path.read_bytes()
    except (OSError, ValueError, ImportError) as error:
        raise PluginBroken(f"the manifest cannot be read: {type(error).__name__}", where=package) from None
    return None
