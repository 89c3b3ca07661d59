"""One person's own rows of the archive, for that person's access and portability (GDPR 15, 20).

The only reader of somebody's rows for themselves. It filters by the subject before anything is unpacked into Python, so
that no row of anybody else ever leaves it; rows without a subject are nobody's. What waits in the inbox is the person's
as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from imp_consent.ledger.log import Log
from imp_consent.plane import archive
from imp_consent.plane.inbox import own_waiting
from imp_core.errors import LedgerBroken
from imp_core.workspace import Workspace

__all__ = ["OwnRow", "own_rows"]

# Numbers of our own making, which say nothing about the person and would let copies be joined.
_INTERNAL: Final = ("subject",)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRow:
    """One event of the person: `fields` are the archive's columns that hold something, without the subject's number.

    `waiting`: it was taken in and lies in the inbox, not in the archive yet; it then has neither batch nor row.
    """

    fields: Mapping[str, Any] = field(repr=False)
    waiting: bool = False


def own_rows(log: Log, workspace: Workspace, subject: int) -> list[OwnRow]:
    """Everything the archive and the inbox hold of one person, by event time.

    Raises:
        LedgerBroken: a registered file is missing or changed, or a row was changed by other hands.
    """
    while True:
        with log.read() as reader:
            files = archive.live_files(reader)
            waiting = own_waiting(reader, subject).to_pylist()
        try:
            found = [OwnRow(fields=row) for file in files for row in _rows(workspace, file, subject)]
        except LedgerBroken:
            with log.read() as reader:
                if files == archive.live_files(reader):
                    raise
            continue  # an erasure or a compaction has put another file in the place of one: each time somebody got on
        break
    found += [OwnRow(fields=_said(row), waiting=True) for row in waiting]
    # a compaction may have come between the two: an event is one event
    once = {row.fields["event_id"]: row for row in reversed(found)}
    return sorted(once.values(), key=lambda row: (row.fields["event_us"], row.fields["event_id"]))


def _rows(workspace: Workspace, file: archive.LiveFile, subject: int) -> Iterator[Mapping[str, Any]]:
    for rows in archive.read_live(workspace, file):
        own = rows.filter(pc.equal(rows.column("subject"), pa.scalar(subject, pa.int64())))
        yield from (_said(row) for row in own.to_pylist())


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None and name not in _INTERNAL}
