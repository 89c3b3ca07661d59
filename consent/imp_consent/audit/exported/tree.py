"""Every entry bundle and tile of an export hashed again, and the tree built from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from imp_consent.audit.exported.folder import Folder, Unreadable
from imp_consent.audit.problem import Problems
from imp_consent.ledger.entry import parse_system_leaf
from imp_consent.ledger.merkle import HASH_SIZE, Frontier, leaf_hash, root_of
from imp_consent.ledger.tile import (
    MAX_BUNDLE,
    WIDTH,
    Tile,
    format_tile_path,
    levels_of,
    parse_bundle,
    parse_hashes,
    root_of_full,
    tile_at,
)
from imp_core.errors import LedgerBroken
from imp_core.ports import SystemEntry

__all__ = ["Tree", "read_tree"]

# Where so many files are missing, a size that nobody signed is no reason to look for the rest.
_MISSING: Final = 100
_UNKNOWN: Final = bytes(HASH_SIZE)
_PERSON: Final = b'{"commit":"'
_KEY: Final = b'"type":"key"'


@dataclass(slots=True)
class Tree:
    """What the files say, whatever the checkpoint says.

    `root` is that of the entries' bytes, `tiles_root` that of the tiles alone, None where a file they need is missing.
    `roots` are the roots of the full bundles, `edge` the leaf hashes of the partial one. `entries_wrong` are the
    bundles that disagree with their tile (path, seq of the first entry, tile's path), `tiles_wrong` the tiles of which
    a hash is not that of what lies below it. `keys` are the system entries about keys.
    """

    size: int
    root: bytes | None = None
    tiles_root: bytes | None = None
    roots: list[bytes] = field(default_factory=list)
    edge: list[bytes] = field(default_factory=list)
    people: int = 0
    files: int = 0
    missing: int = 0
    keys: list[SystemEntry] = field(default_factory=list)
    entries_wrong: list[tuple[str, int, str]] = field(default_factory=list)
    tiles_wrong: list[str] = field(default_factory=list)
    chain_wrong: list[str] = field(default_factory=list)

    def root_at(self, folder: Folder, size: int) -> bytes | None:
        """The root of the first `size` entries; None where they cannot be had.

        The bundle in which they end is read again, and believed only as far as it is what the tree was built from.
        """
        number, rest = divmod(size, WIDTH)
        hashes = self.edge if number == len(self.roots) else self._again(folder, number)
        if size > self.size or hashes is None or len(hashes) < rest:
            return None
        return _fold(size, [self.roots[:number], hashes[:rest]])

    def _again(self, folder: Folder, number: int) -> list[bytes] | None:
        if number > len(self.roots):
            return None
        try:
            data = folder.read(format_tile_path(Tile(level=None, number=number)), MAX_BUNDLE)
            hashes = [leaf_hash(leaf) for leaf in parse_bundle(data, WIDTH)]
        except (Unreadable, LedgerBroken):
            return None  # it was reported when the tree was built
        return hashes if root_of_full(hashes) == self.roots[number] else None


def read_tree(folder: Folder, size: int, problems: Problems, count: Callable[[int], None]) -> Tree:
    """Hash the entries of a tree of `size` leaves again and hold every tile against them and against each other."""
    return _Reader(folder, Tree(size=size), problems, count).read()


class _Reader:
    """`below` are, for each full tile of the level underneath, its root by the entries and by the tile's own bytes."""

    def __init__(self, folder: Folder, tree: Tree, problems: Problems, count: Callable[[int], None]) -> None:
        self._folder = folder
        self._tree = tree
        self._problems = problems
        self._count = count
        self._whole = True
        self._edges: list[tuple[list[bytes], list[bytes]]] = []

    def read(self) -> Tree:
        tree = self._tree
        below = self._bundles()
        tree.roots = [entries for entries, _ in below]
        tree.edge = self._edges[0][0] if self._edges else []
        for level in range(1, levels_of(tree.size)):
            below = self._level(level, below)
        if self._whole:
            edges = self._edges[::-1]
            tree.root = _fold(tree.size, [entries for entries, _ in edges])
            tree.tiles_root = _fold(tree.size, [tiles for _, tiles in edges])
        return tree

    def _bundles(self) -> list[tuple[bytes, bytes]]:
        roots: list[tuple[bytes, bytes]] = []
        edge: tuple[list[bytes], list[bytes]] = ([], [])
        for number in range(-(-self._tree.size // WIDTH)):
            if self._tree.missing > _MISSING:
                self._whole = False
                return []
            bundle, tile = tile_at(None, number, self._tree.size), tile_at(0, number, self._tree.size)
            if bundle is None or tile is None:  # the range above ends where the tree does
                break
            entries, stored = self._entries(bundle), self._hashes(tile)
            self._count(bundle.width)
            if entries and stored and entries != stored:
                first = next(at for at, (one, other) in enumerate(zip(entries, stored, strict=True)) if one != other)
                place = (format_tile_path(bundle), number * WIDTH + first, format_tile_path(tile))
                self._tree.entries_wrong.append(place)
            pair = self._either(entries, stored, bundle.width)
            if bundle.width < WIDTH:
                edge = pair
            else:
                roots.append(_roots(pair))
        self._edges.append(edge)
        return roots

    def _level(self, level: int, below: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        roots: list[tuple[bytes, bytes]] = []
        edge: tuple[list[bytes], list[bytes]] = ([], [])
        for number in range(-(-len(below) // WIDTH)):
            part = below[number * WIDTH : (number + 1) * WIDTH]
            tile = Tile(level=level, number=number, width=len(part))
            entries, tiles = [root for root, _ in part], [root for _, root in part]
            stored = self._hashes(tile)
            if stored is not None and stored != entries:
                self._tree.tiles_wrong.append(format_tile_path(tile))
            if stored is not None and stored != tiles:
                self._tree.chain_wrong.append(format_tile_path(tile))
            pair = (entries, tiles if stored is None else stored)
            if tile.width < WIDTH:
                edge = pair
            else:
                roots.append(_roots(pair))
        self._edges.append(edge)
        return roots

    def _either(
        self, entries: list[bytes] | None, stored: list[bytes] | None, width: int
    ) -> tuple[list[bytes], list[bytes]]:
        # what is missing was reported: the other half stands in for it, so that the rest can still be checked
        if entries is None and stored is None:
            self._whole = False
            return [_UNKNOWN] * width, [_UNKNOWN] * width
        return entries or stored or [], stored or entries or []

    def _entries(self, bundle: Tile) -> list[bytes] | None:
        data = self._read(bundle, MAX_BUNDLE, "entries")
        if data is None:
            return None
        path = format_tile_path(bundle)
        try:
            leaves = parse_bundle(data, bundle.width)
        except LedgerBroken as error:
            self._problems.report("entries.malformed", path, error.what)
            return None
        first = bundle.number * WIDTH
        for at, leaf in enumerate(leaves):
            if leaf.startswith(_PERSON):
                self._tree.people += 1
            elif _KEY in leaf:
                self._key(leaf, first + at)
        return [leaf_hash(leaf) for leaf in leaves]

    def _key(self, leaf: bytes, seq: int) -> None:
        try:
            entry = parse_system_leaf(leaf, seq=seq)
        except LedgerBroken as error:
            self._problems.report("entries.leaf", f"entry {seq}", error.what)
            return
        if entry is not None and entry.type == "key":
            self._tree.keys.append(entry)

    def _hashes(self, tile: Tile) -> list[bytes] | None:
        data = self._read(tile, WIDTH * HASH_SIZE, "tile")
        if data is None:
            return None
        try:
            return parse_hashes(data, tile.width)
        except LedgerBroken as error:
            self._problems.report("tile.malformed", format_tile_path(tile), error.what)
            return None

    def _read(self, tile: Tile, limit: int, code: str) -> bytes | None:
        path = format_tile_path(tile)
        try:
            data = self._folder.read(path, limit)
        except Unreadable as error:
            self._tree.missing += 1
            if self._tree.missing <= _MISSING:
                self._problems.report(f"{code}.missing", path, str(error))
            return None
        self._tree.files += 1
        return data


def _roots(pair: tuple[list[bytes], list[bytes]]) -> tuple[bytes, bytes]:
    entries = root_of_full(pair[0])
    return entries, entries if pair[1] == pair[0] else root_of_full(pair[1])


def _fold(size: int, edges: Sequence[Sequence[bytes]]) -> bytes:
    # the hashes at the right edge, highest level first, are the roots of ever smaller subtrees
    frontiers: list[bytes] = []
    for hashes in edges:
        frontier = Frontier()
        frontier.extend(hashes)
        frontiers.append(frontier.to_bytes())
    return Frontier.from_bytes(size, b"".join(frontiers)).root() if size else root_of(())
