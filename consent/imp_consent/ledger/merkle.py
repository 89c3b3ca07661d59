"""The Merkle tree of RFC 6962 §2.1 and RFC 9162 §2.1, with SHA-256.

Proofs come in pairs, `prove_…` and `check_…`. Whoever proves needs the tree's subtree hashes; whoever checks needs
only roots. `tests/consent/ledger/test_merkle.py` holds the published vectors and an independent implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final

from imp_core.errors import BadInput, LedgerBroken

__all__ = [
    "EMPTY_ROOT",
    "HASH_SIZE",
    "TILE_HEIGHT",
    "Completed",
    "Frontier",
    "Subtree",
    "check_consistency",
    "check_inclusion",
    "leaf_hash",
    "node_hash",
    "prove_consistency",
    "prove_inclusion",
    "root_of",
]

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()  # RFC 9162 §2.1.1: the hash of an empty list
TILE_HEIGHT: Final = 8  # C2SP tlog-tiles: a tile spans eight levels
_WIDTH: Final = 1 << TILE_HEIGHT

Subtree = Callable[[int, int], bytes]
"""The root of the leaves from `start` up to, but not including, `stop`: MTH(D[start:stop]) of RFC 9162 §2.1.1."""

Completed = Callable[[int, int, bytes], None]
"""Hears of a complete subtree of 2^level leaves, its level a multiple of eight: level, number from the left, root."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf's bytes (RFC 9162 §2.1.1)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node over its two children (RFC 9162 §2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the complete subtrees a tree of `size` leaves is made of, largest first.

    It is all that is needed to append (amortised O(1)) and to know the root (O(log n)).
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._hashes: list[bytes] = []

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    def copy(self) -> Frontier:
        """One of its own."""
        other = Frontier()
        other._size, other._hashes = self._size, self._hashes.copy()
        return other

    def append(self, hash_: bytes) -> None:
        """Add one leaf by its leaf hash."""
        self.extend((hash_,))

    def extend(self, hashes: Iterable[bytes], completed: Completed | None = None) -> None:
        """Add leaves by their leaf hashes, in order; `completed` hears of each subtree that fills a tile's root."""
        size, stack, digest = self._size, self._hashes, sha256
        for hash_ in hashes:
            if size & (_WIDTH - 1) == _WIDTH - 1 and completed is not None:
                self._push(hash_, 0, completed)
                size += 1
                continue
            node, rest = hash_, size
            while rest & 1:  # a complete subtree as large as the node's stands to its left
                node = digest(b"\x01" + stack.pop() + node).digest()
                rest >>= 1
            stack.append(node)
            size += 1
            self._size = size

    def extend_many(self, hashes: Sequence[bytes], completed: Completed | None = None) -> None:
        """As `extend`, with the hashes at hand: whole subtrees at once, in two thirds of the time."""
        at, last, digest = 0, len(hashes), sha256
        while at < last:
            size = self._size
            width = min(size & -size or _WIDTH, _WIDTH, 1 << ((last - at).bit_length() - 1))
            row = hashes[at : at + width]
            while len(row) > 1:
                pairs = iter(row)
                row = [digest(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            self._push(row[0], width.bit_length() - 1, completed)
            at += width

    def _push(self, node: bytes, level: int, completed: Completed | None) -> None:
        """Add a complete subtree of 2^level leaves, of which a multiple stands to its left."""
        rest = self._size >> level
        while True:
            if completed is not None and level and level % TILE_HEIGHT == 0:
                completed(level, rest, node)
            if not rest & 1:
                break
            node, level, rest = node_hash(self._hashes.pop(), node), level + 1, rest >> 1
        self._hashes.append(node)
        self._size = (rest + 1) << level

    def subtrees(self) -> dict[tuple[int, int], bytes]:
        """The roots it is made of, by the leaves they are over: first, and the one after the last."""
        found: dict[tuple[int, int], bytes] = {}
        start = 0
        for hash_ in self._hashes:
            width = 1 << ((self._size - start).bit_length() - 1)
            found[start, start + width] = hash_
            start += width
        return found

    def root(self) -> bytes:
        """The tree's root (32 bytes)."""
        if not self._hashes:
            return EMPTY_ROOT
        root = self._hashes[-1]
        for left in reversed(self._hashes[:-1]):
            root = node_hash(left, root)
        return root

    def to_bytes(self) -> bytes:
        """The subtree roots one after the other, largest subtree first (32 bytes each)."""
        return b"".join(self._hashes)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """A frontier as `to_bytes` wrote it, for a tree of `size` leaves.

        Raises:
            LedgerBroken: the number of hashes is not that of a tree of this size.
        """
        if size < 0 or len(data) != HASH_SIZE * size.bit_count():
            raise LedgerBroken(f"a frontier of {len(data)} bytes does not belong to a tree of {size} leaves")
        frontier = cls()
        frontier._size = size
        frontier._hashes = [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]
        return frontier


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes, read once and in order."""
    frontier = Frontier()
    frontier.extend(leaf_hashes)
    return frontier.root()


def prove_inclusion(subtree: Subtree, index: int, size: int) -> list[bytes]:
    """The inclusion proof of leaf `index` in a tree of `size` leaves: PATH of RFC 9162 §2.1.3.1, leaf side first.

    Raises:
        BadInput: there is no such leaf.
    """
    if not 0 <= index < size:
        raise BadInput(f"there is no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(subtree(middle, stop))
            stop = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that a leaf, by its leaf hash, is number `index` under `root` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes((leaf, root, *proof)):
        return False
    at, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            at, last = _up_to_right_child(at, last)
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def prove_consistency(subtree: Subtree, old: int, new: int) -> list[bytes]:
    """The proof that a tree of `new` leaves begins with the tree of `old` leaves: PROOF of RFC 9162 §2.1.4.1.

    It is empty where there is nothing to show: for `old` 0, and for equal sizes.

    Raises:
        BadInput: `old` is larger than `new`, or negative.
    """
    if not 0 <= old <= new:
        raise BadInput(f"a tree of {new} leaves does not begin with one of {old}")
    if old == 0:
        return []
    path: list[bytes] = []
    start, stop = 0, new
    while old < stop:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(subtree(middle, stop))
            stop = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    if start > 0:  # SUBPROOF with b false: the verifier does not know this subtree's hash
        path.append(subtree(start, stop))
    return path[::-1]


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `new` leaves begins with that of `old` leaves (RFC 9162 §2.1.4.2)."""
    if not 0 <= old <= new or not _are_hashes((old_root, new_root, *proof)):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = [old_root, *proof] if old.bit_count() == 1 else list(proof)
    return bool(path) and _fold_consistency(old - 1, new - 1, path) == (old_root, new_root)


def _fold_consistency(at: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    while at & 1:
        at, last = at >> 1, last >> 1
    old_node = new_node = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if at & 1 or at == last:
            old_node = node_hash(sibling, old_node)
            new_node = node_hash(sibling, new_node)
            at, last = _up_to_right_child(at, last)
        else:
            new_node = node_hash(new_node, sibling)
        at, last = at >> 1, last >> 1
    return (old_node, new_node) if last == 0 else None


def _up_to_right_child(at: int, last: int) -> tuple[int, int]:
    while at and not at & 1:  # levels at which the node has no sibling: it is the tree's ragged right edge
        at, last = at >> 1, last >> 1
    return at, last


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)  # the largest power of two smaller than size (RFC 9162 §2.1.1)


def _are_hashes(values: Iterable[bytes]) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
