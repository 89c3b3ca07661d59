"""What an import says of yeses that it took, and may not be what the law means by one: once a kind, with their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import click

from imp_consent.commands.law_taken import OTHER_LAW, other_law
from imp_consent.commands.yes_taken import KNOWN_ACTS, recipient_warnings, unknown_act
from imp_consent.ledger.entry import PersonEntry
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.door import Door
from imp_consent.policy.notice import RegisteredNotice
from imp_consent.policy.saying import Saying
from imp_consent.policy.shown import predates
from imp_core.counting import some

__all__ = ["Warned", "warn", "warn_of_long", "warn_of_stop"]

_LONG: Final = 20_000  # rows; who waits for them gives up after half a minute
_SHOWN: Final = 5  # rows named before they are only counted
_OLDER: Final = (
    "put on record with the oldest text that names the purpose; if another one was shown, register that and name its "
    "hash in the column notice"
)
_ACT: Final = f"consent is an act of the person's own (GDPR 4(11), rec. 32; PIPL 14); {KNOWN_ACTS}"

_UNKNOWN: Final = (
    "if they should be known, look how the file writes them (its encoding, the kind, the spelling): a no under another "
    "name than the yes takes nothing back"
)
_LAW: Final = f"{OTHER_LAW}; say where they are in a column jurisdiction"


@dataclass(slots=True)
class _Rows:
    """How many rows there are of a kind, and where the first of them stand."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, place: int) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(place)

    def places(self, counted: str) -> str:
        shown = ", ".join(map(str, self.first))
        more = "" if self.count <= _SHOWN else f" and {self.count - _SHOWN:,} more"
        return f"({counted if self.count == 1 else f'{counted}s'} {shown}{more})"


@dataclass(slots=True)
class Warned:
    """Looks at each yes that was taken, and keeps how many need a word, and where the first of them stand."""

    purposes: Mapping[str, DeclaredPurpose] = field(default_factory=dict)
    strangers: bool = False  # whether noes of people unknown until then are told
    _older: _Rows = field(default_factory=_Rows)
    _acts: _Rows = field(default_factory=_Rows)
    _laws: _Rows = field(default_factory=_Rows)
    _withdrawn: _Rows = field(default_factory=_Rows)  # of people unknown until then
    _refused: _Rows = field(default_factory=_Rows)
    _unnamed: dict[str, _Rows] = field(default_factory=dict)  # what is said of a purpose and its notice → rows
    _known: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def look(self, door: Door, said: Saying, place: int, earlier: Callable[[], Sequence[PersonEntry]]) -> None:
        """Look at what was taken of a row; `earlier` is what was recorded of the person before."""
        notice = door.notice(said)
        if predates(said, notice):
            self._older.add(place)
        if self.strangers and said.type in {"withdraw", "refuse"} and not earlier():
            (self._withdrawn if said.type == "withdraw" else self._refused).add(place)
        if said.type != "grant":
            return
        if unknown_act(said, door.rules(said)):
            self._acts.add(place)
        if said.regimes is None and other_law(said, door.rules(said).names, door.place(said), earlier()) is not None:
            self._laws.add(place)
        for words in self._unnamed_by(notice, said.purpose):
            self._unnamed.setdefault(words, _Rows()).add(place)

    def _unnamed_by(self, notice: RegisteredNotice | None, purpose: str) -> tuple[str, ...]:
        if notice is None:
            return ()
        key = (notice.sha256, purpose)
        if key not in self._known:
            self._known[key] = recipient_warnings(notice.notice, (purpose,), self.purposes)
        return self._known[key]

    @property
    def older(self) -> int:
        """Rows that are older than every notice registered, and name none by its hash."""
        return self._older.count

    @property
    def acts(self) -> int:
        """Rows given that name the act in a word that is none that is known."""
        return self._acts.count

    @property
    def unnamed(self) -> int:
        """Rows given that rest on a notice which leaves out a recipient of the purpose."""
        return sum(rows.count for rows in self._unnamed.values())

    def texts(self, counted: str) -> tuple[str, ...]:
        """What is said, a sentence a kind; `counted` is what the numbers of rows count, such as "line"."""
        said = []
        if self.older:
            those = some(self.older, "row given is", "rows given are")
            said.append(f"{those} older than every notice registered here {self._older.places(counted)}: {_OLDER}")
        if self.acts:
            those = some(self.acts, "row given names", "rows given name")
            said.append(f"{those} the act in a word that is not known {self._acts.places(counted)}: {_ACT}")
        if self._laws.count:
            those = some(self._laws.count, "row given names", "rows given name")
            who = "somebody" if self._laws.count == 1 else "people"
            said.append(f"{those} no law, of {who} recorded under another {self._laws.places(counted)}: {_LAW}")
        said += self._of_unknown(counted)
        for words, rows in self._unnamed.items():
            those = some(rows.count, "row given rests", "rows given rest")
            said.append(f"{those} on a notice that leaves out a recipient {rows.places(counted)}: {words}")
        return tuple(said)

    def _of_unknown(self, counted: str) -> list[str]:
        """Noes of people of whom nothing was known: a name read wrongly is one of nobody, and the no does not hold."""
        noes = ((self._withdrawn, "withdrawal"), (self._refused, "refusal"))
        kinds = [some(rows.count, word) for rows, word in noes if rows.count]
        both = _Rows(
            count=self._withdrawn.count + self._refused.count,
            first=sorted([*self._withdrawn.first, *self._refused.first])[:_SHOWN],
        )
        if not kinds:
            return []
        whose = "is of somebody" if both.count == 1 else "are of people"
        return [f"{' and '.join(kinds)} {whose} unknown until now {both.places(counted)}: {_UNKNOWN}"]


def warn_of_long(rows: int, *, parted: bool, dry: bool = False) -> None:
    """Say on standard error that others wait for a long file; `parted`: it could be recorded in parts."""
    if rows > _LONG:
        stop = "the import itself can let them through" if dry else "stop it and let them through"
        mend = f"; {stop}: --rejects FILE --in-parts" if parted else ""
        those = f"{rows:,} rows are judged and recorded at once"
        click.echo(f"warning: {those}: until then nobody else can write, no withdrawal either{mend}", err=True)


def warn_of_stop(rows: int) -> None:
    """Say on standard error what is recorded of a file whose import in parts was stopped."""
    those = some(rows, "row of the file is", "rows of the file are") if rows else "nothing of the file is"
    click.echo(f"stopped: {those} recorded; the same command goes on from there", err=True)


def warn(texts: tuple[str, ...]) -> None:
    """Say it on standard error."""
    for text in texts:
        click.echo(f"warning: {text}", err=True)
