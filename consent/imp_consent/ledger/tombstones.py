"""What keeps the erased erased when a database is put back from a backup: a file outside of it, beside the keys.

    erased 3f0a91c2 8c2f…  5d1e…
    suppressed 3f0a91c2 77b0…  c4a9…
    lifted 3f0a91c2 77b0…  0f33…

A line holds what happened, the id of the suppression key, a token and a MAC (16 bytes each, hex), the MAC over the line
and the MAC before it. The token of somebody erased is HMAC(HKDF(k_supp, "tombstone"), subject): it names nobody, and is
found only by whoever holds the key and the subject's number. Those of suppression are the tokens of `suppression`.

Lines are only ever appended, under a lock (flock(2)), and fsynced; a line that a power cut tore is cut off by the next.
Each `erased` entry counts the whole lines and has the MAC of the last: what is cut off later does not go unnoticed,
whatever is appended then.
"""

from __future__ import annotations

import fcntl
import hmac
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from imp_consent.identity.hashing import keyed_hash
from imp_consent.identity.keys import Key, Keyring, KeyState
from imp_consent.identity.pseudonym import token_now
from imp_consent.identity.secrets import hkdf
from imp_core.errors import ImpError, LedgerBroken
from imp_core.ports import SystemEntry
from imp_core.workspace import sync

__all__ = ["TOMBSTONES_NAME", "Buried", "Tombstones", "agreed_lines", "counting", "lines_lost"]

TOMBSTONES_NAME: Final = "tombstones"
_KINDS: Final = ("erased", "suppressed", "lifted")
_LENGTH: Final = 16
_FIRST: Final = bytes(_LENGTH)  # what stands before the first line
_WORDS: Final = 4
_LONGEST: Final = 200  # no line is longer


@dataclass(frozen=True)
class Buried:
    """What the file says: its lines' MACs, `erased` tokens after the id of their key, and the tokens of `suppression`.

    A suppression key that leaked was wrapped: `noted` are the tokens as the key in use has them, by `keyring`, each
    with the number of its last line. `renewed` are those that a line suppressed though they were, with its number;
    `returned` are no longer suppressed, with the number of the line that had suppressed them.
    """

    keyring: Keyring = field(repr=False)
    macs: tuple[bytes, ...] = ()
    erased: frozenset[tuple[str, bytes]] = frozenset()
    noted: Mapping[bytes, int] = field(default_factory=dict)
    renewed: Mapping[bytes, int] = field(default_factory=dict)
    returned: Mapping[bytes, int] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        """How many whole lines there are."""
        return len(self.macs)

    @property
    def end(self) -> str:
        """The MAC of the last line (hex), "" where there is none: what an entry says that has counted the lines."""
        return self.macs[-1].hex() if self.macs else ""

    def begins_as(self, counted: SystemEntry) -> bool:
        """Whether the lines that an `erased` entry counted are there; of old entries only the number is known."""
        lines, end = counted.fields.get("tombstones"), counted.fields.get("tombstones_end")
        if not isinstance(lines, int) or not 0 <= lines <= self.lines:
            return False
        return end is None or not lines or self.macs[lines - 1].hex() == end

    @cached_property
    def suppressed(self) -> frozenset[bytes]:
        """The tokens of who is suppressed."""
        return frozenset(self.noted)

    def holds(self, subject: int) -> bool:
        """Whether this subject was erased, or is to be."""
        return any((key.id, _token(secret, subject)) in self.erased for key, secret in self._secrets)

    @cached_property
    def _secrets(self) -> list[tuple[Key, bytes]]:
        return [(key, _tombstone_key(key)) for key in self.keyring.every("supp")]


def counting(entries: Iterable[SystemEntry]) -> list[tuple[int, SystemEntry]]:
    """The `erased` entries that say how many lines there were, and how many."""
    found = ((entry.fields.get("tombstones"), entry) for entry in entries)
    return [(lines, entry) for lines, entry in found if isinstance(lines, int)]


def lines_lost(counted: Sequence[tuple[int, SystemEntry]], buried: Buried) -> int:
    """How many lines that the last of these entries counted may be missing: those since one that agrees."""
    if not counted or buried.begins_as(counted[-1][1]):
        return 0
    return max(counted[-1][0] - agreed_lines(counted, buried), 1)


def agreed_lines(counted: Iterable[tuple[int, SystemEntry]], buried: Buried) -> int:
    """How many lines the newest of these entries counted that the file still agrees with; 0 where none does."""
    return max((lines for lines, entry in counted if buried.begins_as(entry)), default=0)


class Tombstones:
    """The file of one ledger. It is created with the first line."""

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        self.path = folder / TOMBSTONES_NAME
        self._keyring = keyring

    def bury(self, subjects: Iterable[int]) -> None:
        """Note subjects as erased unless they are; durable when it returns.

        Raises:
            LedgerBroken: the file was changed by other hands.
            KeysUnusable: it names a key that this ring lacks, and the ring cannot be read anew.
            ImpError: it cannot be written.
        """
        buried = self.read()
        key = buried.keyring.active("supp")
        secret = _tombstone_key(key)
        self._append("erased", key, [_token(secret, subject) for subject in subjects if not buried.holds(subject)])

    def suppress(self, tokens: Iterable[bytes]) -> None:
        """Note tokens as suppressed, as `bury`."""
        self._append("suppressed", self._keyring.active("supp"), tokens)

    def lift(self, tokens: Iterable[bytes]) -> None:
        """Note tokens as no longer suppressed, as `bury`."""
        self._append("lifted", self._keyring.active("supp"), tokens)

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
        said_of: list[tuple[int, str, bytes]] = []
        lines = data.split(b"\n")[:-1]
        found = [self._split(line, number) for number, line in enumerate(lines, 1)]
        ring = self._following({key_id for _, key_id, _, _ in found})
        secrets = {key.id: _line_key(key) for key in ring.every("supp")}
        before = _FIRST
        for number, (line, (kind, key_id, token, mac)) in enumerate(zip(lines, found, strict=True), 1):
            said = line.rpartition(b" ")[0]
            if key_id not in secrets or not hmac.compare_digest(_line_mac(secrets[key_id], before, said), mac):
                raise self._changed(number)
            before = mac
            if kind == "erased":
                erased.add((key_id, token))
            else:
                said_of.append((number, kind, token_now(ring, key_id, token)))
        macs = tuple(mac for *_, mac in found)
        return Buried(ring, macs=macs, erased=frozenset(erased), **_folded(said_of))

    def _following(self, named: set[str]) -> Keyring:
        """The ring, read anew where lines name a key that another process has put in use meanwhile."""
        if named <= {key.id for key in self._keyring.every("supp")}:
            return self._keyring
        ring = self._keyring.reload()
        new = [key for key in ring.keys if key.id in named and key.state is KeyState.STAGED]
        return ring.using({**ring.in_use(), "supp": new[-1].id}) if new else ring  # only a key in use writes lines

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

    def _append(self, kind: str, key: Key, tokens: Iterable[bytes]) -> None:
        wanted, secret = list(dict.fromkeys(tokens)), _line_key(key)
        if not wanted:
            return
        with self._locked() as descriptor:
            end, before = self._end(descriptor)
            os.ftruncate(descriptor, end)
            lines = bytearray()
            for token in wanted:
                line = f"{kind} {key.id} {token.hex()}".encode()
                before = _line_mac(secret, before, line)
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
            raise ImpError(
                f"the tombstones cannot be written: {error.strerror}",
                where=str(self.path),
                mend="make the folder writable, then: imp consent erase --resume",
            ) from None

    def _changed(self, number: int) -> LedgerBroken:
        return LedgerBroken(
            f"the tombstones were changed by other hands{f' at line {number}' if number else ''}",
            where=str(self.path),
            mend="put the file back from the keys' own backup",
        )


def _folded(said: Iterable[tuple[int, str, bytes]]) -> dict[str, dict[bytes, int]]:
    """What lines say of tokens, each by its number and kind, in the fields of `Buried`."""
    noted: dict[bytes, int] = {}
    renewed: dict[bytes, int] = {}
    returned: dict[bytes, int] = {}
    for number, kind, token in said:
        before = noted.pop(token, None)
        renewed.pop(token, None)
        if kind == "suppressed":
            noted[token] = number
            returned.pop(token, None)
            if before is not None:
                renewed[token] = number
        elif before is not None:
            returned[token] = before
    return {"noted": noted, "renewed": renewed, "returned": returned}


def _tombstone_key(key: Key) -> bytes:
    return hkdf(key.secret, b"tombstone")


def _line_key(key: Key) -> bytes:
    return hkdf(key.secret, b"tombstone-line")


def _line_mac(secret: bytes, before: bytes, line: bytes) -> bytes:
    return keyed_hash(secret, before + line)[:_LENGTH]


def _token(secret: bytes, subject: int) -> bytes:
    return keyed_hash(secret, subject.to_bytes(8, "big"))[:_LENGTH]


def _write_all(descriptor: int, data: bytes, at: int) -> None:
    while data:
        n = os.pwrite(descriptor, data, at)
        data, at = data[n:], at + n
