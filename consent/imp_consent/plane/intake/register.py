"""The one transaction of intake: gate again, append `collect`, register the file, remember ids, count units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.intake.enrol import (
    CELL_COLUMNS,
    UNKNOWN_FILES,
    Cell,
    DeniedUnit,
    add_counts,
    cells_of,
    counted,
    known_ids,
)
from imp_consent.plane.intake.regate import DUPLICATE, Dropped, RowSource
from imp_consent.plane.intake.screen import Tally
from imp_core.gate import NO_RECORD

__all__ = ["Contents", "drop", "read_contents", "remember"]

_IDS = 20_000  # inserted by one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Of a file about to be registered: its events' ids in order, and its exposed units by the key they count by."""

    ids: list[bytes] = field(repr=False)
    units: dict[bytes, Cell] = field(repr=False)


def read_contents(rows: RowSource, event_secret: bytes) -> Contents:
    """Read them from the file itself, so that what is remembered is what was written; a unit's first row counts."""
    ids: list[bytes] = []
    units: dict[bytes, Cell] = {}
    for batch in rows(("event_id", *CELL_COLUMNS)):
        ids.extend(map(bytes.fromhex, batch.column("event_id").to_pylist()))
        for _, key, cell in cells_of(batch, event_secret):
            units.setdefault(key, cell)
    ids.sort()
    return Contents(ids=ids, units=units)


def drop(tally: Tally, rows: Iterable[Dropped]) -> None:
    """Move rows from the admitted to the denied (or the duplicates)."""
    for row in rows:
        tally.admitted -= 1
        tally.purposes[row.purpose] -= 1
        if row.reason == DUPLICATE:
            tally.duplicates += 1
            continue
        tally.denied[row.reason] += 1
        if row.counted is not None:
            key, cell = row.counted
            # Of somebody who was admitted before, there is no record only after an erasure: nobody knows them now.
            tally.denied_units.add(key, DeniedUnit(cell, row.reason, known=row.reason != NO_RECORD))


def remember(
    transaction: Transaction, contents: Contents, denied: Mapping[bytes, DeniedUnit], *, batch: int
) -> Counter[str]:
    """Insert the ids, so that no event comes in twice, and count exposed units; returns how many by reason.

    A unit that was admitted at all counts as admitted. Of people nobody knows no id is kept.
    """
    before = known_ids(transaction, [*contents.units, *denied])
    admitted = {key: cell for key, cell in contents.units.items() if key not in before}
    refused = {key: unit for key, unit in denied.items() if key not in before and key not in contents.units}
    counts = counted(admitted, refused)
    add_counts(transaction, counts)
    # In order, so that neighbours share a page of the tree.
    ids = iter(sorted([*contents.ids, *admitted, *(key for key, unit in refused.items() if unit.known)]))
    while chunk := list(islice(ids, _IDS)):
        transaction.sealed.insert("dedupe", [(event_id, batch) for event_id in chunk])
    by_reason: Counter[str] = Counter()
    for (_, reason), n in counts.items():
        if reason != UNKNOWN_FILES:
            by_reason[reason] += n
    return by_reason
