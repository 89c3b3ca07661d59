"""The tombstones: a golden file, what is refused, and that they say nobody's name."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from imp_consent.identity.keys import PURPOSES, Key, Keyring, KeyState, format_key
from imp_consent.identity.pseudonym import rehash
from imp_consent.ledger.tombstones import Tombstones, counting, lines_lost
from imp_core.errors import ImpError, LedgerBroken
from imp_core.ports import SystemEntry

KEY = Key(purpose="supp", id="3f0a91c2", epoch=1, state=KeyState.ACTIVE, secret=bytes(range(32)))
GOLDEN = (
    "erased 3f0a91c2 c2d7e098532c2f49a7c990dbdd712339 cf10b45a823c0b54c882c604c2116ff9\n"
    "erased 3f0a91c2 20e57ee6cc49f530a0788dfd3f2ef565 f1fb404d51695c80342a874f2650b86b\n"
    "suppressed 3f0a91c2 11111111111111111111111111111111 5809a5bbcb5e611131481bac02c46e56\n"
    "suppressed 3f0a91c2 22222222222222222222222222222222 2b38153b736dc774ce514089b9e72f94\n"
    "lifted 3f0a91c2 11111111111111111111111111111111 2d56544afe73e95d9cbb116a0265da81\n"
)


class Kept:
    """A store of one key for each purpose, `KEY` for suppression."""

    place, writable = "the test", True

    def __init__(self) -> None:
        keys = [KEY, *(replace(KEY, purpose=purpose) for purpose in PURPOSES if purpose != "supp")]
        self.keys = {key.name: format_key(key, "shop") for key in keys}

    def load(self) -> dict[str, bytes]:
        return dict(self.keys)

    def store(self, name: str, data: bytes) -> None:
        self.keys[name] = data

    def destroy(self, name: str) -> None:
        del self.keys[name]


def ring(folder: Path, key: Key) -> Keyring:
    return Keyring(folder=folder, log_id="shop", store=Kept(), keys=(key,))


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return ring(tmp_path, KEY)


@pytest.fixture
def stones(tmp_path: Path, keyring: Keyring) -> Tombstones:
    made = Tombstones(tmp_path, keyring)
    made.bury([7, 2**62])
    made.suppress([b"\x11" * 16, b"\x22" * 16])
    made.lift([b"\x11" * 16])
    return made


def test_what_was_written_is_read(stones: Tombstones) -> None:
    buried = stones.read()
    assert (buried.lines, buried.holds(7), buried.holds(2**62), buried.holds(8)) == (5, True, True, False)
    assert buried.suppressed == {b"\x22" * 16}
    assert stat.S_IMODE(stones.path.stat().st_mode) == 0o600


def test_the_format_stays(stones: Tombstones) -> None:
    assert stones.path.read_text() == GOLDEN


def test_burying_again_adds_nothing(stones: Tombstones) -> None:
    before = stones.path.read_bytes()
    stones.bury([7])
    stones.bury([])
    assert stones.path.read_bytes() == before


def test_a_torn_last_line_says_nothing_and_is_cut_off(stones: Tombstones) -> None:
    whole = stones.path.read_bytes()
    for length in range(1, 90):
        torn = whole[:-length]
        stones.path.write_bytes(torn)
        assert stones.read().lines == torn.count(b"\n")
        stones.bury([99])
        assert stones.read().holds(99)
        assert stones.path.read_bytes().startswith(torn[: torn.rfind(b"\n") + 1])


def test_every_changed_byte_is_found(stones: Tombstones) -> None:
    whole = stones.path.read_bytes()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 0x20
        stones.path.write_bytes(changed)
        if at == len(whole) - 1:  # the last line's end: it is torn
            assert stones.read().lines == 4
            continue
        with pytest.raises(LedgerBroken, match="changed by other hands"):
            stones.read()


@pytest.mark.parametrize("order", [(0, 2, 3, 4), (1, 0, 2, 3, 4), (0, 0, 1, 2, 3, 4), (1, 2, 3, 4)])
def test_a_line_taken_away_moved_or_doubled_is_found(stones: Tombstones, order: tuple[int, ...]) -> None:
    lines = stones.path.read_bytes().splitlines(keepends=True)
    stones.path.write_bytes(b"".join(lines[at] for at in order))
    with pytest.raises(LedgerBroken):
        stones.read()


def test_another_ledgers_file_is_refused(stones: Tombstones, tmp_path: Path) -> None:
    other = ring(tmp_path, replace(KEY, secret=bytes(32)))
    with pytest.raises(LedgerBroken):
        Tombstones(tmp_path, other).read()


def test_nothing_there_is_nothing_said_and_what_cannot_be_written_is_named(tmp_path: Path, keyring: Keyring) -> None:
    assert Tombstones(tmp_path, keyring).read().lines == 0
    with pytest.raises(ImpError, match="cannot be written"):
        Tombstones(tmp_path / "nowhere", keyring).bury([1])


def test_r30_it_says_no_subjects_number(stones: Tombstones) -> None:
    data = stones.path.read_bytes()
    assert (2**62).to_bytes(8, "big").hex().encode() not in data
    assert str(2**62).encode() not in data


@pytest.mark.parametrize("state", [KeyState.ACTIVE, KeyState.STAGED])
def test_a_key_that_another_process_put_in_use_meanwhile_is_looked_up(
    stones: Tombstones, keyring: Keyring, state: KeyState
) -> None:
    new = Key(purpose="supp", id="0badcafe", epoch=2, state=state, secret=bytes(32), wraps=(KEY.id,))
    keyring.store.store(new.name, format_key(new, "shop"))  # staged: its change is committed and not written down yet
    other = Tombstones(stones.path.parent, keyring.reload().using({"supp": new.id}))
    other.bury([9])
    other.suppress([b"\x33" * 16])
    stones.bury([10])
    for reading in (stones, other):
        buried = reading.read()
        assert [buried.holds(subject) for subject in (7, 8, 9, 10)] == [True, False, True, True]
        assert buried.suppressed == {rehash(new.secret, b"\x22" * 16), b"\x33" * 16}
    assert stones.path.read_text().splitlines()[-1].startswith("erased 0badcafe")


def entry(seq: int, lines: int, end: str | None) -> SystemEntry:
    fields = {"tombstones": lines} if end is None else {"tombstones": lines, "tombstones_end": end}
    return SystemEntry(seq=seq, type="erased", at_us=0, actor="", fields=fields)


def test_lines_that_were_counted_and_cut_off_are_missed_whatever_was_appended(stones: Tombstones) -> None:
    whole = stones.read()
    ends = [line.split(" ")[3] for line in GOLDEN.splitlines()]
    assert (whole.lines, whole.end) == (5, ends[-1])
    counted = counting([entry(1, 2, ends[1]), entry(2, 5, ends[4])])
    assert lines_lost(counted, whole) == 0
    lines = stones.path.read_bytes().splitlines(keepends=True)
    for kept, lost in [(4, 3), (2, 3), (1, 5), (0, 5)]:
        stones.path.write_bytes(b"".join(lines[:kept]))
        assert lines_lost(counted, stones.read()) == lost
        stones.bury(range(100, 110))
        assert lines_lost(counted, stones.read()) == lost
        assert lines_lost(counting([entry(1, 2, None), entry(2, 5, None)]), stones.read()) == 0  # only a number
