"""Numbers of a file's rows, of which there may be very many: in ranges, as the ledger keeps them, and as bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

__all__ = ["RowNumbers", "ranges_of"]


@dataclass(frozen=True, slots=True)
class RowNumbers:
    """A set of row numbers, a bit for each up to the highest."""

    _bits: bytes = b""

    def __contains__(self, number: int) -> bool:
        place, bit = divmod(number, 8)
        return place < len(self._bits) and bool(self._bits[place] >> bit & 1)

    def including(self, ranges: Iterable[tuple[int, int]]) -> Self:
        """These and those of ranges, each with its first and last number."""
        bits = bytearray(self._bits)
        for first, last in ranges:
            bits.extend(bytes(max(last // 8 + 1 - len(bits), 0)))
            for number in range(first, last + 1):
                bits[number // 8] |= 1 << number % 8
        return type(self)(bytes(bits))


def ranges_of(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The numbers as ranges, each with its first and last one, in their order."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
