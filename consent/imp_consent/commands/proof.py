"""`imp consent proof`: what shows an auditor that one person consented, to be checked offline; and 27560 receipts.

entry-17.tlog-proof    each entry: in the log that was signed, and committed to what it says
notice-0d0d….json      each notice that people were shown, exactly: its SHA-256 is in the entry and in the name
receipt.jsonld         the same entries as records by ISO/IEC TS 27560
log.vkey               the log's public key, to compare with the one from elsewhere
"""

from __future__ import annotations

import secrets as os_secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from imp_consent.audit.export import fresh_folder
from imp_consent.audit.exported import RETIRED, VKEYS
from imp_consent.audit.exported.bundle import NOTICE_FILE, RECEIPT_FILE
from imp_consent.audit.listed_keys import listed_keys
from imp_consent.commands.arguments import read_identifier
from imp_consent.commands.person_proofs import disclosed, proof_of
from imp_consent.commands.verified import check_asks, verified_options
from imp_consent.identity.keys import keys_folder
from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.envelope import uuid7
from imp_consent.policy.misnamed import unknown_purpose
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.scope import concerns, corrected
from imp_consent.records.document import format_document
from imp_consent.records.facts import Facts, read_facts
from imp_consent.records.graph import receipt_nodes
from imp_consent.records.row import RecordRow
from imp_consent.records.select import Naming, rows_of, standing
from imp_consent.records.terms import Terms, read_terms
from imp_consent.rights.verification import Verification
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId
from imp_core.output import check_output
from imp_core.workspace import write_atomically

__all__ = ["Proof", "iso_receipt", "proof_command", "prove_consent"]

_CONSENT: Final = "grant"
_KEY_BYTES: Final = 32
_KEPT: Final = "a proof that was made before still holds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A bundle: its files' names, the entries it proves, and the ledger's size that the checkpoint in it signs.

    `access_request` is the entry that says somebody asked, not whose. `receipt` is the JSON-LD text. `folder` is where
    it was written (None: nowhere). `named` is whether it bears the identifier; else a pseudonym of this bundle alone.
    `consents` are those of the entries in which the person consented, not bundled: with none it proves no consent.
    """

    access_request: int
    entries: tuple[int, ...]
    size: int
    named: bool
    files: tuple[str, ...]
    folder: str | None
    receipt: str
    consents: tuple[int, ...] = ()


def prove_consent(
    ctx: Context, raw_id: RawId, *, out: Path | None, purpose: str | None = None, named: bool = False
) -> Proof:
    """Prove what a person said, about one purpose or all, with the notices they were shown, word for word.

    What goes along is what it takes to prove it: statements, notices and what the standard asks of a record. Evidence,
    actors and devices stay (GDPR 5(1)(c)); so does the identifier, unless `named`.

    Raises:
        BadInput: the identifier is malformed, the purpose unknown, nothing is known, their erasure was asked for,
            `out` is not new or empty, or imp.toml does not say what a record by ISO/IEC TS 27560 must. No file is left.
        LedgerBroken: an entry is not in the person's chain, or does not commit to what its payload says.
    """
    facts = read_facts(ctx.workspace.config, ctx.workspace.controller)
    if out is not None:
        check_output(ctx, out, private=(keys_folder(ctx.environ, ctx.workspace.log_id),), folder=True)
    log = open_log(ctx)
    with log.write() as transaction:
        if purpose is not None and purpose not in (purposes := read_purposes(transaction)):
            raise unknown_purpose(purpose, purposes, where="--purpose")
        subject = transaction.find_subject(raw_id)
        asked = transaction.append_system("access-request", {"scope": "proof"})
        pairs = [] if subject is None else disclosed(transaction, subject)
        terms = read_terms(transaction)
    chosen = [(entry, extra) for entry, extra in pairs if _about(entry, purpose)]
    entries = [entry for entry, _ in chosen]
    wrong = corrected([entry for entry, _ in pairs])
    receipt = _receipt(ctx, entries, _rows(entries, raw_id, subject or 0, named=named), facts, terms)
    info = log.checkpoint()
    with log.read() as reader:
        files = {
            f"entry-{entry.seq}.tlog-proof": proof_of(reader, entry.seq, extra, info.size, info.note)
            for entry, extra in chosen
        }
        files[VKEYS], retired = listed_keys(reader, info.size)
    files |= ({RETIRED: retired} if retired else {}) | _notices(entries, terms) | {RECEIPT_FILE: receipt}
    if out is not None:
        with fresh_folder(out) as aside:
            for name, text in files.items():
                write_atomically(aside / name, text.encode(), mode=0o600)
    return Proof(
        access_request=asked,
        entries=tuple(entry.seq for entry in entries),
        size=info.size,
        named=named,
        files=tuple(sorted(files)),
        folder=None if out is None else str(out),
        receipt=receipt,
        consents=tuple(entry.seq for entry in entries if _counts(entry.statement) and entry.seq not in wrong),
    )


def _counts(said: Statement) -> bool:
    """Whether it is a yes that opens something: one that was bundled, where the law asks for a choice, does not."""
    return said.type == _CONSENT and not said.bundled


def _receipt(ctx: Context, entries: list[PersonEntry], rows: list[RecordRow], facts: Facts, terms: Terms) -> str:
    """The document; a record is called by the id of its first event."""
    ids = {row.position: str(entry.payload.get("event_id")) for row, entry in zip(rows, standing(entries), strict=True)}
    now_us = ctx.clock.now_us()
    receipt_id = uuid7(now_us, ctx.randomness.token(10))
    nodes = receipt_nodes(receipt_id, rows, facts, terms, lambda found: ids[found[0].position], created_us=now_us)
    return "".join(format_document(nodes))


def _about(entry: PersonEntry, purpose: str | None) -> bool:
    """Whether an entry says something of the purpose; a correction may, and shows what it takes back."""
    said = entry.statement
    return purpose is None or said.type == "correction" or concerns(said, purpose) or said.purpose == purpose


def _rows(entries: list[PersonEntry], raw_id: RawId, subject: int, *, named: bool) -> list[RecordRow]:
    naming = Naming(os_secrets.token_bytes(_KEY_BYTES))
    identifier = f"{raw_id.kind}:{raw_id.value}" if named else None
    rows = rows_of(entries, naming, subject=subject, identifier=identifier)
    if rows is None:
        raise BadInput(
            "their erasure was asked for: no record of them is made any more", where="identifier", mend=_KEPT
        )
    if not rows:
        what = "the ledger holds nothing that could be proved of this person"
        raise BadInput(what, where="identifier", mend="look at how it is written, and for another --purpose")
    return rows


def _notices(entries: list[PersonEntry], terms: Terms) -> dict[str, str]:
    shown = {entry.statement.notice for entry in entries} - {None}
    return {NOTICE_FILE.format(sha256): terms.texts[str(sha256)] for sha256 in shown}


def iso_receipt(ctx: Context, raw_id: RawId, *, out: Path | None, as_json: bool) -> None:
    """Print a person's own receipt by ISO/IEC TS 27560, or write it with its proofs."""
    made = prove_consent(ctx, raw_id, out=out, named=True)
    emit(made, lambda: made.receipt.rstrip("\n") if made.folder is None else _text(made), as_json=as_json)


@click.command("proof")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The folder, which is new or empty."
)
@click.option("--purpose", help="Only what was said about this purpose (default: about any).")
@verified_options
@json_option
@pass_context
def proof_command(
    ctx: Context, identifier: str, *, out: Path, purpose: str | None, shown: Verification, as_json: bool
) -> None:
    """Write what shows an auditor that a person consented, or did not, to DIR; it names nobody.

    It is checked offline with `imp audit verify DIR --vkey KEYFILE`: every entry is in the log that was signed and
    commits to what it says, the notices are those that were shown, word for word, and the record by ISO/IEC TS 27560
    says neither more nor less. It still holds after the person withdrew or was erased. That nothing is left out of it
    only the whole log shows (imp audit export). The ledger notes that it was asked for, not whose. Nothing is disclosed
    before you know who asks: without --verified it is refused.

    Example: imp consent proof member:123 --out proof-17 --verified reasonable --how "answered a code"
    """
    raw_id = read_identifier(identifier)
    check_asks(ctx, shown)
    made = prove_consent(ctx, raw_id, out=out, purpose=purpose)
    emit(made, lambda: _text(made), as_json=as_json)


def _text(made: Proof) -> str:
    listed = ", ".join(str(seq) for seq in made.entries)
    none = "" if made.consents else "no consent in it: none of these entries is a yes that counts\n"
    return (
        f"{'entry' if len(made.entries) == 1 else 'entries'} {listed} in {made.folder}\n{none}"
        f"checked with: imp audit verify {made.folder} --vkey KEYFILE, where KEYFILE holds the log's public key from "
        f"elsewhere; {VKEYS} there says which it should be"
    )
