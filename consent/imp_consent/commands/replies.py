"""The replies that somebody has to read: their rows, and how one that means no is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

__all__ = ["READ_THEM", "replies_shown", "replies_text"]

_SHOWN: Final = 100  # runs of rows that are printed; --json has all
READ_THEM: Final = (
    "read these replies, for people may say no in any words; record each that means it: "
    "imp consent signal record KIND:VALUE --kind stop --channel CHANNEL --at TIME"
)


def replies_shown(mentions: Sequence[int], others: Sequence[int], *, counted: str = "row") -> dict[str, str]:
    """What is printed of replies that only mention a word of opting out, and of others; empty where there are none.

    `counted` is what the numbers of rows count.
    """
    named = {"replies to be read": mentions, "other replies": others}
    return {name: f"{len(rows):,} ({counted} {_runs(rows)})" for name, rows in named.items() if rows}


def replies_text(mentions: Sequence[int], others: Sequence[int]) -> str:
    """The line that says what to do with them."""
    return f"\n{READ_THEM}" if mentions or others else ""


def _runs(rows: Sequence[int]) -> str:
    """Rows as they are read: 2, 5-9."""
    numbers = sorted(set(rows))
    begins = [numbers[0], *(after for before, after in pairwise(numbers) if after != before + 1)]
    ends = [*(before for before, after in pairwise(numbers) if after != before + 1), numbers[-1]]
    runs = [str(begin) if begin == end else f"{begin}-{end}" for begin, end in zip(begins, ends, strict=True)]
    return ", ".join(runs[:_SHOWN]) + (" … all: --json" if len(runs) > _SHOWN else "")
