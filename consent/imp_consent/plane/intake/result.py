"""What an intake is given a source as, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imp_consent.plane.intake.digest import source_sha256

__all__ = ["IngestResult", "SourceFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """Where rows come from: a name for errors, and the hex SHA-256 of the whole, by which it is taken once."""

    name: str
    sha256: str

    @classmethod
    def of(cls, path: Path) -> SourceFile:
        """A file on disk, or a folder of files.

        Raises:
            BadInput: it cannot be read.
        """
        return cls(name=str(path), sha256=source_sha256(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """What became of a source: received = admitted + duplicates + the sum of denied (counts of events by reason).

    `batch` and `seq` (of the `collect` entry) are None where nothing was committed: a dry run. `already` says that
    the source had been taken before, by that batch, and nothing was done. `rejected` rows could not be taken,
    `enrolled` are exposed units counted now by reason ("admitted" is one), `signals` withdrawals and other
    signals written, `signals_before` those that change nothing (written before, or of people erased since),
    `signals_unknown` those of people nobody knows, `mentions` the rows of replies that only mention a word of opting
    out and `others` those of replies that mention none, both of which somebody has to read, `props_dropped` properties
    that are not allow-listed.
    """

    channel: str
    source_sha256: str
    batch: int | None = None
    seq: int | None = None
    already: bool = False
    dry_run: bool = False
    received: int = 0
    admitted: int = 0
    duplicates: int = 0
    denied: Mapping[str, int] = field(default_factory=dict)
    rejected: int = 0
    enrolled: Mapping[str, int] = field(default_factory=dict)
    signals: int = 0
    signals_before: int = 0
    signals_unknown: int = 0
    mentions: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    props_dropped: int = 0

    @property
    def n(self) -> int:
        """Rows in the batch."""
        return self.admitted
