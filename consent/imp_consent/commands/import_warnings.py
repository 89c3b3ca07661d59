"""What an import says of yeses that it took, and may not be what the law means by one: once a kind, with their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import click

from imp_consent.commands.aside import ReadRow
from imp_consent.commands.law_taken import OTHER_LAW, other_law
from imp_consent.commands.lost_noes import takes_nothing_back
from imp_consent.commands.no_named import names_what_is_none
from imp_consent.commands.noted import NO_CHANNEL, UNREAD
from imp_consent.commands.places import SHOWN, Places
from imp_consent.commands.yes_taken import KNOWN_ACTS, recipient_warnings, unknown_act
from imp_consent.ledger.entry import PersonEntry
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.door import Door
from imp_consent.policy.notice import RegisteredNotice
from imp_consent.policy.shown import predates
from imp_core.counting import some

__all__ = ["Warned", "warn", "warn_of_long", "warn_of_stop"]

_LONG: Final = 20_000  # rows; who waits for them gives up after half a minute
_OLDER: Final = (
    "put on record with the oldest text that names the purpose; if another one was shown, register that and name its "
    "hash in the column notice"
)
_ACT: Final = f"consent is an act of the person's own (GDPR 4(11), rec. 32; PIPL 14); {KNOWN_ACTS}"

_UNKNOWN: Final = (
    "if they should be known, look how the file writes them (its encoding, the kind, the spelling): a no under another "
    "name than the yes takes nothing back"
)
_STALE: Final = (
    "that yes still counts; if the no was said after it, record it with the time at which it was: imp consent record"
)
_EVERY: Final = "they are yeses for every channel; write the channel that was meant"
_UNREAD: Final = "it means nothing for a no, which was taken without it"
_UNKNOWN_HERE: Final = (
    "the no was taken all the same: without that notice, under the strictest law known here where the law is not, and "
    "as of imp.toml's place where the place is not; look how it is spelt"
)
_LAW: Final = f"{OTHER_LAW}; say where they are in a column jurisdiction"


@dataclass(slots=True)
class Warned:
    """Looks at each yes that was taken, and keeps how many need a word, and where the first of them stand."""

    purposes: Mapping[str, DeclaredPurpose] = field(default_factory=dict)
    strangers: bool = False  # whether noes of people unknown until then are told
    _older: Places = field(default_factory=Places)
    _acts: Places = field(default_factory=Places)
    _laws: Places = field(default_factory=Places)
    _stale: Places = field(default_factory=Places)  # noes older than a yes that they cannot take back
    _everywhere: Places = field(default_factory=Places)  # yeses that name no channel
    _has_channels: bool = False  # whether rows have a cell for it, or name one
    _unread: Places = field(default_factory=Places)
    _misnamed: Places = field(default_factory=Places)  # noes that name a law, place or notice that is none
    _withdrawn: Places = field(default_factory=Places)  # of people unknown until then
    _refused: Places = field(default_factory=Places)
    _abroad: Places = field(default_factory=Places)  # those of both that are named beyond ASCII
    _unnamed: dict[str, Places] = field(default_factory=dict)  # what is said of a purpose and its notice → rows
    _known: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def look(self, door: Door, row: ReadRow, earlier: Callable[[], Sequence[PersonEntry]]) -> None:
        """Look at what was taken of a row; `earlier` is what was recorded of the person before."""
        said, place = row.said, row.place
        notice = door.notice(said)
        self._has_channels = self._has_channels or bool(said.channel) or NO_CHANNEL in row.noted
        if predates(said, notice):
            self._older.add(place)
        if said.type in {"withdraw", "refuse"}:
            if names_what_is_none(door, said, notice):
                self._misnamed.add(place)
            self._look_at_no(row, earlier())
        elif said.type == "grant":
            self._look_at_yes(door, row, notice, earlier)

    def _look_at_no(self, row: ReadRow, earlier: Sequence[PersonEntry]) -> None:
        if UNREAD in row.noted:
            self._unread.add(row.place)
        if self.strangers and not earlier:
            (self._withdrawn if row.said.type == "withdraw" else self._refused).add(row.place)
            if not row.raw.value.isascii():
                self._abroad.add(row.place)
        if self.strangers and takes_nothing_back(row.said, earlier):
            self._stale.add(row.place)

    def _look_at_yes(
        self,
        door: Door,
        row: ReadRow,
        notice: RegisteredNotice | None,
        earlier: Callable[[], Sequence[PersonEntry]],
    ) -> None:
        said, place, rules = row.said, row.place, door.rules(row.said)
        if not said.channel:
            self._everywhere.add(place)
        if unknown_act(said, rules):
            self._acts.add(place)
        if said.regimes is None and other_law(said, rules.names, door.place(said), earlier()) is not None:
            self._laws.add(place)
        for words in self._unnamed_by(notice, said.purpose):
            self._unnamed.setdefault(words, Places()).add(place)

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
            said.append(f"{those} older than every notice registered here {self._older.text(counted)}: {_OLDER}")
        if self.acts:
            those = some(self.acts, "row given names", "rows given name")
            said.append(f"{those} the act in a word that is not known {self._acts.text(counted)}: {_ACT}")
        if self._laws.count:
            those = some(self._laws.count, "row given names", "rows given name")
            who = "somebody" if self._laws.count == 1 else "people"
            said.append(f"{those} no law, of {who} recorded under another {self._laws.text(counted)}: {_LAW}")
        said += [*self._of_unknown(counted), *self._of_noes(counted)]
        if self.strangers and self._has_channels and self._everywhere.count:
            those = some(self._everywhere.count, "row given names", "rows given name")
            said.append(f"{those} no channel, in a file that has channels {self._everywhere.text(counted)}: {_EVERY}")
        for words, rows in self._unnamed.items():
            those = some(rows.count, "row given rests", "rows given rest")
            said.append(f"{those} on a notice that leaves out a recipient {rows.text(counted)}: {words}")
        return tuple(said)

    def _of_unknown(self, counted: str) -> list[str]:
        """Noes of people of whom nothing was known: a name read wrongly is one of nobody, and the no does not hold.

        First come names in which an encoding shows, then withdrawals: there was a yes, somewhere.
        """
        noes = ((self._withdrawn, "withdrawal"), (self._refused, "refusal"))
        kinds = [some(rows.count, word) for rows, word in noes if rows.count]
        both = Places(
            count=self._withdrawn.count + self._refused.count,
            first=list(dict.fromkeys([*self._abroad.first, *self._withdrawn.first, *self._refused.first]))[:SHOWN],
        )
        if not kinds:
            return []
        whose = "is of somebody" if both.count == 1 else "are of people"
        return [f"{' and '.join(kinds)} {whose} unknown until now {both.text(counted)}: {_UNKNOWN}"]

    def _of_noes(self, counted: str) -> list[str]:
        said = []
        if self._stale.count:
            those = some(self._stale.count, "no is", "noes are")
            said.append(f"{those} older than a yes to the same thing {self._stale.text(counted)}: {_STALE}")
        if self._unread.count:
            those = some(self._unread.count, "no holds", "noes hold")
            said.append(f"{those} a value that cannot be read {self._unread.text(counted)}: {_UNREAD}")
        if self._misnamed.count:
            those = some(self._misnamed.count, "no names", "noes name")
            what = f"{those} a law, a place or a notice of its purpose that is not known here"
            said.append(f"{what} {self._misnamed.text(counted)}: {_UNKNOWN_HERE}")
        return said


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
