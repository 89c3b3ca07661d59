"""What an audit report says. Times are ISO 8601 (UTC); counts of 1 to k - 1 are None.

Each part names the entries it stands on: `entries` are numbers and ranges ("4, 12-19"), `command` is what shows them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = [
    "SCHEMA_ID",
    "Cell",
    "Checked",
    "ConsentByPurpose",
    "Event",
    "FlaggedUse",
    "Point",
    "Report",
    "RequestClock",
    "Retention",
    "UseGroup",
]

SCHEMA_ID: Final = "urn:imp:audit-report:1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A count over several uses: `n` may be shown; `few` says that there are more, too few to be shown."""

    n: int
    few: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """How many people's consent was in force at a time; None: fewer than k."""

    at: str
    people: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentByPurpose:
    """Consent to one purpose over the period, as the ledger knows it now; the erased are in none of its counts.

    `states` are people by what their gate says at the period's end, on the channel where it is most open; who never
    said anything is in none. `points` and `states` move only once `moves_by` people came or went since they last did,
    and so a state may be off by up to one fewer: `states_since` is when each moved last, and `as_of_entry` the last
    entry of the ledger that they were made of.
    """

    purpose: str
    description: str
    points: Sequence[Point]
    states: Mapping[str, int | None]
    states_since: Mapping[str, str]
    moves_by: int
    as_of_entry: int
    entries: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UseGroup:
    """The uses of one plugin for the same purposes by the same actor: how many, what was permitted, what denied."""

    plugin: str
    purposes: Sequence[str]
    action: str
    actor: str
    uses: int
    unfinished: int
    permitted: Cell
    denied: Mapping[str, Cell]
    entries: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggedUse:
    """A use that a denial recorded later would not permit: for review by whoever decides on the data."""

    seq: int
    at: str
    plugin: str
    purposes: Sequence[str]
    actor: str
    people: int | None
    reasons: Mapping[str, int | None]
    entries: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestClock:
    """A request of a person and its clock. `state`: open, overdue, in time or late; `outcome` None while it is open."""

    id: str
    seq: int
    kind: str
    regimes: Sequence[str]
    received: str
    due: str | None
    extended: bool
    outcome: str | None
    answered: str | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A system entry of the history: what happened, in words, and who did it."""

    seq: int
    at: str
    actor: str
    type: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many days what is kept (`imp.toml`), and the entries that say what was removed by that."""

    settings: Mapping[str, int]
    runs: Sequence[Event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What `imp audit verify` found when the report was made; `problems` are codes and sentences, of no person."""

    ok: bool
    size: int | None
    root: str | None
    checkpoint_size: int | None
    after_checkpoint: int
    problems: Sequence[str]
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An audit report. `begins` and `ends` bound what happened in it, half open; `size` is the ledger it was made of.

    `schema` is the id of its JSON form, `counts` how many entries of each type the period has (people's among them as
    one number).
    """

    schema: str
    controller: str
    log: str
    made: str
    begins: str
    ends: str
    k: int
    size: int
    consent: Sequence[ConsentByPurpose]
    uses: Sequence[UseGroup]
    flagged: Sequence[FlaggedUse]
    requests: Sequence[RequestClock]
    keys: Sequence[Event]
    notices: Sequence[Event]
    retention: Retention
    events: Sequence[Event]
    counts: Mapping[str, int]
    verification: Checked
