"""A disk as POSIX promises it and no better: what was fsynced is certain; all else may be there, in part, or not.

Per file: bytes written since the last fsync of that file may be dropped, kept, or torn at a sector. Per folder: names
made or removed since the last fsync of that folder may be lost, in order or out of it. A move within a folder is one
change; between folders the new name may stand beside the old one, but never is neither there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.campaign.trace import Call

__all__ = ["HABITS", "Platter"]

_SECTOR: Final = 512
# What becomes of what was not synced: nothing of it, all of it, each piece by chance, or a beginning of it.
HABITS: Final = ("drop", "keep", "chance", "prefix")


@dataclass(slots=True, eq=False)
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)  # (offset, bytes), or (size, None)
    folder: bool = False

    def size(self) -> int:
        """As a process sees it."""
        size = len(self.durable)
        for offset, data in self.pending:
            size = offset if data is None else max(size, offset + len(data))
        return size

    def sync(self) -> None:
        """Make certain what was written."""
        for change in self.pending:
            _apply(self.durable, *change)
        self.pending.clear()


@dataclass(slots=True)
class _Open:
    file: _File
    path: str
    at: int = 0
    append: bool = False


@dataclass(slots=True, eq=False)
class _Naming:
    """Names that go from one folder and come into it, as one change; `needs` cannot be lost where this is kept."""

    folder: str
    gone: tuple[str, ...] = ()
    come: tuple[tuple[str, _File], ...] = ()
    needs: _Naming | None = None
    certain: bool = False

    def apply(self, names: dict[str, _File]) -> None:
        """Let it have happened."""
        if self.needs is not None and not self.needs.certain:
            self.needs.apply(names)
        for path in self.gone:
            names.pop(path, None)
        names.update(self.come)


class Platter:
    """Replays calls below some folders. `names` is what processes see, `_durable` what is certain."""

    def __init__(self, roots: tuple[Path, ...]) -> None:
        self._roots = tuple(str(root) for root in roots)
        self.names: dict[str, _File] = {}
        for root in roots:
            for path in (root, *sorted(root.rglob("*"))):
                self.names[str(path)] = _File(
                    bytearray() if path.is_dir() else bytearray(path.read_bytes()), folder=path.is_dir()
                )
        self._durable: dict[str, _File] = dict(self.names)
        self._namings: list[_Naming] = []
        self._open: dict[int, _Open] = {}
        self._elsewhere: dict[int, Path] = {}  # outside the roots: nobody changes what is copied from there
        self.syncs = 0

    def replay(self, call: Call) -> None:
        """Let one call have happened.

        Raises:
            ValueError: a call that changes a file in a way this knows nothing of.
        """
        handler = getattr(self, f"_{call.name}", None)
        if handler is not None:
            handler(call)
        elif call.name in {"copy_file_range", "fallocate", "link", "linkat", "symlink", "truncate"}:
            raise ValueError(f"a disk that knows no {call.name}")

    def cut(self, folder: Path, chance: Random, habit: str) -> None:
        """Write into a folder what is found after the power was cut now; roots stand there under their own names."""
        names = dict(self._durable)
        for naming in self._kept(chance, habit):
            naming.apply(names)
        for root in self._roots:
            (folder / Path(root).name).mkdir(parents=True, mode=0o700)
        for path, file in sorted(names.items()):
            target = self._target(folder, path)
            if target is None or not target.parent.is_dir():
                continue  # its folder was lost
            if file.folder:
                target.mkdir(exist_ok=True, mode=0o700)
            else:
                target.touch(mode=0o600)
                target.write_bytes(_content(file, chance, habit))

    def _target(self, folder: Path, path: str) -> Path | None:
        for root in self._roots:
            if path == root or path.startswith(root + os.sep):
                return folder / Path(root).name / os.path.relpath(path, root)
        return None

    def _kept(self, chance: Random, habit: str) -> Iterator[_Naming]:
        if habit == "prefix":
            yield from self._namings[: chance.randint(0, len(self._namings))]
        elif habit != "drop":
            yield from (naming for naming in self._namings if habit == "keep" or chance.random() < 1 / 2)

    def _name(self, naming: _Naming) -> _Naming:
        naming.apply(self.names)
        self._namings.append(naming)
        return naming

    def _come(self, path: str, file: _File) -> None:
        self._name(_Naming(str(Path(path).parent), come=((path, file),)))

    def _sync_folder(self, path: str) -> None:
        """Everything named in it so far is certain."""
        for naming in [naming for naming in self._namings if naming.folder == path]:
            naming.apply(self._durable)
            naming.certain = True
            self._namings.remove(naming)

    def _within(self, path: str) -> bool:
        return any(path == root or path.startswith(root + os.sep) for root in self._roots)

    def _named(self, call: Call, at: int) -> str:
        """A path as a call names it: whole, or below a folder that is open."""
        path, folder = call.texts[at].decode(), call.arguments[0]
        if folder.isdigit() and int(folder) in self._open:
            path = os.path.join(self._open[int(folder)].path, path)  # noqa: PTH118 (a whole path stands for itself)
        return os.path.normpath(path)

    # --- the calls

    def _openat(self, call: Call) -> None:
        path, flags = self._named(call, 0), call.arguments[2]
        self._open.pop(call.result, None)
        if not self._within(path) or path.endswith("-shm"):  # an index that is built anew
            self._elsewhere[call.result] = Path(path)
            return
        file = self.names.get(path)
        if file is None:
            if "O_CREAT" not in flags:
                return
            file = _File()
            self._come(path, file)
        elif "O_TRUNC" in flags:
            file.pending.append((0, None))
        self._open[call.result] = _Open(file, path, append="O_APPEND" in flags)

    def _close(self, call: Call) -> None:
        self._open.pop(int(call.arguments[0]), None)

    def _write(self, call: Call) -> None:
        opened = self._open.get(int(call.arguments[0]))
        if opened is not None:
            at = opened.file.size() if opened.append else opened.at
            opened.file.pending.append((at, b"".join(call.texts)[: call.result]))
            opened.at = at + call.result

    _writev = _write

    def _pwrite64(self, call: Call) -> None:
        opened = self._open.get(int(call.arguments[0]))
        if opened is not None:
            opened.file.pending.append((int(call.arguments[-1]), call.texts[0][: call.result]))

    def _sendfile(self, call: Call) -> None:
        opened = self._open.get(int(call.arguments[0]))
        if opened is not None:
            start = int(call.arguments[2].strip("[").partition("]")[0])
            data = self._seen(int(call.arguments[1]))[start : start + call.result]
            opened.file.pending.append((opened.at, data))
            opened.at += call.result

    def _seen(self, descriptor: int) -> bytes:
        """What a process reads from an open file."""
        opened = self._open.get(descriptor)
        return self._elsewhere[descriptor].read_bytes() if opened is None else _content(opened.file, Random(0), "keep")

    def _lseek(self, call: Call) -> None:
        opened = self._open.get(int(call.arguments[0]))
        if opened is not None:
            opened.at = call.result

    def _ftruncate(self, call: Call) -> None:
        opened = self._open.get(int(call.arguments[0]))
        if opened is not None:
            opened.file.pending.append((int(call.arguments[1]), None))

    def _fsync(self, call: Call) -> None:
        opened = self._open.get(int(call.arguments[0]))
        if opened is not None:
            self.syncs += 1
            opened.file.sync()
            if opened.file.folder:
                self._sync_folder(opened.path)

    _fdatasync = _fsync

    def _dup(self, call: Call) -> None:
        opened = self._open.get(int(call.arguments[0]))
        if opened is not None:
            self._open[call.result] = opened

    def _fcntl(self, call: Call) -> None:
        if call.arguments[1].startswith("F_DUPFD"):
            self._dup(call)

    def _rename(self, call: Call) -> None:
        old, new = (os.path.normpath(text.decode()) for text in call.texts[:2])
        if not self._within(old) and not self._within(new):
            return
        moved = {path: file for path, file in self.names.items() if path == old or path.startswith(old + os.sep)}
        come = tuple((new + path[len(old) :], file) for path, file in moved.items())
        folders = [str(Path(path).parent) for path in (old, new)]
        if folders[0] == folders[1]:
            self._name(_Naming(folders[1], gone=tuple(moved), come=come))
        else:
            needed = self._name(_Naming(folders[1], come=come))
            self._name(_Naming(folders[0], gone=tuple(moved), needs=needed))

    _renameat = _renameat2 = _rename

    def _unlink(self, call: Call) -> None:
        path = self._named(call, 0)
        if path in self.names:
            self._name(_Naming(str(Path(path).parent), gone=(path,)))

    _unlinkat = _rmdir = _unlink

    def _mkdir(self, call: Call) -> None:
        path = os.path.normpath(call.texts[0].decode())
        if self._within(path):
            self._come(path, _File(folder=True))

    _mkdirat = _mkdir


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _content(file: _File, chance: Random, habit: str) -> bytes:
    """What is left of a file: which of its pending writes, and which sectors of those."""
    content, pending = bytearray(file.durable), file.pending
    if habit == "drop":
        return bytes(content)
    if habit == "prefix":
        pending = pending[: chance.randint(0, len(pending))]
    for at, change in enumerate(pending):
        torn = habit == "prefix" and at == len(pending) - 1
        for piece in _sectors(*change) if torn or habit == "chance" else (change,):
            if piece is change or chance.random() < 1 / 2:
                _apply(content, *piece)
    return bytes(content)


def _sectors(offset: int, data: bytes | None) -> list[tuple[int, bytes | None]]:
    """The pieces of a write of which each may be lost; a change of size is one."""
    if data is None:
        return [(offset, None)]
    return [(offset + start, data[start : start + _SECTOR]) for start in range(0, len(data), _SECTOR)]
