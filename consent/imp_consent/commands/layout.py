"""Which columns of a file are read, and what a row of it is, whatever its format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

__all__ = ["Layout", "PlacedRow", "Row"]

Row = dict[str, object] | str  # field → value as the file has it; or what is wrong with the row as a whole


class PlacedRow(NamedTuple):
    """A row with its number below the header, without blank lines, and its place as who opens the file finds it."""

    number: int
    place: int
    row: Row


class Layout(Protocol):
    """Which columns of a file are read, and under which names."""

    @property
    def encoding(self) -> str:
        """The codec of text files."""
        ...

    @property
    def delimiter(self) -> str | None:
        """What stands between the fields of a delimited file; None is as the header shows, else as its name says."""
        ...

    @property
    def timezone(self) -> str | None:
        """The zone of typed times that name none; None: each has to."""
        ...

    @property
    def declare_encoding(self) -> str | None:
        """How to say in which encoding a file is, with {} for its name; None: it has to be UTF-8."""
        ...

    @property
    def asks_encoding(self) -> bool:
        """Whether nobody said in which encoding a file is, and it can be said."""
        ...

    def choose(self, names: Iterable[str], *, where: str) -> dict[str, str]:
        """Field → column, for a file that has these columns.

        Raises:
            BadInput: a column is missing, or named twice.
        """
        ...

    def pick(self, row: Mapping[str, object]) -> dict[str, object] | str:
        """Field → value of one JSON object; or what is wrong with it."""
        ...
