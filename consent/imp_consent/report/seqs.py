"""Numbers of entries as people write them: "4, 12-19", and back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from imp_core.errors import BadInput

__all__ = ["format_seqs", "parse_seqs"]

_PART: Final = re.compile(r"([0-9]{1,15})(?:-([0-9]{1,15}))?")
_MOST: Final = 12  # ranges written out; more are told as one, from the lowest to the highest


def format_seqs(seqs: Iterable[int], spans: Iterable[tuple[int, int]] = ()) -> str:
    """Numbers, and spans from a first to a last, joined to ranges; "4-900" for them all where there are many.

    None: "".
    """
    ranges: list[list[int]] = []
    for low, high in sorted([*((seq, seq) for seq in set(seqs)), *spans]):
        if ranges and low <= ranges[-1][1] + 1:
            ranges[-1][1] = max(ranges[-1][1], high)
        else:
            ranges.append([low, high])
    if len(ranges) > _MOST:
        ranges = [[ranges[0][0], ranges[-1][1]]]
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


def parse_seqs(text: str) -> list[tuple[int, int]]:
    """Read `format_seqs`: first and last of each range.

    Raises:
        BadInput: it is not that.
    """
    found = [_PART.fullmatch(part.strip()) for part in text.split(",")]
    ranges = [(int(part[1]), int(part[2] or part[1])) for part in found if part is not None]
    if len(ranges) != len(found) or any(low > high for low, high in ranges):
        raise BadInput("not numbers of entries", where="SEQS", mend="write them like 4 or 12-19 or 4,12-19")
    return ranges
