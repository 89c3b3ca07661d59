"""What happens inside a chunk, written down as it happens: whoever reads it after a kill knows who is in doubt.

One file a chunk, `sending/<seq of its send-intent>`, held (flock(2)) by whoever sends it. Its lines hold no identifier:

    imp-journal/1 <boot id>
    a <key>                    an address is about to be handed out
    s <key> <status> <code>    what became of it

A line is in the kernel's hands before the call returns, so that it outlives the process; what outlives the machine is
only known of lines that say how it ended. After a restart of the machine everybody else is in doubt.
"""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from imp_consent.ledger.delivery import Outcome
from imp_core.channel import DeliveryStatus, RowStatus
from imp_core.errors import ImpError
from imp_core.hold import Hold, take
from imp_core.workspace import sync

__all__ = ["Journal", "Remembered", "journal_path", "read_journal"]

_FORMAT: Final = "imp-journal/1"
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_SYSCTL: Final = ("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid")  # macOS
_STATUSES: Final = frozenset(DeliveryStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a journal says: `sure` is whether who is not among the attempted was certainly not attempted."""

    sure: bool
    attempted: frozenset[bytes] = frozenset()
    settled: Mapping[bytes, Outcome] = field(default_factory=dict)

    def outcome(self, key: bytes) -> Outcome:
        """What is known of a message."""
        if key in self.settled:
            return self.settled[key]
        if key in self.attempted or not self.sure:
            return Outcome(DeliveryStatus.IN_DOUBT)
        return Outcome(DeliveryStatus.DEFERRED)


class Journal:
    """The journal of one chunk while it is sent; its methods may be called from several threads."""

    def __init__(self, path: Path) -> None:
        """Create the file, durably, inside the transaction that commits its intent.

        Raises:
            ImpError: it cannot be written, or somebody else holds it.
        """
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _remove_stale(path)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            hold = take(path)
            if hold is None:
                raise ImpError("the journal is held by somebody else", where=str(path), mend="run it again")
            self._hold: Hold = hold
            self._write(f"{_FORMAT} {_boot_id()}\n")
            os.fsync(self._file)
            sync(path.parent)
        except OSError as error:
            raise _unwritable(path, error.strerror) from None

    def attempted(self, key: str) -> None:
        """Note that an address is about to be handed out."""
        self._write(f"a {key}\n")

    def settled(self, row: RowStatus) -> None:
        """Note what became of a row."""
        self._write(f"s {row.key} {row.status} {row.code or '-'}\n")

    def let_go(self) -> None:
        """Close the file and leave it to whoever recovers it."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
            self._hold.release()

    def remove(self) -> None:
        """The chunk is closed in the ledger: the journal has done its work."""
        self._path.unlink(missing_ok=True)
        self.let_go()

    def _write(self, line: str) -> None:
        with self._lock:
            if self._file < 0:
                raise ImpError("the chunk is over", where=str(self._path))
            data = line.encode()
            try:
                written = os.write(self._file, data)
            except OSError as error:
                raise _unwritable(self._path, error.strerror) from None
            if written != len(data):  # the disk is full: what is not noted must not be done
                raise _unwritable(self._path, os.strerror(errno.ENOSPC))


def _unwritable(path: Path, reason: str | None) -> ImpError:
    return ImpError(f"the journal cannot be written: {reason}", where=str(path), mend="make room, and run it again")


def _remove_stale(path: Path) -> None:
    """Remove what a process left that died before its intent was committed: the number is this one's now."""
    hold = take(path)
    if hold is not None:
        path.unlink(missing_ok=True)
        hold.release()


def journal_path(workspace_root: Path, intent: int) -> Path:
    """Where the journal of an intent's chunk lies."""
    return workspace_root / "sending" / str(intent)


def read_journal(path: Path) -> Remembered:
    """What a journal says; one that is missing or of another boot says nothing for sure but what was settled.

    Raises:
        ImpError: it is there and cannot be read.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]  # a last line without its end was not written whole
    except FileNotFoundError:
        return Remembered(sure=False)
    except OSError as error:
        raise ImpError(f"the journal cannot be read: {error.strerror}", where=str(path)) from None
    attempted: set[bytes] = set()
    settled: dict[bytes, Outcome] = {}
    boot = _boot_id()
    sure = bool(boot) and lines[:1] == [f"{_FORMAT} {boot}".encode()]
    for line in lines[1:]:
        # A damaged line may have been anybody's.
        sure &= _read_line(line.decode("ascii", "replace").split(" "), attempted, settled)
    return Remembered(sure=sure, attempted=frozenset(attempted), settled=settled)


def _read_line(words: list[str], attempted: set[bytes], settled: dict[bytes, Outcome]) -> bool:
    """Take one line in; False where it is not one."""
    try:
        key = bytes.fromhex(words[1])
    except (IndexError, ValueError):
        return False
    match words:
        case ["a", _]:
            attempted.add(key)
            settled.pop(key, None)
        case ["s", _, status, code] if status in _STATUSES:
            settled[key] = Outcome(status, None if code == "-" else code)
        case _:
            return False
    return True


def _boot_id() -> str:
    """What changes when the machine starts anew; empty where the system does not tell."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        pass  # no Linux
    try:
        asked = subprocess.run(_SYSCTL, capture_output=True, text=True, check=True, timeout=5)  # noqa: S603 (our own words)
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout.strip()
