"""A person's entries with what it takes to prove each: its leaf, its blind and the way to a signed checkpoint."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from imp_consent.commands.prove import leaf_of
from imp_consent.ledger.encoding import decode
from imp_consent.ledger.entry import PersonEntry, commitment
from imp_consent.ledger.proof import InclusionProof, format_proof
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.receipt import Receipt, format_receipt
from imp_core.errors import LedgerBroken

__all__ = ["disclosed", "proof_of"]


def disclosed(reader: Reader, subject: int) -> Sequence[tuple[PersonEntry, bytes]]:
    """A subject's entries and what their receipts carry, each checked against its leaf.

    Raises:
        LedgerBroken: an entry is not in the person's chain, or does not commit to what its payload says.
    """
    secrets, next_i = reader.subjects.secrets(subject)
    blinds = {secrets.link(i).hex(): secrets.blind(i) for i in range(next_i)}
    found: list[tuple[PersonEntry, bytes]] = []
    for entry in reader.history(subject):
        leaf = leaf_of(reader, entry.seq)
        document = decode(leaf)
        said = document if isinstance(document, dict) else {}
        blind = blinds.get(str(said.get("link")))
        if blind is None or not _commits(said.get("commit"), blind, entry):
            raise LedgerBroken(
                "an entry does not commit to what its payload says",
                where=f"entry {entry.seq}",
                mend="run: imp audit verify",
            )
        found.append((entry, format_receipt(Receipt(leaf=leaf, blind=blind, statement=entry.statement.plain()))))
    return found


def _commits(commit: object, blind: bytes, entry: PersonEntry) -> bool:
    return hmac.compare_digest(str(commit).encode(), commitment(blind, entry.statement).hex().encode())


def proof_of(reader: Reader, seq: int, extra: bytes, size: int, note: str) -> str:
    """The .tlog-proof of an entry, under a checkpoint of this size."""
    hashes = tuple(reader.prove_inclusion(seq, size))
    return format_proof(InclusionProof(index=seq, hashes=hashes, checkpoint=note, extra=extra))
