"""The log's Merkle tree as the database holds it: any subtree's root from at most 256 hashes a level of tiles.

`entry.leaf_hash` is level 0 and `node` every eighth level above it, complete subtrees only, as tiles are cut (C2SP
tlog-tiles). A proof in a log of a million entries reads three tiles and hashes some five hundred times. Nothing here
is trusted: `Prover` leads every proof back to the root in the head, which is sealed.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from imp_consent.ledger.merkle import (
    TILE_HEIGHT,
    Frontier,
    Subtree,
    check_consistency,
    check_inclusion,
    node_hash,
    prove_consistency,
    prove_inclusion,
)
from imp_core.errors import BadInput, LedgerBroken

__all__ = ["Prover", "subtree_reader"]

_WIDTH: Final = 1 << TILE_HEIGHT
_LEAVES_SQL: Final = "SELECT leaf_hash FROM entry WHERE seq >= ? AND seq < ? ORDER BY seq"
_NODES_SQL: Final = "SELECT hash FROM node WHERE level = ? AND number >= ? AND number < ? ORDER BY number"
_TILES: Final = 64  # held at once: some 32 KiB each


class Prover:
    """Proofs about the first entries of a log whose head's frontier is known, each checked before it is given."""

    def __init__(self, sql: sqlite3.Connection, frontier: Frontier) -> None:
        self._subtree = subtree_reader(sql, frontier)
        self._size = frontier.size
        self._root = frontier.root()

    def root(self, size: int) -> bytes:
        """The root of the tree of the first `size` entries (32 bytes).

        Raises:
            BadInput: the log holds fewer entries.
            LedgerBroken: what the database holds does not lead to the head's root.
        """
        return self._open(size)[0]

    def inclusion(self, seq: int, size: int) -> list[bytes]:
        """The inclusion proof of entry `seq` in the tree of the first `size` entries (RFC 9162 §2.1.3.1).

        Raises:
            BadInput: there is no such entry in a tree of this size, or the log holds fewer entries.
            LedgerBroken: what the database holds does not lead to the head's root.
        """
        root, _ = self._open(size)
        proof = prove_inclusion(self._subtree, seq, size)
        if not check_inclusion(self._subtree(seq, seq + 1), seq, size, proof, root):
            raise _misled(f"entry {seq}")
        return proof

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of `new` entries begins with the tree of `old` entries (RFC 9162 §2.1.4.1).

        Raises:
            BadInput: `old` is larger than `new`, or the log holds fewer entries.
            LedgerBroken: what the database holds does not lead to the head's root.
        """
        new_root, _ = self._open(new)
        proof = prove_consistency(self._subtree, old, new)
        if not check_consistency(old, new, self._subtree(0, old), new_root, proof):
            raise _misled(f"tree of {old}")
        return proof

    def _open(self, size: int) -> tuple[bytes, list[bytes]]:
        """The root at a size, and the proof that the head's tree begins with it."""
        proof = prove_consistency(self._subtree, size, self._size)
        root = self._root if size == self._size else self._subtree(0, size)
        if not check_consistency(size, self._size, root, self._root, proof):
            raise _misled(f"tree of {size}")
        return root, proof


def subtree_reader(sql: sqlite3.Connection, frontier: Frontier) -> Subtree:
    """The subtrees of the tree of `frontier.size` leaves and of every smaller one, read as they are asked for.

    It answers for the ranges that proofs are made of: `start` is a multiple of the smallest power of two that is not
    below `stop - start`; it raises BadInput for others, and LedgerBroken where a hash is missing.
    """
    return _Tiles(sql, frontier)


class _Tiles:
    def __init__(self, sql: sqlite3.Connection, frontier: Frontier) -> None:
        self._sql = sql
        self._size = frontier.size
        self._known = frontier.subtrees()
        self._tiles: dict[tuple[int, int], list[list[bytes]]] = {}

    def __call__(self, start: int, stop: int) -> bytes:
        if start == stop == 0:
            return Frontier().root()
        span = 1 << (stop - start - 1).bit_length() if stop > start else 0
        if not 0 <= start < stop <= self._size or start % span:
            raise BadInput(f"no subtree of the log over leaves {start} to {stop}")
        pieces: list[bytes] = []
        while start < stop:  # perfect subtrees, largest first: the tree's ragged right edge has several
            width = 1 << ((stop - start).bit_length() - 1)
            pieces.append(self._known.get((start, start + width)) or self._perfect(start, width.bit_length() - 1))
            start += width
        root = pieces.pop()
        while pieces:
            root = node_hash(pieces.pop(), root)
        return root

    def _perfect(self, start: int, level: int) -> bytes:
        """The root of the 2^level leaves from `start` on."""
        base = level - level % TILE_HEIGHT
        tile, place = divmod(start >> base, _WIDTH)
        hashes = self._tile(base, tile)[level - base]
        place >>= level - base
        if place >= len(hashes):
            raise LedgerBroken("a hash of the tree is missing", where=f"level {base}", mend="run: imp audit verify")
        return hashes[place]

    def _tile(self, base: int, tile: int) -> list[list[bytes]]:
        """The hashes of a tile, and the roots over each 2, 4 … 128 of them."""
        if (base, tile) not in self._tiles:
            if len(self._tiles) >= _TILES:
                self._tiles.clear()
            self._tiles[base, tile] = _rows_up(self._read(base, tile * _WIDTH))
        return self._tiles[base, tile]

    def _read(self, base: int, first: int) -> list[bytes]:
        if base == 0:
            rows = self._sql.execute(_LEAVES_SQL, (first, first + _WIDTH))
        else:
            rows = self._sql.execute(_NODES_SQL, (base, first, first + _WIDTH))
        return [row[0] for row in rows]


def _rows_up(hashes: list[bytes]) -> list[list[bytes]]:
    rows = [hashes]
    for _ in range(TILE_HEIGHT - 1):
        below = rows[-1]
        rows.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
    return rows


def _misled(where: str) -> LedgerBroken:
    return LedgerBroken("the tree's hashes do not lead to the head's root", where=where, mend="run: imp audit verify")
