"""The parts of a long file that are recorded one after the other: no person's rows are in two of them.

Else a yes of an early part would open what the same file takes back in a late one, for as long as the import takes, and
for good where it is not gone on with. So all rows of a person are recorded with the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from imp_consent.commands.aside import Aside, Fault, ReadRow
from imp_consent.commands.imported import Earlier
from imp_consent.commands.row_numbers import ranges_of
from imp_consent.identity.normalize import loosest, normalise
from imp_consent.ledger.alike import subjects_alike_to
from imp_consent.ledger.reader import Reader
from imp_core.errors import BadInput
from imp_core.event import RawId
from imp_core.ports import Json

__all__ = ["Part", "Tried", "parts_of", "person_of"]


@dataclass(slots=True)
class Part:
    """Rows that are recorded together; up to number `through` none is left for a later part."""

    rows: list[ReadRow | Fault] = field(default_factory=list)
    through: int = 0


@dataclass(slots=True)
class Tried:
    """What was tried since the ledger last noted it: from row `begin` all up to `through`, and later ones beside."""

    begin: int | None = None
    through: int | None = None
    numbers: set[int] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)

    def add(self, part: Part, faults: Sequence[Fault], *, is_last: bool) -> None:
        """Take in a part; after the last one nothing comes."""
        self.begin = part.rows[0].number if self.begin is None else self.begin
        self.through = None if is_last else part.through
        self.numbers.update(row.number for row in part.rows)
        self.faults += faults

    def span(self) -> dict[str, Json]:
        """The fields of the note that say from where to where."""
        return {"begin": self.begin, **({} if self.through is None else {"through": self.through})}

    def ahead(self) -> list[tuple[int, int]]:
        """Which rows after `through` were tried."""
        return [] if self.through is None else ranges_of(number for number in self.numbers if number > self.through)

    def rejected(self, known: Earlier) -> list[int | str]:
        """What is left of all that the note speaks of: faulty rows, and those of before that were not tried now."""
        before = known.left_in(self.begin or 0, self.through) - self.numbers
        return [*(fault.mark for fault in self.faults), *sorted(before)]


def parts_of(aside: Aside, size: int) -> Iterator[Part]:
    """What was read in parts of so many rows, or of more where one person has them."""
    part = Part()
    for rows in aside.together():
        part.rows += rows
        part.through = rows[0].number
        if len(part.rows) >= size:
            yield part
            part = Part()
    if part.rows:
        yield part


def person_of(reader: Reader) -> Callable[[RawId], Hashable]:
    """Whose a row is: all spellings of an address are one person's, and all identifiers that lead to somebody."""

    def find(raw: RawId) -> Hashable:
        try:
            normalised = normalise(raw)
        except BadInput:
            return raw.kind, raw.value  # the door says so, and takes nothing of it
        known = reader.subjects.find_alike(normalised)
        return min(_all_alike(reader, known)) if known else (normalised.kind, loosest(normalised))

    return find


def _all_alike(reader: Reader, known: set[int]) -> set[int]:
    """These people, who is known by a spelling of an address of theirs, and so on: the same from whomever one begins.

    A no of one spelling reaches the others, and an identifier that is no address leads to its own subject alone.
    """
    found, next_ones = set(known), list(known)
    while next_ones:
        others = set(subjects_alike_to(reader, next_ones.pop())) - found
        found |= others
        next_ones += others
    return found
