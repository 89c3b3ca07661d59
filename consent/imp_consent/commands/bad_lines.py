"""Lines of a text file that are no text in its encoding: each is what is wrong with its row, and holds up no other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final, Self

from imp_consent.commands.layout import Layout
from imp_core.encodings import encoding_mend, likely_encoding
from imp_core.errors import BadInput

__all__ = ["BadLines", "codec_name"]

_SAMPLE: Final = 1 << 16
_ESCAPED: Final = re.compile("[\udc80-\udcff]")  # the bytes that errors="surrogateescape" lets pass: no text holds them


@dataclass(slots=True)
class BadLines:
    """Knows such lines, and says of the first how to mend them; where `errors` is "strict" none gets so far."""

    name: str
    mend: str
    errors: str
    _told: bool = False

    @classmethod
    def of(cls, content: BinaryIO, layout: Layout, *, by_line: bool) -> Self:
        """For a file, which is left at its start; of UTF-16 the line ends are no bytes of their own."""
        name = codec_name(layout)
        if not by_line or layout.encoding.startswith("utf-16"):
            return cls(name, "", "strict")
        likely = likely_encoding(content.read(_SAMPLE))
        content.seek(0)
        return cls(name, encoding_mend(layout.declare_encoding, likely, read_as=layout.encoding), "surrogateescape")

    def problem(self, lines: Iterable[str]) -> str | None:
        """What is wrong with the row that these lines are; None: they are text."""
        if self.errors == "strict" or not any(map(_is_no_text, lines)):
            return None
        mend, self._told = "" if self._told else f"; {self.mend}", True
        return f"not text in {self.name}{mend}"

    def check(self, line: str, *, where: str) -> None:
        """Expect a line to be text without which no other can be read.

        Raises:
            BadInput: it is none.
        """
        if _is_no_text(line):
            raise BadInput(f"not text in {self.name}", where=where, mend=self.mend)


def codec_name(layout: Layout) -> str:
    """What a file's encoding is called."""
    return layout.encoding.removesuffix("-sig").upper()


def _is_no_text(line: str) -> bool:
    return not line.isascii() and _ESCAPED.search(line) is not None
