"""What may be shown of counts: none of 1 to k - 1 people, nor others that with a total would tell such a one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["any_hidden", "hidden", "hidden_together", "steady"]


def hidden(n: int, k: int) -> int | None:
    """A count as it may be shown: None for 1 to k - 1 people."""
    return None if 0 < n < k else n


def any_hidden(counts: Iterable[int | None]) -> bool:
    """Whether a count among those shown is hidden."""
    return any(n is None for n in counts)


def hidden_together(counts: Mapping[str, int], k: int) -> dict[str, int | None]:
    """Counts whose sum is told elsewhere: where one is hidden, all are."""
    few = any_hidden(hidden(n, k) for n in counts.values())
    return {name: None if few else n for name, n in counts.items()}


def steady(counts: Iterable[int], k: int) -> list[int | None]:
    """Counts of one group at times one after the other, as they may be shown together.

    The difference of two of them is a cell too: so a count stays as it was shown last until at least k came or went
    since, and is None where it would then be 1 to k - 1.
    """
    shown: list[int | None] = []
    last = 0
    for n in counts:
        moved = abs(n - last) >= k
        few = hidden(n, k) is None and (moved or not last)
        last = n if moved and not few else last
        shown.append(None if few else last)
    return shown
