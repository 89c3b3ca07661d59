"""A `.tlog-proof`, receipt or consistency proof checked by whoever holds it, with the log's public key alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from imp_consent.audit.exported.keys import Signed, open_signed, parse_vkeys, signed_note, stated_in
from imp_consent.audit.problem import Problem, Problems
from imp_consent.ledger.checkpoint import Checkpoint
from imp_consent.ledger.handover import TrustedKeys, given_keys
from imp_consent.ledger.merkle import check_consistency, check_inclusion, leaf_hash
from imp_consent.ledger.proof import InclusionProof, is_proof, parse_consistency, parse_proof
from imp_consent.ledger.receipt import Receipt, commits, parse_receipt
from imp_core.counting import some
from imp_core.errors import BadInput, LedgerBroken
from imp_core.ports import Json

__all__ = ["ProofVerification", "verify_proof"]

_INCLUSION: Final = "inclusion"
_CONSISTENCY: Final = "consistency"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofVerification:
    """What a proof says and whether it holds.

    `kind` is inclusion or consistency. `origin`, `size` and `root` (hex) are the checkpoint's (None: not signed by
    the given key), `signed_by` the ids of the keys that signed it. `index` is the entry's number, `leaf` its text and
    `statement` what a person's leaf commits to (None: not disclosed). `old` is the size of which consistency is shown.
    `key_from_export`: the trusted key lay beside the proof, and may have come with it.
    """

    ok: bool
    kind: str
    origin: str | None = None
    size: int | None = None
    root: str | None = None
    signed_by: tuple[str, ...] = ()
    index: int | None = None
    leaf: str | None = None
    statement: Mapping[str, Json] | None = None
    old: int | None = None
    problems: tuple[Problem, ...] = ()
    key_from_export: bool = False


def verify_proof(
    name: str, data: bytes, vkey: str | bytes, pinned: Sequence[tuple[str, bytes]] = ()
) -> ProofVerification:
    """Check a proof file; `name` is what problems call it.

    `vkey` are the verifier keys the holder trusts, one a line: a proof holds no hand-over, so that of one log's keys
    all but the one in use need their last size (see `parse_vkeys`). A consistency proof is held against the pinned
    checkpoint (name and bytes) of its older size, and must be given one.

    Raises:
        BadInput: `vkey` holds no verifier key or several of one log without limits, pinned checkpoints are missing or
            too many, or it is a checkpoint of another size than the proof is about.
    """
    keys = given_keys(parse_vkeys(vkey))
    problems = Problems()
    if is_proof(data):
        if pinned:
            raise BadInput(
                "a proof of inclusion is not held against pinned checkpoints",
                where=name,
                mend="leave --pinned out; whether the log only grew says imp audit prove --consistency",
            )
        return _inclusion(name, data, keys, problems)
    return _consistency(name, data, keys, pinned, problems)


def _inclusion(name: str, data: bytes, keys: TrustedKeys, problems: Problems) -> ProofVerification:
    try:
        proof = parse_proof(data)
    except LedgerBroken as error:
        problems.report("proof.malformed", name, error.what)
        return ProofVerification(ok=False, kind=_INCLUSION, problems=tuple(problems.found))
    signed = _open(name, proof.checkpoint, keys, problems)
    receipt = _receipt(name, proof, problems)
    if signed is not None and receipt is not None:
        at = signed.checkpoint
        problems.expect(
            check_inclusion(leaf_hash(receipt.leaf), proof.index, at.size, proof.hashes, at.root),
            "proof.inclusion",
            name,
            f"the entry is not number {proof.index} of the "
            f"{some(at.size, 'entry that was', 'entries that were')} signed",
        )
    found = ProofVerification(
        ok=not problems.found,
        kind=_INCLUSION,
        index=proof.index,
        leaf=receipt.leaf.decode() if receipt else None,
        statement=receipt.statement if receipt else None,
        problems=tuple(problems.found),
    )
    return _under(found, signed)


def _receipt(name: str, proof: InclusionProof, problems: Problems) -> Receipt | None:
    if proof.extra is None:
        problems.report("proof.leaf", name, "it does not say which entry it is of: no leaf is in it")
        return None
    try:
        receipt = parse_receipt(proof.extra)
        holds = receipt.statement is None or commits(receipt)
    except LedgerBroken as error:
        problems.report("proof.leaf", name, error.what)
        return None
    problems.expect(holds, "proof.commitment", name, "the entry does not commit to the statement beside it")
    return receipt


def _consistency(
    name: str,
    data: bytes,
    keys: TrustedKeys,
    pinned: Sequence[tuple[str, bytes]],
    problems: Problems,
) -> ProofVerification:
    try:
        proof = parse_consistency(data)
    except LedgerBroken as error:
        problems.report("proof.malformed", name, error.what)
        return ProofVerification(ok=False, kind=_CONSISTENCY, problems=tuple(problems.found))
    if len(pinned) != 1:
        raise BadInput(
            "a proof of consistency is held against one older checkpoint",
            where=name,
            mend="name the one you kept: --pinned FILE",
        )
    _expect_one_log(pinned[0], proof.checkpoint)
    signed = _open(name, proof.checkpoint, keys, problems)
    older = _open_pinned(*pinned[0], keys, problems)
    if signed is not None and older is not None:
        old, new = older.checkpoint, signed.checkpoint
        if old.size != proof.old:
            raise _of_another_size(pinned[0][0], old, proof.old)
        holds = check_consistency(old.size, new.size, old.root, new.root, proof.hashes)
        sentence = (
            f"the log of {some(new.size, 'entry', 'entries')} does not begin with the {old.size} of {pinned[0][0]}"
        )
        problems.expect(holds, "proof.consistency", name, sentence)
    found = ProofVerification(ok=not problems.found, kind=_CONSISTENCY, old=proof.old, problems=tuple(problems.found))
    return _under(found, signed)


def _expect_one_log(pinned: tuple[str, bytes], checkpoint: str) -> None:
    """Before any key is asked: one log's key says of another's checkpoint only that it did not sign it."""
    try:
        origins = {stated_in(signed_note(pinned[1])).origin, stated_in(checkpoint.encode()).origin}
    except LedgerBroken:
        return  # opening them names which is none
    if len(origins) > 1:
        raise BadInput(
            "the proof and this checkpoint are of two logs", where=pinned[0], mend="name one of the same log"
        )


def _of_another_size(name: str, kept: Checkpoint, size: int) -> BadInput:
    """A checkpoint that the proof says nothing about: neither that the log agrees with it nor that it does not."""
    return BadInput(
        f"the proof begins at {some(size, 'entry', 'entries')}, this checkpoint has {kept.size}: it says "
        "nothing about it",
        where=name,
        mend=f"name the checkpoint of the size {size}, or ask for: imp audit prove --consistency {kept.size}",
    )


def _open(name: str, note: str, keys: TrustedKeys, problems: Problems) -> Signed | None:
    try:
        return open_signed(note, keys)
    except LedgerBroken as error:
        problems.report("checkpoint.signature", name, error.what)
        return None


def _open_pinned(name: str, data: bytes, keys: TrustedKeys, problems: Problems) -> Signed | None:
    try:
        return open_signed(signed_note(data), keys)
    except LedgerBroken as error:
        problems.report("pinned.signature", name, error.what)
        return None


def _under(found: ProofVerification, signed: Signed | None) -> ProofVerification:
    if signed is None:
        return found
    at = signed.checkpoint
    return replace(found, origin=at.origin, size=at.size, root=at.root.hex(), signed_by=signed.signed_by)
