"""`imp compact`: make batches of what was acknowledged into the inbox, and one file of several small ones."""

from __future__ import annotations

import click

from imp_consent.plane.compact import BELOW, Compacted, collecting, compact
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, lines, pass_context, progress
from imp_core.context import Context
from imp_core.counting import some

__all__ = ["compact_command", "compact_workspace"]


def compact_workspace(ctx: Context, *, below: int = BELOW, dry_run: bool = False) -> Compacted:
    """Compact the workspace's inbox, then its files of fewer than `below` rows.

    Raises:
        WorkspaceMissing: there is no workspace.
        BadInput: `below` is less than 1.
        LedgerBroken: the ledger or the archive was changed by other hands, or cannot be written.
    """
    intake = collecting(open_log(ctx), ctx.workspace)
    with progress("rows") as shown:
        return compact(intake, below=below, dry_run=dry_run, advance=shown.advance)


@click.command("compact")
@click.option("--below", type=int, default=BELOW, show_default=True, help="Rows below which a file is small.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@json_option
@pass_context
def compact_command(ctx: Context, *, below: int, dry_run: bool, as_json: bool) -> None:
    """Put what waits in the inbox into the archive, past the gate once more, and small files together.

    Files that somebody reads wait for the next time, all of them while an erasure is under way. Run it as often as you
    like: whatever is killed when, no event comes in twice and none is lost.

    Example: imp compact --dry-run
    """
    result = compact_workspace(ctx, below=below, dry_run=dry_run)
    emit(result, lambda: _text(result), as_json=as_json)


def _text(result: Compacted) -> str:
    shown: dict[str, object] = {}
    for one in result.collected:
        counts = [some(one.rows, "event"), *(f"{n:,} denied, {reason}" for reason, n in one.denied.items())]
        if one.batch is not None:
            counts.append(f"batch {one.batch}")
        shown[f"from the inbox, {one.channel}"] = "; ".join(counts)
    for merged in result.merged:
        shown[f"{'batch' if len(merged.batches) == 1 else 'batches'} {_numbers(merged.batches)}"] = (
            f"{some(merged.files, 'file')} made one of {some(merged.rows, 'row')}"
        )
    if result.left.read:
        shown["left, being read"] = f"{some(result.left.read, 'small file')}: run it again later"
    if result.left.erasing:
        mend = "finish it with: imp consent erase --resume"
        shown["left, erasure under way"] = f"{some(result.left.erasing, 'small file')}: {mend}"
    shown["files"] = f"{result.files_before:,} → {result.files:,}"
    return lines(shown) + ("\ndry run: nothing was changed" if result.dry_run else "")


def _numbers(batches: tuple[int, ...]) -> str:
    """The numbers, runs of neighbours as first–last."""
    runs: list[list[int]] = []
    for batch in batches:
        if runs and batch == runs[-1][-1] + 1:
            runs[-1][1:] = [batch]
        else:
            runs.append([batch])
    return ", ".join("–".join(map(str, run)) for run in runs)
