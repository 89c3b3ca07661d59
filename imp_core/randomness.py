"""Randomness as an argument. Keys and nonces never come from here: they come from the operating system always."""

from __future__ import annotations

import hashlib
import os
from typing import Protocol

__all__ = ["Randomness", "SeededRandomness", "SystemRandomness"]


class Randomness(Protocol):
    """Where subject numbers, salts and simulated people come from."""

    def token(self, length: int) -> bytes:
        """`length` random bytes."""
        ...


class SystemRandomness:
    """The operating system's generator."""

    def token(self, length: int) -> bytes:
        """`length` random bytes."""
        return os.urandom(length)


class SeededRandomness:
    """A repeatable stream for demonstrations and tests: SHA-256 of seed and counter. Not for secrets."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counter = 0

    def token(self, length: int) -> bytes:
        """The next `length` bytes of the stream."""
        out = b""
        while len(out) < length:
            out += hashlib.sha256(f"imp-demo/{self._seed}/{self._counter}".encode()).digest()
            self._counter += 1
        return out[:length]
