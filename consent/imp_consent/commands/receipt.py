"""`imp consent receipt`: for each entry of one person a proof that person can keep, against whoever runs this log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from imp_consent.audit.export import fresh_folder
from imp_consent.audit.exported import RETIRED, VKEYS
from imp_consent.audit.listed_keys import listed_keys
from imp_consent.commands.arguments import read_identifier
from imp_consent.commands.nobody import NOTHING_HELD, exit_for_nobody
from imp_consent.commands.person_proofs import disclosed, proof_of
from imp_consent.commands.proof import iso_receipt
from imp_consent.commands.verified import check_asks, verified_options
from imp_consent.identity.keys import keys_folder
from imp_consent.rights.verification import Verification
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.output import check_output
from imp_core.workspace import write_atomically

__all__ = ["ReceiptFile", "Receipts", "receipt", "receipt_command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFile:
    """The proof of one entry: its number, what it states, the file's name and its text."""

    seq: int
    type: str
    purpose: str
    name: str
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """A person's receipts, oldest entry first, and the number of the entry that says somebody asked.

    `vkey` is the log's verifier key: whoever keeps the receipts keeps it too. `retired` are those before it, one a
    line with the largest size it signs. `folder` is where they were written (None: nowhere).
    """

    access_request: int
    size: int
    vkey: str
    retired: str
    folder: str | None
    receipts: tuple[ReceiptFile, ...]


def receipt(ctx: Context, raw_id: RawId, *, out: Path | None = None) -> Receipts:
    """Prove every entry of a person, and disclose to its holder what each commits to.

    It first appends that access was asked for, not whose, and signs a checkpoint. A receipt still verifies after the
    person was erased, since nothing of it is looked up anywhere.

    Raises:
        BadInput: the identifier is malformed (nothing is appended then), or `out` is not new or empty, or ours.
        LedgerBroken: an entry is not in the person's chain, or does not commit to what its payload says.
    """
    if out is not None:
        check_output(ctx, out, private=(keys_folder(ctx.environ, ctx.workspace.log_id),), folder=True)
        with fresh_folder(out) as aside:
            made = _receipts(ctx, raw_id, folder=str(out))
            for file in made.receipts:
                write_atomically(aside / file.name, file.proof.encode(), mode=0o600)
            write_atomically(aside / VKEYS, made.vkey.encode(), mode=0o600)
            if made.retired:
                write_atomically(aside / RETIRED, made.retired.encode(), mode=0o600)
        return made
    return _receipts(ctx, raw_id, folder=None)


@click.command("receipt")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write them to this folder, which is new or empty."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["proof", "27560"]),
    default="proof",
    show_default=True,
    help="27560: a receipt by ISO/IEC TS 27560 (JSON-LD); with --out the proofs and the notices lie beside it.",
)
@verified_options
@json_option
@pass_context
def receipt_command(
    ctx: Context, identifier: str, *, out: Path | None, format_: str, shown: Verification, as_json: bool
) -> None:
    """Give a person proofs of what the ledger holds of them: one .tlog-proof for each entry.

    Each is checked with `imp audit verify FILE --vkey KEYFILE`, the log's public key from elsewhere than the receipt
    (beside it lies log.vkey, which came with it and proves nothing), also after the person was erased. It holds against
    a ledger that later leaves the entry out. It says what was stated and when: give it to nobody else. The ledger
    notes that access was asked for, without saying whose. Nothing is disclosed before you know who asks: without
    --verified it is refused. Exit code 1 where nobody is known by the identifier.

    Example: imp consent receipt member:123 --out receipts-123 --verified reasonable --how "answered a code"
    """
    raw_id = read_identifier(identifier)
    check_asks(ctx, shown)
    if format_ == "27560":
        iso_receipt(ctx, raw_id, out=out, as_json=as_json)
        return
    made = receipt(ctx, raw_id, out=out)
    emit(made, lambda: _text(made), as_json=as_json)
    if not made.receipts:
        exit_for_nobody()


def _receipts(ctx: Context, raw_id: RawId, *, folder: str | None) -> Receipts:
    log = open_log(ctx)
    with log.write() as transaction:
        subject = transaction.find_subject(raw_id)
        asked = transaction.append_system("access-request", {"scope": "receipt"})
        found = [] if subject is None else disclosed(transaction, subject)
    info = log.checkpoint()
    with log.read() as reader:
        receipts = tuple(
            ReceiptFile(
                seq=entry.seq,
                type=entry.statement.type,
                purpose=entry.statement.purpose,
                name=f"entry-{entry.seq}.tlog-proof",
                proof=proof_of(reader, entry.seq, extra, info.size, info.note),
            )
            for entry, extra in found
        )
        vkey, retired = listed_keys(reader, info.size)
    return Receipts(access_request=asked, size=info.size, vkey=vkey, retired=retired, folder=folder, receipts=receipts)


def _text(made: Receipts) -> str:
    if not made.receipts:
        return NOTHING_HELD
    if made.folder is None:
        return "\n".join(file.proof for file in made.receipts).rstrip("\n")
    listed = [f"{file.name}  {file.type} {file.purpose}" for file in made.receipts]
    advice = (
        f"in {made.folder}; each is checked with: imp audit verify FILE --vkey KEYFILE, where KEYFILE holds the log's "
        f"public key from elsewhere (a contract, another person's receipt); {VKEYS} here says which it should be"
    )
    return "\n".join([*listed, advice])
