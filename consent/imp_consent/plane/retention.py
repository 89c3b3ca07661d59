"""Retention: what the schedule of `imp.toml` no longer lets be kept is removed (GDPR 5(1)(e); PIPL 19, 47).

Rows of the archive go by rewriting their files, one after the other, each with its `retention` entry in one
transaction, so that a crash goes on with the next. Evidence goes by erasing the person, through the very steps of
`imp_consent.plane.remove`: the keyed token stays that keeps their no. What was asked goes by destroying its payload:
the leaf stays, and the `retention` entry names it. What is not in the schedule is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.plane import archive
from imp_consent.plane.at_rest import AtRest, find_at_rest
from imp_consent.plane.schedule import Schedule
from imp_consent.policy.requested import requester
from imp_core.clock import DAY_US
from imp_core.errors import ImpError
from imp_core.ports import Json
from imp_core.workspace import Workspace

__all__ = ["Due", "due", "remove_requests", "remove_rows"]

_COLUMNS: Final = ("type", "event_us")
_PAYLOADS: Final = 200  # named by one entry, which holds 4 KiB
_EXTENDED: Final = "extended"  # the answer that is none yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is past its time: rows of the archive by type, people whose evidence is, requests whose words are.

    `requests` are the seqs of persons' entries, which are for nobody's eyes.
    """

    rows: Mapping[str, int]
    files: int
    at_rest: AtRest
    requests: tuple[int, ...] = field(repr=False)


def due(log: Log, workspace: Workspace, schedule: Schedule, *, count: Callable[[int], None] = lambda _: None) -> Due:
    """What is past its time now; changes nothing. `count` hears of rows.

    Raises:
        LedgerBroken: a registered file is missing or changed, or a row was changed by other hands.
    """
    now_us = log.clock.now_us()
    rows: dict[str, int] = {}
    touched = 0
    with log.read() as reader:
        files = archive.live_files(reader) if schedule.archive else []
        at_rest = find_at_rest(reader, now_us, schedule.evidence) if schedule.evidence else AtRest()
        requests = tuple(_answered(reader, now_us, schedule.requests)) if schedule.requests else ()
    for file in files:
        found = _old_rows(workspace, file, schedule, now_us, count)
        touched += bool(found)
        for type_, n in found.items():
            rows[type_] = rows.get(type_, 0) + n
    return Due(
        rows=dict(sorted(rows.items())),
        files=touched,
        at_rest=at_rest,
        requests=requests,
    )


def remove_rows(log: Log, workspace: Workspace, schedule: Schedule) -> dict[str, int]:
    """Remove the archive's rows that are past their time; returns how many of each type. Run again, it goes on.

    Raises:
        LedgerBroken: a registered file is missing or changed.
        ImpError: the archive cannot be written.
    """
    removed: dict[str, int] = {}
    if not schedule.archive:
        return removed
    now_us = log.clock.now_us()
    with log.read() as reader:
        paths = [file.path for file in archive.live_files(reader)]
    for path in paths:
        for type_, n in _remove_from(log, workspace, path, schedule, now_us).items():
            removed[type_] = removed.get(type_, 0) + n
    archive.remove_orphans(workspace, log, thorough=True)
    return dict(sorted(removed.items()))


def remove_requests(log: Log, schedule: Schedule, seqs: Sequence[int]) -> int:
    """Destroy the payloads of these persons' entries of requests; returns how many there were.

    Raises:
        LedgerBroken: the ledger cannot be written.
    """
    removed = 0
    for start in range(0, len(seqs), _PAYLOADS):
        chunk = list(seqs[start : start + _PAYLOADS])
        with log.write() as transaction:
            marks = ", ".join("?" * len(chunk))
            held = [
                seq for (seq,) in transaction.sql.execute(f"SELECT seq FROM payload WHERE seq IN ({marks})", chunk)  # noqa: S608 (only marks)
            ]  # fmt: skip
            if not held:
                continue
            transaction.sql.execute(f"DELETE FROM payload WHERE seq IN ({', '.join('?' * len(held))})", held)  # noqa: S608 (only marks)
            days: Json = schedule.requests
            transaction.append_system("retention", {"what": "requests", "days": days, "payloads": sorted(held)})
            removed += len(held)
    return removed


def _remove_from(log: Log, workspace: Workspace, path: str, schedule: Schedule, now_us: int) -> dict[str, int]:
    """One file's rows; none where somebody else has put another in its place: then the next time does it."""
    with log.read() as reader:
        file = next((file for file in archive.live_files(reader) if file.path == path), None)
    if file is None:
        return {}
    found = _old_rows(workspace, file, schedule, now_us)
    if not found:
        return {}
    rewritten = archive.rewrite_where(workspace, file, _COLUMNS, lambda rows: _is_old(rows, schedule, now_us))
    assert rewritten is not None  # noqa: S101 (it holds old rows, as was just counted)
    try:
        with log.write() as transaction:
            archive.replace_files(transaction, [file], rewritten)
            archive.cancel_leases(transaction, [file])
            rows = [row for row in archive.live_batches(transaction) if row.path == rewritten.path]
            listing = archive.format_listing(rows)
            said: dict[str, Json] = {
                "what": "archive",
                "days": dict(sorted(schedule.archive.items())),
                "rows": dict(sorted(found.items())),
                "files": archive.sha256_of(listing),
            }
            transaction.append_system("retention", said, documents=[listing])
    except ImpError:
        archive.discard(workspace, log, rewritten)
        raise
    rewritten.release()
    return found


def _old_rows(
    workspace: Workspace,
    file: archive.LiveFile,
    schedule: Schedule,
    now_us: int,
    count: Callable[[int], None] = lambda _: None,
) -> dict[str, int]:
    found: dict[str, int] = {}
    for rows in archive.read_checked(workspace, file, _COLUMNS):
        count(rows.num_rows)
        for item in pc.value_counts(rows.filter(_is_old(rows, schedule, now_us)).column("type")).to_pylist():
            found[item["values"]] = found.get(item["values"], 0) + item["counts"]
    return found


def _is_old(rows: pa.RecordBatch, schedule: Schedule, now_us: int) -> pa.BooleanArray:
    old = pa.array([False] * rows.num_rows, pa.bool_())
    for type_, days in schedule.archive.items():
        before = pc.less(rows.column("event_us"), now_us - days * DAY_US)
        old = pc.or_(old, pc.and_(pc.equal(rows.column("type"), type_), before))
    return pc.fill_null(old, fill_value=False)


def _answered(reader: Reader, now_us: int, days: int) -> Iterator[int]:
    """The persons' entries of requests answered so long ago: each stands right before its open `request` entry."""
    old = {
        str(entry.fields.get("request"))
        for entry in reader.system_entries("answer")
        if entry.at_us < now_us - days * DAY_US and entry.fields.get("outcome") != _EXTENDED
    }
    for entry in reader.system_entries("request"):
        id_ = str(entry.fields.get("id"))
        if id_ in old and requester(reader, entry.seq, id_) is not None:
            yield entry.seq - 1
