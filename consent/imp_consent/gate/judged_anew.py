"""Whom a change of law concerns: how many people's permission would be judged otherwise if it were given now.

What stands is not touched by that: the gate goes by the law that each entry was recorded under. But whoever changes a
law wants to know of how many it would ask more, or less, than they gave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Final

from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.layout import FOREVER_SEQ
from imp_consent.ledger.reader import Reader
from imp_consent.policy.project import TABLE
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.regime import Regimes
from imp_consent.policy.rules import Rules
from imp_consent.policy.suffices import falls_short

__all__ = ["judged_anew"]

# Who permits what now, and the entry that says so.
_PERMITTED: Final = (
    f"SELECT DISTINCT subject, purpose, json_extract(entries, '$[0]') FROM {TABLE}"  # noqa: S608 (our own words)
    " WHERE permit AND to_seq = ? AND from_us <= ? AND to_us > ? ORDER BY subject"
)


def judged_anew(
    reader: Reader,
    before: Regimes,
    after: Regimes,
    changed: Collection[str],
    *,
    at_us: int,
    count: Callable[[int], None] = lambda _: None,
) -> dict[str, int]:
    """By purpose the people whose standing permission suffices under the one law and not under the other; only such.

    Of those alone whose permission was recorded under a law that `changed`. It is held against kinds of consent, how
    long it holds, and bases (`falls_short`). `count` hears of progress, in people.

    Raises:
        LedgerBroken: an entry does not open, or a law cannot be read.
    """
    purposes, counted = read_purposes(reader), Counter[str]()

    @cache
    def rules(names: tuple[str, ...], place: str | None) -> tuple[Rules, Rules]:
        return before.rules(names, place), after.rules(names, place)

    def differs(entry: PersonEntry, purpose: str) -> bool:
        names = _names(entry, before)
        if purpose not in purposes or names.isdisjoint(changed):
            return False
        place = entry.payload.get("jurisdiction")
        both = rules(tuple(sorted(names)), place if isinstance(place, str) else None)
        was, would = (bool(falls_short(entry.statement, purposes[purpose], one, at_us=at_us)) for one in both)
        return was != would

    found = reader.sql.execute(_PERMITTED, (FOREVER_SEQ, at_us, at_us)).fetchall()
    for subject, theirs in groupby(found, key=itemgetter(0)):
        count(1)
        entries = {entry.seq: entry for entry in reader.history(int(subject))}
        counted.update({purpose for _, purpose, seq in theirs if seq in entries and differs(entries[seq], purpose)})
    return dict(sorted(counted.items()))


def _names(entry: PersonEntry, known: Regimes) -> set[str]:
    """The laws that an entry was recorded under, as far as they are known."""
    named = entry.payload.get("regimes")
    return {str(name) for name in named if name in known.texts} if isinstance(named, list | tuple) else set()
