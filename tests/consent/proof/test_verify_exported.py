"""An export checked by a stranger: what is sound passes, and whatever is not is named by its path."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.audit.export import export
from imp_consent.audit.exported import parse_vkeys, verify
from imp_consent.audit.exported.folder import Folder, Unreadable
from imp_consent.ledger.checkpoint import Checkpoint, sign_checkpoint
from imp_consent.ledger.merkle import EMPTY_ROOT, root_of
from imp_consent.ledger.note import SigningKey, sign_note
from imp_core.errors import BadInput, ImpError

Shipped = Any  # the conftest's class: test folders are no packages
FILES = [
    "tile/0/000", "tile/0/001", "tile/0/002.p/89", "tile/1/000.p/2",
    "tile/entries/000", "tile/entries/001", "tile/entries/002.p/89",
]  # fmt: skip


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_sound_export_passes_and_says_what_it_is(pristine: Shipped) -> None:
    result = pristine.verify(*((str(size), note.encode()) for size, note in pristine.pins.items()))
    assert (result.ok, result.problems) == (True, ())
    assert (result.size, result.root, result.entries_root) == (601, pristine.done.root, pristine.done.root)
    assert (result.origin, result.persons_leaves, result.files, result.pinned) == ("imp.local/shipped", 200, 7, 4)
    assert result.signed_by == (pristine.vkey.split("+")[1],)
    listed = {str(path.relative_to(pristine.folder)) for path in pristine.folder.rglob("*") if path.is_file()}
    assert listed == {*FILES, "checkpoint", "log.vkey", "README.md"}


def test_the_export_says_in_the_log_that_it_was_made(pristine: Shipped, log: Any) -> None:
    with log.read() as reader:
        (entry,) = reader.system_entries("export")
    assert (entry.seq, entry.fields) == (600, {"what": "log", "entries": 600})
    assert (pristine.done.seq, pristine.done.entries, pristine.done.files) == (600, 601, 7)
    assert pristine.done.bytes == sum((pristine.folder / name).stat().st_size for name in FILES)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("at", [5, -1, 40])
def test_a_flipped_byte_is_named_by_its_file(shipped: Shipped, name: str, at: int) -> None:
    flip(shipped.folder / name, at)
    code = "entries.hash" if "entries" in name else "tile.hash"
    assert shipped.found() == {(code, name)}


@pytest.mark.parametrize("name", ["tile/entries/000", "tile/entries/002.p/89"])
def test_a_length_that_is_flipped_is_found(shipped: Shipped, name: str) -> None:
    flip(shipped.folder / name, 0)
    assert shipped.found() == {("entries.malformed", name)}


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(shipped: Shipped, name: str) -> None:
    (shipped.folder / name).unlink()
    code = "entries.missing" if "entries" in name else "tile.missing"
    assert shipped.found() == {(code, name)}


def test_an_entry_and_its_tile_missing_leave_nothing_to_rebuild(shipped: Shipped) -> None:
    for name in ("tile/0/001", "tile/entries/001"):
        (shipped.folder / name).unlink()
    result = shipped.verify(("7", shipped.pins[7].encode()), ("300", shipped.pins[300].encode()))
    assert {(problem.code, problem.place) for problem in result.problems} >= {
        ("tile.missing", "tile/0/001"),
        ("entries.missing", "tile/entries/001"),
        ("pinned.contradicted", "300"),
    }
    assert (result.entries_root, result.pinned) == (None, 1)


@pytest.mark.parametrize("name", ["tile/0/000", "tile/1/000.p/2"])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_tile_cut_off_or_too_long_is_named(shipped: Shipped, name: str, change: int) -> None:
    path = shipped.folder / name
    path.write_bytes(path.read_bytes()[:-1] if change < 0 else path.read_bytes() + b"\x00")
    ((code, place),) = shipped.found()
    assert (code in ("tile.malformed", "tile.missing"), place) == (True, name)


def test_an_entry_exchanged_with_its_tiles_is_found_by_the_root(shipped: Shipped, write_tiles: Any) -> None:
    leaves = [b'{"v":1}' for _ in range(601)]
    shutil.rmtree(shipped.folder / "tile")
    write_tiles(shipped.folder, leaves)
    assert shipped.found(("7", shipped.pins[7].encode())) == {("log.root", "checkpoint"), ("pinned.contradicted", "7")}


def test_several_wrong_files_are_all_named(shipped: Shipped) -> None:
    for name in ("tile/entries/000", "tile/0/001", "tile/1/000.p/2"):
        flip(shipped.folder / name, 33)
    found = shipped.found()
    assert ("log.root", "checkpoint") in found
    assert {place for _, place in found} >= {"tile/entries/000", "tile/1/000.p/2"}


# --- the checkpoint, the keys and the pins


@pytest.mark.parametrize("at", [3, 20, 60, -5])
def test_a_flipped_byte_of_the_checkpoint_is_found(shipped: Shipped, at: int) -> None:
    flip(shipped.folder / "checkpoint", at)
    assert {place for _, place in shipped.found()} >= {"checkpoint"}


@pytest.mark.parametrize("data", [b"", b"\xff", b"x\n\n", b"log\n-1\nAAAA\n\n\xe2\x80\x94 a AAAA\n"])
def test_what_is_no_checkpoint_is_named(shipped: Shipped, data: bytes) -> None:
    (shipped.folder / "checkpoint").write_bytes(data)
    result = shipped.verify()
    assert [(problem.code, problem.place) for problem in result.problems] == [("checkpoint.malformed", "checkpoint")]
    assert (result.size, result.root, result.origin) == (None, None, None)


def test_a_checkpoint_of_an_enormous_size_is_not_looked_for_to_its_end(shipped: Shipped, signer: SigningKey) -> None:
    note = sign_checkpoint(Checkpoint("log.example", 2**62, bytes(32)), signer)
    (shipped.folder / "checkpoint").write_text(note, encoding="utf-8")
    result = verify(shipped.folder, signer.verifier.format())
    assert not result.ok
    assert len(result.problems) < 300


def test_another_key_or_none_is_not_trusted(shipped: Shipped, signer: SigningKey) -> None:
    result = verify(shipped.folder, signer.verifier.format())
    assert {(problem.code, problem.place) for problem in result.problems} == {
        ("checkpoint.signature", "checkpoint"),
        ("vkey.unknown", "log.vkey"),
    }
    assert result.signed_by == ()
    (shipped.folder / "log.vkey").write_text("nonsense\n")
    assert shipped.found() == {("vkey.malformed", "log.vkey")}
    (shipped.folder / "log.vkey").unlink()
    assert shipped.found() == {("vkey.missing", "log.vkey")}


def test_a_checkpoint_signed_under_another_name_is_refused(shipped: Shipped, signer: SigningKey) -> None:
    text = (shipped.folder / "checkpoint").read_text(encoding="utf-8").rpartition("\n\n")[0] + "\n"
    (shipped.folder / "checkpoint").write_text(sign_note(text, signer), encoding="utf-8")
    result = verify(shipped.folder, shipped.vkey + signer.verifier.format())
    assert [problem.code for problem in result.problems] == ["checkpoint.signature"]


@pytest.mark.parametrize("vkey", ["", "\n", "nonsense", b"\xff", "a+b+c"])
def test_what_is_no_key_is_refused(vkey: str | bytes, pristine: Shipped) -> None:
    with pytest.raises(BadInput):
        verify(pristine.folder, vkey)


def test_a_tail_cut_off_is_undetectable_without_a_pin_and_refused_with_one(
    shipped: Shipped, log: Any, write_tiles: Any
) -> None:
    with log.read() as reader:
        rows = reader.sql.execute("SELECT leaf FROM entry WHERE seq < 300 ORDER BY seq")
        leaves = [leaf for (leaf,) in rows]
        (note,) = reader.sql.execute("SELECT note FROM checkpoint WHERE size = 300").fetchone()
    shutil.rmtree(shipped.folder / "tile")
    write_tiles(shipped.folder, leaves)
    (shipped.folder / "checkpoint").write_text(note, encoding="utf-8")
    assert shipped.verify().ok, "an older signed state is a signed state"
    assert shipped.found(("pin", shipped.pins[600].encode())) == {("pinned.contradicted", "pin")}


def test_a_pin_of_another_log_or_of_nobody_is_named(shipped: Shipped, signer: SigningKey) -> None:
    other = sign_checkpoint(Checkpoint("log.example", 7, bytes(32)), signer)
    assert shipped.found(("pin", other.encode())) == {("pinned.origin", "pin")}
    own = "\n".join([shipped.pins[7].split("\n")[0], *other.split("\n")[1:]])
    assert shipped.found(("pin", own.encode())) == {("pinned.signature", "pin")}
    assert shipped.found(("pin", b"junk")) == {("pinned.signature", "pin")}
    assert shipped.found(("pin", b"c2sp.org/tlog-proof@v1\njunk")) == {("pinned.malformed", "pin")}
    result = verify(shipped.folder, shipped.vkey + signer.verifier.format(), [("pin", other.encode())])
    assert [problem.code for problem in result.problems] == ["pinned.origin"]
    assert "another log" in result.problems[0].sentence


# --- what else lies there


@pytest.mark.parametrize("name", ["stray", "tile/0/003", "tile/0/000.p/5", "tile/2/000.p/1", "tile/entries/000.tmp"])
def test_a_stray_file_is_named(shipped: Shipped, name: str) -> None:
    (shipped.folder / name).parent.mkdir(parents=True, exist_ok=True)
    (shipped.folder / name).write_bytes(b"x")
    assert shipped.found() == {("export.stray", name)}


def test_a_strays_name_cannot_write_to_the_terminal(shipped: Shipped) -> None:
    (shipped.folder / "\x1b[2J邮件").write_bytes(b"")
    (shipped.folder / os.fsdecode(b"\xff")).write_bytes(b"")
    assert {place for _, place in shipped.found()} == {"\\x1b[2J邮件", "\\udcff"}


def test_no_link_is_followed(shipped: Shipped, pristine: Shipped) -> None:
    target = shipped.folder / "tile/0/000"
    target.unlink()
    target.symlink_to(pristine.folder / "tile/0/000")
    assert ("tile.missing", "tile/0/000") in shipped.found()
    shutil.rmtree(shipped.folder / "tile")
    (shipped.folder / "tile").symlink_to(pristine.folder / "tile")
    found = shipped.found()
    assert ("entries.missing", "tile/entries/000") in found
    assert ("export.stray", "tile") in found


def test_pipes_sockets_and_folders_in_place_of_files_stop_nothing(shipped: Shipped, tmp_path: Path) -> None:
    (shipped.folder / "tile/0/000").unlink()
    os.mkfifo(shipped.folder / "tile/0/000")
    (shipped.folder / "tile/0/001").unlink()
    (shipped.folder / "tile/0/001").mkdir()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(shipped.folder / "s"))
    found = shipped.found()
    assert found >= {("tile.missing", "tile/0/000"), ("tile.missing", "tile/0/001"), ("export.stray", "s")}


def test_a_file_larger_than_it_may_be_is_not_read(shipped: Shipped) -> None:
    with (shipped.folder / "tile/0/000").open("r+b") as file:
        file.truncate(2**40)
    problem = next(problem for problem in shipped.verify().problems if problem.place == "tile/0/000")
    assert "larger than 8192 bytes" in problem.sentence


def test_folders_without_end_are_not_descended_to_their_end(shipped: Shipped) -> None:
    deep = shipped.folder.joinpath("x", *["d"] * 40)
    deep.mkdir(parents=True)
    assert shipped.found() == {("export.stray", "/".join(["x", *["d"] * 12]))}


def test_what_is_no_folder_is_refused(tmp_path: Path, pristine: Shipped) -> None:
    for path in (tmp_path / "absent", pristine.folder / "checkpoint"):
        with pytest.raises(BadInput, match="folder"):
            verify(path, pristine.vkey)


def test_no_more_folders_are_held_open_than_needed(pristine: Shipped, tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "f").write_bytes(b"x")
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 (what the system holds open)
    with Folder(tmp_path) as folder:
        assert [folder.read(f"{number}/f", 1) for number in range(40)] == [b"x"] * 40
        assert len(os.listdir("/dev/fd")) - before < 20  # noqa: PTH208 (as above)
        with pytest.raises(Unreadable, match="missing"):
            folder.read("41/f", 1)
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208 (as above)


# --- small logs, and fuzz


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 65_536 // 64])
def test_logs_of_every_shape_verify(tmp_path: Path, size: int, signer: SigningKey, write_tiles: Any) -> None:
    assert write_tiles(tmp_path, [b'{"n":%d}' % n for n in range(size)])[0] == size
    _, root = write_tiles(tmp_path, [b'{"n":%d}' % n for n in range(size)])
    assert size or root == EMPTY_ROOT == root_of(())
    note = sign_checkpoint(Checkpoint("log.example", size, root), signer)
    (tmp_path / "checkpoint").write_text(note, encoding="utf-8")
    (tmp_path / "log.vkey").write_text(signer.verifier.format())
    result = verify(tmp_path, signer.verifier.format(), [("itself", note.encode())])
    assert (result.problems, result.size, result.pinned) == ((), size, 1)


@given(st.binary(max_size=200) | st.text(max_size=80))
def test_nothing_but_our_error_escapes_from_reading_keys(data: bytes | str) -> None:
    with pytest.raises(ImpError):
        parse_vkeys(data)


# --- the folder that is written


@pytest.mark.parametrize("there", ["file", "link", "full"])
def test_an_export_goes_to_a_new_or_empty_folder(tmp_path: Path, log: Any, there: str) -> None:
    folder, size = tmp_path / "out", log.size
    if there == "file":
        folder.write_bytes(b"x")
    elif there == "link":
        folder.symlink_to(tmp_path)
    else:
        folder.mkdir()
        (folder / "x").write_bytes(b"x")
    with pytest.raises(BadInput, match="something already"):
        export(log, folder)
    with pytest.raises(ImpError, match="cannot be written"):
        export(log, tmp_path / "absent" / "out")
    assert log.size == size, "nothing was noted for what was not done"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
