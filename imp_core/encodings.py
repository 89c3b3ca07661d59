"""Encodings in which tables of text are written, and which of them a file that is no UTF-8 is likely written in.

A single-byte encoding fits any file: read in a wrong one it gives names of nobody, and no fault. So none is tried out;
who gives the file says what it is, and is told what its bytes look like.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

__all__ = ["ENCODINGS", "encoding_mend", "likely_encoding"]

# The names that settings take, and the codecs they stand for; a byte-order mark of UTF-8 is let pass.
ENCODINGS: Final = MappingProxyType(
    {
        "utf-8": "utf-8-sig",
        "gb18030": "gb18030",
        "utf-16": "utf-16",
        "cp1252": "cp1252",
        "cp1250": "cp1250",
        "iso-8859-1": "iso-8859-1",
        "iso-8859-15": "iso-8859-15",
    }
)
_ABOUT: Final = MappingProxyType(
    {
        "gb18030": "Chinese text as spreadsheets there write it",
        "utf-16": "Unicode text of a spreadsheet",
        "cp1252": "text as spreadsheets of Western Europe and America write it; cp1250 is that of Central Europe",
    }
)
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_HIGH: Final = re.compile(rb"[\x80-\xff]+")
_HAN: Final = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


def likely_encoding(sample: bytes) -> str | None:
    """Which encoding bytes that are no UTF-8 look like: "gb18030", "utf-16" or "cp1252"; None: like none of them.

    In Western text bytes above ASCII stand alone or between two ASCII letters; in Chinese text by twos, side by side.
    """
    if sample.startswith(_MARKS) or b"\0" in sample:
        return "utf-16" if sample.startswith(_MARKS) or _is_wide(sample) else None
    runs = list(_HIGH.finditer(sample))
    if not runs:
        return None
    alone = sum(len(run[0]) for run in runs if _is_alone(run, sample))
    if alone * 2 < sum(len(run[0]) for run in runs):
        return "gb18030" if _is_chinese(sample) else None
    return None if any(_is_utf_8(run[0]) for run in runs) else "cp1252"


def encoding_mend(declare: str | None, likely: str | None, *, read_as: str = "utf-8-sig") -> str:
    """What to do with a file that is not in the encoding it is read in.

    `declare` is how another is declared, with {} for its name (None: it cannot be), `likely` the one it looks like.
    """
    if declare is None or (likely is not None and ENCODINGS[likely] == read_as):
        return "save it as UTF-8"
    if likely is None:
        names = ", ".join(name for name, codec in ENCODINGS.items() if codec != read_as)
        return f"save it as UTF-8, or say how it is written, by one of {names}: {declare.format('…')}"
    return f"save it as UTF-8, or say how it is written: {declare.format(likely)}; it looks like {_ABOUT[likely]}"


def _is_wide(sample: bytes) -> bool:
    """Whether every other byte of what is mostly ASCII is none, as in UTF-16 without its mark."""
    return max(sample[0::2].count(0), sample[1::2].count(0)) * 3 > len(sample)


def _is_alone(run: re.Match[bytes], sample: bytes) -> bool:
    begin, end = run.span()
    if end - begin == 1:
        return True
    return end - begin == 2 and sample[begin - 1 : begin].isalpha() and sample[end : end + 1].isalpha()  # noqa: PLR2004 (as in "Größe")


def _is_chinese(sample: bytes) -> bool:
    """Whether most of what is above ASCII is Han and its punctuation; a sample may be cut inside a character."""
    text = sample.decode("gb18030", errors="replace")
    high = [char for char in text if not char.isascii()]
    return high.count("\ufffd") <= 1 and sum(_HAN.fullmatch(char) is not None for char in high) * 2 > len(high)


def _is_utf_8(run: bytes) -> bool:
    try:
        run.decode()
    except UnicodeDecodeError:
        return False
    return True
