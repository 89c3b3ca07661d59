"""Tiles and entry bundles as of C2SP tlog-tiles: a log as files that anybody can serve, copy and check.

    tile/0/x001/234         256 leaf hashes, one after the other (8,192 bytes)
    tile/1/004.p/210        of level 1 up: the root of each full tile below; the last tile of a level may be partial
    tile/entries/x001/234   the 256 entries themselves, each after its length as a big-endian uint16

Pure: paths, bytes and the tiles of a stream of leaves. `tests/consent/proof/test_tile.py` holds the standard's own
examples and Go's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from imp_consent.ledger.merkle import HASH_SIZE, Frontier, leaf_hash, node_hash
from imp_core.errors import BadInput, LedgerBroken

__all__ = [
    "MAX_BUNDLE",
    "MAX_LEAF",
    "WIDTH",
    "Tile",
    "TileStream",
    "format_bundle",
    "format_tile_path",
    "levels_of",
    "parse_bundle",
    "parse_hashes",
    "parse_tile_path",
    "root_of_full",
    "tile_at",
]

WIDTH: Final = 256  # hashes in a full tile: its height is 8
MAX_LEAF: Final = 0xFFFF
MAX_BUNDLE: Final = WIDTH * (2 + MAX_LEAF)
_LEVELS: Final = 64
_MAX_NUMBER: Final = 2**63
_BITS: Final = 8
# An index beyond 2**63 needs more than six further elements: longer paths name nothing.
_PATH: Final = re.compile(
    r"tile/(?P<level>0|[1-9][0-9]?|entries)/(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One file of a tiled log: `width` hashes of `level` from number · 256 on; `level` None is an entry bundle.

    Raises:
        BadInput: a level, number or width that no tile has.
    """

    level: int | None
    number: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        level = 0 if self.level is None else self.level
        if not (0 <= level < _LEVELS and 0 <= self.number < _MAX_NUMBER and 1 <= self.width <= WIDTH):
            raise BadInput("a tile has a level from 0 to 63, a number from 0 and a width from 1 to 256")


def format_tile_path(tile: Tile) -> str:
    """The tile's path below the log's prefix (C2SP tlog-tiles, "Merkle Tree")."""
    number = f"{tile.number % 1000:03d}"
    rest = tile.number // 1000
    while rest:
        number, rest = f"x{rest % 1000:03d}/{number}", rest // 1000
    partial = "" if tile.width == WIDTH else f".p/{tile.width}"
    return f"tile/{'entries' if tile.level is None else tile.level}/{number}{partial}"


def parse_tile_path(text: str) -> Tile:
    """A tile from its path, which is exactly what `format_tile_path` writes.

    Raises:
        BadInput: it is not one.
    """
    found = _PATH.fullmatch(text)
    if found is None:
        raise BadInput("not the path of a tile")
    level, number, width = found["level"], found["number"], found["width"]
    tile = Tile(
        level=None if level == "entries" else int(level),
        number=int(number.replace("x", "").replace("/", "")),
        width=WIDTH if width is None else int(width),
    )
    if format_tile_path(tile) != text:  # leading zeroes, or a full tile written as a partial one
        raise BadInput("not the path of a tile")
    return tile


def tile_at(level: int | None, number: int, size: int) -> Tile | None:
    """The tile that a tree of `size` leaves has at this place; None where it has none ("Partial Tiles")."""
    width = min((size >> (_BITS * (level or 0))) - number * WIDTH, WIDTH)
    return Tile(level=level, number=number, width=width) if width > 0 else None


def levels_of(size: int) -> int:
    """How many levels of tiles a tree of `size` leaves has."""
    return -(-size.bit_length() // _BITS)


def parse_hashes(data: bytes, width: int) -> list[bytes]:
    """The hashes of a tile of this width, which are its whole content.

    Raises:
        LedgerBroken: the tile has another length.
    """
    if len(data) != width * HASH_SIZE:
        raise LedgerBroken(f"a tile of {len(data)} bytes, {width} hashes have {width * HASH_SIZE}")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def root_of_full(hashes: Sequence[bytes]) -> bytes:
    """The root over the 256 hashes of a full tile (a perfect tree: RFC 9162 §2.1.1)."""
    level = hashes
    while len(level) > 1:
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def format_bundle(leaves: Iterable[bytes]) -> bytes:
    """Entries as a bundle: each after its length as a big-endian uint16 ("Log entries").

    Raises:
        BadInput: an entry of more than 65,535 bytes.
    """
    parts: list[bytes] = []
    for leaf in leaves:
        if len(leaf) > MAX_LEAF:
            raise BadInput(f"an entry of {len(leaf)} bytes", mend=f"a bundle's entries have at most {MAX_LEAF}")
        parts += (len(leaf).to_bytes(2, "big"), leaf)
    return b"".join(parts)


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle of this width.

    Raises:
        LedgerBroken: it holds more or fewer, or its last one is cut off.
    """
    leaves: list[bytes] = []
    at, end = 0, len(data)
    while at < end and len(leaves) < width:
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        leaves.append(data[start:at])
    if at != end or len(leaves) != width:
        raise LedgerBroken(f"a bundle that does not hold exactly {width} whole entries")
    return leaves


class TileStream:
    """Turns leaves, in order, into tiles and bundles as they fill; `finish` yields the partial ones.

    It holds one tile a level, whatever the log's size.
    """

    __slots__ = ("_levels", "_pending", "frontier")

    def __init__(self) -> None:
        self.frontier = Frontier()
        self._levels: list[tuple[int, list[bytes]]] = []  # for each level: number of the open tile, its hashes
        self._pending: list[bytes] = []

    def extend(self, leaves: Iterable[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Add leaves; yields each tile and bundle that is full."""
        for leaf in leaves:
            self._pending.append(leaf)
            if len(self._pending) == WIDTH:
                yield from self._flush()

    def finish(self) -> Iterator[tuple[Tile, bytes]]:
        """The partial tiles and the partial bundle at the right edge; nothing is added after that."""
        if self._pending:
            yield from self._flush()
        for level, (number, hashes) in enumerate(self._levels):
            if hashes:
                yield Tile(level=level, number=number, width=len(hashes)), b"".join(hashes)

    def _flush(self) -> Iterator[tuple[Tile, bytes]]:
        leaves, self._pending = self._pending, []
        yield Tile(level=None, number=self.frontier.size // WIDTH, width=len(leaves)), format_bundle(leaves)
        hashes = [leaf_hash(leaf) for leaf in leaves]
        self.frontier.extend(hashes)
        if not self._levels:
            self._levels.append((0, []))
        self._levels[0][1].extend(hashes)
        yield from self._close_full(0)

    def _close_full(self, level: int) -> Iterator[tuple[Tile, bytes]]:
        number, hashes = self._levels[level]
        if len(hashes) < WIDTH:
            return
        yield Tile(level=level, number=number), b"".join(hashes)
        self._levels[level] = (number + 1, [])
        if level + 1 == len(self._levels):
            self._levels.append((0, []))
        self._levels[level + 1][1].append(root_of_full(hashes))
        yield from self._close_full(level + 1)
