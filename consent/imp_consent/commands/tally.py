"""What an import is given, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imp_consent.commands.aside import Fault, ReadRow
from imp_consent.commands.import_warnings import Warned
from imp_consent.commands.imported import Earlier
from imp_consent.commands.lost_noes import left_out
from imp_consent.commands.repeats import Repeats
from imp_consent.commands.unknown_words import UnknownWords
from imp_consent.records.terms import Terms

__all__ = ["Source", "Tally"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to import: its hash, how it is read (`mapping` tells readings apart), and what its places count.

    `read` gives the rows that an earlier import left, and raises BadInput where the file as a whole cannot be read.
    `language` is where such a file says in which language a notice was shown, `one` and `many` what it holds, `states`
    its words for types of entries, by which the ledger counts them. `mends` say by field what may help besides mending
    rows; `names_people`: its people are called as here, so that one who is not known may be a name read wrongly.
    `noted` is filled with what is to be warned of the file as a whole, while it is read.
    """

    path: Path
    sha256: str
    mapping: str
    counted: str
    read: Callable[[Earlier], Iterator[ReadRow | Fault]]
    language: str
    one: str = "row"
    many: str = "rows"
    terms: Terms | None = None
    states: Mapping[str, str] = field(default_factory=dict)
    mends: Mapping[str, str] = field(default_factory=dict)
    names_people: bool = False
    noted: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """What came of a file: entries by type, people, the first and last entry, faults, what was not known and warnings.

    `purposes` and `notices` are how many were taken over from its terms. `unknown` are the words for purposes and
    notices in rows that were not taken. `dropped` are rows that somebody else recorded after `earlier` was read.
    `erasures` were opened without being asked for. `repeated` rows say what another import recorded.
    """

    earlier: Earlier = field(default_factory=Earlier)
    types: Counter[str] = field(default_factory=Counter)
    suppressed: int = 0
    people: set[int] = field(default_factory=set, repr=False)
    first: int | None = None
    last: int | None = None
    faults: list[Fault] = field(default_factory=list)
    unknown: dict[str, UnknownWords] = field(
        default_factory=lambda: {"purpose": UnknownWords(), "notice": UnknownWords()}, repr=False
    )
    warned: Warned = field(default_factory=Warned)
    repeats: Repeats = field(default_factory=Repeats)
    repeated: int = 0
    purposes: int = 0
    notices: int = 0
    dropped: int = 0
    erasures: int = 0
    begun: int = 0  # the ledger's size before anything was imported

    @property
    def rows(self) -> int:
        """How many entries were recorded."""
        return self.types.total()

    @property
    def skipped(self) -> int:
        """How many rows were recorded before, by the time they were come to."""
        return self.earlier.rows + self.dropped

    @property
    def taken(self) -> int:
        """How many rows were recorded, now or by another import, or are of people who were erased."""
        return self.rows + self.suppressed + self.repeated

    @property
    def all_faulty(self) -> bool:
        """Whether there are rows and none could be taken, now or before."""
        return self.earlier.left is None and bool(self.faults) and not self.taken

    def warnings(self, counted: str) -> tuple[str, ...]:
        """What is said of rows that were taken, and of noes that were left out; `counted` is what places count."""
        return (*left_out(self.faults, counted), *self.repeats.texts(counted), *self.warned.texts(counted))

    def count(self, type_: str, seq: int, subject: int) -> None:
        """Count an entry."""
        self.types[type_] += 1
        self.people.add(subject)
        self.first = seq if self.first is None else self.first
        self.last = seq

    def add(self, part: Tally) -> None:
        """Count what was done in a part; its warnings and unknown words are of one kind with these."""
        self.types += part.types
        self.suppressed += part.suppressed
        self.repeated += part.repeated
        self.dropped += part.dropped
        self.erasures += part.erasures
        self.people |= part.people
        self.faults += part.faults
        self.first = part.first if self.first is None else self.first
        self.last = self.last if part.last is None else part.last
