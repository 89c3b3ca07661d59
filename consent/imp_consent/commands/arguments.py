"""Words of the command line: identifiers, times and days."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from imp_consent.identity.normalize import normalise
from imp_core.clock import parse_time
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["input_lines", "listed_identifiers", "parse_days", "read_identifier", "read_identifiers", "time_option"]

_DAYS: Final = re.compile(r"([0-9]{1,5})d")
_MAX_DAYS: Final = 36_500


def read_identifier(word: str) -> RawId:
    """An identifier from the command line, or from standard input where the word is "-".

    Raises:
        BadInput: it is not one identifier. It is not repeated.
    """
    if word != "-":
        return RawId.parse(word)
    found = read_identifiers()
    if len(found) != 1:
        raise BadInput(
            f"{len(found)} identifiers on standard input, one is needed",
            mend="write it as kind:value on one line",
            where="standard input",
        )
    return found[0]


def read_identifiers() -> list[RawId]:
    """Identifiers from standard input, one a line.

    Raises:
        BadInput: a line is not one, or the input is not UTF-8. Nothing of it is repeated.
    """
    return [RawId.parse(line) for line in input_lines("identifier") if line.strip()]


def listed_identifiers(path: Path) -> list[RawId]:
    """Identifiers from a file, one a line, or from standard input where it is "-", in their normal form.

    Raises:
        BadInput: it cannot be read or is not UTF-8, or a line is no identifier of its kind; its number is named.
    """
    if str(path) == "-":
        lines = input_lines("identifier")
    else:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            mend = "name a file of identifiers, one a line, in UTF-8; or - to read them"
            raise BadInput("the file cannot be read as text", where=str(path), mend=mend) from None
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(normalise(RawId.parse(line.strip())))  # by which it is looked up
            except BadInput as error:
                raise BadInput(error.what, where=f"line {number}", mend=error.mend) from None
    return found


def input_lines(where: str, *, lenient: bool = False) -> list[str]:
    """The lines of standard input, blank ones included; `lenient` leaves it to the lines to be no text.

    Raises:
        BadInput: it is not UTF-8; `where` is named.
    """
    try:
        # some editors begin a file with a byte order mark, which is no part of its first line
        return sys.stdin.buffer.read().decode("utf-8-sig", errors="replace" if lenient else "strict").splitlines()
    except UnicodeDecodeError:
        raise BadInput("standard input is not text in UTF-8", where=where, mend="convert it to UTF-8") from None


def time_option(text: str | None, name: str) -> int | None:
    """An option's time in UTC microseconds; None where it was not given.

    Raises:
        BadInput: not ISO 8601 with a zone.
    """
    if text is None:
        return None
    try:
        return parse_time(text)
    except BadInput as error:
        raise BadInput(error.what, where=name, mend=error.mend) from None


def parse_days(text: str) -> int:
    """Read a number of days such as "180d".

    Raises:
        BadInput: it is not that, or not 1 to 36,500 days.
    """
    found = _DAYS.fullmatch(text.strip())
    days = int(found[1]) if found else 0
    if not 1 <= days <= _MAX_DAYS:
        raise BadInput("not a number of days", where="valid_for", mend="write it like 180d, from 1d to 36500d")
    return days
