"""What is kept outside the database: every leaf under the checkpoint, whatever was cut, torn or lost in between."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from imp_consent.ledger.entry import PERSON_TYPES, Statement
from imp_consent.ledger.log import Log
from imp_consent.ledger.outside import Outside
from imp_consent.ledger.signer import SIGN_ENTRIES, SIGN_US, Signer
from imp_core.clock import SimulatedClock
from imp_core.errors import ImpError, LedgerBroken
from imp_core.event import RawId

LEAVES = [b"one", b"two" * 100, b"\x00\x01", b"x" * 4096]


def append(log: Log, n: int = 1) -> None:
    with log.write() as transaction:
        for _ in range(n):
            transaction.append_system("access-request", {"n": transaction.size})


def copied(log: Log) -> list[bytes]:
    return list(Outside(log.keyring.folder).read_leaves())


def stored(tmp_path: Path) -> list[bytes]:
    sql = sqlite3.connect(tmp_path / "ledger.db")
    try:
        return [leaf for (leaf,) in sql.execute("SELECT leaf FROM entry ORDER BY seq")]
    finally:
        sql.close()


def test_leaves_are_lengths_and_bytes_one_after_another(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    assert (outside.size(), list(outside.read_leaves())) == (0, [])
    assert outside.append(0, LEAVES[:2]) == 2
    assert outside.append(2, LEAVES[2:]) == 4
    assert outside.leaves_file.read_bytes()[:7] == b"\x00\x03one\x01\x2c"
    assert list(Outside(tmp_path).read_leaves()) == LEAVES
    assert stat.S_IMODE(outside.leaves_file.stat().st_mode) == 0o600


@pytest.mark.parametrize("torn", [b"\x00", b"\x00\x05abc", b"\x00\x00" * 50, b"\x00\x03two\xff\xff" + bytes(9)])
@pytest.mark.parametrize("index", ["kept", "lost", "torn"])
def test_what_lies_beyond_the_checkpoint_is_cut_off(tmp_path: Path, torn: bytes, index: str) -> None:
    outside = Outside(tmp_path)
    outside.append(0, LEAVES[:2])
    with outside.leaves_file.open("ab") as file:
        file.write(torn)
    if index != "kept":
        (tmp_path / "leaves.index").write_text("imp-leaves/1 1 9" if index == "torn" else "")
        outside = Outside(tmp_path)  # another process
    assert outside.held(2) == 2
    assert outside.append(2, LEAVES[2:]) == 4
    assert list(outside.read_leaves()) == LEAVES


def test_fewer_leaves_than_the_checkpoint_covers_are_filled_up(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    outside.append(0, LEAVES[:3])
    outside.leaves_file.write_bytes(outside.leaves_file.read_bytes()[:-1])
    assert outside.held(3) == 2
    assert outside.append(3, LEAVES[2:]) == 4
    assert list(outside.read_leaves()) == LEAVES


def test_the_index_is_written_now_and_then_and_never_ahead_of_a_checkpoint(tmp_path: Path) -> None:
    outside, index = Outside(tmp_path), tmp_path / "leaves.index"
    leaves = [b"%05d" % number for number in range(3_000)]
    outside.append(0, leaves[:1_500])
    assert not index.exists(), "what no checkpoint covers may be cut off again"
    outside.write_checkpoint("signed over 1,500")
    assert index.read_text(encoding="ascii").split()[1] == "1500"
    outside.append(1_500, leaves[1_500:2_000])
    outside.write_checkpoint("signed over 2,000")
    assert index.read_text(encoding="ascii").split()[1] == "1500"
    outside.append(2_000, leaves[2_000:])
    outside.write_checkpoint("signed over 3,000")
    assert index.read_text(encoding="ascii").split()[1] == "3000"
    assert list(outside.read_leaves()) == leaves


def test_leaves_of_a_checkpoint_that_was_never_written_are_not_counted_on(tmp_path: Path) -> None:
    one, other = Outside(tmp_path), Outside(tmp_path)
    one.append(0, LEAVES[:1])
    one.write_checkpoint("signed over 1")
    one.append(1, [b"lost with its checkpoint", b"and this"])
    other.append(1, [b"short", b"and another, by another process", b"x" * 99])
    other.write_checkpoint("signed over 4")
    assert one.held(4) == 4
    assert one.append(4, [b"five"]) == 5
    assert list(one.read_leaves()) == [LEAVES[0], b"short", b"and another, by another process", b"x" * 99, b"five"]


def test_a_checkpoint_over_leaves_that_were_there_changes_nothing_about_them(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    outside.append(0, LEAVES)
    for note in ("signed over 4", "signed over 4 by another key"):
        outside.write_checkpoint(note)
        assert outside.checkpoint_file.read_text() == note
        assert outside.held(4) == 4


def test_a_checkpoint_that_is_taken_away_at_once_is_missed_by_whoever_looks_next(
    open_log: Callable[[], Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log()
    append(log)
    write = Outside.write_checkpoint

    def taken_away(outside: Outside, note: str) -> None:
        write(outside, note)
        outside.checkpoint_file.unlink()

    monkeypatch.setattr(Outside, "write_checkpoint", taken_away)
    append(log, SIGN_ENTRIES)
    with pytest.raises(LedgerBroken, match="checkpoint outside the database is gone"), log.read():
        pass


def test_whoever_cut_something_off_knows_where_the_leaves_end_then(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    outside.append(0, LEAVES[:1])
    outside.write_checkpoint("signed over 1")
    with outside.leaves_file.open("ab") as file:
        file.write(b"\x00\x09torn")
    for size, leaf in enumerate([b"b", b"c" * 30, b"d"], start=1):
        assert outside.append(size, [leaf]) == size + 1
        outside.write_checkpoint(f"signed over {size + 1}")
    assert outside._known.end == outside.leaves_file.stat().st_size
    assert list(outside.read_leaves()) == [LEAVES[0], b"b", b"c" * 30, b"d"]


def test_an_index_of_another_copy_is_not_believed_and_written_anew(tmp_path: Path) -> None:
    one = Outside(tmp_path)
    one.append(0, [b"%05d" % number for number in range(1_024)])
    one.write_checkpoint("signed over 1,024")
    fewer = Outside(tmp_path)
    assert fewer.held(3) == 3, "a checkpoint over three: what is beyond is not looked at"
    fewer.append(3, [b"another"])
    fewer.write_checkpoint("signed over 4")
    assert (tmp_path / "leaves.index").read_text(encoding="ascii").split()[1] == "4"
    assert Outside(tmp_path).held(4) == 4


def test_a_copy_put_in_its_place_by_other_hands_is_read_from_its_start(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    outside.append(0, LEAVES)
    outside.write_checkpoint("signed over 4")
    other = tmp_path / "other"
    other.mkdir()
    Outside(other).append(0, [b"a", b"b"])
    shutil.copy(other / "leaves", tmp_path / "new")
    (tmp_path / "new").replace(tmp_path / "leaves")
    assert outside.held(4) == 2


@pytest.mark.parametrize("leaf", [b"", b"x" * 4097])
def test_a_leaf_of_no_possible_length_is_not_copied(tmp_path: Path, leaf: bytes) -> None:
    with pytest.raises(LedgerBroken, match="no possible length"):
        Outside(tmp_path).append(0, [leaf])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "leaves").mkdir()
    with pytest.raises(ImpError, match="leaves"):
        Outside(tmp_path).append(0, LEAVES)
    with pytest.raises(ImpError, match="leaves"):
        Outside(tmp_path / "nowhere").append(0, LEAVES)


def test_a_link_in_the_place_of_the_copy_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "leaves").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ImpError):
        Outside(tmp_path).append(0, LEAVES)
    assert not (tmp_path / "elsewhere").exists()


# --- the log


def test_the_first_commit_is_signed_then_those_of_a_second_or_256_entries_at_once(
    open_log: Callable[[], Log], clock: SimulatedClock, tmp_path: Path
) -> None:
    log = open_log()

    def signed() -> int:
        outside = log.outside()
        return outside.size if outside else 0

    append(log)
    assert signed() == 1
    append(log)
    assert signed() == 1
    clock.move_to(clock.now_us() + SIGN_US - 1)
    append(log)
    assert signed() == 1
    clock.move_to(clock.now_us() + 1)
    append(log)
    assert signed() == 4
    append(log, SIGN_ENTRIES - 1)
    assert signed() == 4
    append(log)
    assert signed() == 4 + SIGN_ENTRIES
    append(log)
    assert log.checkpoint().size == signed() == 5 + SIGN_ENTRIES
    assert copied(log) == stored(tmp_path)
    append(log, 2)
    log.close()
    assert signed() == 7 + SIGN_ENTRIES
    assert copied(log) == stored(tmp_path)


@pytest.mark.parametrize("type_", sorted(PERSON_TYPES - {"grant"}))
def test_a_no_is_signed_before_it_is_acknowledged_once_a_transaction(
    open_log: Callable[[], Log], type_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log()
    append(log)
    append(log)
    assert log.unsigned == 1
    signings: list[int] = []
    sign = Signer.sign
    monkeypatch.setattr(Signer, "sign", lambda *args, **named: (signings.append(1), sign(*args, **named))[1])
    said = Statement(type=type_, purpose="*", channel="", at_us=5)
    with log.write() as transaction:
        for name in ("ann", "ben", "cid"):
            transaction.append_person(transaction.subject_for(RawId("member", name)), said, {})
    outside = log.outside()
    assert outside is not None
    assert (outside.size, log.size, log.unsigned, len(signings)) == (5, 5, 0, 1)
    append(log)
    assert len(signings) == 1


def test_what_another_process_signed_is_not_signed_again(open_log: Callable[[], Log], tmp_path: Path) -> None:
    one, other = open_log(), open_log()
    append(one)
    append(one)
    append(other)
    other.checkpoint()
    one.close()
    sql = sqlite3.connect(tmp_path / "ledger.db")
    assert sql.execute("SELECT size FROM checkpoint ORDER BY size").fetchall() == [(1,), (3,)]
    sql.close()


def test_a_ledger_of_an_older_imp_gets_its_copy_when_it_is_signed_next(
    open_log: Callable[[], Log], tmp_path: Path
) -> None:
    log = open_log()
    append(log, 5)
    for name in ("leaves", "leaves.index"):
        (tmp_path / "keys" / name).unlink(missing_ok=True)
    log.checkpoint()  # at the same size
    assert copied(log) == stored(tmp_path)
    (tmp_path / "keys" / "leaves").unlink()
    append(log, 5)
    log.checkpoint()
    assert copied(log) == stored(tmp_path)


def test_a_crash_between_copy_and_checkpoint_is_made_good(
    open_log: Callable[[], Log], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log()
    append(log)
    append(log)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Outside, "write_checkpoint", crash)
        with pytest.raises(KeyboardInterrupt):
            log.checkpoint()
    assert copied(log) == stored(tmp_path)
    append(log)
    assert log.checkpoint().size == 3
    assert copied(log) == stored(tmp_path)


def test_leaves_that_no_checkpoint_vouches_for_are_set_aside(open_log: Callable[[], Log], tmp_path: Path) -> None:
    log = open_log()
    append(log, 3)
    before = (tmp_path / "keys" / "leaves").read_bytes()
    (tmp_path / "keys" / "checkpoint").unlink()
    log.checkpoint(without_previous=True)
    assert (tmp_path / "keys" / "leaves.previous").read_bytes() == before
    assert copied(log) == stored(tmp_path)


def test_another_history_of_the_same_log_is_neither_read_nor_written_nor_signed(
    open_log: Callable[[], Log], tmp_path: Path
) -> None:
    log = open_log()
    append(log)
    log.compact()
    log.close()
    shutil.copy(tmp_path / "ledger.db", tmp_path / "backup")
    shutil.copytree(tmp_path / "keys", tmp_path / "keys-then")
    real = open_log()
    with real.write() as transaction:
        transaction.append_system("policy", {})
    real.close()
    kept = (tmp_path / "keys" / "checkpoint").read_bytes()
    # somebody with the keys goes on from the backup, beyond what was signed
    shutil.copy(tmp_path / "backup", tmp_path / "ledger.db")
    shutil.copytree(tmp_path / "keys-then", tmp_path / "keys", dirs_exist_ok=True)
    forger = open_log()
    append(forger, 4)
    forger.close()
    (tmp_path / "keys" / "checkpoint").write_bytes(kept)
    forked = open_log()
    with pytest.raises(LedgerBroken, match="rewritten"), forked.read():
        pass
    with pytest.raises(LedgerBroken, match="rewritten"):
        append(forked)
    with pytest.raises(LedgerBroken, match="rewritten"):
        forked.checkpoint()


def test_a_copy_of_leaves_that_is_made_anew_is_told(
    open_log: Callable[[], Log], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log()
    append(log, 3)
    log.checkpoint()
    assert caplog.messages == []
    (log.keyring.folder / "leaves").unlink()
    log.checkpoint()
    (told,) = caplog.messages
    assert told.startswith("the copy of leaves held 0 of 3: the rest is copied anew")
    assert copied(log) == stored(tmp_path)
