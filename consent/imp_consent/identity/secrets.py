"""A subject's own key and what is derived from it; and how the key-encryption key guards both key and mapping."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from imp_consent.identity.hashing import keyed_hash, prepare_hash
from imp_core.errors import LedgerBroken

__all__ = ["KeyEncryption", "SubjectSecrets", "hkdf"]

_NO_SALT = bytes(32)
_FIRST_BLOCK = b"\x01"
_SUBJECT_LENGTH = 8


def hkdf(key: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 without salt, 32 bytes out: extract, then one block of expand (RFC 5869 §2.2, §2.3)."""
    return _expanding(key)(info + _FIRST_BLOCK)


def _expanding(key: bytes) -> Callable[[bytes], bytes]:
    """The HMAC of `hkdf`'s expansion, for a key of which several are derived."""
    return prepare_hash(keyed_hash(_NO_SALT, key))


class SubjectSecrets:
    """What one subject's key opens: the chain of links, the commitments' blinds, the payloads, events in the inbox.

    Each is derived when it is first asked for; `cached_property` would take as long as deriving it.
    """

    __slots__ = ("_derived", "_inbox", "_link_key", "_linked", "_payloads", "key", "subject")

    def __init__(self, subject: int, key: bytes) -> None:
        self.subject = subject
        self.key = key
        self._derived: Callable[[bytes], bytes] | None = None
        self._inbox: AESGCM | None = None
        self._link_key: bytes | None = None
        self._linked: Callable[[bytes], bytes] | None = None
        self._payloads: AESGCM | None = None

    def __repr__(self) -> str:
        return f"SubjectSecrets(subject={self.subject})"

    def _derive(self, info: bytes) -> bytes:
        if self._derived is None:
            self._derived = _expanding(self.key)
        return self._derived(info + _FIRST_BLOCK)

    @property
    def link_key(self) -> bytes:
        """HKDF(K_s, "link"): what an auditor of one person is given."""
        if self._link_key is None:
            self._link_key = self._derive(b"link")
        return self._link_key

    @property
    def payloads(self) -> AESGCM:
        """AES-256-GCM under HKDF(K_s, "payload")."""
        if self._payloads is None:
            self._payloads = AESGCM(self._derive(b"payload"))
        return self._payloads

    @property
    def inbox(self) -> AESGCM:
        """AES-256-GCM under HKDF(K_s, "inbox")."""
        if self._inbox is None:
            self._inbox = AESGCM(self._derive(b"inbox"))
        return self._inbox

    def link(self, i: int) -> bytes:
        """link_i = HMAC(link key, i as 8 bytes)."""
        return self._chain(i.to_bytes(8, "big"))

    def blind(self, i: int) -> bytes:
        """blind_i = HMAC(link key, "s" ‖ i as 8 bytes)."""
        return self._chain(b"s" + i.to_bytes(8, "big"))

    def link_and_blind(self, i: int) -> tuple[bytes, bytes]:
        """Both, as an entry needs them."""
        chain, number = self._chain, i.to_bytes(8, "big")
        return chain(number), chain(b"s" + number)

    @property
    def _chain(self) -> Callable[[bytes], bytes]:
        if self._linked is None:
            self._linked = prepare_hash(self.link_key)
        return self._linked


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
