"""Past uses that late denials flag: found from permissions as they were known then and are known now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from imp_consent.audit.uses import RecordedUse
from imp_consent.ledger.entry import EVERY_CHANNEL
from imp_consent.ledger.layout import FOREVER_SEQ, FOREVER_US, SEALED
from imp_consent.ledger.reader import Reader
from imp_consent.policy.late import Flag, Made, Uses, flags
from imp_consent.policy.project import TABLE, parse_row
from imp_consent.policy.state import Rectangle, Scope
from imp_core.clock import DAY_US
from imp_core.gate import Action

__all__ = ["Flagged", "find_flagged"]

# Who had a permission that later entries took back: everybody else's answers are what they were.
_CHANGED: Final = (
    f"subject IN (SELECT subject FROM {TABLE} WHERE permit AND to_seq < {FOREVER_SEQ})"  # noqa: S608 (our own words)
    " ORDER BY subject, purpose, channel"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """Why a use is to be reviewed: of how many people it may have used data that would be denied now, by reason.

    `people` counts each person once; `entries` are the numbers of the lowest and highest entry that deny.
    """

    seq: int
    people: int
    reasons: Mapping[str, int]
    entries: tuple[int, int] | None


def find_flagged(reader: Reader, uses: Sequence[RecordedUse]) -> dict[int, Flagged]:
    """The flagged among these uses, by seq.

    Raises:
        LedgerBroken: a permission was changed by other hands.
    """
    days = _days(reader)
    made: dict[Scope, list[Made]] = defaultdict(list)
    for use in uses:
        for purpose in use.purposes:
            made[Scope(purpose, use.channel or EVERY_CHANNEL)].append(_made(use, days))
    asked = {scope: Uses(found) for scope, found in made.items()}
    reasons: dict[int, Counter[str]] = defaultdict(Counter)
    people: Counter[int] = Counter()
    entries: dict[int, tuple[int, int]] = {}
    for person in _people(reader):
        met = {(flag.use, flag.reason): flag for flag in _flags(person, asked)}
        people.update({seq for seq, _ in met})
        for (seq, reason), flag in met.items():
            reasons[seq][reason] += 1
            if flag.by >= 0:
                low, high = entries.get(seq, (flag.by, flag.by))
                entries[seq] = min(low, flag.by), max(high, flag.by)
    return {
        seq: Flagged(
            seq=seq,
            people=n,
            reasons=dict(sorted(reasons[seq].items())),
            entries=entries.get(seq),
        )
        for seq, n in sorted(people.items())
    }


def _flags(person: Mapping[Scope, Sequence[Rectangle]], asked: Mapping[Scope, Uses]) -> Iterator[Flag]:
    for scope, uses in asked.items():
        general = person.get(Scope(scope.purpose, EVERY_CHANNEL), ())
        own = person.get(scope, ()) if scope.channel != EVERY_CHANNEL else ()
        if own or general:
            yield from flags(own, general, uses)


def _people(reader: Reader) -> Iterator[Mapping[Scope, Sequence[Rectangle]]]:
    parsed = map(parse_row, reader.sealed.select(TABLE, _CHANGED))
    for _, rows in groupby(parsed, key=lambda row: row[0]):
        yield _by_scope(rows)


def _by_scope(rows: Iterable[tuple[int, Scope, Rectangle]]) -> dict[Scope, list[Rectangle]]:
    found: dict[Scope, list[Rectangle]] = {}
    for _, scope, rectangle in rows:
        found.setdefault(scope, []).append(rectangle)
    return found


def _days(reader: Reader) -> dict[int, tuple[int, int]]:
    """The first and last day of the events of each batch."""
    rows = (dict(zip(SEALED["batch"], row, strict=True)) for row in reader.sealed.select("batch"))
    return {int(str(row["batch"])): (int(str(row["first_day"])), int(str(row["last_day"]))) for row in rows}


def _made(use: RecordedUse, days: Mapping[int, tuple[int, int]]) -> Made:
    """Which event times a use read: a send its own time, an intake the days of its events, an analysis all before."""
    until = use.at_us + 1
    if use.action == Action.ACTIVATE:
        return Made(use.seq, use.known, use.at_us, until)
    first, last = days.get(use.batch, (None, None)) if use.batch is not None else (None, None)
    if first is None or last is None:
        return Made(use.seq, use.known, -FOREVER_US, until)
    return Made(use.seq, use.known, first * DAY_US, min((last + 1) * DAY_US, until))
