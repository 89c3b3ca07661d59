"""The survivors of a ratchet or a pepper, outside the database: what a restore needs once a backup's rows do not open.

    {"format": "imp-survivors/1", "kek": "3f0a91c2", "log_id": …, "pepper": …, "size": 1042, "supp": …}
    ["identifier", ["email", 1, "8c2f…", …]]
    ["subject_key", [4611686018427387905, "5d1e…", "3f0a91c2", 7]]
    {"mac": "77b0…", "rows": 2}

JSON, a line each: the head names the keys the rows are under and the ledger's size; then every row of `identifier` and
`subject_key` without its MAC, bytes in hex; the last line's MAC is HMAC(HKDF(KEK, "survivors"), all lines before it).
The file is written whole and renamed into its place before an old key-encryption key or a retired pepper is destroyed.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imp_consent.identity.keys import Keyring
from imp_consent.identity.secrets import hkdf
from imp_consent.ledger.layout import SEALED
from imp_consent.ledger.sealed import Sealed, Value
from imp_core.errors import ImpError, LedgerBroken

__all__ = ["SURVIVORS_NAME", "TABLES", "Survivors", "open_survivors", "write_survivors"]

SURVIVORS_NAME: Final = "survivors"
TABLES: Final = ("identifier", "subject_key")
_FORMAT: Final = "imp-survivors/1"
_KEYS: Final = ("kek", "pepper", "supp")
_BYTES: Final = {"identifier": (2, 3, 4), "subject_key": (1,)}  # places of columns that hold bytes
_LONGEST: Final = 4_096  # no line is longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivors:
    """A file whose MAC was checked: the size of the ledger it was written at, and the keys its rows are under."""

    path: Path
    size: int
    keys: Mapping[str, str]
    rows: int

    def read(self) -> Iterator[tuple[str, tuple[Value, ...]]]:
        """Each table's rows in the order of `SEALED[table]`.

        Raises:
            LedgerBroken: the file was changed since it was opened.
        """
        with self.path.open("rb") as file:
            next(file)
            for _ in range(self.rows):
                yield _parse_row(file.readline(_LONGEST))


def write_survivors(sealed: Sealed, keyring: Keyring, *, size: int) -> int:
    """Write the file anew, fsynced, in the place of the one before; returns how many rows. A page is in memory at once.

    Raises:
        LedgerBroken: a row does not match its MAC.
        ImpError: the folder cannot be written to; the file is as it was.
    """
    path = keyring.folder / SURVIVORS_NAME
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        for left in path.parent.glob(f".{path.name}.*.new"):  # of a crash: only one process at a time writes
            left.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb", buffering=1 << 20) as file:
            rows = _write(file, _lines(sealed, keyring, size), _mac_key(keyring.active("kek").secret))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ImpError(f"the survivors cannot be written: {error.strerror}", where=str(path)) from None
    return rows


def open_survivors(keyring: Keyring) -> Survivors | None:
    """The file beside this keyring, its MAC checked; None where no ratchet has written one yet.

    Raises:
        LedgerBroken: it is not such a file, was changed, or is under a key that the ring has not.
        ImpError: it cannot be read.
    """
    path = keyring.folder / SURVIVORS_NAME
    try:
        with path.open("rb") as file:
            return _check(path, file, keyring)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ImpError(f"the survivors cannot be read: {error.strerror}", where=str(path)) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _broken(path) from None


def _check(path: Path, file: Any, keyring: Keyring) -> Survivors:  # noqa: ANN401 (an open binary file)
    first = file.readline(_LONGEST)
    head = json.loads(first)
    keys = {name: str(head[name]) for name in _KEYS}
    if head["format"] != _FORMAT or head["log_id"] != keyring.log_id or not keyring.has("kek", keys["kek"]):
        raise _broken(path)
    mac = hmac.new(_mac_key(keyring.by_id("kek", keys["kek"]).secret), first, "sha256")
    rows, line = 0, file.readline(_LONGEST)
    while line.startswith(b"["):
        mac.update(line)
        rows, line = rows + 1, file.readline(_LONGEST)
    if not hmac.compare_digest(line, _last_line(mac.hexdigest(), rows)) or file.read(1):
        raise _broken(path)
    return Survivors(path=path, size=int(head["size"]), keys=keys, rows=rows)


def _write(file: Any, lines: Iterable[bytes], key: bytes) -> int:  # noqa: ANN401 (an open binary file)
    mac, written = hmac.new(key, digestmod="sha256"), 0
    for line in lines:
        mac.update(line)
        file.write(line)
        written += 1
    file.write(_last_line(mac.hexdigest(), written - 1))
    return written - 1


def _last_line(mac: str, rows: int) -> bytes:
    return json.dumps({"mac": mac, "rows": rows}).encode() + b"\n"


def _lines(sealed: Sealed, keyring: Keyring, size: int) -> Iterator[bytes]:
    in_use = keyring.in_use()
    head = {"format": _FORMAT, "log_id": keyring.log_id, "size": size, **{name: in_use[name] for name in _KEYS}}
    yield json.dumps(head, sort_keys=True).encode() + b"\n"
    for table in TABLES:
        for row in sealed.select(table):
            values = [value.hex() if isinstance(value, bytes) else value for value in row]
            yield json.dumps([table, values], separators=(",", ":")).encode() + b"\n"


def _parse_row(line: bytes) -> tuple[str, tuple[Value, ...]]:
    try:
        table, values = json.loads(line)
        if len(values) != len(SEALED[table]):
            raise ValueError
        for at in _BYTES[table]:
            values[at] = bytes.fromhex(values[at])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise LedgerBroken("the survivors were changed by other hands", where=SURVIVORS_NAME) from None
    return table, tuple(values)


def _mac_key(kek: bytes) -> bytes:
    return hkdf(kek, b"survivors")


def _broken(path: Path) -> LedgerBroken:
    return LedgerBroken(
        "the survivors of the last ratchet are not those of this ledger and its keys",
        where=str(path),
        mend="put the file back from the keys' backup; else, where the ledger is sound: imp keys rotate kek --execute; "
        "where it is lost: move the file away, and use a backup made since the last erasure and change of the kek",
    )
