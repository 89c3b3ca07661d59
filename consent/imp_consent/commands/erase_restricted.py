"""Erasing somebody whose data is only to be stored: they may need it, so where they did not ask it takes one word more.

Who has restricted the use of their data may need it for a claim, or as proof of what was done with it against the law
(GDPR 18(1)(b)-(c), 17(3)(e)); erased, it is gone for them too.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from imp_consent.ledger.reader import Reader
from imp_consent.policy.limiting import limits_in_force
from imp_consent.rights.requests import own_requests, read_requests
from imp_core.counting import some
from imp_core.errors import CheckFailed

__all__ = ["OPTION", "check_restricted", "restricted_entries", "restricted_text", "unasked"]

OPTION: Final = "--though-restricted"
_ERASE: Final = "erase"
_WHY: Final = "they may need it for a claim, and erased it is gone for them too (GDPR 18(1)(b)-(c), 17(3)(e))"


def restricted_entries(reader: Reader, subjects: Collection[int]) -> tuple[int, ...]:
    """The entries by which these people had the use of their data restricted, in force still."""
    return tuple(sorted(entry.seq for one in subjects for entry in limits_in_force(reader.history(one), "restrict")))


def unasked(reader: Reader, subjects: Collection[int]) -> tuple[int, ...]:
    """The same of those alone who have no open request of their own for erasure; a task nobody asked for."""
    asked = {one.id for one in read_requests(reader) if one.kind == _ERASE and one.outcome is None and not one.task}
    silent = [one for one in subjects if asked.isdisjoint(own_requests(reader.history(one)))]
    return restricted_entries(reader, silent)


def check_restricted(reader: Reader, subjects: Collection[int]) -> None:
    """Go on only where nobody is restricted who did not ask to be erased.

    Raises:
        CheckFailed: somebody is. Nothing was erased.
    """
    entries = unasked(reader, subjects)
    if entries:
        mend = f"ask them first: {_WHY}; to erase it all the same add {OPTION}"
        raise CheckFailed(f"nobody was erased: {_restricted(entries)}", where="identifier", mend=mend)


def restricted_text(entries: Collection[int], needed: Collection[int]) -> str:
    """A line to append to a dry run; `needed` are those for which the option is needed."""
    if not entries:
        return ""
    option = f"; it needs {OPTION}, for they did not ask" if needed else ""
    return f"\n{_restricted(entries)}: {_WHY}{option}"


def _restricted(entries: Collection[int]) -> str:
    named = ", ".join(map(str, sorted(entries)[:10])) + (" …" if len(entries) > 10 else "")  # noqa: PLR2004 (shown)
    restrictions = some(len(entries), "restriction is", "restrictions are")
    return f"{restrictions} in force ({'entry' if len(entries) == 1 else 'entries'} {named})"
