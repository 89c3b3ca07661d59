from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.merkle import EMPTY_ROOT, leaf_hash, root_of
from imp_consent.ledger.tile import (
    WIDTH,
    Tile,
    TileStream,
    format_bundle,
    format_tile_path,
    levels_of,
    parse_bundle,
    parse_hashes,
    parse_tile_path,
    root_of_full,
    tile_at,
)
from imp_core.errors import BadInput, LedgerBroken

# C2SP tlog-tiles' own example, and those of Go's ParseTilePath at height 8 (without the height in the path)
PATHS = {
    "tile/0/x001/x234/067": Tile(level=0, number=1234067),
    "tile/4/x001/x234/067.p/1": Tile(level=4, number=1234067, width=1),
    "tile/0/005.p/255": Tile(level=0, number=5, width=255),
    "tile/1/x001/000": Tile(level=1, number=1000),
    "tile/63/000": Tile(level=63, number=0),
    "tile/entries/x123/456": Tile(level=None, number=123456),
    "tile/entries/000.p/12": Tile(level=None, number=0, width=12),
    "tile/0/x009/x223/x372/x036/x854/x775/807": Tile(level=0, number=2**63 - 1),
}


@pytest.mark.parametrize("path", PATHS)
def test_the_paths_of_the_standard_are_written_and_read(path):
    assert format_tile_path(PATHS[path]) == path
    assert parse_tile_path(path) == PATHS[path]


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/64/000",
        "tile/-1/000", "tile/data/000", "tile/8/0/000", "tile/0/x000/000", "tile/0/001/000", "tile/0/x01/000",
        "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p", "tile/0/000/",
        "/tile/0/000", "tile/0/000\n", "tile/0/../000", "tile/0/x009/x223/x372/x036/x854/x775/808",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/x001/x001/x001/x001/x001/x001/x001/000", "tile/0/x001", "checkpoint", "TILE/0/000",
    ],
)  # fmt: skip
def test_what_is_no_path_of_a_tile_is_refused(path):
    with pytest.raises(BadInput, match="tile"):
        parse_tile_path(path)


@pytest.mark.parametrize(("level", "number", "width"), [(64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_a_tile_that_cannot_be_is_refused(level, number, width):
    with pytest.raises(BadInput):
        Tile(level=level, number=number, width=width)


@given(
    st.none() | st.integers(0, 63),
    st.integers(0, 2**63 - 1) | st.integers(0, 2000),
    st.integers(1, WIDTH),
)
def test_every_path_goes_through_its_text(level, number, width):
    tile = Tile(level=level, number=number, width=width)
    assert parse_tile_path(format_tile_path(tile)) == tile


@given(st.text(max_size=40) | st.from_regex(r"tile/[0-9a-z]{1,3}/[x0-9/]{1,12}(\.p/[0-9]{1,4})?", fullmatch=True))
def test_nothing_but_our_error_escapes_from_parsing_a_path(text):
    try:
        tile = parse_tile_path(text)
    except BadInput:
        return
    assert format_tile_path(tile) == text


def files_of(leaves):
    stream = TileStream()
    return stream, {format_tile_path(tile): data for tile, data in [*stream.extend(leaves), *stream.finish()]}


def test_a_tree_of_70000_has_the_tiles_the_standard_says():
    stream, files = files_of(i.to_bytes(4, "big") for i in range(70_000))
    level = {name: len(data) // 32 for name, data in files.items() if "entries" not in name}
    assert sum(name.startswith("tile/0/") for name in level) == 274
    assert level["tile/0/273.p/112"] == 112
    assert [name for name in level if not name.startswith("tile/0/")] == [
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert sum("entries" in name for name in files) == 274
    assert stream.frontier.root() == root_of(leaf_hash(i.to_bytes(4, "big")) for i in range(70_000))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 65_536, 65_537])
def test_a_tree_has_exactly_the_files_that_its_size_asks_for(size):
    stream, files = files_of(b"%d" % i for i in range(size))
    asked = {
        format_tile_path(tile)
        for level in (None, *range(levels_of(size)))
        for number in range(size // WIDTH + 1)
        if (tile := tile_at(level, number, size)) is not None
    }
    assert set(files) == asked
    assert stream.frontier.size == size
    assert size or stream.frontier.root() == EMPTY_ROOT
    assert tile_at(levels_of(size), 0, size) is None


def test_a_tile_above_holds_the_roots_of_the_full_tiles_below():
    _, files = files_of(b"%d" % i for i in range(600))
    above = parse_hashes(files["tile/1/000.p/2"], 2)
    assert above == [root_of_full(parse_hashes(files[f"tile/0/00{n}"], WIDTH)) for n in (0, 1)]
    assert above[0] == root_of(leaf_hash(b"%d" % i) for i in range(256))
    assert parse_bundle(files["tile/entries/002.p/88"], 88) == [b"%d" % i for i in range(512, 600)]


def test_a_bundle_is_written_byte_for_byte():
    assert format_bundle([b"ab", b"", b"x" * 300]) == b"\x00\x02ab\x00\x00\x01\x2c" + b"x" * 300
    with pytest.raises(BadInput, match="65536 bytes"):
        format_bundle([bytes(65_536)])


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=WIDTH))
def test_a_bundle_goes_through_its_bytes(leaves):
    assert parse_bundle(format_bundle(leaves), len(leaves)) == leaves


@pytest.mark.parametrize(
    ("data", "width"),
    [(b"", 1), (b"\x00", 1), (b"\x00\x01", 1), (b"\x00\x00\x00", 1), (b"\x00\x00", 2), (b"\x00\x00" * 3, 2)],
)
def test_a_bundle_of_other_or_broken_entries_is_refused(data, width):
    with pytest.raises(LedgerBroken, match="whole entries"):
        parse_bundle(data, width)


@given(st.binary(max_size=2000), st.integers(1, WIDTH))
def test_nothing_but_our_error_escapes_from_a_bundle_or_tile(data, width):
    for parse in (parse_bundle, parse_hashes):
        try:
            assert len(parse(data, width)) == width
        except LedgerBroken:
            continue
