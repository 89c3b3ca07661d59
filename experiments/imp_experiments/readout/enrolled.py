"""Who met an experiment at all: what intake counted of one phase, whoever they were. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from imp_core.gate import NO_RECORD
from imp_core.ports import EnrolmentCount

__all__ = ["ADMITTED", "Enrolled", "enrolled"]

ADMITTED: Final = "admitted"
# Not units: in how many files exposures of people nobody knows were counted.
_FILES: Final = "no_record_files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """Counts of units by variant and reason, and the files in which people without any record came.

    Nothing is stored about people whom nobody knows: they are counted once a file, and may repeat over files.
    """

    units: tuple[EnrolmentCount, ...]
    no_record_files: int

    @property
    def repeating(self) -> bool:
        """Whether people without any record may be counted more than once."""
        return self.no_record_files > 1

    @property
    def admitted(self) -> int:
        """Units that were let in, whatever became of them."""
        return sum(row.n for row in self.units if row.reason == ADMITTED)

    @property
    def denied(self) -> Counter[str]:
        """Units that were kept out, by reason."""
        counts: Counter[str] = Counter()
        for row in self.units:
            if row.reason != ADMITTED:
                counts[row.reason] += row.n
        return counts

    @property
    def by_variant(self) -> dict[str, Counter[str]]:
        """Variant → units by reason, those let in ("admitted") too."""
        counts: dict[str, Counter[str]] = {}
        for row in self.units:
            counts.setdefault(row.variant, Counter())[row.reason] += row.n
        return counts

    @property
    def observed(self) -> Counter[str]:
        """Units by variant for the sample ratio: all reasons, but no record where they may be counted again."""
        return sum(self.by_day, Counter())

    @property
    def by_day(self) -> list[Counter[str]]:
        """The same day by day, in their order."""
        days: dict[int, Counter[str]] = {}
        for row in self.units:
            if not (self.repeating and row.reason == NO_RECORD):
                days.setdefault(row.day, Counter())[row.variant] += row.n
        return [days[day] for day in sorted(days)]


def enrolled(rows: Sequence[EnrolmentCount], phase: int) -> Enrolled:
    """What was counted of one phase."""
    mine = [row for row in rows if row.phase == phase]
    return Enrolled(
        units=tuple(row for row in mine if row.reason != _FILES),
        no_record_files=sum(row.n for row in mine if row.reason == _FILES),
    )
