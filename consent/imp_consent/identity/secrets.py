"""A subject's own key and what is derived from it; and how the key-encryption key guards both key and mapping."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from imp_consent.identity.hashing import keyed_hash, prepare_hash
from imp_core.errors import LedgerBroken

__all__ = ["KeyEncryption", "SubjectSecrets", "hkdf"]

_NO_SALT = bytes(32)
_SUBJECT_LENGTH = 8


def hkdf(key: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 without salt, 32 bytes out: extract, then one block of expand (RFC 5869 §2.2, §2.3)."""
    return hmac.digest(keyed_hash(_NO_SALT, key), info + b"\x01", "sha256")


@dataclass(frozen=True)
class SubjectSecrets:
    """What one subject's key opens: the chain of links, the commitments' blinds, the payloads, events in the inbox."""

    subject: int
    key: bytes = field(repr=False)

    @cached_property
    def link_key(self) -> bytes:
        """HKDF(K_s, "link"): what an auditor of one person is given."""
        return hkdf(self.key, b"link")

    @cached_property
    def _linked(self) -> Callable[[bytes], bytes]:
        return prepare_hash(self.link_key)

    @cached_property
    def payloads(self) -> AESGCM:
        """AES-256-GCM under HKDF(K_s, "payload")."""
        return AESGCM(hkdf(self.key, b"payload"))

    @cached_property
    def inbox(self) -> AESGCM:
        """AES-256-GCM under HKDF(K_s, "inbox")."""
        return AESGCM(hkdf(self.key, b"inbox"))

    def link(self, i: int) -> bytes:
        """link_i = HMAC(link key, i as 8 bytes)."""
        return self._linked(i.to_bytes(8, "big"))

    def blind(self, i: int) -> bytes:
        """blind_i = HMAC(link key, "s" ‖ i as 8 bytes)."""
        return self._linked(b"s" + i.to_bytes(8, "big"))


class KeyEncryption:
    """The key-encryption key at work: wraps subjects' keys and encrypts pseudonym → subject deterministically."""

    def __init__(self, kek_id: str, secret: bytes) -> None:
        self.id = kek_id
        self._secret = secret

    @cached_property
    def _wrap(self) -> bytes:
        return hkdf(self._secret, b"wrap")

    @cached_property
    def _mapping(self) -> AESSIV:
        return AESSIV(hkdf(self._secret, b"identifier-subject"))

    def wrap(self, subject_key: bytes) -> bytes:
        """A subject's key under AES key wrap (RFC 3394)."""
        return aes_key_wrap(self._wrap, subject_key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """A wrapped subject's key.

        Raises:
            LedgerBroken: it was not wrapped under this key.
        """
        try:
            return aes_key_unwrap(self._wrap, wrapped)
        except (InvalidUnwrap, ValueError):
            raise LedgerBroken("a subject's key does not open", where=f"subject_key, KEK {self.id}") from None

    def seal_subject(self, subject: int) -> bytes:
        """A subject's number under AES-SIV (RFC 5297): deterministic, so that it can be indexed."""
        return self._mapping.encrypt(subject.to_bytes(_SUBJECT_LENGTH, "big"), None)

    def open_subject(self, sealed: bytes) -> int:
        """The subject's number behind `seal_subject`.

        Raises:
            LedgerBroken: it was not sealed under this key.
        """
        try:
            return int.from_bytes(self._mapping.decrypt(sealed, None), "big")
        except (InvalidTag, ValueError):
            raise LedgerBroken("a mapping does not open", where=f"identifier, KEK {self.id}") from None
