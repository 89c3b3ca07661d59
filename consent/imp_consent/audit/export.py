"""The log written out as files for an auditor who trusts nobody here: tiles, entries, checkpoint and public key.

    checkpoint            what the log commits to, signed (C2SP tlog-checkpoint)
    log.vkey              the verifier key in use (C2SP signed-note)
    log.vkey.retired      those before it, newest first, each with the largest size it signs; only where there are any
    tile/0/000 …          the Merkle tree (C2SP tlog-tiles)
    tile/entries/000 …    the entries
    README.md             how to check all of it, with tools of other people's

No leaf names a person whose consent it is about: what people said lies encrypted in the database and is not exported.
System entries name the accounts that acted.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from imp_consent.audit.exported import CHECKPOINT, README, RETIRED, VKEYS
from imp_consent.audit.listed_keys import listed_keys
from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.tile import TileStream, format_tile_path
from imp_core.errors import BadInput, ImpError, LedgerBroken
from imp_core.hold import beside
from imp_core.ports import CheckpointInfo
from imp_core.workspace import UNWRITABLE, sync

__all__ = ["Exported", "export", "fresh_folder"]

_TEMPLATE: Final = "export.md"
_EMPTY: Final = "name a folder that is new or empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written: `entries` of the log under `root` (hex), in `files` tiles and bundles of `bytes`.

    `seq` is the entry that says this log was exported; it is the last one of the export or near it.
    """

    folder: str
    origin: str
    seq: int
    entries: int
    root: str
    files: int
    bytes: int


def export(log: Log, folder: Path, *, count: Callable[[int], None] = lambda _: None) -> Exported:
    """Write the log to a new or empty folder; `count` hears of each entry.

    It first appends an `export` entry, which says how many entries there were before it, and signs a checkpoint. The
    folder appears whole or not at all; it can be made anew at any time, so that only its place is fsynced.

    Raises:
        BadInput: the folder is not new or empty.
        LedgerBroken: the entries are not those that the log signed for: nothing is left behind.
        ImpError: the folder cannot be written.
    """
    with fresh_folder(folder) as aside:
        with log.write() as transaction:
            seq = transaction.append_system("export", {"what": "log", "entries": transaction.size})
        info = log.checkpoint()
        written = _Writer(aside)
        with log.read() as reader:
            vkey, retired = listed_keys(reader, info.size)
            written.tiles(_leaves(reader, info.size), info, count)
        texts = {CHECKPOINT: info.note, VKEYS: vkey, RETIRED: retired, README: _readme(info)}
        for name, text in texts.items():
            if text:
                _write_own(aside / name, text.encode())
    return Exported(
        folder=str(folder),
        origin=info.origin,
        seq=seq,
        entries=info.size,
        root=info.root,
        files=written.files,
        bytes=written.bytes,
    )


@contextlib.contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill that becomes `folder` (0700) when the block ends, and nothing when it raises.

    What a killed process left of one lies beside (see `beside`), and goes with the next run for the same `folder`.

    Raises:
        BadInput: `folder` is not new or empty.
        ImpError: it, or the folder it is in, cannot be written.
    """
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise BadInput("there is something already", where=str(folder), mend=_EMPTY)
    with contextlib.ExitStack() as stack:
        try:
            aside = stack.enter_context(beside(folder.absolute()))
            aside.mkdir(mode=0o700)
        except OSError as error:
            raise ImpError(f"cannot be written: {error.strerror}", where=str(folder), mend=UNWRITABLE) from None
        try:
            yield aside
            aside.replace(folder)
            sync(folder.absolute().parent)
        except OSError as error:
            raise ImpError(f"cannot be written: {error.strerror}", where=str(folder), mend=UNWRITABLE) from None


class _Writer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[Path] = set()
        self.files = 0
        self.bytes = 0

    def tiles(self, leaves: Iterable[bytes], info: CheckpointInfo, count: Callable[[int], None]) -> None:
        stream = TileStream()
        for tile, data in stream.extend(leaves):
            self._write(format_tile_path(tile), data)
            if tile.level is None:
                count(tile.width)
        for tile, data in stream.finish():
            self._write(format_tile_path(tile), data)
        if (stream.frontier.size, stream.frontier.root().hex()) != (info.size, info.root):
            raise LedgerBroken(
                "the entries are not those that the log signed for", where="entry", mend="run: imp audit verify"
            )

    def _write(self, name: str, data: bytes) -> None:
        path = self._folder / name
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        _write_own(path, data)
        self.files += 1
        self.bytes += len(data)


def _write_own(path: Path, data: bytes) -> None:
    """A new file that its owner alone can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _leaves(reader: Reader, size: int) -> Iterator[bytes]:
    for (leaf,) in reader.sql.execute("SELECT leaf FROM entry WHERE seq < ? ORDER BY seq", (size,)):
        yield leaf


def _readme(info: CheckpointInfo) -> str:
    text = files("imp_consent.audit").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    for name, value in {"ORIGIN": info.origin, "SIZE": str(info.size), "ROOT": info.root}.items():
        text = text.replace(f"@{name}@", value)
    return text
