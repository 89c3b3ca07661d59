"""HMAC-SHA-256 under the few keys that hash millions of times: the same bytes as `hmac.digest` in half the time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Final

__all__ = ["keyed_hash", "prepare_hash"]

_BLOCK: Final = 64  # SHA-256's block (RFC 2104 §2: B)
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))
_KEYS: Final = 64  # a keyring's own keys; never one per subject


def keyed_hash(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104) of `data`, 32 bytes, under a key that is used again and again."""
    return _prepared(key)(data)


def prepare_hash(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA-256 under one key, made ready once: for a key that hashes more than once and has a holder."""
    padded_inner, padded_outer = _padded(key)

    def hash_(data: bytes) -> bytes:
        inner, outer = padded_inner.copy(), padded_outer.copy()
        inner.update(data)
        outer.update(inner.digest())
        return outer.digest()

    return hash_


@lru_cache(_KEYS)
def _prepared(key: bytes) -> Callable[[bytes], bytes]:
    return prepare_hash(key)


def _padded(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    short = key if len(key) <= _BLOCK else hashlib.sha256(key).digest()
    block = short.ljust(_BLOCK, b"\x00")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))
