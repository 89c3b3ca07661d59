"""The denominators of experiments: how many units were exposed, by variant, day and reason, whoever they were.

A unit of somebody the ledger knows, admitted or denied, counts once per experiment and phase, whatever file brings it:
a keyed hash remembers that it was counted, and its first reason stands. Of people nobody knows nothing is kept beyond
the count: they count once a file, and how many files counted any of them is counted too (`UNKNOWN_FILES`), so that a
reader can tell when they may have been counted twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.intake.columns import hashed_unit, phase_of
from imp_consent.plane.intake.keyed import enrolment_key
from imp_consent.plane.intake.people import Person
from imp_core.clock import DAY_US
from imp_core.event import EventType, RawEvent

__all__ = [
    "ADMITTED",
    "CELL_COLUMNS",
    "UNKNOWN_FILES",
    "Cell",
    "DeniedUnit",
    "DeniedUnits",
    "add_counts",
    "cell_of",
    "cells_of",
    "counted",
    "known_ids",
    "waiting_ids",
]

ADMITTED: Final = "admitted"
# Of an experiment's phase, with no variant and on day 0: how many intakes counted units of people nobody knows.
UNKNOWN_FILES: Final = "no_record_files"
CELL_COLUMNS: Final = ("type", "experiment", "phase", "variant", "event_us", "subject", "unit")
_IDS = 500  # asked for in one statement
_TABLE = "enrolment_count"


class Cell(NamedTuple):
    """What is counted together: experiment, phase, variant and UTC day (since 1970) of the exposure."""

    experiment: str
    phase: int
    variant: str
    day: int


class DeniedUnit(NamedTuple):
    """A unit that was exposed and did not pass; `known` says whether the ledger knows whose it is."""

    cell: Cell
    reason: str
    known: bool


class DeniedUnits(dict[bytes, DeniedUnit]):
    """Denied units of one intake by the key they are counted by."""

    def add(self, key: bytes, unit: DeniedUnit) -> None:
        """Note a unit once: the first time it was somebody known, else the first time."""
        if key not in self or (unit.known and not self[key].known):
            self[key] = unit


def cell_of(event: RawEvent, person: Person, event_secret: bytes) -> tuple[bytes, Cell]:
    """Of an exposure that did not pass, the key it is counted by and its cell."""
    experiment, variant = event.experiment or "", event.variant or ""
    cell = Cell(experiment, phase_of(event), variant, event.event_us // DAY_US)
    unit = _unit(person.subject, hashed_unit(event_secret, event), person.pseudonym)
    return enrolment_key(event_secret, cell.experiment, cell.phase, unit), cell


def cells_of(rows: pa.RecordBatch, event_secret: bytes) -> Iterator[tuple[int, bytes, Cell]]:
    """Of archive rows (`CELL_COLUMNS`), the exposures: place among the rows, key and cell of each."""
    exposed = pc.equal(rows.column("type"), str(EventType.EXPOSURE))
    found = rows.filter(exposed)
    columns = [found.column(name).to_pylist() for name in CELL_COLUMNS if name != "type"]
    for place, values in zip(pc.indices_nonzero(exposed).to_pylist(), zip(*columns, strict=True), strict=True):
        experiment, phase, variant, event_us, subject, unit = values
        key = enrolment_key(event_secret, experiment, phase, _unit(subject, unit))
        yield place, key, Cell(experiment, phase, variant, event_us // DAY_US)


def known_ids(reader: Reader, ids: Iterable[bytes]) -> set[bytes]:
    """Which of these ids are in `dedupe` already.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    return _among(reader, "dedupe", list(ids))


def waiting_ids(reader: Reader, ids: Iterable[bytes]) -> set[bytes]:
    """Which of these events were acknowledged and wait in the inbox.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    if reader.sql.execute("SELECT 1 FROM inbox LIMIT 1").fetchone() is None:
        return set()
    return _among(reader, "inbox", list(ids))


def _among(reader: Reader, table: str, wanted: Sequence[bytes]) -> set[bytes]:
    known: set[bytes] = set()
    for start in range(0, len(wanted), _IDS):
        chunk = wanted[start : start + _IDS]
        marks = ", ".join("?" * len(chunk))
        known.update(row[0] for row in reader.sealed.select(table, f"event_id IN ({marks})", chunk))  # type: ignore[misc]  # the column's type
    return known


def counted(admitted: Mapping[bytes, Cell], denied: Mapping[bytes, DeniedUnit]) -> Counter[tuple[Cell, str]]:
    """What to add for units not counted before, each once, `UNKNOWN_FILES` included."""
    counts: Counter[tuple[Cell, str]] = Counter()
    counts.update((cell, ADMITTED) for cell in admitted.values())
    counts.update((unit.cell, unit.reason) for unit in denied.values())
    of_nobody_known = {(unit.cell.experiment, unit.cell.phase) for unit in denied.values() if not unit.known}
    counts.update((Cell(experiment, phase, "", 0), UNKNOWN_FILES) for experiment, phase in of_nobody_known)
    return counts


def add_counts(transaction: Transaction, counts: Mapping[tuple[Cell, str], int]) -> None:
    """Add to the counts; none is ever decreased."""
    where = "experiment = ? AND phase = ? AND variant = ? AND day = ? AND reason = ?"
    for (cell, reason), n in sorted(counts.items()):
        key = (*cell, reason)
        found: list[tuple[Any, ...]] = list(transaction.sealed.select(_TABLE, where, key))
        if found:
            transaction.sealed.update(_TABLE, where, key, {"n": found[0][-1] + n})
        else:
            transaction.sealed.insert(_TABLE, [(*key, n)])


def _unit(subject: int | None, unit: str | None, pseudonym: bytes = b"") -> str:
    """Who is counted once: the unit by its keyed hash, else the subject, else somebody unknown by the pseudonym."""
    if unit is not None:
        return f"unit:{unit}"
    return f"pseudonym:{pseudonym.hex()}" if subject is None else f"subject:{subject}"
