"""Entries of the log by number, type and time: what everybody may read of them. A person's tells only its day."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from imp_consent.ledger.entry import parse_system_leaf
from imp_consent.ledger.layout import SYSTEM_LEAF
from imp_consent.ledger.reader import Reader
from imp_core.clock import DAY_US
from imp_core.errors import LedgerBroken
from imp_core.ports import SystemEntry

__all__ = ["PERSON", "read_entries"]

PERSON = "person"
_ALL = ((0, 2**62),)


def read_entries(
    reader: Reader,
    ranges: Sequence[tuple[int, int]] = (),
    *,
    type_: str | None = None,
    from_us: int | None = None,
    to_us: int | None = None,
) -> Iterator[SystemEntry]:
    """Entries in ranges of numbers (first and last), in order; without ranges, system entries alone.

    A person's entry is of type "person", its time the beginning of the day (UTC) on which it was recorded, without
    actor and fields.

    Raises:
        LedgerBroken: a leaf of no known form.
    """
    only = "" if ranges else f" AND {SYSTEM_LEAF}"
    for first, last in ranges or _ALL:
        query = f"SELECT seq, leaf FROM entry WHERE seq BETWEEN ? AND ?{only} ORDER BY seq"  # noqa: S608 (our own words)
        for seq, leaf in reader.sql.execute(query, (first, last)):
            entry = parse_system_leaf(leaf, seq=seq) or _person(seq, leaf)
            wanted = type_ is None or entry.type == type_
            if wanted and (from_us is None or entry.at_us >= from_us) and (to_us is None or entry.at_us < to_us):
                yield entry


def _person(seq: int, leaf: bytes) -> SystemEntry:
    day = json.loads(leaf).get("day")
    if not isinstance(day, int):
        raise LedgerBroken("a leaf without its fields", where=f"entry {seq}")
    return SystemEntry(seq=seq, type=PERSON, at_us=day * DAY_US, actor="", fields={})
