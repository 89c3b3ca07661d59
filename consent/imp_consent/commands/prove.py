"""`imp audit prove`: that an entry is in the log, or that the log only grew, as a file its holder checks alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import click

from imp_consent.identity.keys import keys_folder
from imp_consent.ledger.checkpoint import Checkpoint
from imp_consent.ledger.log import Log
from imp_consent.ledger.proof import ConsistencyProof, InclusionProof, format_consistency, format_proof
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.receipt import Receipt, format_receipt
from imp_consent.runtime import open_log
from imp_core.command import emit, force_option, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import BadInput, LedgerBroken
from imp_core.output import check_output, write_output

__all__ = ["Proven", "leaf_of", "prove_command", "prove_consistency", "prove_inclusion"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A proof: `kind` is inclusion (of entry `index`) or consistency (with the first `old` entries).

    `size` and `root` (hex) are those of the signed checkpoint in it, `proof` is the file's text, and `file` where it
    was written (None: nowhere).
    """

    kind: str
    size: int
    root: str
    proof: str
    index: int | None = None
    old: int | None = None
    file: str | None = None


def prove_inclusion(
    ctx: Context, seq: int, *, size: int | None = None, out: Path | None = None, force: bool = False
) -> Proven:
    """Prove that an entry is in the log as it was signed at `size` entries, by default as it is now (signed then).

    Raises:
        BadInput: there is no such entry, the log was not signed at this size, or `out` is not a file to write.
        LedgerBroken: what the database holds does not lead to its own root.
        ImpError: `out` cannot be written.
    """
    target = _target(ctx, out, force=force)
    log = open_log(ctx)
    _check_entry(log, seq)
    if size is not None and seq >= size:
        fact = f"entry {seq} is not among the first {size}, which are numbered from 0"
        raise BadInput(fact, where="size", mend=f"name a size from {seq + 1}, or none to sign now")
    size = log.checkpoint().size if size is None else size
    with log.read() as reader:
        at, note = _signed(reader, size)
        extra = format_receipt(Receipt(leaf=leaf_of(reader, seq)))
        hashes = tuple(reader.prove_inclusion(seq, at.size))
    text = format_proof(InclusionProof(index=seq, hashes=hashes, checkpoint=note, extra=extra))
    return _written(Proven(kind="inclusion", index=seq, size=at.size, root=at.root.hex(), proof=text), target)


def prove_consistency(
    ctx: Context, old: int, new: int | None = None, *, out: Path | None = None, force: bool = False
) -> Proven:
    """Prove that the log as signed at `new` entries (now, where None) begins with its first `old` ones.

    Raises:
        BadInput: `old` is not from 0 to `new`, the log was not signed at `new`, or `out` is not a file to write.
        LedgerBroken: what the database holds does not lead to its own root.
        ImpError: `out` cannot be written.
    """
    target = _target(ctx, out, force=force)
    log = open_log(ctx)
    new = log.checkpoint().size if new is None else new
    if not 0 <= old <= new:
        raise BadInput(
            f"a log of {some(new, 'entry', 'entries')} does not begin with {old}",
            where="OLD",
            mend=f"name OLD up to {new}",
        )
    with log.read() as reader:
        at, note = _signed(reader, new)
        hashes = tuple(reader.prove_consistency(old, at.size))
    text = format_consistency(ConsistencyProof(old=old, hashes=hashes, checkpoint=note))
    return _written(Proven(kind="consistency", old=old, size=at.size, root=at.root.hex(), proof=text), target)


def leaf_of(reader: Reader, seq: int) -> bytes:
    """The bytes of an entry's leaf.

    Raises:
        BadInput: there is no such entry.
    """
    found = reader.sql.execute("SELECT leaf FROM entry WHERE seq = ?", (seq,)).fetchone()
    if found is None:
        raise BadInput(
            f"there is no entry {seq}, the log has {reader.size}",
            where="SEQ",
            mend=f"they are numbered 0 to {reader.size - 1}",
        )
    return bytes(found[0])


@click.command("prove")
@click.argument("numbers", metavar="SEQ | OLD [NEW]", type=click.IntRange(min=0), nargs=-1, required=True)
@click.option("--consistency", is_flag=True, help="Prove that the log at NEW entries begins with its first OLD ones.")
@click.option("--size", type=click.IntRange(min=0), help="Prove it to the checkpoint of this size [default: sign now].")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the proof to this file.")
@force_option
@json_option
@pass_context
def prove_command(
    ctx: Context,
    numbers: tuple[int, ...],
    *,
    consistency: bool,
    size: int | None,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Print a proof (C2SP tlog-proof) that entry SEQ is in the log; needs no trust in who printed it.

    Its holder checks it with: imp audit verify FILE --vkey KEYFILE. With --consistency: that the log only grew since
    it had OLD entries, in the form witnesses take.

    Example: imp audit prove 12 --out entry-12.tlog-proof
    """
    if consistency:
        if len(numbers) > 2 or size is not None:  # noqa: PLR2004 (OLD and NEW)
            raise BadInput(
                "--consistency takes OLD and, if it is not now, NEW",
                where="prove",
                mend="name sizes at which the log was signed: imp audit prove --consistency OLD [NEW]",
            )
        proven = prove_consistency(ctx, *numbers, out=out, force=force)
    else:
        if len(numbers) != 1:
            raise BadInput("one entry at a time", where="SEQ", mend="for two sizes: --consistency OLD NEW")
        proven = prove_inclusion(ctx, numbers[0], size=size, out=out, force=force)
    emit(proven, proven.proof.rstrip("\n") if out is None else f"written to {out}", as_json=as_json)


def _check_entry(log: Log, seq: int) -> None:
    size = log.size
    if not 0 <= seq < size:  # before anything is signed for it
        raise BadInput(f"there is no entry {seq}, the log has {size}", where="SEQ", mend="entries are numbered from 0")


def _signed(reader: Reader, size: int) -> tuple[Checkpoint, str]:
    """The checkpoint kept at a size, compared with the entries; whether it is signed its holder checks."""
    found = reader.sql.execute("SELECT note FROM checkpoint WHERE size = ?", (size,)).fetchone()
    if found is None:
        signed = reader.sql.execute("SELECT size FROM checkpoint ORDER BY abs(size - ?) LIMIT 1", (size,)).fetchone()
        near = f"the nearest size it was signed at: {signed[0]}" if signed else "sign now: imp audit checkpoint"
        raise BadInput(f"the log was not signed at {some(size, 'entry', 'entries')}", where="size", mend=near)
    note = str(found[0])
    checkpoint = Checkpoint.parse(note.rpartition("\n\n")[0] + "\n")
    if checkpoint.root != reader.root_at(size):
        raise LedgerBroken("a checkpoint is not of these entries", where=f"checkpoint {size}", mend="imp audit verify")
    return checkpoint, note


def _target(ctx: Context, out: Path | None, *, force: bool) -> Path | None:
    if out is None:
        return None
    return check_output(ctx, out, private=(keys_folder(ctx.environ, ctx.workspace.log_id),), force=force)


def _written(proven: Proven, out: Path | None) -> Proven:
    if out is None:
        return proven
    write_output(out, proven.proof.encode())
    return replace(proven, file=str(out))
