"""Where the ledger's keys are kept: the protocol of a key provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

__all__ = ["KeyStore"]


@runtime_checkable
class KeyStore(Protocol):
    """Keeps each key's bytes under the key's name: a folder, an environment variable, a KMS.

    The bytes are a document of imp-consent, secret included; a store neither reads nor changes them. A name is
    `<purpose>-<id>`, small letters, digits and hyphens. What fails raises an `imp_core.errors.ImpError`.
    """

    @property
    def place(self) -> str:
        """Where it keeps them, in words for messages."""
        ...

    @property
    def writable(self) -> bool:
        """Whether `store` and `destroy` work; where they do not, keys are not rotated through this store."""
        ...

    def load(self) -> Mapping[str, bytes]:
        """Every key's bytes by name, as they are now; creates nothing."""
        ...

    def store(self, name: str, data: bytes) -> None:
        """Keep a key, in place of one of its name; durable when it returns; a crash leaves the old or the new one."""
        ...

    def destroy(self, name: str) -> None:
        """Destroy a key for good, whatever earlier version of it there was; one that is not there is no error."""
        ...
