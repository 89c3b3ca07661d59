"""Both halves of a compaction, one after the other; each step commits by itself and can be run again after a crash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from imp_consent.plane import archive
from imp_consent.plane.compact.collect import Collected, collect_inbox
from imp_consent.plane.compact.merge import Left, Merged, merge_small
from imp_consent.plane.inbox import channels_waiting
from imp_consent.plane.intake.ingest import Intake, ledger_errors
from imp_core.errors import BadInput

__all__ = ["BELOW", "Compacted", "compact"]

BELOW: Final = 50_000  # rows: a file with fewer is small


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """What a compaction did, or would do: batches made of the inbox, files put together, small files left alone.

    `files_before` and `files` count the archive's files; in a dry run `files` are those there would be.
    """

    dry_run: bool
    collected: tuple[Collected, ...]
    merged: tuple[Merged, ...]
    left: Left
    files_before: int
    files: int


def compact(
    intake: Intake, *, below: int = BELOW, dry_run: bool = False, advance: Callable[[int], None] = lambda _: None
) -> Compacted:
    """Make batches of what waits in the inbox, then one file of several with fewer than `below` rows each.

    `advance` is called with the number of rows written. A dry run counts, and changes nothing.

    Raises:
        BadInput: `below` is less than 1.
        LedgerBroken: the ledger or the archive was changed by other hands, or cannot be written.
    """
    if below < 1:
        raise BadInput(
            "rows below which a file is small: 1 at least", where="--below", mend="name a whole number from 1"
        )
    with ledger_errors():
        if not dry_run:
            archive.remove_orphans(intake.workspace, intake.log)
        with intake.log.read() as reader:
            before = len(archive.live_files(reader))
            waiting = channels_waiting(reader)
        collected = tuple(
            done
            for channel, n in waiting.items()
            for done in collect_inbox(intake, channel, n, dry_run=dry_run, advance=advance)
            if dry_run or done.seq is not None
        )
        merged, left = merge_small(intake, below=below, dry_run=dry_run, advance=advance)
        made = sum(1 for done in collected if done.rows) if dry_run else 0
        with intake.log.read() as reader:
            files = len(archive.live_files(reader)) + made
    if dry_run:
        files -= sum(one.files - 1 for one in merged)
    return Compacted(dry_run=dry_run, collected=collected, merged=merged, left=left, files_before=before, files=files)
