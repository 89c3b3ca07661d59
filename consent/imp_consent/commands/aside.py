"""What was read of a file before the ledger is locked for it, so that nobody waits for a slow disk or a long file.

It is held packed, in memory: a raw identifier has no place on a disk, not even in a temporary file. A row takes some
twenty to sixty bytes so.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, field, fields
from itertools import islice
from typing import Any, Final, NamedTuple

from imp_consent.policy.saying import Saying
from imp_core.event import RawId

__all__ = ["Aside", "Fault", "ReadRow"]

_BATCH: Final = 2_000
_LEVEL: Final = 1  # zlib's fastest
_TUPLES: Final = ("traits", "regimes")
_DEFAULTS: Final = {
    item.name: item.default if item.default is not MISSING else {}
    for item in fields(Saying)
    if item.default is not MISSING or item.default_factory is not MISSING
}
_NEEDED: Final = tuple(item.name for item in fields(Saying) if item.name not in _DEFAULTS)


class ReadRow(NamedTuple):
    """What a row says, not yet judged.

    `number` counts rows below a header, `place` is where the row stands as who opens the file sees it, `mark` is what
    the ledger keeps of it: by these two it is known again.
    """

    number: int
    place: int
    mark: int | str
    raw: RawId
    said: Saying


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a row: the field and the problem, never a value; the numbers as of `ReadRow`."""

    number: int
    place: int
    mark: int | str
    field: str
    problem: str


@dataclass(slots=True)
class Aside:
    """Rows and faults in the order in which they were read. They can be gone through once, and are let go meanwhile."""

    read: int = 0  # how many there were
    _packed: deque[bytes] = field(default_factory=deque, repr=False)

    def put(self, items: Iterable[ReadRow | Fault], *, most_faults: int | None = None) -> None:
        """Read all of it, or up to so many faults.

        Raises:
            BadInput: what reading raises.
        """
        stream = _until(items, most_faults)
        while batch := [_pack(item) for item in islice(stream, _BATCH)]:
            self.read += len(batch)
            self._packed.append(zlib.compress(json.dumps(batch, separators=(",", ":")).encode(), _LEVEL))

    def __iter__(self) -> Iterator[ReadRow | Fault]:
        while self._packed:
            yield from map(_unpack, json.loads(zlib.decompress(self._packed.popleft())))


def _until(items: Iterable[ReadRow | Fault], most_faults: int | None) -> Iterator[ReadRow | Fault]:
    faults = 0
    for item in items:
        yield item
        faults += isinstance(item, Fault)
        if faults == most_faults:
            return


def _pack(item: ReadRow | Fault) -> list[object]:
    if isinstance(item, Fault):
        return [item.number, item.place, item.mark, item.field, item.problem]
    said = item.said
    told = {name: value for name, default in _DEFAULTS.items() if (value := getattr(said, name)) != default}
    needed = [getattr(said, name) for name in _NEEDED]
    return [item.number, item.place, item.mark, item.raw.kind, item.raw.value, needed, told]


def _unpack(packed: list[Any]) -> ReadRow | Fault:
    number, place, mark, one, other, *rest = packed
    if not rest:
        # all rows may be faulty in the same few ways, and faults are kept to the end
        return Fault(number=number, place=place, mark=mark, field=sys.intern(one), problem=sys.intern(other))
    needed, told = rest
    for name in _TUPLES:
        if name in told:
            told[name] = tuple(told[name])
    return ReadRow(number, place, mark, RawId(one, other), Saying(**dict(zip(_NEEDED, needed, strict=True)), **told))
