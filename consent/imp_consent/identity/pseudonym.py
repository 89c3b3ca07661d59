"""Keyed hashes of identifiers and subjects (GDPR 4(5): still personal data). All are HMAC-SHA-256, 128 bits kept."""

from __future__ import annotations

import hmac

from imp_consent.identity.hashing import keyed_hash
from imp_consent.identity.keys import Key, Keyring
from imp_consent.identity.normalize import loosest
from imp_core.event import RawId

__all__ = [
    "channel_pseudonym",
    "event_key",
    "loose_token",
    "loose_token_under",
    "message_key",
    "pseudonymize",
    "pseudonyms_under",
    "reference_key",
    "rehash",
    "token_now",
    "told_key",
]

_LENGTH = 16


def pseudonymize(pepper: bytes, normalised: RawId) -> bytes:
    """HMAC(pepper, kind ‖ 0x00 ‖ normalised value)[:16]."""
    return keyed_hash(pepper, f"{normalised.kind}\x00{normalised.value}".encode())[:_LENGTH]


def loose_token(suppression_key: bytes, normalised: RawId) -> bytes:
    """HMAC(k_supp, kind ‖ 0x00 ‖ loosest spelling)[:16]."""
    return keyed_hash(suppression_key, f"{normalised.kind}\x00{loosest(normalised)}".encode())[:_LENGTH]


def pseudonyms_under(keyring: Keyring, pepper: Key, normalised: RawId) -> list[bytes]:
    """What an identifier may be stored as in a pepper's epoch, what new rows are stored as first.

    One value; several where the pepper wraps several others, whose rows it took over when they had leaked.

    Raises:
        KeysUnusable: a key that it wraps is missing.
    """
    if not pepper.wraps:
        return [pseudonymize(pepper.secret, normalised)]
    inner = (under for key in keyring.wrapped(pepper) for under in pseudonyms_under(keyring, key, normalised))
    return [rehash(pepper.secret, pseudonym) for pseudonym in inner]


def loose_token_under(keyring: Keyring, supp: Key, normalised: RawId) -> bytes:
    """The loose token as a suppression key makes it, whatever it wraps.

    Raises:
        KeysUnusable: a key that it wraps is missing.
    """
    if not supp.wraps:
        return loose_token(supp.secret, normalised)
    return rehash(supp.secret, loose_token_under(keyring, keyring.wrapped(supp)[0], normalised))


def token_now(keyring: Keyring, key_id: str, token: bytes) -> bytes:
    """A loose token that was made under a suppression key as the key in use has it, wraps since then included.

    Raises:
        KeysUnusable: the keyring holds no such key.
    """
    key = keyring.by_id("supp", key_id)
    while (wrapper := keyring.wrapper(key)) is not None:
        key, token = wrapper, rehash(wrapper.secret, token)
    return token


def rehash(key: bytes, inner: bytes) -> bytes:
    """A pseudonym or token wrapped after a leak: HMAC(key, inner)[:16]."""
    return keyed_hash(key, inner)[:_LENGTH]


def channel_pseudonym(channel_key: bytes, channel: str, subject: int) -> bytes:
    """The name one channel knows a subject by: HMAC(HMAC(k_channel, channel), subject)[:16]; no two can be joined."""
    own = hmac.digest(channel_key, channel.encode(), "sha256")
    return hmac.digest(own, subject.to_bytes(8, "big"), "sha256")[:_LENGTH]


def event_key(event_secret: bytes, channel: str, message_id: str) -> bytes:
    """An event's id: HMAC(k_event, channel ‖ 0x00 ‖ message id)[:16], because a message id may hold an address."""
    return keyed_hash(event_secret, f"{channel}\x00{message_id}".encode())[:_LENGTH]


def reference_key(event_secret: bytes, reference: str) -> bytes:
    """An order's id: HMAC(k_event, "ref" ‖ 0x00 ‖ order id)[:16]."""
    return keyed_hash(event_secret, f"ref\x00\x00{reference}".encode())[:_LENGTH]


def message_key(idempotency_key: bytes, *, campaign: str, channel: str, step: str, subject: int) -> bytes:
    """A message's idempotency key: HMAC(k_idem, campaign ‖ 0x00 ‖ channel ‖ 0x00 ‖ step ‖ 0x00 ‖ subject)[:16]."""
    words = f"{campaign}\x00{channel}\x00{step}\x00".encode()
    return keyed_hash(idempotency_key, words + subject.to_bytes(8, "big"))[:_LENGTH]


def told_key(idempotency_key: bytes, what: str, channel: str, pseudonym: bytes) -> bytes:
    """The key of telling a channel of a person: HMAC(k_idem, what ‖ 0x00 ‖ channel ‖ 0x00 ‖ pseudonym)[:16]."""
    return keyed_hash(idempotency_key, f"{what}\x00{channel}\x00".encode() + pseudonym)[:_LENGTH]
