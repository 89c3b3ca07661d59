"""Keys in one environment variable, for machines that keep no files, such as CI: read, never written."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from imp_core.errors import KeysUnusable

__all__ = ["MATERIAL", "EnvironmentKeys", "format_material"]

MATERIAL: Final = "IMP_KEY_MATERIAL"
_FORMAT: Final = "imp-keys/1"


def format_material(keys: Mapping[str, bytes]) -> str:
    """Keys by name as one line of base64: what the variable holds."""
    document = {"format": _FORMAT, "keys": {name: base64.b64encode(data).decode() for name, data in keys.items()}}
    return base64.b64encode(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).decode()


class EnvironmentKeys:
    """The keys in `IMP_KEY_MATERIAL` (`imp_core.key_store.KeyStore`)."""

    place = f"the variable {MATERIAL}"
    writable = False

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._text = environ.get(MATERIAL, "")

    def load(self) -> Mapping[str, bytes]:
        """The keys the variable held when the process began.

        Raises:
            KeysUnusable: it is not set, or does not hold what `imp keys export` printed. It is not repeated.
        """
        if not self._text:
            raise KeysUnusable("there are no keys", where=self.place, mend="set it to what imp keys export prints")
        try:
            document: dict[str, Any] = json.loads(base64.b64decode(self._text, validate=True))
            keys = {str(name): base64.b64decode(text, validate=True) for name, text in document["keys"].items()}
            known = document["format"] == _FORMAT
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
            known = False
        if not known:
            raise KeysUnusable("not keys", where=self.place, mend="set it to what imp keys export prints, whole")
        return keys

    def store(self, name: str, data: bytes) -> None:  # noqa: ARG002 (the protocol has them)
        """Refused.

        Raises:
            KeysUnusable: always.
        """
        raise self._refusal()

    def destroy(self, name: str) -> None:  # noqa: ARG002 (the protocol has it)
        """Refused.

        Raises:
            KeysUnusable: always.
        """
        raise self._refusal()

    def _refusal(self) -> KeysUnusable:
        return KeysUnusable(
            "keys in the environment are read, never changed",
            where=self.place,
            mend="change them where they are kept, and export them again",
        )
