"""The protocols in which consent, experiments and later siblings meet. A runtime provider fills each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from imp_core.errors import CheckFailed
from imp_core.event import RawId
from imp_core.gate import Use

__all__ = [
    "Assigner",
    "Assignment",
    "Check",
    "CheckpointInfo",
    "EnrolmentCount",
    "ExperimentTerms",
    "Json",
    "Ledger",
    "OpenedUse",
    "SignalStatus",
    "Signals",
    "Superseded",
    "SystemEntry",
    "View",
]

Json = str | int | bool | None | Sequence["Json"] | Mapping[str, "Json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemEntry:
    """An entry about the system, not about a person: its fields are plain. `at_us` is the record time."""

    seq: int
    type: str
    at_us: int
    actor: str
    fields: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointInfo:
    """A signed checkpoint: log origin, number of entries, Merkle root (32 bytes as hex), signed note."""

    origin: str
    size: int
    root: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of a diagnosis: what was looked at, whether it holds, and how to mend it where it does not."""

    name: str
    ok: bool
    detail: str
    mend: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalStatus:
    """Whether an opt-out signal of somebody holds: `since` when (ISO 8601; None: none does), what it `closes`.

    `signals` are its kinds. Nobody asks to opt in again before `ask_again_after`, and those who received the data are
    told by `tell_recipients_by`: the latest such dates; None: no regime in force sets one.
    """

    honoured: bool
    since: str | None = None
    signals: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()
    ask_again_after: str | None = None
    tell_recipients_by: str | None = None


class Signals(Protocol):
    """Opt-out signals, for whoever shows people that theirs is honoured (11 CCR §7025(c)(6))."""

    def honoured(self, raw_id: RawId) -> SignalStatus:
        """Whether an opt-out signal of a browser or person holds; nobody's does. Looks up and never creates.

        Raises:
            BadInput: the identifier's kind is unknown or its value is malformed.
        """
        ...


class Ledger(Protocol):
    """System entries and checkpoints of the consent ledger. People's entries are not written through this door."""

    def append(self, type_: str, fields: Mapping[str, Json], *, documents: Sequence[bytes] = ()) -> int:
        """Append one system entry and return its seq once it is durable.

        `documents` are stored by SHA-256 in the same transaction; name them in `fields` by that hash.

        Raises:
            BadInput: a type of a person's entry, or fields outside the canonical profile (floats, over 4 KiB).
        """
        ...

    def entries(self, type_: str) -> Iterator[SystemEntry]:
        """System entries of one type, oldest first."""
        ...

    def document(self, sha256: str) -> bytes:
        """A stored document by the hex SHA-256 of its bytes.

        Raises:
            LedgerBroken: there is none, or its bytes do not have this hash.
        """
        ...

    def checkpoint(self) -> CheckpointInfo:
        """Sign what is committed now and write it outside the database."""
        ...

    def diagnose(self) -> Iterator[Check]:
        """Look at keys, database and checkpoint without changing them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentCount:
    """How many exposures arrived for a variant on a day (UTC, days since 1970), by reason; "admitted" is one."""

    experiment: str
    phase: int
    variant: str
    day: int
    reason: str
    n: int


class Superseded(CheckFailed):
    """An admitted person withdrew or was erased while the use was open: nothing may be shown; run again."""


class OpenedUse(Protocol):
    """One use of people's data, already marked in the ledger. Its frames live on one DuckDB connection.

    It knows nothing by name of the rows that do not pass, opens no other files, and takes no settings.

    `events`: native lazy frame with the archive's columns (`DATA.md`), only rows that pass twice. It is read where it
    lies, each time: an erasure meanwhile takes the files away, and `close` or `abandon` tells. The bytes are checked
    when the use is opened, and `close` refuses where a file is another by then, or was written to: so until it is
    closed nothing that was read may be relied on.
    `closed`: native lazy frame (subject, from_us, to_us, from_seq, to_seq, reason): the closed rectangles, half
    open, of this purpose for the subjects in `events`; knowledge is in ledger sizes.
    `permitted`: native lazy frame (subject, from_us, to_us, from_seq, to_seq): when the gate is open for those in
    `events`, for whoever must tell "did nothing" from "nobody may know"; None unless `View.open` was asked for it.
    `refused`: native lazy frame (type, experiment, phase, variant, reason, subjects): how many people's rows did
    not pass, without saying whose.
    """

    seq: int
    size: int
    as_of_us: int
    checkpoint: str
    events: Any
    closed: Any
    permitted: Any
    refused: Any

    def close(
        self,
        *,
        readout_sha256: str,
        counts: Mapping[str, int],
        proof_sha256: str | None = None,
        looks: Sequence[Mapping[str, Json]] = (),
        released: Sequence[Mapping[str, Json]] = (),
    ) -> int:
        """Commit to what was computed; only then may it be shown. Returns the seq of `use-close`.

        `looks` are those of sequential tests that it uses up: they are kept with it, whatever becomes of the result.
        `released` are counts, of k or more people each, that the result tells: what is released later is held against
        them.

        Raises:
            Superseded: somebody among the readers' subjects withdrew or was erased since the use was opened.
            LedgerBroken: what was read are not the bytes that were checked when it was opened; the use is abandoned.
        """
        ...

    def abandon(self) -> bool:
        """Close the use without a result; the ledger says so. False where somebody else had closed it."""
        ...


class View(Protocol):
    """The only way to people's data for use."""

    def open(
        self,
        use: Use,
        *,
        definition_seq: int | None = None,
        columns: Sequence[str] | None = None,
        with_permitted: bool = False,
    ) -> OpenedUse:
        """Mark the use in the ledger, then yield what the gate lets through, as of now.

        `columns` of the archive are what the use is about; `events` may show more, and need not. None: all.
        `with_permitted` asks for the frame `permitted` too.
        """
        ...

    def enrolment(self, experiment: str) -> Sequence[EnrolmentCount]:
        """Counts of exposures by variant, day and reason; they hold nobody's data and never decrease."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which variant a unit is owed. `variant` is None outside the traffic share."""

    experiment: str
    phase: int
    variant: str | None
    segment: int
    bucket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentTerms:
    """What whoever exposes people to an experiment must know of it; `started` is whether the ledger has its start."""

    name: str
    phase: int
    purpose: str
    control: str
    variants: tuple[str, ...]
    started: bool


class Assigner(Protocol):
    """Assignment is a hash, not a table: asking enrols nobody."""

    def terms(self, experiment: str) -> ExperimentTerms:
        """On what terms people are exposed to an experiment of this workspace.

        Raises:
            BadInput: there is no such experiment.
            CheckFailed: its definition has changed since it was started.
        """
        ...

    def assign(self, experiment: str, unit: str) -> Assignment:
        """The variant owed to a unit in an experiment of this workspace.

        Raises:
            BadInput: there is no such experiment.
        """
        ...
