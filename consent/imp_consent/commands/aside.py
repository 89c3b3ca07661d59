"""What was read of a file before the ledger is locked for it, so that nobody waits for a slow disk or a long file.

It is held packed, in memory: a raw identifier has no place on a disk, not even in a temporary file. A row takes some
twenty to sixty bytes so, and eight more where rows are told apart by whose they are.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import MISSING, dataclass, field, fields
from itertools import islice
from typing import Any, Final, NamedTuple

from imp_consent.policy.saying import Saying
from imp_core.event import RawId

__all__ = ["Aside", "Fault", "ReadRow"]

_BATCH: Final = 2_000
_LEVEL: Final = 1  # zlib's fastest
_LOOSE: Final = 1 << 16  # bytes of rows that were put elsewhere, before they are packed
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
    the ledger keeps of it: by these two it is known again. `noted` is what an import may have to warn of.
    """

    number: int
    place: int
    mark: int | str
    raw: RawId
    said: Saying
    noted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a row: the field and the problem, never a value; the numbers as of `ReadRow`.

    `says_no`: whether somebody said no there, which is lost where the row is left out; None: that cannot be told.
    """

    number: int
    place: int
    mark: int | str
    field: str
    problem: str
    says_no: bool | None = None


@dataclass(slots=True)
class Aside:
    """Rows and faults in the order in which they were read. They can be gone through once, and are let go meanwhile.

    `whose` tells whose a row is: then `together` gives all rows of a person at once.
    """

    whose: Callable[[RawId], Hashable] | None = None
    read: int = 0  # how many there were
    _packed: deque[bytes] = field(default_factory=deque, repr=False)
    _keys: array[int] = field(default_factory=lambda: array("q"), repr=False)

    def put(self, items: Iterable[ReadRow | Fault], *, most_faults: int | None = None) -> None:
        """Read all of it, or up to so many faults.

        Raises:
            BadInput: what reading raises.
        """
        stream = _until(items, most_faults)
        while batch := [self._packed_of(item) for item in islice(stream, _BATCH)]:
            self.read += len(batch)
            self._packed.append(_zip(batch))

    def __iter__(self) -> Iterator[ReadRow | Fault]:
        while self._packed:
            yield from map(_unpack, _unzip(self._packed.popleft()))

    def together(self) -> Iterator[list[ReadRow | Fault]]:
        """All rows of each person, where their first one stands; what cannot be read is nobody's, and stands alone."""
        later = self._take_out_later()
        while self._packed:
            people = [[row] for row in _unzip(self._packed.popleft())]
            for place, row in later.popleft():
                people[place].append(row)
            for rows in people:
                yield [_unpack(row) for row in rows]

    def _packed_of(self, item: ReadRow | Fault) -> list[Any]:
        if self.whose is not None:
            # a hash that is another's too would only put two people in one place
            self._keys.append(hash(("fault", item.number) if isinstance(item, Fault) else self.whose(item.raw)))
        return _pack(item)

    def _take_out_later(self) -> deque[_Later]:
        """Leave only the first row of each person; for each batch, what else there is of the people in it."""
        import pyarrow as pa  # noqa: PLC0415 (slow to import)

        keys = pa.Array.from_buffers(pa.int64(), len(self._keys), [None, pa.py_buffer(self._keys)])
        people = keys.dictionary_encode().indices  # numbered as they first come
        starts, later = array("q"), defaultdict[int, _Later](_Later)
        seen = begin = 0
        for at in range(len(self._packed)):
            batch, firsts = _unzip(self._packed[at]), []
            starts.append(seen)
            for person, row in zip(people.slice(begin, len(batch)).to_pylist(), batch, strict=True):
                if person == seen:
                    firsts.append(row)
                    seen += 1
                else:
                    home = bisect_right(starts, person) - 1
                    later[home].append((person - starts[home], row))
            begin += len(batch)
            if len(firsts) < len(batch):
                self._packed[at] = _zip(firsts)
        return deque(later.get(at, _Later()) for at in range(len(self._packed)))


class _Later:
    """Rows that go with those of a batch, each with its place there."""

    __slots__ = ("_loose", "_packed", "_size")

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._loose: list[bytes] = []
        self._size = 0

    def append(self, row: tuple[int, list[Any]]) -> None:
        self._loose.append(json.dumps(row, separators=(",", ":")).encode())
        self._size += len(self._loose[-1])
        if self._size > _LOOSE:
            self._packed.append(zlib.compress(b",".join(self._loose), _LEVEL))
            self._loose, self._size = [], 0

    def __iter__(self) -> Iterator[tuple[int, list[Any]]]:
        for packed in (*map(zlib.decompress, self._packed), b",".join(self._loose)):
            yield from json.loads(b"[%s]" % packed)


def _zip(batch: list[Any]) -> bytes:
    return zlib.compress(json.dumps(batch, separators=(",", ":")).encode(), _LEVEL)


def _unzip(packed: bytes) -> list[Any]:
    found: list[Any] = json.loads(zlib.decompress(packed))
    return found


def _until(items: Iterable[ReadRow | Fault], most_faults: int | None) -> Iterator[ReadRow | Fault]:
    faults = 0
    for item in items:
        yield item
        faults += isinstance(item, Fault)
        if faults == most_faults:
            return


def _pack(item: ReadRow | Fault) -> list[Any]:
    if isinstance(item, Fault):
        return [item.number, item.place, item.mark, item.field, item.problem, item.says_no]
    said = item.said
    told = {name: value for name, default in _DEFAULTS.items() if (value := getattr(said, name)) != default}
    needed = [getattr(said, name) for name in _NEEDED]
    return [item.number, item.place, item.mark, item.raw.kind, item.raw.value, needed, told, item.noted]


def _unpack(packed: list[Any]) -> ReadRow | Fault:
    number, place, mark, one, other, *rest = packed
    if len(rest) == 1:
        # all rows may be faulty in the same few ways, and faults are kept to the end
        one, other = sys.intern(one), sys.intern(other)
        return Fault(number=number, place=place, mark=mark, field=one, problem=other, says_no=rest[0])
    needed, told, noted = rest
    for name in _TUPLES:
        if name in told:
            told[name] = tuple(told[name])
    said = Saying(**dict(zip(_NEEDED, needed, strict=True)), **told)
    return ReadRow(number, place, mark, RawId(one, other), said, tuple(noted))
