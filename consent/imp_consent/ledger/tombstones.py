"""What keeps the erased erased when a database is put back from a backup: a file outside of it, beside the keys.

    erased 3f0a91c2 8c2f…  5d1e…
    suppressed 3f0a91c2 77b0…  c4a9…
    lifted 3f0a91c2 77b0…  0f33…

A line holds what happened, the id of the suppression key, a token and a MAC (16 bytes each, hex), the MAC over the line
and the MAC before it. The token of somebody erased is HMAC(HKDF(k_supp, "tombstone"), subject): it names nobody, and is
found only by whoever holds the key and the subject's number. Those of suppression are the tokens of `suppression`.

Lines are only ever appended, under a lock (flock(2)), and fsynced; a line that a power cut tore is cut off by the next.
"""

from __future__ import annotations

import fcntl
import hmac
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from imp_consent.identity.hashing import keyed_hash
from imp_consent.identity.keys import Key, Keyring
from imp_consent.identity.pseudonym import token_now
from imp_consent.identity.secrets import hkdf
from imp_core.errors import ImpError, LedgerBroken
from imp_core.workspace import sync

__all__ = ["TOMBSTONES_NAME", "Buried", "Tombstones"]

TOMBSTONES_NAME: Final = "tombstones"
_KINDS: Final = ("erased", "suppressed", "lifted")
_LENGTH: Final = 16
_FIRST: Final = bytes(_LENGTH)  # what stands before the first line
_WORDS: Final = 4
_LONGEST: Final = 200  # no line is longer


@dataclass(frozen=True)
class Buried:
    """What the file says: `lines` how many, `erased` tokens after the id of their key, and the tokens of `suppression`.

    A suppression key that leaked was wrapped: `suppressed` are the tokens as the key in use has them.
    """

    keyring: Keyring = field(repr=False)
    lines: int = 0
    erased: frozenset[tuple[str, bytes]] = frozenset()
    suppressed: frozenset[bytes] = frozenset()

    def holds(self, subject: int) -> bool:
        """Whether this subject was erased, or is to be."""
        return any((key.id, _token(secret, subject)) in self.erased for key, secret in self._secrets)

    @cached_property
    def _secrets(self) -> list[tuple[Key, bytes]]:
        return [(key, _tombstone_key(key)) for key in self.keyring.every("supp")]


class Tombstones:
    """The file of one ledger. It is created with the first line."""

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        self.path = folder / TOMBSTONES_NAME
        self._keyring = keyring

    def bury(self, subjects: Iterable[int]) -> None:
        """Note subjects as erased unless they are; durable when it returns.

        Raises:
            LedgerBroken: the file was changed by other hands.
            ImpError: it cannot be written.
        """
        buried, secret = self.read(), _tombstone_key(self._active)
        self._append("erased", [_token(secret, subject) for subject in subjects if not buried.holds(subject)])

    def suppress(self, tokens: Iterable[bytes]) -> None:
        """Note tokens as suppressed, as `bury`."""
        self._append("suppressed", tokens)

    def lift(self, tokens: Iterable[bytes]) -> None:
        """Note tokens as no longer suppressed, as `bury`."""
        self._append("lifted", tokens)

    def read(self) -> Buried:
        """What the file says; nothing where there is none. A torn last line says nothing.

        Raises:
            LedgerBroken: it was changed by other hands, or cannot be read.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return Buried(self._keyring)
        except OSError as error:
            raise LedgerBroken(f"the tombstones cannot be read: {error.strerror}", where=str(self.path)) from None
        return self._parse(data)

    def _parse(self, data: bytes) -> Buried:
        erased: set[tuple[str, bytes]] = set()
        suppressed: set[bytes] = set()
        before, lines = _FIRST, data.split(b"\n")[:-1]
        for number, line in enumerate(lines, 1):
            kind, key_id, token, mac = self._split(line, number)
            if not hmac.compare_digest(self._mac(key_id, before, line.rpartition(b" ")[0], number), mac):
                raise self._changed(number)
            before = mac
            if kind == "erased":
                erased.add((key_id, token))
            elif kind == "suppressed":
                suppressed.add(token_now(self._keyring, key_id, token))
            else:
                suppressed.discard(token_now(self._keyring, key_id, token))
        return Buried(
            self._keyring,
            lines=len(lines),
            erased=frozenset(erased),
            suppressed=frozenset(suppressed),
        )

    def _split(self, line: bytes, number: int) -> tuple[str, str, bytes, bytes]:
        words = line.split(b" ")
        try:
            kind, key_id, token, mac = (word.decode("ascii") for word in words)
            values = bytes.fromhex(token), bytes.fromhex(mac)
        except ValueError:  # too few or too many words, not ASCII, not hexadecimal
            raise self._changed(number) from None
        # hexadecimal of one spelling: else a line could be changed without changing what it says
        if kind not in _KINDS or (values[0].hex(), values[1].hex()) != (token, mac):
            raise self._changed(number)
        return kind, key_id, *values

    def _append(self, kind: str, tokens: Iterable[bytes]) -> None:
        wanted = list(dict.fromkeys(tokens))
        if not wanted:
            return
        with self._locked() as descriptor:
            end, before = self._end(descriptor)
            os.ftruncate(descriptor, end)
            lines = bytearray()
            for token in wanted:
                line = f"{kind} {self._active.id} {token.hex()}".encode()
                before = self._mac(self._active.id, before, line, 0)
                lines += line + b" " + before.hex().encode() + b"\n"
            _write_all(descriptor, bytes(lines), end)
            os.fsync(descriptor)

    def _end(self, descriptor: int) -> tuple[int, bytes]:
        """Where the last whole line ends, and its MAC."""
        size = os.fstat(descriptor).st_size
        start = max(size - 2 * _LONGEST, 0)
        tail = os.pread(descriptor, size - start, start)
        whole = tail.rfind(b"\n") + 1
        if not whole:
            if start:
                raise self._changed(0)
            return 0, _FIRST
        return start + whole, self._split(tail[:whole].split(b"\n")[-2], 0)[3]

    @contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                new = not os.fstat(descriptor).st_size
                yield descriptor
            finally:
                os.close(descriptor)
            if new:
                sync(self.path.parent)
        except OSError as error:
            raise ImpError(f"the tombstones cannot be written: {error.strerror}", where=str(self.path)) from None

    @property
    def _active(self) -> Key:
        return self._keyring.active("supp")

    def _mac(self, key_id: str, before: bytes, line: bytes, number: int) -> bytes:
        key = next((key for key in self._keyring.every("supp") if key.id == key_id), None)
        if key is None:
            raise self._changed(number)
        return keyed_hash(hkdf(key.secret, b"tombstone-line"), before + line)[:_LENGTH]

    def _changed(self, number: int) -> LedgerBroken:
        return LedgerBroken(
            f"the tombstones were changed by other hands{f' at line {number}' if number else ''}",
            where=str(self.path),
            mend="put the file back from the keys' own backup",
        )


def _tombstone_key(key: Key) -> bytes:
    return hkdf(key.secret, b"tombstone")


def _token(secret: bytes, subject: int) -> bytes:
    return keyed_hash(secret, subject.to_bytes(8, "big"))[:_LENGTH]


def _write_all(descriptor: int, data: bytes, at: int) -> None:
    while data:
        n = os.pwrite(descriptor, data, at)
        data, at = data[n:], at + n
