"""Where rows of a kind stand: how many they are, and the first of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = ["SHOWN", "Places"]

SHOWN: Final = 5  # rows named before they are only counted


@dataclass(slots=True)
class Places:
    """How many rows there are of a kind, and where the first of them stand."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, place: int) -> None:
        """Count a row."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(place)

    def text(self, counted: str) -> str:
        """In brackets, such as "(lines 2, 3)"."""
        shown = ", ".join(map(str, self.first))
        more = "" if self.count <= SHOWN else f" and {self.count - SHOWN:,} more"
        return f"({counted if self.count == 1 else f'{counted}s'} {shown}{more})"
